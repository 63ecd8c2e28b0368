"""What all verbs share: the options every command has, dates, and where output goes."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from powerml.cli.columns import column_widths, parted
from powerml.cli.terminal import a_line_a_minute, visible, visible_json
from powerml.errors import PowermlError, UsageError
from powerml.writing import STATE_FOLDER, keep_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from powerml.config.project import ProjectSpec


class DateType(click.ParamType):  # type: ignore[type-arg]  # no generic in older versions of Click
    """A calendar date, YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date, or a usage error that shows the form wanted."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a date; use YYYY-MM-DD, like 2026-04-01", param, ctx)


DATE = DateType()
FILE = click.Path(path_type=Path)
LONGEST_CELL = 600  # of a table on a terminal; what -o writes and --json tells is whole
_RAW = "In CSV leave texts as they are, even those that a spreadsheet program would run as formulas."


class Output:
    """Where a command writes: tables and sentences for people, or one JSON value on stdout with the rest on stderr."""

    def __init__(self, *, as_json: bool, quiet: bool, raw: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.raw = raw  # whether tables are written for machines only, see sinks/files.py

    @property
    def console(self) -> Any:
        """A rich console on stdout, or on stderr where stdout carries JSON; wide in a pipe."""
        from rich.console import Console

        stream = sys.stderr if self.as_json else sys.stdout
        return Console(file=stream, width=None if stream.isatty() else 160, highlight=False, soft_wrap=True)

    def say(self, text: str = "") -> None:
        """A sentence for people; nothing when quiet."""
        if not self.quiet:
            click.echo(visible(text), err=self.as_json)

    def note(self, text: str) -> None:
        """Progress and remarks: always on stderr; nothing when quiet."""
        if not self.quiet:
            click.echo(visible(text), err=True)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """Yields `note(text)`: a moving line with the time taken on a terminal, a line a minute elsewhere on stderr."""
        if self.quiet:
            yield lambda _text: None
            return
        if not sys.stderr.isatty():
            with a_line_a_minute(lambda text: click.echo(_shown(text), err=True)) as note:
                yield note
            return
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("reading")
            yield lambda text: bar.update(task, description=_shown(text))

    def table(self, frame: pd.DataFrame, title: str | None = None, *, digits: int = 3) -> None:
        """A frame as a table for people; nothing when quiet or when JSON is wanted."""
        if self.quiet or self.as_json:
            return
        import pandas as pd
        from rich import box
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        console = self.console
        columns = [[visible(str(name)), *(_cell(value, digits) for value in values)] for name, values in frame.items()]
        lines = [max(map(cell_len, "\n".join(column).split("\n"))) for column in columns]
        words = [max(map(cell_len, " ".join(column).split()), default=0) for column in columns]
        widths, gap = column_widths(lines, words, console.width - 2)  # a blank stands at each edge
        drawn = Table(
            title=None if title is None else _shown(title),
            title_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, (gap - 1) // 2),
        )
        columns = [[parted(text, width) for text in column] for column, width in zip(columns, widths, strict=True)]
        for (_, values), (name, *_), width in zip(frame.items(), columns, widths, strict=True):
            numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
            drawn.add_column(Text(name), justify="right" if numeric else "left", overflow="fold", width=width)
        for row in zip(*(column[1:] for column in columns), strict=True):
            drawn.add_row(*map(Text, row))
        console.print(drawn)

    def result(self, value: Any) -> None:
        """The machine's result: printed as JSON on stdout when --json is given."""
        if self.as_json:
            text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)
            click.echo(visible_json(text))


def _cell(value: Any, digits: int) -> str:
    import pandas as pd

    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float):
        text = f"{value:.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text and value == round(value, 9) else text
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d") if value == value.normalize() else value.isoformat()
    text = str(value)
    return visible(text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…")


def _shown(text: str) -> str:
    """A text for rich: what looks like its markup is text too."""
    from rich.markup import escape

    return escape(visible(text))


def _plain(value: Any) -> Any:
    """Frames, numbers and dates as JSON knows them."""
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return json.loads(value.to_json(orient="records", date_format="iso"))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"not JSON: {type(value)}")


