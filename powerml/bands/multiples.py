"""Bands for a score without a document: by how many times the usual rate of an outcome is expected."""

from __future__ import annotations

from powerml.config.bands import BandsSpec

TIMES = (0.5, 1, 2, 4)
BETWEEN = ("below half the usual", "half to 1 x usual", "1 to 2 x usual", "2 to 4 x usual", "4 x usual and more")
AND_MORE = ("all", "half the usual and more", "1 x usual and more", "2 x usual and more", "4 x usual and more")


def rate_bands(rate: float, *, good: bool) -> BandsSpec:
    """The ladder of a score: 100 P(yes) of a good outcome, 100 (1 - P(yes)) of a bad one; `rate` is the usual rate.

    Where no chance can be as many times the rate as a band would say, the band below it is open at that end.

    >>> rate_bands(0.1, good=True).names
    ('4 x usual and more', '2 to 4 x usual', '1 to 2 x usual', 'half to 1 x usual', 'below half the usual')
    >>> rate_bands(0.1, good=True).edges
    (40.0, 20.0, 10.0, 5.0, 0.0)
    >>> rate_bands(0.4, good=False).edges, rate_bands(0.4, good=False).names[-1]
    ((80.0, 60.0, 20.0, 0.0), '2 x usual and more')
    """
    shares = [round(100 * times * rate, 6) for times in TIMES if 0 < times * rate < 1]
    names = [*BETWEEN[: len(shares)], AND_MORE[len(shares)]]
    edges = [0.0, *shares] if good else [*(100 - share for share in shares), 0.0]
    return BandsSpec.model_validate(dict(zip(edges, names, strict=True)))
