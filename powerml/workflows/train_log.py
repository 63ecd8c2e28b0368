"""What a training session writes into MLflow, and the version it registers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config import fingerprints
from powerml.config.metrics import catalogue
from powerml.config.project import slug
from powerml.reports.band_page import band_page
from powerml.reports.kept import WORDS, kept_model, kept_tables, kept_words
from powerml.reports.run_notes import scorer_note, session_note
from powerml.reports.run_pictures import (
    FITTED_WEIGHTS,
    REASONS,
    SCORERS,
    judged_pictures,
    judged_tables,
    reasons_picture,
    scorers_picture,
    three_of,
    weights_picture,
)
from powerml.reports.session import headline, proxies
from powerml.scoring.explain.shares import native_params, weight_shares
from powerml.scoring.explain.text import reasons_text
from powerml.scoring.outcome.card_file import weight_files
from powerml.tracking import registry
from powerml.tracking.due import DATA_UNTIL, PROJECT_TAG, VOCABULARY_TAG, vocabulary_fingerprint
from powerml.tracking.kept_session import REPEAT_FILE, THEN, THEN_FILE
from powerml.tracking.limits import headline_figures, on_axes
from powerml.tracking.pseudonyms import Pseudonyms, load_pseudonyms
from powerml.tracking.runs import Attachments, LearnedFrom, ScorerRun, SessionRun, log_session
from powerml.tracking.sending import SentSession, log_and_register
from powerml.tracking.store import safe_part, store_of
from powerml.tracking.unsent import Registration
from powerml.training.beside_the_verdict import early_figures
from powerml.training.repeating import for_repeat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powerml.charts.theme import AnyChart
    from powerml.reports.part import Part
    from powerml.scoring.model import ScoringModel
    from powerml.training.judged import Judged
    from powerml.training.rows import TrainingData
    from powerml.training.session import Session

RANKING_TOP = 20
PARENT_FIGURES = 40


def log_training(session: Session, parts: Sequence[Part], *, name: str) -> SentSession:
    """One parent run, below it one run per scorer, and the challenger's version; `parts` are the report's.

    The version becomes the champion too, if there was none and it shows skill. Raises NotSent, see `log_and_register`.
    """
    data, experiment, few, models = session.data, session.experiment, session.few, session.models
    project, screening = data.project, session.screening
    names = load_pseudonyms(project.state)
    by_name = {one.name: one for one in session.every}
    if session.its is not None:
        by_name[session.best.name] = session.its
    chosen = [*session.chosen, *([] if session.other_way is None else [session.other_way.candidate])]
    metrics = list(dict.fromkeys([*data.metrics, *(m for model in models.values() for m in model.scorer.metrics_)]))
    declared = {**data.provenance.declaration, "experiment": experiment.model_dump(mode="json", by_alias=True)}
    tags = {
        "powerml.config": fingerprints.of_json(declared),
        "powerml.data": fingerprints.of_frame(data.labelled.frame),
        "powerml.code": fingerprints.of_code(),
        "powerml.screen": "none: nothing fitted" if few else screening.tag,
        "powerml.horizon_days": str(data.labelled.horizon_days),
        "powerml.outcome": data.population.outcome_kind
        + (" (proxy)" if data.population.outcome_kind == "behavioural" else ""),
        "powerml.model": data.model_name,
        "powerml.entity": project.entity,
        "powerml.split": session.split.words,
        **data.learned.to_tags(),
        **_known_then(data),
    }
    tables = {"coverage.csv": data.coverage} | {f"{p.code}.csv": p.table for p in parts if p.table is not None}
    tables |= {} if session.screening.report is None else {"screen/report.csv": session.screening.report}
    kept, last_told = kept_tables(session, names.all)
    tables |= kept
    told = [sentence for part in parts for sentence in part.sentences]
    counts = _counts(data)
    then = kept_model(session)
    run = SessionRun(
        name,
        {**tags, "powerml.verdict": session.word, **({} if then is None else {THEN: fingerprints.of_json(then)})},
        {
            "seed": experiment.seed,
            "folds": len(session.split.folds),
            **counts,
        },
        Attachments(
            texts={"verdict.txt": "\n".join(told) + "\n"},
            tables=tables,
            data={
                "declaration.json": declared,
                WORDS: kept_words(parts, last_told),
                REPEAT_FILE: for_repeat(experiment, data),
                **({} if then is None else {THEN_FILE: then}),
            },
        ),
        metrics={} if session.its is None else headline_figures(session.its.figures, PARENT_FIGURES),
        learned_from=LearnedFrom(f"{slug(project.project)} snapshots", tags["powerml.data"], counts),
    )
    runs = []
    for c in sorted(chosen, key=lambda c: not c.is_fitted):  # the UI shows the last first, which are baselines
        one = by_name.get(c.name)
        figures = {} if one is None else {**one.figures, **early_figures(one, data)}
        if c.name == session.best.name:
            figures |= {name: value for part in parts for name, value in part.figures.items()}
        screen = c.screening.tag if c.is_fitted else "none: not fitted"
        runs.append(_scorer_run(c.name, models[c.name], one, session, metrics, names, figures=figures, screen=screen))
    axes = on_axes([each.shares for each in runs], catalogue())
    runs = [replace(each, shares=shares) for each, shares in zip(runs, axes, strict=True)]
    if several := len(runs) > 1:
        chart, table = scorers_picture(
            {each.label: each.shares for each in runs}, {each.label: three_of(each.metrics) for each in runs}
        )
        attached = run.attachments
        tables = {**attached.tables, f"{SCORERS}.csv": table}
        run = replace(run, attachments=replace(attached, tables=tables, pictures={SCORERS: chart}))
    told_note = partial(
        session_note, headline(session), parts, question=experiment.question, challenger=session.best.name,
        several=several,
    )  # fmt: skip
    run = replace(run, note=lambda own, ids: told_note(own=own, runs=ids))
    return log_and_register(
        store_of(project),
        project.project,
        write=lambda store: log_session(store, project.project, session=run, scorers=runs),
        order=_challenger(session),
    )


def _scorer_run(
    name: str,
    model: ScoringModel,
    judged: Judged | None,
    session: Session,
    metrics: Sequence[str],
    names: Pseudonyms,
    *,
    figures: Mapping[str, float],
    screen: str,
) -> ScorerRun:
    data = session.data
    texts = {f"weights/{safe_part(called)}.yaml": text for called, text in weight_files(model.scorer).items()}
    tables: dict[str, pd.DataFrame] = {}
    tables |= model.scorer.training_tables()
    if model.scorer.document is None or model.scorer.remarks():
        texts["heads/findings.txt"] = "\n".join(model.scorer.remarks()) + "\n"
    verdict_words = "cannot tell"
    if judged is not None:
        verdict_words = judged.verdict.word
        notes = [n for n in (session.few, *proxies(session)) if n]
        texts["bands/report.html"] = band_page(
            f"Bands of {name}", judged.bands, verdict=judged.verdict.sentences, notes=notes
        )
        tables["bands/report.csv"] = judged.bands.table
        tables["verdict.csv"] = judged.verdict.table()
        tables |= judged_tables(judged)
    rows, shares = data.labelled.frame, weight_shares(model.scorer, metrics)
    return ScorerRun(
        model=model,
        shares=shares,
        native=native_params(model.scorer),
        metrics=figures,
        by_cutoff={} if judged is None else judged.by_cutoff,
        ranking=top_of_the_list(model, data, names),
        example=rows.head(5),
        tags={
            "powerml.verdict": verdict_words,
            **({} if judged is None else outcome_tags(judged)),
            "powerml.version": str(model.scorer.version),
            "powerml.screen": screen,
        },
        attachments=Attachments(texts=texts, tables=tables, pictures=_pictures(name, model, judged, tables, data)),
        name=name,
        note=scorer_note(
            name,
            model.kind,
            verdict=() if judged is None else judged.verdict.sentences,
            shares=shares,
            remarks=model.scorer.remarks(),
        ),
    )


def _pictures(
    name: str, model: ScoringModel, judged: Judged | None, tables: Mapping[str, pd.DataFrame], data: TrainingData
) -> dict[str, AnyChart]:
    """A scorer's pictures, as far as there is something to draw."""
    drawn = {} if judged is None else judged_pictures(judged)
    rows = data.current
    more = {
        REASONS: reasons_picture(model, rows[~model.outside(rows)]),
        FITTED_WEIGHTS: weights_picture(tables.get(f"{FITTED_WEIGHTS}.csv"), name=name),
    }
    return drawn | {path: chart for path, chart in more.items() if chart is not None}


