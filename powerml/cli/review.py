"""`powerml review`: the top of the list goes to reviewers, comes back with answers, and its weights are locked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click

from powerml.cli import common
from powerml.errors import UsageError, did_you_mean

_ARGUMENTS = {"sheet": ((),), "read": (("SHEET.csv",),), "lock": (("SHEET.csv",), ("SHEET.csv", "EDITED.yaml"))}
_USED_BY = {"weights": "sheet", "model": "sheet", "as_of": "sheet", "top": "sheet", "step": "read", "seed": "read"}


@common.command("review", short_help="Have the top of a list judged, adjust the weights, lock them.")
@click.argument("words", nargs=-1, metavar="sheet | read SHEET.csv | lock SHEET.csv [EDITED.yaml]")
@click.option("--weights", metavar="FILE|NAME", help="sheet: the weight set to review [default: power_user].")
@click.option("--model", metavar="NAME@ALIAS", help="sheet: a registered version instead.")
@click.option("--as-of", type=common.DATE, help="sheet: the snapshot to list [default: the latest].")
@click.option("--top", type=click.IntRange(min=2), default=20, show_default=True, help="sheet: how many to list.")
@click.option(
    "--step", type=click.FloatRange(0.01, 0.9), default=0.25, show_default=True,
    help="read: the share of itself by which a weight may move at most.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=0, show_default=True, help="read: seed of permutations and held-out accounts."
)
@click.option(
    "-o", "output", type=common.FILE, help="sheet: where to write it (.csv). read: the edited weights (.yaml)."
)
def command(
    words: tuple[str, ...],
    weights: str | None,
    model: str | None,
    as_of: date | None,
    top: int,
    step: float,
    seed: int,
    output: Path | None,
    config: Path,
    out: common.Output,
) -> None:
    """The review loop: people who know the customers judge the top of the list, and the weights follow by a step.

    \b
    powerml review sheet -o sheet.csv          write the top 20 with their parts and reasons
      ... fill in the column answer: yes (belongs there) or no (does not); for somebody who should be on the
      ... list and is not, add a row with the id and the answer missing; comments are yours and are not read
    powerml review read sheet.csv -o new.yaml  what the answers show, and edited weights tried out
    powerml review lock sheet.csv new.yaml     write them to configs/weights with the record of the review
    powerml review lock sheet.csv              lock the weights as they stand, because the list is right

    Repeat until the top 20 is what you would have said. Works for weight sets with dimensions, points or actions; of
    fitted models and of sets that count criteria it tells what differs, and proposes no weights.
    """
    action, *names = words or ("",)
    if action not in _ARGUMENTS:
        hint = did_you_mean(action, _ARGUMENTS) or f"; there are {', '.join(_ARGUMENTS)}"
        raise UsageError(f"powerml review {action}: no such action{hint}".replace(" :", ":"))
    if len(names) not in {len(wanted) for wanted in _ARGUMENTS[action]}:
        raise UsageError(f"powerml review {action}: expected {' '.join(_ARGUMENTS[action][-1]) or 'nothing more'}")
    _used(action)
    if action == "sheet":
        _sheet(output, weights, model, as_of, top, config, out)
    elif action == "read":
        _read(Path(names[0]), output, step, seed, config, out)
    else:
        _lock(Path(names[0]), Path(names[1]) if len(names) > 1 else None, output, config, out)


def _used(action: str) -> None:
    """Raises UsageError for an option that the action does not read."""
    context = click.get_current_context()
    for option, used_by in _USED_BY.items():
        if used_by != action and context.get_parameter_source(option) is not click.core.ParameterSource.DEFAULT:
            raise UsageError(f"--{option.replace('_', '-')} is for 'powerml review {used_by}', not for {action}")


def _sheet(
    output: Path | None, weights: str | None, model: str | None, as_of: date | None, top: int, config: Path,
    out: common.Output,
) -> None:  # fmt: skip
    from powerml.config.project import load_project
    from powerml.workflows.review import make_sheet

    if output is None:
        raise UsageError("powerml review sheet: say where to write it, like -o sheet.csv")
    with out.progress() as note:
        done = make_sheet(
            load_project(config), output, weights=weights, model=model, as_of=as_of, top=top, now=datetime.now(UTC),
            note=note,
        )  # fmt: skip
    out.say(f"{output}: the {done.origin}.")
    out.say(
        "Fill in the column answer with yes or no; add a row with an id and the answer missing for all who should "
        f"be there. Then: powerml review read {output}"
    )
    out.result({"file": output, "made_from": str(done.origin), "rows": len(done.frame)})


def _read(sheet: Path, output: Path | None, step: float, seed: int, config: Path, out: common.Output) -> None:
    from powerml.config.project import load_project
    from powerml.sinks.files import check_weights_target
    from powerml.workflows.review import read_review
    from powerml.workflows.review_lock import write_weights

    if output is not None:
        check_weights_target(output)
    with out.progress() as note:
        done = read_review(load_project(config), sheet, step=step, seed=seed, now=datetime.now(UTC), note=note)
    for sentence in done.sentences:
        out.say(sentence)
    out.say()
    out.table(done.result.table, "Share of the score by part, in percent (95 % intervals, by account)")
    tried = done.proposed
    lock = f"powerml review lock {sheet}"
    if tried is not None:
        out.table(tried.changes, "Proposed weights")
        out.table(tried.moves, f"Enters and leaves the top {done.sheet.origin.top}", digits=1)
        if output is not None:
            write_weights(
                tried.spec, f"Proposed by 'powerml review read' from {sheet.name}; edit it as you like.", output
            )
            lock = f"{lock} {output}"
            out.say(f"Written to {output}. Lock it: {lock}")
        else:
            out.say(f"Keep the proposal with -o new.yaml, then lock it; or lock the weights as they stand: {lock}")
    out.result(
        {
            "sheet": str(done.sheet.origin),
            "answers": done.result.counts,
            "without_answer": done.result.unanswered,
            "sentences": done.sentences,
            "parts": done.result.table,
            "lean": done.result.lean,
            "proposed": None
            if tried is None
            else {
                "weights": tried.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
                "changes": tried.changes,
                "moves": tried.moves,
                "pairs": None if tried.comparison is None else tried.comparison.pairs,
            },
            "file": output if tried is not None else None,
        }
    )


def _lock(sheet: Path, edited: Path | None, output: Path | None, config: Path, out: common.Output) -> None:
    from powerml.config.project import load_project
    from powerml.workflows.review_lock import lock

    if output is not None:
        raise UsageError("powerml review lock writes to the project's configs/weights; leave -o out")
    done = lock(load_project(config), sheet, edited, now=datetime.now(UTC))
    out.say(done.sentence)
    out.result({"weights": done.spec.label, "file": done.file, "history": done.history, "record": done.entry})
