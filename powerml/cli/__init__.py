"""The `powerml` command: verbs parse, call one workflow, print. Each verb's module is imported when it is called."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from typing import NoReturn

import click

from powerml import __version__
from powerml.cli.terminal import take_any_text, visible
from powerml.errors import PowermlError

# verb -> (module, one line of help); the help of the whole is printed without importing any of them
VERBS: dict[str, tuple[str, str]] = {
    "demo": ("powerml.cli.demo", "Everything below on a simulated product with known truth."),
    "init": ("powerml.cli.init", "A project file from your own files; --check: what no longer fits."),
    "check": ("powerml.cli.check", "Read everything, never stop: rows, coverage, gaps, ripe labels."),
    "doctor": ("powerml.cli.doctor", "What keeps this machine or project from working, with fixes."),
    "export": ("powerml.cli.export", "The project's cleaned tables as folders of Parquet."),
    "metrics": ("powerml.cli.metrics", "List the metrics: definition, unit, window, direction, source."),
    "simulate": ("powerml.cli.simulate", "Write a simulated product and its truth."),
    "snapshot": ("powerml.cli.snapshot", "Write the snapshot table: every metric at a date."),
    "screen": ("powerml.cli.screen", "Which metrics deserve points, and which know too much."),
    "train": ("powerml.cli.train", "Fit, calibrate, validate and log scorers; register the best."),
    "compare": ("powerml.cli.compare", "Compare weight sets on the same rows."),
    "recalibrate": ("powerml.cli.recalibrate", "Move a version's base rates to the outcomes that came since."),
    "log": ("powerml.cli.log", "Send sessions kept aside to the store."),
    "prune": ("powerml.cli.prune", "Remove old sessions, versions and their files."),
    "ids": ("powerml.cli.ids", "Turn pseudonyms of the store back into ids."),
    "promote": ("powerml.cli.promote", "Give a registered version the alias champion."),
    "score": ("powerml.cli.score", "Write the scores table, from the registry or a weight set."),
    "explain": ("powerml.cli.explain", "Why this score, and the nearest way to the next band."),
    "night": ("powerml.cli.night", "Check, snapshot, score, keep, list, alert: each night's work, once."),
    "list": ("powerml.cli.list", "Whom to call this week, in what order, and what the list is worth."),
    "sync": ("powerml.cli.sync", "Scores into PostHog, Attio, a webhook, tables; a dry run unless --apply."),
    "alerts": ("powerml.cli.alerts", "What rang, for whom and why; whether each rule tells anything."),
    "tree": ("powerml.cli.tree", "What the score is made of, branch by branch, and what moved it."),
    "treat": ("powerml.cli.treat", "Draw who of a list is touched, and who is held out."),
    "impact": ("powerml.cli.impact", "Whether a playbook did anything, with its interval."),
    "history": ("powerml.cli.history", "What was said, night by night; of one entity, too."),
    "forget": ("powerml.cli.forget", "Remove somebody from all that the project keeps, for good."),
    "validate": ("powerml.cli.validate", "Band report of any score column against any labels."),
    "backtest": ("powerml.cli.backtest", "The list we would have had then, and what happened."),
    "report": ("powerml.cli.report", "Write the page: one HTML file for Monday and for every doubt."),
    "review": ("powerml.cli.review", "Have the top of a list judged, adjust the weights, lock them."),
    "weights": ("powerml.cli.weights", "List and show weight sets; the card with its quotes."),
    "audit": ("powerml.cli.audit", "What a published scorecard's own numbers imply."),
    "ui": ("powerml.cli.ui", "Open the MLflow UI on the project's store."),
}


INTERRUPTED = "interrupted; files that were not finished are as they were before"


class Verbs(click.Group):
    """A group that imports a verb's module only when the verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Verbs in the order of the work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the verb's module and takes its `command`."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with a suggestion for a misspelt verb."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            from powerml.errors import did_you_mean

            hint = did_you_mean(args[0], VERBS) or f"; there are {', '.join(VERBS)}"
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="powerml")
def root() -> None:
    """Product usage into 0-100 scores that predict churn and expansion, with the verdict first."""


def main() -> None:
    """Entry point: what goes wrong is one message on stderr; the exit status is 2, or 130 after Ctrl-C."""
    take_any_text()
    output = sys.stdout
    try:
        status = root.main(standalone_mode=False)
    except PowermlError as error:
        _end(str(error))
    except click.ClickException as error:
        said = io.StringIO()
        error.show(file=said)
        click.echo(visible(said.getvalue()), err=True, nl=False)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _end(INTERRUPTED, status=130)
    except MemoryError:
        _end("does not fit into memory; set 'memory_limit' in the project, or read less at once")
    except RuntimeError as error:
        if "interrupted" not in str(error).lower():  # DuckDB's word for Ctrl-C
            raise
        _end(INTERRUPTED, status=130)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error}; check the path, space and rights")
    except SystemExit as stop:
        if sys.stdout is output and not isinstance(stop.__context__, BrokenPipeError):
            raise  # click puts another output in its place where its reader went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())  # or Python complains again when it ends
        _end("standard output was closed before everything was said; files that were written are whole")
    sys.exit(status if isinstance(status, int) else 0)


def _end(message: str, *, status: int = 2) -> NoReturn:
    with contextlib.suppress(BrokenPipeError):
        click.echo(f"powerml: {visible(message)}", err=True)
    sys.exit(status)
