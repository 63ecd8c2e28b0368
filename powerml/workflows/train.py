"""`powerml train`: scorers fitted and judged forward in time on snapshots and labels; the best registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from powerml.config.experiment import ExperimentSpec, WeightSetEntry
from powerml.config.project import ProjectSpec
from powerml.reports.band_page import band_page, band_table
from powerml.reports.figures import band_figure, reliability_figure
from powerml.statistics.splits import SnapshotSplit
from powerml.tracking import fingerprints, registry
from powerml.tracking.pseudonyms import Pseudonyms, load_pseudonyms
from powerml.tracking.runs import Attachments, LoggedSession, ScorerRun, SessionRun, log_session
from powerml.tracking.scoring_model import ScoringModel
from powerml.tracking.store import Store, slug
from powerml.tracking.weights import native_params, weight_shares
from powerml.validation.verdict import MIN_EVENTS
from powerml.workflows.candidates import DOCUMENTED_CARD, Candidate, candidates, check_scorers
from powerml.workflows.judging import Judged, Test, judge, simplest
from powerml.workflows.reasons import reasons_json
from powerml.workflows.screening import Screening, plan_screening
from powerml.workflows.training_data import TrainingData, gather

Note = Callable[[str], None]
PROXY = (
    "Outcomes are behavioural proxies: churn is 90 days without an event, expansion half as many events again. "
    "They say nothing of contracts or money."
)
TOP = 20


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a session found, the verdict first.

    `headline` is the verdict on the challenger in a sentence; `scorers` one row per scorer; `bands` the challenger's
    band table beside the document's; `word` the overall verdict in a word.
    """

    headline: str
    word: str
    sentences: tuple[str, ...]
    scorers: pd.DataFrame
    bands: pd.DataFrame | None
    challenger: str
    version: registry.Version
    champion: registry.Version | None
    next_steps: tuple[str, ...]
    session: LoggedSession
    model: ScoringModel
    data: TrainingData


def train(
    project: ProjectSpec, experiment: ExperimentSpec | None = None, *, note: Note = lambda text: None
) -> TrainResult:
    """Trains, judges, logs and registers; see 5-product.md "Commands" and 4-learning.md "Validation protocol".

    Below 50 events of every outcome nothing is fitted and the documented card becomes the challenger.
    """
    experiment = experiment or ExperimentSpec()
    check_scorers(experiment, project)
    data = gather(project, experiment.snapshots, note=note)
    few = _too_few(data)
    screening = Screening() if few else plan_screening(experiment, data)
    every = candidates(experiment, data, screening)
    chosen = [c for c in every if not (few and c.is_fitted)]
    if (few or not chosen) and not any(c.name == DOCUMENTED_CARD for c in chosen):
        card = WeightSetEntry(weights=DOCUMENTED_CARD)
        chosen.append(Candidate(card, data, experiment.seed, experiment.base))
    test, judged = judge(chosen, data, seed=experiment.seed, note=note)
    best = _challenger(chosen, judged, test, few=bool(few), seed=experiment.seed)

    reference = _reference(data)
    note("fitting on all mature data")
    models = {c.name: c.without_link(reference) if few else c.make(data.labelled, reference) for c in chosen}
    word, headline, sentences = _words(best, judged, data, few, screening)
    logged = _log(
        data, experiment, chosen, judged, models, screening, word=word, sentences=sentences, few=few, note=note
    )
    version, champion = _register(project, best, judged, models, logged, data)
    model = models[best.name]
    its = next((one for one in judged if one.name == best.name), None)
    return TrainResult(
        headline=headline,
        word=word,
        sentences=sentences,
        scorers=_scorer_table(judged),
        bands=None if its is None else band_table(its.bands),
        challenger=best.name,
        version=version,
        champion=champion,
        next_steps=_next_steps(version, champion),
        session=logged,
        model=model,
        data=data,
    )


def _too_few(data: TrainingData) -> str:
    """The sentence that says that nothing can be fitted, or nothing."""
    counts = {o: data.labelled.events(o) for o in data.outcomes if o != "stay"}
    if any(n >= MIN_EVENTS for n in counts.values()):
        return ""
    told = " and ".join(f"{n} of {outcome}" for outcome, n in counts.items())
    return (
        f"Too few events to fit: the mature snapshots hold {told}, and a head needs {MIN_EVENTS} "
        f"(distinct accounts and instants); the documented weight set {DOCUMENTED_CARD!r} is registered as it stands."
    )


def _challenger(
    chosen: Sequence[Candidate], judged: Sequence[Judged], test: Test, *, few: bool, seed: int
) -> Candidate:
    """The simplest of the best; the documented card where nothing could be fitted or judged."""
    if few or not judged:
        return next((c for c in chosen if c.name == DOCUMENTED_CARD), chosen[0])
    return simplest(judged, test, seed=seed).candidate


def _reference(data: TrainingData) -> pd.DataFrame:
    """The latest snapshot's entities with enough history; the last mature one's where the latest has no active."""
    rows = data.latest[data.latest["enough_history"].astype(bool)].reset_index(drop=True)
    return rows if rows["active"].any() else data.reference(data.whole["as_of"].max())


