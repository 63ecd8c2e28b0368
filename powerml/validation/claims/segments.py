"""Checks of segment tables, tiers and concentration: multiples, shares, a worked example, what a top share makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powerml.validation.claims.arithmetic import least_gini, meet, over_corners, printed_range, top_over_rest
from powerml.validation.claims.check import Check, contradicts, percent, sources_of, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from powerml.config.claims import ClaimsSpec, Concentration, Gain, Multiple, Segment

RATES = ("retention", "churn", "expand")


def segment_checks(claims: ClaimsSpec) -> Iterator[Check]:
    """Every check of segments, concentration and tiers that the file has numbers for."""
    yield from _shares(claims)
    for multiple in claims.multiples:
        yield _multiple(claims, multiple)
    for gain in claims.gains:
        yield _gain(claims, gain)
    for concentration in claims.concentration:
        yield _concentration(claims, concentration)
    yield from _power_segment(claims)
    yield from _tiers(claims)
    yield from _example(claims)


def value_of(segment: Segment, measure: str) -> float:
    """A segment's value of a measure; retention is what churn leaves."""
    return 1 - segment.churn if measure == "retention" else float(getattr(segment, measure))


def ratio(value: float, base: float) -> float:
    """`value` over `base`; infinite over nothing."""
    return value / base if base > 0 else float("inf")


def average(segments: tuple[Segment, ...], measure: str) -> float:
    """The mean over all users of the table."""
    return sum(s.n * value_of(s, measure) for s in segments) / sum(s.n for s in segments)


def _shares(claims: ClaimsSpec) -> Iterator[Check]:
    total = sum(s.n for s in claims.segments)
    printed = [s for s in claims.segments if s.share is not None]
    if not printed:
        return
    off = [
        f"{s.name} holds {percent(s.n / total)}, printed {percent(s.share or 0, 0)}"
        for s in printed
        if not meet((s.n / total,) * 2, printed_range(s.share or 0, claims.rates_printed_to))
    ]
    implied = "; ".join(off) or f"so they do: {', '.join(f'{s.n:,}' for s in claims.segments)} of {total:,}"
    yield Check(
        "segment_shares",
        "the segments' shares of users fit their counts",
        implied,
        contradicts(bool(off)),
        {"users": total},
        sources_of(claims.segments),
    )


def _multiple(claims: ClaimsSpec, multiple: Multiple) -> Check:
    """Holds where the printed multiple and the table's ratio meet; a rate's multiple has a ceiling, 1 over its base."""
    times, measure = multiple.times, multiple.measure
    claimed = f"{multiple.of}: {span(times)}x the {measure} of {multiple.over}"
    figures = {"claimed_low": times[0], "claimed_high": times[1]}
    if multiple.unit == "account" or not claims.segments:
        why = "the table counts users, not accounts" if claims.segments else "no segment table is printed"
        if measure in RATES:
            why += f"; a rate of {times[0]:g}x needs a base of at most {percent(1 / times[0])}"
        return Check("multiple", claimed, why, "cannot be checked", figures, multiple.sources)
    segments = {s.name: s for s in claims.segments}
    top = value_of(segments[multiple.of], measure)
    bases = {"average": average(claims.segments, measure)}
    bases |= {name: value_of(s, measure) for name, s in segments.items() if name != multiple.of}
    half = claims.rates_printed_to / 2 if measure in RATES else 0.5
    stated = printed_range(times[0]) if times[0] == times[1] else times
    holds, ranges = [], {}
    for name, base in bases.items():
        figures[name] = ratio(top, base)
        ranges[name] = over_corners(ratio, (max(top - half, 0.0), top + half), (max(base - half, 0.0), base + half))
        if meet(stated, ranges[name]):
            holds.append(name)
    over = multiple.over
    implied = f"{top:g} against {bases[over]:.4g} is {figures[over]:.1f}x" if measure not in RATES else (
        f"{percent(top)} against {percent(bases[over])} is {figures[over]:.2f}x"
    )  # fmt: skip
    if measure in RATES and bases[over] > 0:
        figures["at_most"] = 1 / bases[over]
        if figures["at_most"] < times[0]:
            implied += f", and a base of {bases[over]:.3f} leaves at most {figures['at_most']:.2f}x"
    if over in holds and not stated[0] <= figures[over] <= stated[1]:
        implied += f"; rounding leaves {ranges[over][0]:.1f} to {ranges[over][1]:.1f}"
    if over not in holds and holds:
        implied += "; it holds against " + " and ".join(f"{name} ({figures[name]:.1f}x)" for name in holds)
    return Check(
        "multiple", claimed, implied, contradicts(over not in holds), figures, sources_of(multiple, claims.segments)
    )


def _gain(claims: ClaimsSpec, gain: Gain) -> Check:
    segments = {s.name: s for s in claims.segments}
    difference = segments[gain.to].revenue - segments[gain.from_].revenue
    claimed = f"moving a cohort from {gain.from_} to {gain.to} brings {gain.amount:,.0f}"
    sources = sources_of(gain, (segments[gain.from_], segments[gain.to]))
    if difference <= 0:
        implied = f"{gain.to} bring no more per user and year ({difference:,.0f})"
        return Check("gain", claimed, implied, "contradiction", {"difference": difference}, sources)
    users = gain.amount / difference
    implied = (
        f"at {difference:,.0f} more per user and year that is {users:,.1f} users for a year; no cohort size is printed"
    )
    return Check(
        "gain", claimed, implied, "cannot be checked", {"difference": difference, "users_for_a_year": users}, sources
    )


