"""Fitted scorers: two nested heads make one probability of churn, stay and expand, and one score of it.

In: metrics and outcomes for `fit`, metrics for all else. Out: probabilities that sum to 1, a score that means the
expected value of the outcome (churn 0, stay 60, expand 100), and what moved it. A fitted card is also a file to read
and edit.
"""