def _words(
    best: Candidate, judged: Sequence[Judged], data: TrainingData, few: str, screening: Screening
) -> tuple[str, str, tuple[str, ...]]:
    """The overall verdict in a word, the headline, and all sentences of the report."""
    its = next((one for one in judged if one.name == best.name), None)
    proxy = (PROXY,) if data.project.outcome_kind == "behavioural" else ()
    if its is None:
        days = data.labelled.horizon_days + data.grace_days
        why = f"history is too short to hold out a snapshot {days} days after another"
        headline = f"Verdict on {best.name}: cannot tell: {why}."
        return "cannot tell", headline, (headline, *([few] if few else []), *screening.notes, *proxy)
    headline = f"Verdict on {best.name}: {its.verdict.sentence.removeprefix('Overall: ')}"
    told = (headline, *its.verdict.sentences[1:], *_two_numbers(its), *([few] if few else []), *screening.notes, *proxy)
    return its.verdict.word, headline, told


def _two_numbers(one: Judged) -> list[str]:
    """The skill on accounts that training saw, and on those it never saw."""
    figures = one.figures
    if "skill/unseen_accounts" not in figures:
        return []
    parts = [
        f"{100 * figures[f'skill/{name}']:.1f} % ({100 * figures[f'skill/{name}_low']:.1f} to "
        f"{100 * figures[f'skill/{name}_high']:.1f}) on {words}"
        for name, words in (("seen_accounts", "accounts seen in training"), ("unseen_accounts", "accounts never seen"))
        if f"skill/{name}" in figures
    ]
    return [f"Log-loss skill {', '.join(parts)}."]


def _scorer_table(judged: Sequence[Judged]) -> pd.DataFrame:
    rows = []
    for one in judged:
        overall, figures = one.verdict.overall, one.figures
        row: dict[str, Any] = {
            "scorer": one.name,
            "verdict": overall.verdict,
            "skill": f"{100 * overall.skill:.1f} % ({100 * overall.skill_low:.1f} to {100 * overall.skill_high:.1f})",
        }
        for outcome in one.verdict.outcomes:
            row[f"{outcome.outcome} AUROC"] = f"{outcome.auroc:.3f} ({outcome.auroc_low:.3f}-{outcome.auroc_high:.3f})"
        row |= {"log loss": figures["skill/log_loss"], "bands": one.bands.verdict}
        row["probabilities"] = "own" if one.candidate.is_fitted else "Platt link of the fold"
        rows.append(row)
    return pd.DataFrame(rows)


def _log(
    data: TrainingData,
    experiment: ExperimentSpec,
    chosen: Sequence[Candidate],
    judged: Sequence[Judged],
    models: Mapping[str, ScoringModel],
    screening: Screening,
    *,
    word: str,
    sentences: Sequence[str],
    few: str,
    note: Note,
) -> LoggedSession:
    note("logging to MLflow")
    project = data.project
    store = Store(project.state)
    names = load_pseudonyms(project.state)
    by_name = {one.name: one for one in judged}
    metrics = list(dict.fromkeys([*data.metrics, *(m for model in models.values() for m in model.scorer.metrics_)]))
    declared = _declaration(project, experiment)
    tags = {
        "powerml.config": fingerprints.of_json(declared),
        "powerml.data": fingerprints.of_frame(data.labelled.frame),
        "powerml.code": fingerprints.of_code(),
        "powerml.screen": "none: nothing fitted" if few else screening.tag,
        "powerml.horizon_days": str(data.labelled.horizon_days),
        "powerml.outcome": project.outcome_kind + (" (proxy)" if project.outcome_kind == "behavioural" else ""),
        "powerml.entity": project.entity,
    }
    split = SnapshotSplit(data.labelled.horizon_days, data.grace_days)
    session = SessionRun(
        experiment.name if experiment.base else "train",
        {**tags, "powerml.verdict": word},
        {
            "seed": experiment.seed,
            "rows": len(data.labelled.frame),
            "accounts": len(set(data.labelled.accounts)),
            "cutoffs": len(set(data.labelled.times)),
            "first_cutoff": str(data.labelled.frame["as_of"].min().date()),
            "last_cutoff": str(data.labelled.frame["as_of"].max().date()),
            "folds": len(split.folds(data.labelled.times)),
            **{f"events_{o}": data.labelled.events(o) for o in data.outcomes if o != "stay"},
        },
        Attachments(
            texts={"verdict.txt": "\n".join(sentences) + "\n"},
            tables={"coverage.csv": data.coverage, "scorers.csv": _scorer_table(judged)}
            | ({} if screening.report is None else {"screen/report.csv": screening.report}),
            data={"declaration.json": declared},
        ),
    )
    runs = [
        _scorer_run(
            models[c.name],
            by_name.get(c.name),
            data,
            metrics,
            names,
            few=few,
            sentences=sentences,
            screen=c.screening.tag if c.is_fitted else "none: not fitted",
        )
        for c in chosen
    ]
    return log_session(store, project.project, session=session, scorers=runs)


