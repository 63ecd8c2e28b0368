"""What the score is made of, what was done with it, and on what data it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

import powerml
from powerml import charts
from powerml.reports.document.blocks import PageTable, Picture, Section, Told, missing, printed
from powerml.reports.document.glossary import window_words
from powerml.reports.run_pictures import reasons_picture, scorers_picture, weights_picture
from powerml.reports.sections.monday import NO_CHAMPION
from powerml.scoring.explain.shares import weight_shares
from powerml.screening.report import differentiators
from powerml.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts

FEWEST_FOR_DECILES = 50
WITHOUT = {
    "users": "nobody has a name, and people begin with their first event",
    "accounts": "accounts have no name and no owner",
    "subscriptions": "money, plans and seats are not known, and outcomes are proxies by behaviour",
    "usage_limits": "nobody is seen to reach a limit",
    "tickets": "trouble with support is not known",
    "surveys": "no answer to a survey is known, so there is no NPS",
    "treatments": "who was touched by a playbook is known from 'powerml treat' alone",
}
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
    rows = facts.night.rows
    swarm = reasons_picture(facts.scorer.model, rows) if len(rows) else None
    if swarm is not None:
        means = facts.given.values.abs().mean().sort_values(ascending=False)
        points = means.rename("mean_points").rename_axis("metric").reset_index()
        about = {"mean_points": "Mean of the size of what the metric gives or costs, in points of the score."}
        blocks.append(Picture(swarm, PageTable(points, "reasons", about=about)))
    blocks += _sets(facts)
    document = facts.scorer.model.scorer.document
    if document is not None:
        blocks.append(PageTable(document.table(), "card", "The card, with the document's words", first=15))
    blocks += [*_screen(facts), *_top_against_median(facts)]
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


def _top_against_median(facts: Facts) -> list[Piece]:
    """Document A's differentiators: the top decile by the score against the median."""
    rows = facts.night.rows
    names = [name for name in rows.select_dtypes("number") if name in facts.metrics and rows[name].notna().any()]
    if len(rows) < FEWEST_FOR_DECILES or not names:
        why = f"Only {len(rows)} are scored, too few for a top decile"
        return [missing(why, f"{FEWEST_FOR_DECILES} are needed")]
    table = differentiators(rows[names], facts.scored["score"].to_numpy(dtype=float))
    about = {
        "top_decile": f"Mean of the tenth with the highest scores, at {facts.night.as_of}, n = {len(rows):,} scored.",
        "times": "The first over the second; empty where the median is 0.",
    }
    return [PageTable(table, "top_decile", "The top decile by score against the median", about=about, first=10)]


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
    blocks += [*_tables(facts), *_ripeness(facts)]
    coverage = facts.coverage if facts.coverage is not None else facts.kept_table("coverage")
    if coverage is None:
        there = facts.night.snapshot
        names = [name for name in facts.metrics if name in there]
        coverage = pd.DataFrame({"metric": names, "available": [bool(there[n].notna().any()) for n in names]})
    lacking = coverage[~coverage["available"].astype(bool)]
    blocks.append(Told(f"{len(coverage) - len(lacking)} of {len(coverage)} metrics have values."))
    if len(lacking):
        blocks.append(PageTable(lacking, "absent", "Metrics that are absent, and why", first=15))
    blocks += _quarantine(facts)
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
    blocks.append(PageTable(_versions(facts), "versions", "Which versions speak here", first=0))
    return Section("data", "On what data does this stand?", "Data", tuple(blocks))


def _tables(facts: Facts) -> list[Piece]:
    """The optional tables that the project does not map, what is unknown without each, and how it is supplied."""
    said: list[Piece] = []
    for name, table in TABLES.items():
        if name in facts.project.tables or name == "events":
            continue
        lost = WITHOUT[name]
        how = f"add 'tables: {name}:' to powerml.yaml, with {', '.join(table.required)}"
        said.append(missing(f"There is no table of {name.replace('_', ' ')}, so {lost}", how))
    return said


def _ripeness(facts: Facts) -> list[Piece]:
    """Of which nights outcomes are known by now."""
    if facts.ripe is None:
        return [] if not facts.kept else [missing("No kept night has known outcomes yet", "they ripen a horizon later")]
    title = "Nights whose outcomes are known by now"
    return [PageTable(facts.ripe, "ripe", title, about={"known": "People or accounts of it with an outcome."}, first=8)]


def _quarantine(facts: Facts) -> list[Piece]:
    """Rows that were set aside when the sources were last read."""
    if facts.quarantine is None:
        return [Told("No row of the sources was set aside when they were last read.")]
    n = int(facts.quarantine["rows"].sum())
    title = f"{n:,} rows set aside when the sources were last read (the rows: .powerml/quarantine)"
    return [PageTable(facts.quarantine, "quarantine", title, first=10)]


def _versions(facts: Facts) -> pd.DataFrame:
    """What made these numbers: the scorer, what it learned from, data and code behind it, this program."""
    learned = facts.scorer.learned
    tags: Mapping[str, str] = {} if facts.session is None else facts.session.tags
    told = {
        "scorer": facts.scorer.shown,
        "learned from snapshots until": None
        if learned is None or learned.until is None
        else f"{learned.until:%Y-%m-%d}",
        "outcomes seen until": None
        if learned is None or learned.outcomes_until is None
        else f"{learned.outcomes_until:%Y-%m-%d}",
        "trained on": None if facts.session is None else facts.session.when,
        "fingerprint of its data": tags.get("powerml.data"),
        "fingerprint of its declaration": tags.get("powerml.config"),
        "fingerprint of its code": tags.get("powerml.code"),
        "powerml": powerml.__version__,
    }
    return pd.DataFrame([(what, value) for what, value in told.items() if value], columns=["what", "version"])


def _day(at: pd.Timestamp | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d}"


def _metrics(facts: Facts) -> pd.DataFrame:
    """Each metric that there is: unit, window, direction, how often it is known, mean."""
    there, rows = facts.night.snapshot, []
    for name, spec in facts.metrics.items():
        if name in there and pd.api.types.is_numeric_dtype(there[name]):
            values = there[name].astype(float)
            rows.append((name, spec.unit, window_words(spec), spec.direction, values.notna().mean(), values.mean()))
    return pd.DataFrame(rows, columns=["metric", "unit", "window", "direction", "filled", "mean"])
