"""Metrics -> scores from 0 to 100, with bands, probabilities where there are any, and reasons that add up to the score.

`documented/` scores by a declared weight set, `outcome/` by fitted heads (of `heads/`), `explain/` says why. `model.py`
is a scorer with everything it needs, as one piece of data; `stored.py` writes and reads it as JSON, never as a pickle.
In: a frame, one row per entity, columns named as metrics. Out: the scores table of `powerml.tables`.
"""