def _concentration(claims: ClaimsSpec, concentration: Concentration) -> Check:
    """What a Lorenz curve through the printed points needs; the segment table's own shares if the claim names one."""
    (few, many), (least, most) = concentration.top, concentration.share
    claimed = f"{span((few, many), rate=True)} of users make {span((least, most), rate=True)} of {concentration.what}"
    figures = {
        "gini_at_least": least_gini(many, least),
        "times_the_rest_low": top_over_rest(many, least),
        "times_the_rest_high": top_over_rest(few, most),
    }
    if least < many:
        implied = f"the top {percent(many, 0)} always make at least {percent(many, 0)}"
        return Check("concentration", claimed, implied, "contradiction", figures, concentration.sources)
    low, high = figures["times_the_rest_low"], figures["times_the_rest_high"]
    implied = f"one of them must make {span((round(low, 1), round(high, 1)))} times as much as one of the rest "
    implied += f"(Gini at least {figures['gini_at_least']:.2f})"
    sources = sources_of(concentration)
    if concentration.segment is None:
        implied += "; no distribution is printed"
    else:
        sources = sources_of(concentration, claims.segments)
        mine = next(s for s in claims.segments if s.name == concentration.segment)
        figures["users"] = mine.n / sum(s.n for s in claims.segments)
        figures["revenue"] = mine.n * mine.revenue / sum(s.n * s.revenue for s in claims.segments)
        expansions = sum(s.n * s.expand for s in claims.segments)
        figures["expansions"] = mine.n * mine.expand / expansions if expansions else float("nan")
        implied += (
            f"; the table gives {mine.name} ({percent(figures['users'], 0)} of users) {percent(figures['revenue'], 0)} "
            f"of revenue and {percent(figures['expansions'], 0)} of expansions, and does not print the rest"
        )
    return Check("concentration", claimed, implied, "cannot be checked", figures, sources)


def _power_segment(claims: ClaimsSpec) -> Iterator[Check]:
    spec = claims.power_segment
    if spec is None or spec.top is None:
        return
    yield Check(
        "power_segment",
        f"power users are the top {span(spec.share, rate=True)} of users",
        f"{spec.rule or 'the rule'} asks for the top {percent(spec.top, 0)} of one metric, so it finds at most about "
        f"{percent(spec.top, 0)}" + (", the very edge of that" if spec.top == spec.share[0] else ""),
        contradicts(spec.top < spec.share[0]),
        {"at_most": spec.top, "claimed_low": spec.share[0], "claimed_high": spec.share[1]},
        spec.sources,
    )


def _tiers(claims: ClaimsSpec) -> Iterator[Check]:
    stated = [tier for tier in claims.tiers if tier.share is not None]
    if not stated:
        return
    total = sum(tier.share or 0.0 for tier in stated)
    listed = ", ".join(f"{tier.name} {percent(tier.share or 0, 0)}" for tier in reversed(stated))
    whole = len(stated) == len(claims.tiers)
    slack = len(stated) * claims.rates_printed_to / 2 + 1e-9
    wrong = total > 1 + slack or (whole and total < 1 - slack)
    implied = f"they add up to {percent(total, 0)}"
    if not wrong and not whole:
        implied += f", which leaves {percent(1 - total, 0)} for the other tiers; no scores are printed to count"
    yield Check(
        "tier_shares",
        f"shares of users by tier: {listed}",
        implied,
        "contradiction" if wrong else "cannot be checked",
        {"stated": total},
        sources_of(claims.tiers),
    )


def _example(claims: ClaimsSpec) -> Iterator[Check]:
    example = claims.example
    if example is None:
        return
    weights = sum(example.weights.values())
    score = sum(weight * example.dimensions[name] for name, weight in example.weights.items())
    yield Check(
        "worked_example",
        f"{', '.join(f'{v:g}' for v in example.dimensions.values())} give {example.score:g}",
        f"the weights add up to {weights:g} and give {score:g}",
        contradicts(abs(weights - 1) > 1e-9 or not meet((score, score), printed_range(example.score))),
        {"weights": weights, "score": score},
        example.sources,
    )
    if example.percentile is None or not any(tier.share is not None for tier in claims.tiers):
        return
    position = max((i for i, tier in enumerate(claims.tiers) if tier.from_ <= score), default=None)
    above = [tier.share for tier in claims.tiers[position + 1 :]] if position is not None else [None]
    tier_share = claims.tiers[position].share if position is not None else None
    known = [share for share in above if share is not None]
    if position is None or tier_share is None or len(known) < len(above):
        return
    top = float(np.sum(known))
    low, high = 100 * (1 - top - tier_share), 100 * (1 - top)
    name = claims.tiers[position].name
    yield Check(
        "example_percentile",
        f"a score of {example.score:g} stands at percentile {example.percentile:g}",
        f"it is in {name}, which by the tiers' shares runs from percentile {low:.0f} to {high:.0f}",
        contradicts(not meet(printed_range(example.percentile, 1.0), (low, high))),
        {"low": low, "high": high, "claimed": example.percentile},
        sources_of(example, claims.tiers),
    )
