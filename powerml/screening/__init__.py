"""Which metrics deserve points: how far each sets an outcome apart from the rest, before anything is fitted.

In: metrics (rows x metrics) and outcomes (rows). Out: the metrics kept, with the reason for each; `CorrelationScreen`
is the transformer that every fold fits anew, `screen_report` the table that a person reads.
"""
