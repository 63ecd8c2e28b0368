"""The one toolbox of statistics: numbers in, numbers out, no table of ours and no file.

Proper scores per row, ranks, penalised logistic regression, folds and resampling by account (rows of one account are
never independent), intervals, p values, survival, and which outcome came to which row (`outcomes`).
"""
