"""Logits -> logits that come true: monotone maps learned out of fold, links for scores without probabilities, base
rates.

In: logits (rows,), what came (rows,), the account of each row. Out: calibrated logits of the same rows, in the same
order; a map is kept only where it beats doing nothing by more than chance between accounts explains.
"""