def _counts(data: TrainingData) -> dict[str, str | int]:
    """How many labelled rows, accounts, cutoffs and events there are."""
    events = {f"events_{outcome}": data.labelled.events(outcome) for outcome in data.judged}
    accounts = len(set(data.labelled.accounts))
    return {"rows": len(data.labelled.frame), "accounts": accounts, **data.cutoff_params(), **events}


def outcome_tags(judged: Judged) -> dict[str, str]:
    """The verdict on each outcome, so that a list can be refused where there is no skill."""
    return {f"{registry.OUTCOME_VERDICT}{one.outcome}": one.called for one in judged.verdict.outcomes}


def top_of_the_list(model: ScoringModel, data: TrainingData, names: Pseudonyms) -> pd.DataFrame:
    """The top of the latest snapshot under pseudonyms, the same columns for every scorer."""
    rows = data.current
    rows = rows[~model.outside(rows)]
    if rows.empty:
        rows = data.labelled.frame.tail(RANKING_TOP)
    scores = np.asarray(model.scorer.predict_score(rows), dtype=float)
    rows = rows.iloc[np.argsort(-scores, kind="stable")[:RANKING_TOP]]
    table = model.score(rows)
    reasons = reasons_text(model.reasons(rows), rows, top=3, metrics=data.metrics)
    shown = pd.DataFrame({"rank": np.arange(1, len(rows) + 1)})
    shown["entity"] = names.all(rows[data.labelled.id_column])
    told = ("p_churn", "p_expand") if data.custom is None else (f"p_{data.custom.name}",)
    for name in ("score", model.band_column, "percentile", *told):
        values = table[name].to_numpy() if name in table else np.full(len(rows), np.nan)
        shown["band" if name == model.band_column else name] = values
    return shown.assign(reasons=reasons)


