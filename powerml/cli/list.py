"""`powerml list`: whom to call this week, in what order, and what the list is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from powerml.workflows.list import ListResult

TEAMS = ("cs", "product", "sales", "marketing")  # as `config.bands.Team`, which costs pydantic to ask
ROWS_SHOWN = 15


@common.command("list", short_help="Whom to call this week, in what order, and what the list is worth.")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--team", type=click.Choice(TEAMS), help="All lists of a team, one after another.")
@click.option(
    "--capacity", "cut", type=click.IntRange(min=1), metavar="N", help="The first N, and what they should catch."
)
@click.option("--as-of", type=common.DATE, help="The lists of that night; by default of the newest.")
@click.option("-o", "--output", type=common.FILE, help="Where to write; .csv or .parquet.")
def command(
    name: str | None, team: str | None, cut: int | None, as_of: date | None, output: Path | None, config: Path,
    out: common.Output,
) -> None:  # fmt: skip
    """Prints lists of the newest night, or writes them with -o: who, in what order, why, what to do.

    Without a name or a team it says how long each list is.
    """
    import pandas as pd

    from powerml.config.project import load_project
    from powerml.sinks.files import check_target, write_table
    from powerml.workflows.list import lists

    if output is not None:
        check_target(output)
    made = lists(load_project(config), name, team=team, as_of=as_of, cut=cut)
    table = pd.concat([one.rows for one in made], ignore_index=True) if made else pd.DataFrame()
    if output is not None:
        write_table(table, output, raw=out.raw)
    if name is None and team is None and output is None:
        out.table(_overview(made), title=f"Lists of {made[0].night.as_of}; powerml list NAME shows one")
    else:
        for one in made:
            _show(one, out)
    if output is not None:
        out.say(f"{len(table):,} rows in {output}")
    worths = {one.spec.name: vars(one.worth) for one in made if one.worth is not None}
    said = {one.spec.name: list(one.sentences) for one in made}
    out.result({"rows": table, "file": output, "sentences": said, "worth": worths})


def _overview(made: list[ListResult]) -> pd.DataFrame:
    import pandas as pd

    rows = [(one.spec.team, one.spec.name, len(one.rows), "; ".join(one.sentences[:1])) for one in made]
    return pd.DataFrame(rows, columns=["team", "list", "rows", "worth"])


def points_reached(scores: pd.Series) -> pd.Series:
    """The points that each score has reached: rounded up, 69.6 would stand as 70 beside the band below 70."""
    return scores.astype(float).round(9) // 1


def _show(one: ListResult, out: common.Output) -> None:
    """The first rows as a terminal of 100 columns holds them, then the sentences."""
    import pandas as pd

    rows = one.rows.head(ROWS_SHOWN)
    if len(rows):
        shown = pd.DataFrame({"#": rows["rank"].astype(int)})
        key = "account_id" if one.spec.entity == "account" else "user_id"
        shown["who"] = [
            name if isinstance(name, str) else str(i) for name, i in zip(rows["name"], rows[key], strict=True)
        ]
        if rows["owner"].notna().any():
            shown["owner"] = rows["owner"].fillna("")
        shown["score"], shown["band"] = points_reached(rows["score"]), rows["band"]
        shown["7 d"] = rows["change_7d"].astype(float).round(0)
        about = f"p_{one.spec.came}"
        if about in rows and rows[about].notna().any():
            shown[f"{one.spec.came} %"] = (100 * rows[about].astype(float)).round(0)
        if rows["mrr"].notna().any():
            shown["mrr"] = rows["mrr"].astype(float).round(0)
        shown["since"] = [f"{day:%d %b}" if hasattr(day, "strftime") else "" for day in rows["on_list_since"]]
        shown["because"] = [text.split("; ")[0].split(" (")[0].split(", usually")[0] for text in rows["because"]]
        empty = [name for name in shown if shown[name].isna().all() or shown[name].eq("").all()]
        of = "" if one.spec.of is None else f", by {one.spec.of}"
        there = f"the first {len(one.rows):,} of {one.whole:,}" if len(one.rows) < one.whole else f"{one.whole:,}"
        people = f"{there} {one.spec.entity}{'s' if one.whole != 1 else ''}"
        title = f"{one.spec.name} ({one.spec.team}), {one.night.as_of}{of}: {people}"
        out.table(shown.drop(columns=empty), title=title, digits=0)
        if len(one.rows) > len(rows):
            out.say(f"… and {len(one.rows) - len(rows):,} more; -o writes all, with what to do and all reasons.")
        if isinstance(play := rows["playbook"].iloc[0], str) and play:
            out.say(f"To do ({rows['band'].iloc[0]}): {play}.")
    elif not one.sentences:
        out.say(f"{one.spec.name} ({one.spec.team}), {one.night.as_of}: nobody.")
    for sentence in one.sentences:
        out.say(sentence)
    out.say()
