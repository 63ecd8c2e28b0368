"""Weight sets as they are printed: points, composites, rules, signals and activity scores, without any fitting.

Five publications stand behind the shipped sets; the letters are ours, the ids stand in each set's `document` field: A
`power_user` (a composite of five dimensions), B `power_user_rule` (a definition), C `power_user_signals` (signs of a
power user), D `engagement` (points for usage, adoption and expansion, less risk), E `activity` (weighted counts). In: a
frame of metrics. Out: points per part, a score from 0 to 100, a band. Only what a rank is taken against is fitted.
"""
