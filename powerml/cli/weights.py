"""`powerml weights`: list weight sets, show one with its quotes, compare two, copy one to edit."""

from __future__ import annotations

from pathlib import Path

import click

from powerml.cli import common
from powerml.errors import UsageError, did_you_mean

_ARGUMENTS = {"list": (), "show": ("NAME",), "diff": ("A", "B"), "copy": ("NAME", "FILE.yaml")}


@common.command("weights", short_help="List and show weight sets; the card with its quotes.")
@click.argument("words", nargs=-1, metavar="[show NAME | diff A B | copy NAME FILE.yaml]")
@click.option("--diff", "compared", nargs=2, metavar="A B", help="The settings in which two sets differ.")
def command(words: tuple[str, ...], compared: tuple[str, str] | None, config: Path, out: common.Output) -> None:
    """List the weight sets, or show, compare or copy one; a set is a shipped name or a file.

    \b
    powerml weights                       the sets there are
    powerml weights show engagement       the card: every number with the document's words
    powerml weights diff engagement my.yaml
    powerml weights copy engagement my.yaml
    """
    from powerml.workflows import weights

    action, *names = ("diff", *compared, *words) if compared else (words or ("list",))
    if action not in _ARGUMENTS:
        hint = did_you_mean(action, _ARGUMENTS) or f"; there are {', '.join(_ARGUMENTS)}"
        raise UsageError(f"powerml weights {action}: no such action{hint}")
    if len(names) != len(_ARGUMENTS[action]):
        raise UsageError(f"powerml weights {action}: expected {' '.join(_ARGUMENTS[action]) or 'nothing more'}")
    base = config.resolve().parent if config.is_file() else None
    if action == "list":
        sets = weights.list_weights(base)
        out.table(sets)
        out.result(sets)
    elif action == "show":
        card = weights.show(names[0], base=base)
        source = card.spec.source
        out.say(f"{card.spec.label}  {card.spec.title}")
        out.say(f"kind {card.spec.kind}, {len(card.spec.metrics)} metrics, {card.file}")
        if source is not None and source.document:
            out.say(f"document {source.document}, {source.section}: “{source.quote}”")
            out.say(f"our reading: {source.reading}" if source.reading else "")
        out.table(card.lines.drop(columns=["document", "section"]))
        if len(card.playbooks):
            out.table(card.playbooks, title="Playbooks")
        declared = card.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        out.result({"weights": declared, "lines": card.lines, "playbooks": card.playbooks})
    elif action == "diff":
        found = weights.diff(names[0], names[1], base=base)
        out.table(found)
        out.say(f"{len(found)} settings differ" if len(found) != 1 else "1 setting differs")
        out.result(found)
    else:
        written = weights.copy(names[0], Path(names[1]), base=base)
        out.say(f"{written} written; edit it, then: powerml score --weights {written} …")
        out.result({"file": written})
