"""Learning and judging: labelled rows in, scorers judged on rows they have not seen out, and which of them to propose.

`rows` (what is learned from, and how it is held out) -> `screening` (which metrics a fit may read) -> `candidates` (how
a scorer is made of training rows) -> `judging` and `figures` (what it is worth) -> `session` (the challenger) ->
`beside_the_verdict` (what a reader should know besides). No file, no store: `workflows` joins them to both.
"""
