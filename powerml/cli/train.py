"""`powerml train`: fit, calibrate, validate and log scorers; the verdict first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from powerml.cli import common
from powerml.errors import NotSent, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from powerml.config.experiment import ExperimentSpec
    from powerml.workflows.train import TrainResult


@common.command("train", short_help="Fit, calibrate, validate and log scorers; register the best.")
@click.argument("experiments", nargs=-1, type=common.FILE, metavar="[EXPERIMENT.yaml ...]")
@click.option("--from-run", "from_run", metavar="RUN", help="Repeat a run's session from what it logged; its id.")
@click.option("--table", type=common.FILE, help="A ready-made feature table (.csv, .parquet) instead of the project's.")
@click.option("--target", metavar="COLUMN", help="Its outcome: churn/stay/expand, or 0/1, yes/no with 1 = churn.")
@click.option("--group", metavar="COLUMN", help="Its account: rows of one account are held out and resampled together.")
@click.option("--time", "time", metavar="COLUMN", help="Its cutoff date: rows are held out forward in time.")
@click.option("--id", "id_", metavar="COLUMN", help="Its id of the entity; by default found by its name or values.")
@click.option("--good", is_flag=True, help="The target is a success: scores, words and lists rise with it.")
@click.option("--capacity", type=click.IntRange(min=1), metavar="N", help="Accounts a team can call per week.")
def command(
    experiments: tuple[Path, ...],
    from_run: str | None,
    table: Path | None,
    target: str | None,
    group: str | None,
    time: str | None,
    id_: str | None,
    good: bool,
    capacity: int | None,
    config: Path,
    out: common.Output,
) -> None:
    """Builds snapshots and labels, fits and judges every scorer forward in time, logs to MLflow, registers the best.

    Without an experiment: the documented scores engagement, power_user and activity, and the fitted heads logistic and
    auto. With --table the same from a ready-made feature table, which needs no project file. --from-run repeats a
    session and says what differs.

    \b
    An experiment file (every key has a default; all of them in configs/README.md, eight to copy in experiments/):
      question: Do fitted weights beat the documented ones?
      project: ../powerml.yaml     # absent: the project given by -c
      snapshots: {every: month}    # day | week | month | quarter; from, to
      screen: {threshold: 0.45}    # absent: auto; off: fit on all metrics
      scorers:
        - weights: engagement      # a weight set by name or path
        - {name: small_card, fit: card, total: 20}
      seed: 7
    Heads to fit: weights, card, logistic, lightgbm, stack, auto; further keys
    are the head's own options. outcome: {name: ..., events: {role: ...}}
    fits an outcome of your own; capacity: 20 says how many a team can call.
    """
    from powerml.config.experiment import ExperimentSpec, load_experiment
    from powerml.config.project import load_project
    from powerml.tables import NamedColumns
    from powerml.workflows.train import train
    from powerml.workflows.train_table import train_table

    if from_run is not None:
        asked = {"target": target, "group": group, "time": time, "id": id_, "good": good, "capacity": capacity}
        _repeat(from_run, experiments, table, config, out, asked)
        return
    if (table is None) != (target is None):
        missing, given = ("--target", "--table") if target is None else ("--table", "--target")
        raise UsageError(f"{given} needs {missing}: a feature table and the column that holds its outcome")
    if table is None and (named := [n for n, v in (("--group", group), ("--time", time), ("--id", id_)) if v]):
        raise UsageError(f"{named[0]} names a column of a feature table; give it with --table")
    if good and table is None:
        raise UsageError("--good is about the target of a feature table; give it with --table and --target")
    specs = [load_experiment(path) for path in experiments] or [ExperimentSpec()]
    results, unsent = [], []
    for spec in specs:
        if capacity:
            spec = _with_capacity(spec, capacity)
        with out.progress() as note:
            if table is not None and target is not None:
                at = spec.project_file or config
                project = load_project(at) if spec.project_file or common.is_named("config") or at.is_file() else None
                columns = NamedColumns(target, group, time, id_, good)
                done = train_table(table, columns, project=project, experiment=spec, note=note)
            else:
                done = train(load_project(spec.project_file or config), spec, note=note)
        results.append(_report(done, spec, out))
        unsent += [done.sent] if isinstance(done.sent, NotSent) else []
    out.result(results if len(results) > 1 else results[0])
    if unsent:  # what was found is told by now
        raise unsent[-1]


def _repeat(
    run: str,
    experiments: tuple[Path, ...],
    table: Path | None,
    config: Path,
    out: common.Output,
    named: Mapping[str, object],
) -> None:
    """Repeats the session of a run, and says what differs."""
    from powerml.workflows.train_from_run import train_from_run

    if experiments:
        raise UsageError(f"--from-run repeats the experiment of a run; leave {experiments[0]} out, or --from-run")
    if given := [name for name, value in named.items() if value]:
        raise UsageError(f"--from-run takes what the run was asked; leave --{given[0]} out")
    with out.progress() as note:
        again = train_from_run(run, common.project_or_store(config), table=table, note=note)
    told = _report(again.done, again.experiment, out)
    out.say()
    for sentence in again.sentences:
        out.say(sentence)
    out.result({**told, "repeats": again.run, "differs": again.differs, "figures": again.figures})
    if isinstance(again.done.sent, NotSent):
        raise again.done.sent


def _with_capacity(spec: ExperimentSpec, capacity: int) -> ExperimentSpec:
    """The experiment with the capacity that the caller states."""
    return spec.model_copy(update={"capacity": (capacity,)})


def _report(done: TrainResult, spec: ExperimentSpec, out: common.Output) -> dict[str, object]:
    """Prints one session, and gives what --json tells of it."""
    for sentence in done.sentences:
        out.say(sentence)
    out.say()
    for part in done.parts:
        if (table := part.for_reading) is not None:
            out.table(table, title=part.title)
    if isinstance(done.sent, NotSent):
        registered: dict[str, object] = {"kept": done.sent.kept}
    else:
        for sentence in done.next_steps:
            out.say(sentence)
        registered = {
            "model": done.version.model,
            "version": done.version.number,
            "champion": done.champion is not None,
            "run": done.session.run_id,
        }
    return {
        "scorers": done.scorers,
        **done.tables,
        "experiment": spec.name,
        "verdict": done.word,
        "sentences": done.sentences,
        "challenger": done.challenger,
        **registered,
        "not_applicable": {part.code: part.not_applicable for part in done.parts if part.not_applicable},
    }
