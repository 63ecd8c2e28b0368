"""One file per verb: joins sources, snapshots, scoring, validation, tracking and reports; holds no maths of its own.

`project` opens a project for all of them; `frames` is what a notebook calls. None imports another verb.
"""
