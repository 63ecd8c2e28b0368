"""Options that several verbs share, so that one name means one thing and is checked in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from powerml.cli import common
from powerml.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def output(what: str) -> Decorator:
    """`-o FILE`, a table: refused before any work where it could not be written at the end."""

    def check(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
        if path is not None:
            from powerml.sinks.files import check_target

            check_target(path)
        return path

    return click.option(
        "-o", "output", type=common.FILE, callback=check, help=f"Write {what} to this .csv or .parquet file."
    )


def page_file(*names: str, what: str = "the page") -> Decorator:
    """`--html FILE` (or `names`): a page that stands alone, refused before any work where it could not be written."""

    def check(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
        if path is not None:
            from powerml.sinks.files import check_page_target

            check_page_target(path)
        return path

    named = names or ("--html",)
    return click.option(
        *named, "page", type=common.FILE, callback=check, help=f"Write {what} to this .html file; it opens offline."
    )


def seed(of: str = "bootstrap and held-out accounts") -> Decorator:
    """`--seed`: the same seed, the same figures."""
    return click.option("--seed", type=int, default=0, show_default=True, help=f"Seed of {of}.")


def scorer(default: str) -> Decorator:
    """`--model` and `--weights`: a registered version or a weight set, and by default what `default` says."""

    def exclusive(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value and context.params.get("model"):
            raise UsageError("--model and --weights exclude each other; give one of them")
        return value

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        model = click.option(
            "--model", metavar="NAME@ALIAS", is_eager=True, help=f"A registered version [default: {default}]."
        )
        weights = click.option(
            "--weights", metavar="FILE|NAME", callback=exclusive, help="A weight set, by its name or its file."
        )
        return model(weights(function))

    return wrap
