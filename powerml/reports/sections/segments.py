"""Segments: what came of power users and of the rest, who uses what, and what goes with power use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml import charts
from powerml.errors import MissingColumns
from powerml.programme.archetypes import archetypes
from powerml.reports.document.blocks import PageTable, Picture, Section, Told, missing, printed

if TYPE_CHECKING:
    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts

ENOUGH_POWER_USERS = 10
OUTCOMES_NEEDED = "'powerml train' keeps it with the champion; it needs labels that are ripe and document B's metrics"
SHOWN_FEATURES = 15
SAID_RATES = ("inside", "low", "high", "others", "low_others", "high_others", "document", "document_others")
MEASURED = {
    "expand": "expanded within the horizon",
    "churn": "left within the horizon",
    "retention": "stayed within the horizon",
    "usage": "times the events of twelve months before",
    "nps": "net promoter score",
}


def segments_section(facts: Facts) -> Section:
    """The section `segments`."""
    blocks = [*_apart(facts), *_adoption(facts)]
    if facts.session is None:
        what = (
            "What came of each segment and each fifth of revenue, and what power features, team growth and single users"
        )
        blocks.append(missing(f"{what} went with, is not known", OUTCOMES_NEEDED))
    else:
        blocks += [*_by_segment(facts), *_by_revenue(facts), *_beside_document_d(facts)]
    blocks += _archetypes(facts)
    return Section("segments", "What do power users do that others do not?", "Segments", tuple(blocks))


def _by_segment(facts: Facts) -> list[Piece]:
    table = facts.kept_table("programme/segments")
    if table is None:
        return [missing("What came of each segment is not known", OUTCOMES_NEEDED)]
    said = "Document B's segments on the last snapshot whose outcomes are known, beside its own table."
    chart = charts.estimates(
        _outcome_lines(table, with_document=True),
        title="Expansion and churn by segment",
        told="Points with 95 % intervals by account; diamonds: document B's.",
    )
    return [Told(said, "small"), Picture(chart, PageTable(table, "segments", first=0))]


def _by_revenue(facts: Facts) -> list[Piece]:
    table = facts.kept_table("programme/fifths")
    if table is None:
        if "mrr" in facts.night.snapshot:
            return [missing("What came of each fifth of revenue is not known", OUTCOMES_NEEDED)]
        return [missing("Revenue is not known, so there are no fifths of it", "give subscriptions a column 'mrr'")]
    chart = charts.estimates(
        _outcome_lines(table[table["n_labelled"] > 0]),
        title="Expansion and churn by fifth of revenue",
        told="Accounts by money a month, a fifth of them each; 95 % intervals by account.",
    )
    about = {"revenue_per_year": "Mean money per person and year, an account's shared out over its people."}
    return [Picture(chart, PageTable(table.rename(columns={"segment": "fifth"}), "fifths", about=about, first=0))]


def _outcome_lines(table: pd.DataFrame, *, with_document: bool = False) -> pd.DataFrame:
    """Expansion and churn per segment under each other, as `charts.estimates` reads them."""
    lines = []
    for outcome in ("expand", "churn"):
        one = pd.DataFrame({"name": table["segment"], "series": outcome, "value": table[f"rate_{outcome}"],
                            "low": table[f"low_{outcome}"], "high": table[f"high_{outcome}"]})  # fmt: skip
        if with_document and f"document_{outcome}" in table:
            one["reference"] = table[f"document_{outcome}"]
        lines.append(one.assign(n=table["n_labelled"]))
    return pd.concat(lines, ignore_index=True)


def _adoption(facts: Facts) -> list[Piece]:
    """Who uses which feature, by segment, those most apart first."""
    found = facts.features
    if found is None or found.empty:
        return [
            missing(
                "Who uses which feature is not known",
                "name features in the vocabulary of powerml.yaml; 'powerml night' keeps who uses them each night",
            )
        ]
    share = found.assign(share=found["people"] / found["of"])
    wide = share.pivot_table(index="feature", columns="segment", values="share", fill_value=0.0)
    order = [name for name in facts.segments_order if name in wide]
    wide = wide[order]
    spread = (wide[order[0]] - wide[order[-1]]).abs() if len(order) > 1 else wide[order[0]]
    wide = wide.loc[spread.sort_values(ascending=False, kind="stable").index]
    sizes = found.drop_duplicates("segment").set_index("segment")["of"]
    told = ", ".join(f"{name} n = {int(sizes[name]):,}" for name in order)
    lines = wide.head(SHOWN_FEATURES).reset_index().melt("feature", var_name="series", value_name="value")
    chart = charts.estimates(
        lines.rename(columns={"feature": "name"}).assign(low=float("nan"), high=float("nan")),
        title="Who used which feature within 30 days",
        told=f"Share of each segment at {facts.night.as_of}: {told}.",
    )
    kinds = printed(percent=order)
    about = {name: f"Share of {name} who used it within 30 days; n = {int(sizes[name]):,}." for name in order}
    return [Picture(chart, PageTable(wide.reset_index(), "adoption", kinds=kinds, about=about, first=15))]


def _beside_document_d(facts: Facts) -> list[Piece]:
    """Power features, team growth and single users, beside what document D prints."""
    table = facts.kept_table("programme/discoveries")
    if table is None:
        return [missing("What power features, team growth and single users went with is not known", OUTCOMES_NEEDED)]
    shown = table.assign(measure=table["measure"].map(MEASURED))
    rates = table["measure"].isin(["expand", "churn", "retention"])
    for name in SAID_RATES:
        shown[name] = [_said(value, rate=bool(rate)) for value, rate in zip(table[name], rates, strict=True)]
    for name in ("times", "low_times", "high_times", "document_times"):
        shown[name] = ["" if value != value else f"{value:.1f}x" for value in table[name].astype(float)]
    joined = pd.DataFrame({
        "group": shown["group"], "what": shown["measure"],
        "in the group": [_interval(*each) for each in zip(shown["inside"], shown["low"], shown["high"], strict=True)],
        "n": table["n"],
        "others": [
            _interval(*each) for each in zip(shown["others"], shown["low_others"], shown["high_others"], strict=True)
        ],
        "n others": table["n_others"],
        "times": [
            _interval(*each) for each in zip(shown["times"], shown["low_times"], shown["high_times"], strict=True)
        ],
        "document D": [
            " ".join(filter(None, (inside, f"against {others}" if others else "", times)))
            for inside, others, times in zip(
                shown["document"], shown["document_others"], shown["document_times"], strict=True
            )
        ],
        "note": table["note"].fillna(""),
    })  # fmt: skip
    about = {
        "in the group": "On the last snapshot whose outcomes are known, with the 95 % interval by account.",
        "times": "In the group over the others, with a 95 % interval.",
        "document D": "What document D prints of its own product; a reference, never a target. What goes with a habit "
        "need not come of it.",
    }
    title = "What power features, a growing team and a single user went with, beside document D"
    return [PageTable(joined, "discoveries", title, about=about, first=0)]


def _said(value: float, *, rate: bool) -> str:
    number = float(value)
    if number != number:
        return ""
    return f"{100 * number:.0f} %" if rate else f"{number:.3g}"


def _interval(value: str, low: str, high: str) -> str:
    return f"{value} ({low.removesuffix(' %')} to {high})" if value and low and high else value


def _apart(facts: Facts) -> list[Piece]:
    """Metrics by power users and the rest, those apart most first."""
    said: list[Piece] = []
    if facts.power is None:
        how = "document B's rule needs active days, feature categories, and integrations or collaboration"
        said.append(missing("Who is a power user is not known", how))
    rows = facts.night.snapshot[facts.night.snapshot["enough_history"].astype(bool)]
    power = pd.Series(False, rows.index) if facts.power is None else facts.power[rows.index].astype(bool)
    who = f"{int(power.sum()):,} power users"
    if power.sum() < ENOUGH_POWER_USERS:
        if facts.power is not None:
            told = "Nobody is a power user" if not power.any() else f"Only {int(power.sum())} are power users"
            how = "the tenth with the highest scores stands in for them here"
            said.append(missing(f"{told} by document B's rule at {facts.night.as_of}", how))
        scores = facts.scored.drop_duplicates(facts.id_column).set_index(facts.id_column)["score"]
        mine = rows[facts.id_column].map(scores)
        power = mine >= mine.quantile(0.9)
        who = f"the {int(power.sum()):,} with the highest scores"
    if power.sum() < ENOUGH_POWER_USERS:
        return [*said, missing("Too few are scored to say what the best do otherwise", "see 'powerml check'")]
    found = []
    for name in rows.select_dtypes("number").columns:
        values = rows[name].astype(float)
        if name not in facts.metrics or not values.std() > 0:
            continue
        mine, rest = values[power], values[~power]
        if mine.notna().any() and rest.notna().any():
            apart = (mine.mean() - rest.mean()) / values.std()
            found.append((name, mine.mean(), rest.mean(), apart, int(mine.notna().sum())))
    table = pd.DataFrame(found, columns=["metric", "power_users", "others", "apart", "n_power_users"])
    if table["apart"].isna().all():
        return [*said, missing("No metric tells them apart", "see 'powerml check'")]
    table = table.sort_values("apart", key=lambda apart: apart.abs(), ascending=False, kind="stable").head(25)
    about = {"apart": "Difference of the means over the standard deviation of all: what goes with power use."}
    title = f"What {who} have more (or less) of than {int((~power).sum()):,} others"
    return [*said, PageTable(table, "differentiators", title, about=about, first=10)]


def _archetypes(facts: Facts) -> list[Piece]:
    if facts.power is None:
        return []
    try:
        found = archetypes(facts.night.snapshot, power_user=facts.power)["archetype"].dropna()
    except MissingColumns as error:
        return [
            missing(
                f"Archetypes are not known ({error.columns[0]} is absent)"
                if hasattr(error, "columns")
                else "Archetypes are not known",
                "map referrals, invites, beta features and requests",
            )
        ]
    if found.empty:
        return []
    counts = found.value_counts().rename_axis("archetype").rename("n").reset_index()
    counts["share"] = counts["n"] / len(found)
    return [PageTable(counts, "archetypes", "Archetypes of power users (document C)", first=0)]
