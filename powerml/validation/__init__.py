"""Is the score right: what was said of rows that were not learned from, against what came of them.

The protocol: a training row's outcome window ends before the first test cutoff; some accounts are never trained on;
intervals and p values are by account; the verdict is one of four words (`verdict`), and "cannot tell" is one of them.
In: scores or probabilities, labels, accounts and cutoffs, row by row. Out: results with tables and sentences; `reports`
draws them. `claims/` audits what a publication says of itself, `review/` learns from people who looked at the list.
"""
