"""`powerml train`: fit, calibrate, validate and log scorers; the verdict first."""

from __future__ import annotations

from pathlib import Path

import click

from powerml.cli import common


@common.command("train", short_help="Fit, calibrate, validate and log scorers; register the best.")
@click.argument("experiments", nargs=-1, type=common.FILE, metavar="[EXPERIMENT.yaml ...]")
def command(experiments: tuple[Path, ...], config: Path, out: common.Output) -> None:
    """Builds snapshots and labels, fits and judges every scorer forward in time, logs to MLflow, registers the best.

    Without an experiment: the documented scores engagement, power_user and activity, and a fitted logistic model.
    """
    from powerml.config.experiment import ExperimentSpec, load_experiment
    from powerml.config.project import load_project
    from powerml.workflows.train import train

    specs = [load_experiment(path) for path in experiments] or [ExperimentSpec()]
    results = []
    for spec in specs:
        project = load_project(spec.project_file or config)
        with out.progress() as note:
            done = train(project, spec, note=note)
        for sentence in done.sentences:
            out.say(sentence)
        out.say()
        out.table(done.scorers, title="Scorers on the held-out rows (95 % intervals, by account)")
        if done.bands is not None:
            out.table(done.bands, title=f"Bands of {done.challenger}, beside the document's own table")
        for title, table in done.tables.items():
            out.table(table, title=title)
        for sentence in done.next_steps:
            out.say(sentence)
        results.append(
            {
                "experiment": spec.name,
                "verdict": done.word,
                "sentences": done.sentences,
                "scorers": done.scorers,
                "bands": done.bands,
                "months": done.look.months,
                "early_warning": done.look.early,
                "calls": done.look.calls,
                "challenger": done.challenger,
                "model": done.version.model,
                "version": done.version.number,
                "champion": done.champion is not None,
                "run": done.session.run_id,
            }
        )
    out.result(results if len(results) > 1 else results[0])