class Verb(click.Command):
    """A command that refuses options given twice, of which Click would take the last, and numbers that are not finite,
    which pass every range.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click's; raises UsageError that names the option."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        single = [p for p in given if isinstance(p, click.Option) and not (p.multiple or p.is_flag or p.count)]
        if twice := [p for p in single if single.count(p) > 1]:
            raise UsageError(f"{max(twice[0].opts, key=len)} is given twice; give it once")
        rest = super().parse_args(ctx, args)
        for option in self.params:
            value = ctx.params.get(option.name or "")
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"{max(option.opts, key=len)} {value}: is not a finite number; give one, like 0.25")
        return rest


def command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A verb with the options every verb has; the function gets `config` (a path) and `out` (an Output)."""

    def wrap(function: Callable[..., Any]) -> click.Command:
        own: list[click.Parameter] = getattr(function, "__click_params__", [])
        if any(parameter.name == "output" for parameter in own):
            own.insert(0, click.Option(["--raw"], is_flag=True, help=_RAW))  # the first is shown last

        @click.command(name, cls=Verb, **attributes)
        @click.option(
            "-c", "--config", type=FILE, default=Path("powerml.yaml"), show_default=True, help="Project file."
        )
        @click.option("--json", "as_json", is_flag=True, help="Machine output on stdout, all else on stderr.")
        @click.option("--quiet", is_flag=True, help="Say nothing but errors.")
        @functools.wraps(function)
        def inner(as_json: bool, quiet: bool, raw: bool = False, **arguments: Any) -> Any:
            _refuse_inputs(**arguments)
            try:
                return function(out=Output(as_json=as_json, quiet=quiet, raw=raw), **arguments)
            finally:
                keep_private(arguments["config"].parent / STATE_FOLDER)

        made: click.Command = inner
        return made

    return wrap


def _refuse_inputs(output: Path | None = None, **arguments: Any) -> None:
    """Raises UsageError where the output is a file that the same command reads."""
    if output is None or not output.exists():
        return
    given = [part for value in arguments.values() for part in (value if isinstance(value, tuple) else (value,))]
    inputs = [Path(part) for part in given if isinstance(part, (str, Path)) and str(part)]
    config = arguments.get("config")
    if config is not None and config.is_file():
        from powerml.config.project import load_project
        from powerml.sources.fingerprint import input_files

        with contextlib.suppress(PowermlError):  # whoever needs the project says what is wrong with it
            inputs += input_files(load_project(config))
    for path in inputs:
        if path.exists() and path.samefile(output):
            raise UsageError(f"{output}: is read by this command, so it is not written over; name another file with -o")


def is_named(parameter: str) -> bool:
    """Whether the caller gave an option of the running command, as against its default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not click.core.ParameterSource.DEFAULT


def project_or_store(config: Path) -> ProjectSpec:
    """The project file's project; where none is there or named, the store that 'train --table' left in this folder.

    Such a store's project is called as its model is, where it holds one only. A store elsewhere says nothing of that.
    """
    from powerml.config.project import bare_project, load_project

    if is_named("config") or config.is_file() or not Path(".powerml", "mlflow.db").is_file():
        return load_project(config)
    from powerml.tracking import registry
    from powerml.tracking.store import store_of

    project = bare_project(Path(), name=Path.cwd().name)
    known = registry.models(store_of(project))
    return bare_project(Path(), name=known[0]) if len(known) == 1 else project


def settings(pairs: tuple[str, ...]) -> dict[str, float]:
    """`--set name=number` options as a dict; raises UsageError that shows the form wanted."""
    result = {}
    for pair in pairs:
        name, eq, value = pair.partition("=")
        try:
            result[name.strip()] = float(value) if eq else float("nan")
        except ValueError:
            eq = ""
        if not eq or not math.isfinite(result[name.strip()]):
            raise UsageError(f"--set {pair}: expected name=number, like --set max_features=20")
    return result