def _known_then(data: TrainingData) -> dict[str, str]:
    """What tells later that the vocabulary changed; a ready-made table comes without one."""
    project = data.project
    said = {PROJECT_TAG: slug(project.project)}
    if not data.has_later:
        return said
    until = str(data.latest["as_of"].max().date())
    return said | {VOCABULARY_TAG: vocabulary_fingerprint(project), DATA_UNTIL: until}


def _challenger(session: Session) -> Registration:
    """The version that is to come of a session."""
    name = session.best.name
    tags = {
        registry.SCORER: name,
        registry.VERDICT: session.word,
        "powerml.kind": session.models[name].kind,
        **({} if session.its is None else outcome_tags(session.its)),
        **session.data.learned.to_tags(),
        **_known_then(session.data),
    }
    return Registration(session.data.model_name, name, tags, leads=session.word == "skill")


def next_steps(version: registry.Version, champion: registry.Version | None, *, data: TrainingData) -> tuple[str, ...]:
    """What was registered, and how to score with it."""
    name, number, scorer = version.model, version.number, version.tags[registry.SCORER]
    table = data.provenance.scored_by
    apart = bool(table) or data.custom is not None  # not what 'powerml score' and 'promote' take by themselves
    if champion is not None:
        return (
            f"Registered {name} version {number} ({scorer}) as challenger and, there being none, as champion.",
            f"Score with it: powerml score {table}{f'--model {name}@champion ' if apart else ''}-o scores.csv",
        )
    first = (
        f"Registered {name} version {number} ({scorer}) as challenger.",
        f"Score with it: powerml score {table}--model {name}@challenger -o scores.csv",
    )
    if (word := version.verdict) == "no skill":
        return (first[0], f"Nothing should be built on it, nor should it be promoted: the verdict on it is {word!r}.")
    how = version.promoted(f"{name}@challenger" if apart else None)
    return (*first, f"{how[0].upper()}{how[1:]}")