def _scorer_run(
    model: ScoringModel,
    judged: Judged | None,
    data: TrainingData,
    metrics: Sequence[str],
    names: Pseudonyms,
    *,
    few: str,
    sentences: Sequence[str],
    screen: str,
) -> ScorerRun:
    spec = getattr(model.scorer, "spec", None)
    texts = {}
    if spec is not None:
        written = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        texts[f"weights/{model.name}.yaml"] = yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
    tables, figures = {}, {}
    verdict_words = "cannot tell"
    if judged is not None:
        verdict_words = judged.verdict.word
        notes = [n for n in (few, *[s for s in sentences if s == PROXY]) if n]
        texts["bands/report.html"] = band_page(
            f"Bands of {model.name}", judged.bands, verdict=judged.verdict.sentences, notes=notes
        )
        tables["bands/report.csv"] = judged.bands.table
        tables["verdict.csv"] = judged.verdict.table()
        figures["bands/rates.png"] = band_figure(judged.bands.table, title=f"{model.name}: outcomes by band")
        figures["calibration/reliability.png"] = reliability_figure(
            judged.reliability, title=f"{model.name}: observed against predicted"
        )
    rows = data.labelled.frame
    sample = rows.sample(min(len(rows), 5000), random_state=0)
    return ScorerRun(
        model=model,
        shares=weight_shares(model.scorer, sample, metrics),
        native=native_params(model.scorer),
        metrics={} if judged is None else judged.figures,
        by_cutoff={} if judged is None else judged.by_cutoff,
        ranking=_ranking(model, data, names),
        example=rows.head(5),
        tags={
            "powerml.verdict": verdict_words,
            "powerml.version": str(model.scorer.version),
            "powerml.screen": screen,
        },
        attachments=Attachments(texts=texts, tables=tables, data={"scorer.json": model.to_dict()}, figures=figures),
    )


def _ranking(model: ScoringModel, data: TrainingData, names: Pseudonyms) -> pd.DataFrame:
    """The top of the latest snapshot under pseudonyms, the same columns for every scorer."""
    rows = data.latest[data.latest["enough_history"].astype(bool)]
    rows = rows[~model.outside(rows)]
    if rows.empty:
        rows = data.labelled.frame.tail(TOP)
    scores = np.asarray(model.scorer.predict_score(rows), dtype=float)
    rows = rows.iloc[np.argsort(-scores, kind="stable")[:TOP]]
    table = model.score(rows)
    reasons = reasons_json(model.contributions(rows), rows, top=3)
    shown = pd.DataFrame({"rank": np.arange(1, len(rows) + 1)})
    shown["entity"] = names.all(rows[data.project.id_column])
    for name in ("score", model.band_column, "percentile", "p_churn", "p_expand"):
        values = table[name].to_numpy() if name in table else np.full(len(rows), np.nan)
        shown["band" if name == model.band_column else name] = values
    return shown.assign(reasons=reasons.to_numpy())


def _register(
    project: ProjectSpec,
    best: Candidate,
    judged: Sequence[Judged],
    models: Mapping[str, ScoringModel],
    logged: LoggedSession,
    data: TrainingData,
) -> tuple[registry.Version, registry.Version | None]:
    """The challenger, registered; and the champion it became, if there was none and it shows skill."""
    store, model = Store(project.state), slug(project.project)
    its = next((one for one in judged if one.name == best.name), None)
    run = logged.scorers[best.name]
    tags = {
        registry.SCORER: best.name,
        registry.VERDICT: its.verdict.word if its else "cannot tell",
        "powerml.kind": models[best.name].kind,
        "powerml.trained_until": str(data.labelled.frame["as_of"].max().date()),
    }
    version = registry.register(
        store, model, run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags=tags
    )
    if "champion" in registry.aliases(store, model) or tags[registry.VERDICT] != "skill":
        return version, None
    registry.set_alias(store, version, "champion")
    return version, registry.find_version(store, model, str(version.number))


def _next_steps(version: registry.Version, champion: registry.Version | None) -> tuple[str, ...]:
    name, number, scorer = version.model, version.number, version.tags[registry.SCORER]
    if champion is not None:
        return (
            f"Registered {name} version {number} ({scorer}) as challenger and, there being none, as champion.",
            "Score with it: powerml score -o scores.csv",
        )
    return (
        f"Registered {name} version {number} ({scorer}) as challenger.",
        f"Score with it: powerml score --model {name}@challenger -o scores.csv",
        f"Make it the champion: powerml promote {number}",
    )


def _declaration(project: ProjectSpec, experiment: ExperimentSpec) -> dict[str, Any]:
    """What was declared, as the run keeps it: no owners (names), and of queries only their fingerprint."""
    told = project.model_dump(mode="json", by_alias=True, exclude={"owners"})
    told["vocabulary"] = {name: meaning.model_dump(mode="json") for name, meaning in project.meanings.items()}
    for table in told["tables"].values():
        if table.get("query"):
            table["query"] = fingerprints.of_text(table["query"])
    return {"project": told, "experiment": experiment.model_dump(mode="json", by_alias=True)}
