"""What the score is made of, what was done with it, and on what data it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml import charts
from powerml.reports.document.blocks import PageTable, Picture, Section, Told, missing, printed
from powerml.reports.run_pictures import reasons_picture, scorers_picture, weights_picture
from powerml.reports.sections.monday import NO_CHAMPION
from powerml.scoring.explain.shares import weight_shares

if TYPE_CHECKING:
    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts

BRIEF = {"skill": "skill", "log_loss": "log loss"}


def weights_section(facts: Facts) -> Section:
    """The section `weights`."""
    blocks: list[Piece] = []
    shares = weight_shares(facts.scorer.model.scorer, ())
    table = pd.Series(shares, name="share_percent").sort_values(ascending=False, kind="stable")
    used = table[table > 0].rename_axis("metric").reset_index()
    lines = used.head(15).rename(columns={"metric": "name", "share_percent": "value"})
    lines["value"] = lines["value"] / 100
    chart = charts.estimates(
        lines.assign(low=0.0, high=lines["value"]),
        title=f"What {facts.scorer.shown} is made of",
        told="Share of each metric in the score.",
    )
    blocks.append(Picture(chart, PageTable(used, "weights", kinds=printed(points=("share_percent",)))))
    fitted = facts.kept_table("weights/fitted", of_scorer=True)
    picture = weights_picture(fitted, name=facts.scorer.shown)
    if picture is not None and fitted is not None:
        blocks.append(Picture(picture, PageTable(fitted, "fitted")))
    rows = facts.night.snapshot[facts.night.snapshot[facts.id_column].isin(facts.scored[facts.id_column])]
    swarm = reasons_picture(facts.scorer.model, rows.reset_index(drop=True)) if len(rows) else None
    if swarm is not None:
        means = facts.scorer.model.contributions(rows).values.abs().mean().sort_values(ascending=False)
        points = means.rename("mean_points").rename_axis("metric").reset_index()
        about = {"mean_points": "Mean of the size of what the metric gives or costs, in points of the score."}
        blocks.append(Picture(swarm, PageTable(points, "reasons", about=about)))
    blocks += _sets(facts)
    document = facts.scorer.model.scorer.document
    if document is not None:
        blocks.append(PageTable(document.table(), "card", "The card, with the document's words", first=15))
    blocks += _screen(facts)
    return Section("weights", "What is the score made of?", "Weights", tuple(blocks))


def _sets(facts: Facts) -> list[Piece]:
    """The session's scorers in parallel coordinates, and how each did."""
    scorers = facts.kept_table("scorers")
    if facts.session is None or scorers is None:
        return [
            missing(
                "Weight sets are not compared here", f"{NO_CHAMPION}; 'powerml compare A B --html F' compares any two"
            )
        ]
    figures = {
        str(row["scorer"]): {BRIEF[name]: float(row[name]) for name in BRIEF} for row in scorers.to_dict("records")
    }
    every = {name: shares for name, shares in facts.session.shares.items() if name in figures}
    if len(every) < 2:
        return []
    chart, table = scorers_picture(every, figures)
    return [Picture(chart, PageTable(table, "sets", first=0))]


def _screen(facts: Facts) -> list[Piece]:
    """What the screen said of the metrics."""
    report = facts.kept_table("screen/report")
    said = [
        Told(sentence) for sentence in (*facts.said("suspects"), *facts.said("screen"), *facts.said("screen_audit"))
    ]
    if report is None:
        return [*said, missing("The screen's report is not here", "'powerml screen -o F' makes one")]
    return [
        *said,
        PageTable(report, "screen", "The screen: which metrics tell outcomes apart, suspected leaks first", first=10),
    ]


def impact_section(facts: Facts) -> Section:
    """The section `impact`."""
    untreated = [Told(sentence) for sentence in facts.said("untreated")]
    if facts.effects is not None:
        table = PageTable(facts.effects, "impact", "What each playbook did", first=0)
        told = [Told(sentence) for sentence in facts.effects_told]
        return Section("impact", "Did our playbooks work?", "Impact", (*told, table, *untreated))
    why = " ".join(facts.effects_told).rstrip(".") or "No night is kept"
    supply = "'powerml treat' writes who is touched; 'powerml impact' tells a horizon later"
    lack = missing(f"What playbooks did is not known ({why})", supply)
    return Section("impact", "Did our playbooks work?", "Impact", (*untreated, lack))


def data_section(facts: Facts) -> Section:
    """The section `data`."""
    blocks: list[Piece] = [Told(sentence) for sentence in facts.remarks]
    outcome = facts.project.outcome
    blocks.append(Told(
        f"Outcomes: {facts.project.outcome_kind}, horizon {outcome.horizon_days} days, grace {outcome.grace_days}. "
        f"At {facts.night.as_of} outcomes are known of snapshots up to {facts.mature}."
    ))  # fmt: skip
    blocks += [Told(sentence) for sentence in facts.said("remarks")]
    coverage = facts.coverage if facts.coverage is not None else facts.kept_table("coverage")
    if coverage is None:
        there = facts.night.snapshot
        names = [name for name in facts.metrics if name in there]
        coverage = pd.DataFrame({"metric": names, "available": [bool(there[n].notna().any()) for n in names]})
    lacking = coverage[~coverage["available"].astype(bool)]
    blocks.append(Told(f"{len(coverage) - len(lacking)} of {len(coverage)} metrics have values."))
    if len(lacking):
        blocks.append(PageTable(lacking, "absent", "Metrics that are absent, and why", first=15))
    there = facts.night.snapshot
    filled = _metrics(facts)
    blocks.append(
        PageTable(
            filled,
            "metrics",
            f"Metrics at {facts.night.as_of}: definition, how often known, mean",
            kinds=printed(percent=("filled",)),
            first=10,
        )
    )
    vocabulary = pd.DataFrame(
        [(name, m.feature, m.category, m.tier, ", ".join(m.roles)) for name, m in facts.project.meanings.items()],
        columns=["event", "feature", "category", "tier", "roles"],
    )
    if len(vocabulary):
        blocks.append(PageTable(vocabulary, "vocabulary", "What events mean", first=10))
    else:
        blocks.append(
            missing(
                "The vocabulary is empty",
                "say in powerml.yaml what your events mean; 'powerml check' lists their names",
            )
        )
    return Section("data", "On what data does this stand?", "Data", tuple(blocks))


def _metrics(facts: Facts) -> pd.DataFrame:
    """Each metric that there is: unit, window, direction, how often it is known, mean."""
    there, rows = facts.night.snapshot, []
    for name, spec in facts.metrics.items():
        if name in there and pd.api.types.is_numeric_dtype(there[name]):
            days = spec.window_days if isinstance(spec.window_days, int) else None
            values = there[name].astype(float)
            rows.append((name, spec.unit, days, spec.direction, values.notna().mean(), values.mean()))
    return pd.DataFrame(rows, columns=["metric", "unit", "window_days", "direction", "filled", "mean"])
