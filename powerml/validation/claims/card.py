"""Checks of a published score: its outcome counts, accuracy, band table and rule against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powerml.tables import OUTCOMES
from powerml.validation.claims.arithmetic import implied_auroc, meet, printed_range
from powerml.validation.claims.check import Check, contradicts, percent, sources_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from powerml.config.claims import BandClaim, ClaimsSpec, OutcomeCounts


@dataclass(frozen=True)
class BandTable:
    """A whole band table as counts: `counts[i, k]` entities of band i (lowest first) with outcome k of `OUTCOMES`."""

    bands: tuple[BandClaim, ...]
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, claims: ClaimsSpec) -> BandTable | None:
        """The table, or None where there is none or where it leaves some of those scored out."""
        total = sum(band.n for band in claims.bands)
        if not claims.bands or (claims.scored is not None and claims.scored.value != total):
            return None
        rates = np.array([[getattr(band, outcome) for outcome in OUTCOMES] for band in claims.bands])
        return cls(claims.bands, rates * np.array([[band.n] for band in claims.bands], dtype=float))

    @property
    def n(self) -> int:
        """All entities in the bands."""
        return sum(band.n for band in self.bands)

    @property
    def rates(self) -> dict[str, float]:
        """Outcome rates over all bands."""
        return {outcome: float(self.counts[:, k].sum() / self.n) for k, outcome in enumerate(OUTCOMES)}


def labelled_rates(counts: OutcomeCounts) -> dict[str, float]:
    """Outcome rates among the labelled."""
    return {outcome: getattr(counts, outcome) / counts.total for outcome in OUTCOMES}


def card_checks(claims: ClaimsSpec) -> Iterator[Check]:
    """Every check of a scorecard that the file has numbers for."""
    table = BandTable.of(claims)
    yield from _sizes(claims)
    yield from _accuracy(claims, table)
    if table is not None:
        yield from _base_rates(claims, table)
        yield from _rule(claims, table)
        yield from _ranking(table)
    yield from _edges(claims)


def _sizes(claims: ClaimsSpec) -> Iterator[Check]:
    scored, outcomes = claims.scored, claims.outcomes
    if scored is not None and outcomes is not None:
        yield Check(
            "scored_and_labelled",
            f"{scored.value:,} users were scored and their outcomes counted",
            f"the outcome counts add up to {outcomes.total:,}: "
            f"{outcomes.churn:,} churn + {outcomes.stay:,} stay + {outcomes.expand:,} expand",
            contradicts(scored.value != outcomes.total),
            {"scored": scored.value, "labelled": outcomes.total},
            sources_of(scored, outcomes),
        )
    if not claims.bands:
        return
    total = sum(band.n for band in claims.bands)
    if scored is not None:
        left_out = "" if total == scored.value else "; checks that need the whole table are left out"
        yield Check(
            "bands_hold_everybody",
            f"the bands hold the {scored.value:,} users scored",
            f"they hold {total:,}{left_out}",
            contradicts(total != scored.value),
            {"scored": scored.value, "in_bands": total},
            sources_of(scored, claims.bands),
        )
    step = claims.rates_printed_to
    odd = [b for b in claims.bands if abs(b.churn + b.stay + b.expand - 1) > 1.5 * step + 1e-9]
    off = [
        b for b in claims.bands if b.share is not None and not meet((b.n / total,) * 2, printed_range(b.share, step))
    ]
    parts = [f"{b.name}'s rates add up to {percent(b.churn + b.stay + b.expand)}" for b in odd]
    parts += [f"{b.name} holds {percent(b.n / total)}, printed {percent(b.share or 0, 0)}" for b in off]
    yield Check(
        "band_table_adds_up",
        "each band's outcome rates add up to 100 % and its share fits its count",
        "; ".join(parts) or "so they do, up to rounding",
        contradicts(bool(parts)),
        {},
        sources_of(claims.bands),
    )


def _accuracy(claims: ClaimsSpec, table: BandTable | None) -> Iterator[Check]:
    if claims.accuracy is None:
        return
    accuracy, claimed = claims.accuracy.value, f"predictions are right {percent(claims.accuracy.value, 0)} of the time"
    if claims.outcomes is None and table is None:
        why = "no outcome counts and no whole band table are printed, so the majority class is not known"
        yield Check("accuracy_over_majority", claimed, why, "cannot be checked", {}, claims.accuracy.sources)
        return
    if claims.outcomes is None:
        return  # the check of the rule puts the accuracy beside the band table's majority
    rates = labelled_rates(claims.outcomes)
    best = max(rates, key=rates.__getitem__)
    majority = rates[best]
    skill = (accuracy - majority) / (1 - majority) if majority < 1 else float("nan")
    yield Check(
        "accuracy_over_majority",
        f"{claimed}, which is a skill",
        f"answering {best!r} for everybody is right {percent(majority)} of the time, so the skill is {skill:.2f}",
        contradicts(printed_range(accuracy, claims.rates_printed_to)[1] <= majority),
        {"accuracy": accuracy, "majority": majority, "skill": skill},
        sources_of(claims.accuracy, claims.outcomes),
    )


def _base_rates(claims: ClaimsSpec, table: BandTable) -> Iterator[Check]:
    if claims.outcomes is None:
        return
    labelled, half = labelled_rates(claims.outcomes), claims.rates_printed_to / 2
    for outcome in ("churn", "expand"):
        rate, implied = labelled[outcome], table.rates[outcome]
        yield Check(
            f"base_rate_{outcome}",
            f"{getattr(claims.outcomes, outcome):,} of {claims.outcomes.total:,} labelled users: "
            f"{percent(rate)} {outcome}",
            f"the band table implies {percent(implied)} {outcome} ({implied * table.n:,.0f} of {table.n:,})",
            contradicts(not meet((rate, rate), (implied - half, implied + half))),
            {"labelled": rate, "band_table": implied},
            sources_of(claims.outcomes, table.bands),
        )


def _rule(claims: ClaimsSpec, table: BandTable) -> Iterator[Check]:
    if claims.rule is None:
        return
    right = sum(table.counts[i, OUTCOMES.index(label)] for i, label in enumerate(band_labels(claims))) / table.n
    majority = max(table.rates.values())
    best = float(table.counts.max(axis=1).sum() / table.n)
    half = claims.rates_printed_to / 2
    if claims.accuracy is None:
        claimed, verdict = "the rule predicts outcomes", contradicts(right + half <= majority)
    else:
        claimed = f"the rule predicts outcomes with {percent(claims.accuracy.value, 0)} accuracy"
        stated = printed_range(claims.accuracy.value, claims.rates_printed_to)
        verdict = contradicts(not meet(stated, (right - half, right + half)))
    yield Check(
        "rule_accuracy",
        claimed,
        f"on the document's own band table it is right {percent(right)} of the time "
        f"(majority class {percent(majority)}, best label per band {percent(best)})",
        verdict,
        {"accuracy": float(right), "majority": majority, "best_per_band": best},
        sources_of(claims.rule, claims.accuracy, table.bands),
    )


def band_labels(claims: ClaimsSpec) -> list[str]:
    """What the rule predicts for each band, judged by the scores just above its lower edge."""
    assert claims.rule is not None
    low, high = claims.rule.churn_below, claims.rule.expand_above
    return ["churn" if b.from_ < low else "expand" if b.from_ >= high else "stay" for b in claims.bands]


def _edges(claims: ClaimsSpec) -> Iterator[Check]:
    """Where the rule and the bands share an edge, does the edge itself fall on the same side of both?"""
    if claims.rule is None or not claims.bands:
        return
    by_edge = {band.from_: (band, label) for band, label in zip(claims.bands, band_labels(claims), strict=True)}
    for edge in dict.fromkeys((claims.rule.churn_below, claims.rule.expand_above)):
        if edge not in by_edge:
            continue
        band, of_band = by_edge[edge]
        of_rule = "churn" if edge < claims.rule.churn_below else "expand" if edge > claims.rule.expand_above else "stay"
        same = of_band == of_rule
        yield Check(
            "edge_in_one_class",
            f"a score of {edge:g} is in one class",
            f"the rule says {of_rule!r}; its band, {band.name} (from {band.from_:g}), is "
            + (f"{of_rule!r} too" if same else f"{of_band!r}: a score of {edge:g} is in two classes"),
            contradicts(not same),
            {"edge": edge},
            sources_of(claims.rule, band),
        )


def _ranking(table: BandTable) -> Iterator[Check]:
    for outcome in ("churn", "expand"):
        events = table.counts[:, OUTCOMES.index(outcome)]
        others = table.counts.sum(axis=1) - events
        low_first = slice(None, None, -1) if outcome == "churn" else slice(None)  # a low score points to churn
        auroc = implied_auroc(events[low_first], others[low_first])
        if np.isnan(auroc):
            continue  # everybody or nobody has the outcome
        yield Check(
            f"ranking_{outcome}",
            f"the score ranks users by {outcome}",
            f"its bands imply an AUROC of {auroc:.3f} for {outcome} (0.5 would be chance)",
            contradicts(auroc <= 0.5),
            {"auroc": auroc},
            sources_of(table.bands),
        )
