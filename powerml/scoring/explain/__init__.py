"""Why a score is what it is: contributions that add up, group means as a tree, what changed, the way to the next band.

In: a scorer and rows of metrics. Out: numbers in points of the score: `baseline + contributions = score`, exactly.
"""
