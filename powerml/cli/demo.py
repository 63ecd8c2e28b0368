"""`powerml demo`: everything on a simulated product with known truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from powerml.cli import common


@common.command("demo", short_help="Everything below on a simulated product with known truth.")
@click.option("--users", type=click.IntRange(min=1), default=2000, show_default=True, help="Users ever seen.")
@click.option("--out", "folder", type=common.FILE, default=Path("powerml-demo"), show_default=True, help="Folder.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Same seed, same product.")
@click.option("--force", is_flag=True, help="Replace the folder of an earlier demo.")
def command(users: int, folder: Path, seed: int, force: bool, config: Path, out: common.Output) -> None:
    """Simulates a product, trains and judges on it, scores its users: a fresh folder, nothing else is touched.

    Ends with the verdict, the bands beside the document's own table, the ten highest scores, the card and where to look
    next.
    """
    from powerml.workflows.demo import demo

    with out.progress() as note:
        done = demo(folder, users=users, seed=seed, force=force, now=datetime.now(UTC), note=note)
    manifest, trained = done.manifest, done.trained
    rows = trained.data.labelled.frame
    out.say(
        f"Simulated {manifest.users:,} users, {manifest.events:,} events over {manifest.months} months in {folder}."
    )
    out.say(
        f"{len(rows):,} labelled rows at {rows['as_of'].nunique()} cutoffs of "
        f"{len(set(trained.data.labelled.accounts)):,} accounts; "
        f"{int(trained.data.coverage['available'].sum())} of {len(trained.data.coverage)} metrics available."
    )
    out.say()
    for sentence in trained.sentences:
        out.say(sentence)
    out.say()
    for part in map(trained.part, ("scorers", "bands")):
        if (table := part.for_reading) is not None:
            out.table(table, title=part.title)
    out.table(done.top, title=f"Top {len(done.top)} of {done.scores.frame['as_of'].iloc[0]:%Y-%m-%d}")
    out.table(done.card, title=f"The card: what {trained.challenger} is made of")
    for sentence in trained.next_steps[:1]:
        out.say(sentence)
    out.say(f"Scores of all {len(done.scores.frame):,} users: {done.scores_file}")
    out.say(f"The page, to open in a browser: {done.page}")
    out.say(f"Runs, weights, band reports: powerml ui -c {folder / 'powerml.yaml'}")
    (first, last), place = done.nights, f"-c {folder / 'powerml.yaml'}"
    if trained.champion is None and trained.version.verdict != "no skill":
        how = trained.version.promoted()
        out.say(f"Nights give chances of churn and money at risk by it where you {how} {place}")
    out.say(f"Sixty nights as they would have been: powerml night --from {first} --to {last} {place}")
    out.say(
        f"The last two, and whom to call: powerml night --as-of {last + timedelta(1)} {place}; powerml night {place};"
    )
    out.say(f"  powerml list {'slipping' if trained.champion is None else 'at_risk'} {place}")
    out.say(f"The truth behind the product: {folder / 'truth'}")
    out.result(
        {
            "folder": folder,
            "verdict": trained.word,
            "sentences": trained.sentences,
            "scorers": trained.scorers,
            "bands": trained.bands,
            "challenger": trained.challenger,
            "version": trained.version.number,
            "champion": trained.champion is not None,
            "scores": done.scores_file,
            "page": done.page,
            "top": done.top,
            "card": done.card,
        }
    )
