"""Declarations: YAML or JSON files -> frozen, typed specs, every problem of a file told at once with file and line.

In: project files, metrics, vocabularies, weight sets, ladders of bands, claims, lists, alerts, experiments;
`configs/README.md` shows the shape of each. Out: specs (`Spec` subclasses) that everything else takes as arguments.
Nothing here reads data. A `document` field names the publication that a number follows; `scoring/documented` says which
letter stands for which.
"""
