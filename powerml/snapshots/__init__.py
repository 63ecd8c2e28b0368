"""Canonical tables -> what was known of every user or account at a cutoff (the snapshot), and what happened after it.

A cutoff is a local midnight of the project's time zone. Windows are half-open, `[as_of - days, as_of)`, between local
midnights; a *state* is the one just before the cutoff; a table with `known_at` counts what was written before the
cutoff. Nothing after the cutoff may change a row. Labels look at `[as_of, as_of + horizon)`: `ineligible` (nothing to
lose), `immature` (too early to say), `churn`, `expand` or `stay`, decided in this order; `labels` and `custom_labels`
say how. In: tables as Ibis expressions (see `powerml.tables`), metric declarations, cutoffs. Out: one data frame, a row
per cutoff and entity, a column per metric; null where a metric is not available. `engine/` runs the plans, `cache/`
keeps roll-ups.
"""
