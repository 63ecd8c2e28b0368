"""`powerml explain`: why this score, what changed since last time, the nearest way to the next band."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from powerml.cli import common, options
from powerml.errors import UsageError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from powerml.scoring.explain.explanation import Explanation
    from powerml.workflows.explain_group import GroupExplanation


@common.command("explain", short_help="Why this score, and the nearest way to the next band.")
@click.argument("entity", metavar="[ID]", required=False)
@click.option("--band", metavar="NAME", help="Instead of one ID the mean of a band.")
@click.option("--all", "everybody", is_flag=True, help="Instead of one ID the mean of everybody, and what moved it.")
@click.option("--as-of", type=common.DATE, help="The snapshot to explain; by default the latest.")
@click.option("--model", metavar="NAME@ALIAS", help="A registered version; by default the champion.")
@click.option("--weights", metavar="FILE|NAME", help="A weight set instead, by its name or its file.")
@click.option("--metrics", type=common.FILE, help="A table whose columns carry metric names, instead of a snapshot.")
@click.option("--set", "settings", multiple=True, metavar="NAME=NUMBER", help="A number of the weight set to change.")
@options.page_file(what="one ID's page")
def command(
    entity: str | None,
    band: str | None,
    everybody: bool,
    as_of: date | None,
    model: str | None,
    weights: str | None,
    metrics: Path | None,
    settings: tuple[str, ...],
    page: Path | None,
    config: Path,
    out: common.Output,
) -> None:
    """Why one user or account has its score, what changed since the snapshot before, the nearest way to the next band.

    With --band or --all the mean score of a group as a tree, and which branch moved it. With --weights and --metrics
    it needs no project file.
    """
    from powerml.config.project import load_project
    from powerml.workflows import explain
    from powerml.workflows.explain_group import explain_group

    if sum([entity is not None, band is not None, everybody]) != 1:
        raise UsageError("whom to explain? give one of an ID, --band NAME or --all")
    if model and weights:
        raise UsageError("--model and --weights exclude each other; give one of them")
    if settings and not weights:
        raise UsageError("--set changes a weight set; name it with --weights")
    if metrics and not weights:
        raise UsageError("--metrics needs --weights: name the weight set to explain with")
    if page is not None and entity is None:
        raise UsageError("--html writes the page of one ID; name it")
    numbers = common.settings(settings)
    if metrics and weights:
        project = load_project(config) if config.is_file() else None
        found = explain.from_metrics(metrics, weights=weights, settings=numbers, as_of=as_of, project=project)
    else:
        with out.progress() as note:
            found = explain.from_project(
                load_project(config), model=model, weights=weights, settings=numbers, as_of=as_of, note=note
            )
    if entity is not None:
        done = explain.explain(entity, found)
        if page is not None:
            beside = None if metrics else explain.around(load_project(config), entity)
            explain.write_person(done, page, None if metrics else _record(config, entity), beside)
        _print(done, out)
        if page is not None:
            out.say(f"The page: {page}")
    else:
        _print_group(explain_group(found, band=band), out)


def _record(config: Path, entity: str) -> pd.DataFrame | None:
    """What the nights said of one entity; None where none is kept."""
    from powerml.config.project import load_project
    from powerml.workflows.history import record

    with contextlib.suppress(UsageError):
        return record(load_project(config), entity)
    return None


def _print_group(done: GroupExplanation, out: common.Output) -> None:
    when = f" at {done.as_of}" if done.as_of else ""
    out.say(f"{done.group}{when}: mean score {done.mean_score:.1f} (n = {done.n:,}, {done.scorer})")
    if done.caution:
        out.say(done.caution)
    out.table(done.tree, title="What the mean is made of", digits=2)
    if done.changes is not None and done.mean_before is not None:
        difference = done.mean_score - done.mean_before
        out.table(done.changes, title=f"Since {done.before}: {done.mean_before:.1f} ({difference:+.2f})", digits=2)
        for alert in done.changes[done.changes["alert"]].itertuples():
            out.say(f"{alert.owner}: {alert.branch} pulls the mean down by {-float(str(alert.change)):.2f}")
    out.result(
        {
            "group": done.group,
            "as_of": done.as_of,
            "model": done.scorer,
            "n": done.n,
            "mean_score": done.mean_score,
            "caution": done.caution,
            "tree": done.tree,
            "before": done.before,
            "mean_before": done.mean_before,
            "changes": done.changes,
        }
    )


def _print(done: Explanation, out: common.Output) -> None:
    row = done.row.dropna()
    score = float(row["score"])
    band = row.get("band", row.get("tier"))
    when = f" at {done.as_of}" if done.as_of else ""
    out.say(f"{done.entity}{when}: {score:.1f}{f', {band}' if band else ''} ({done.scorer})")
    if done.caution:
        out.say(done.caution)
    told = [name for name in row.index if name not in ("score", "band", "tier")]
    out.say(", ".join(f"{name} {_short(row[name])}" for name in told))
    out.table(_shown_reasons(done), title=f"Why: {done.baseline:.4g} + contributions = {score:.4g}", digits=2)
    if done.changes is not None and done.score_before is not None:
        moved = done.changes[done.changes["change"] != 0]
        difference = score - done.score_before
        since = f"Since {done.before}: {done.score_before:.4g} to {score:.4g} ({difference:+.4g})"
        out.table(moved, title=since, digits=2) if len(moved) else out.say(f"{since}, nothing changed")
    if done.recipe is not None:
        out.say(done.recipe.text)
    out.result(
        {
            "id": done.entity,
            "as_of": done.as_of,
            "model": done.scorer,
            "scores": row.to_dict(),
            "caution": done.caution,
            "baseline": done.baseline,
            "reasons": done.reasons,
            "before": done.before,
            "score_before": done.score_before,
            "changes": done.changes,
            "next_band": None
            if done.recipe is None
            else {
                "band": done.recipe.next_band,
                "from": done.recipe.edge,
                "reached": done.recipe.reached,
                "score_after": done.recipe.score_after,
                "moves": [
                    {"metric": m.metric, "now": m.value, "bound": m.bound, "value": m.edge} for m in done.recipe.moves
                ],
                "text": done.recipe.text,
            },
        }
    )


def _shown_reasons(done: Explanation) -> pd.DataFrame:
    """The reasons that gave or took anything, as people read them; columns that say nothing are left out."""
    found = done.reasons[done.reasons["contribution"] != 0]
    inside = [", ".join(member["metric"] for member in members) for members in found["with"]]
    shown = found.assign(value=found["said"]).drop(columns="said").assign(**{"with": inside})
    silent = [name for name in ("branch", "usual", "with") if shown[name].fillna("").eq("").all()]
    return shown.drop(columns=silent)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
