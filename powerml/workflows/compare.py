"""`powerml compare`: weight sets and runs against each other on the same rows, outcomes where they are known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from powerml.config.experiment import WeightSetEntry
from powerml.config.project import ProjectSpec, slug
from powerml.config.shipped import is_path, names
from powerml.config.weights import known_params, read_weights, settable
from powerml.errors import DataError, StoreError, UsageError, did_you_mean
from powerml.progress import Note, silent
from powerml.scoring.documented.load import scorer_of
from powerml.scoring.model import ScoringModel
from powerml.scoring.named import from_weights
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.scoring.scores_table import score_rows
from powerml.shown import Shown
from powerml.sources.tables.metrics import rows_to_score
from powerml.tracking import registry
from powerml.tracking.model_files import read_model
from powerml.tracking.runs import find_run
from powerml.tracking.store import Store, connected
from powerml.training.candidates import Candidate, Said, fit_on, joined, say
from powerml.training.judging import hold_out
from powerml.validation.comparison import Agreement, Comparison, agreement, compare
from powerml.workflows.project import OpenProject, gather

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from powerml.config.weight_set import WeightSetSpec
    from powerml.training.rows import Rows, TrainingData


@dataclass(frozen=True, eq=False)
class Compared(Shown):
    """Scorers on the same rows: `comparison` by outcomes (None where none can be held out), `agreements` by pair."""

    names: tuple[str, ...]
    comparison: Comparison | None
    agreements: Mapping[tuple[str, str], Agreement]
    sentences: tuple[str, ...]

    @property
    def second_worse(self) -> bool:
        """Whether a later scorer is worse than the first, by log loss."""
        if self.comparison is None:
            return False
        return any(self.comparison.answer(self.names[0], other) == "worse" for other in self.names[1:])

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield from self.sentences
        yield None if self.comparison is None else self.comparison.measures


@dataclass(frozen=True)
class Refitted:
    """A run's scorer, made anew from training rows: a fitted one is fitted again, so that no test row was learnt.

    Head and metrics are those of the run, so which metrics were kept may have been seen with the tested months.
    """

    name: str
    model: ScoringModel
    data: TrainingData

    def __post_init__(self) -> None:
        if self.model.outcome != self.data.custom:
            about = "churn" if self.model.outcome is None else repr(self.model.outcome.name)
            raise UsageError(
                f"{self.name} was trained on {about}, which is not what these snapshots are labelled with; custom "
                "outcomes are known to 'train', 'score', 'explain' and 'review': compare scorers in one experiment"
            )

    def make(self, rows: Rows, reference: pd.DataFrame) -> ScoringModel:
        """The scorer trained on `rows`."""
        rates, scorer = rows.rates(self.data.outcomes), self.model.scorer
        if isinstance(scorer, NestedOutcomeModel):
            X = rows.frame[self.data.available]
            return ScoringModel(fit_on(clone(scorer), X, rows, grace_days=self.data.grace_days), base_rates=rates)
        assert scorer.document is not None
        return ScoringModel(joined(clone(scorer.document).fit(reference), rows, self.data), base_rates=rates)


def compare_on_project(
    project: ProjectSpec,
    asked: Sequence[str],
    *,
    settings: Mapping[str, float] | None = None,
    seed: int = 0,
    note: Note = silent,
) -> Compared:
    """Compares weight sets (names, files) and runs (ids, versions, aliases) on the project's held-out snapshots.

    One weight set with `settings` is compared with its edited self. Scores get their links, and fitted scorers are
    fitted again, on the training rows of each fold. Who changes band or enters the top is told of the latest snapshot.
    Raises UsageError for a name that is neither, and where there is nothing to compare with.
    """
    entries = _entries(asked, settings or {}, project)
    data = gather(project, None, note=note)
    scorers = [_scorer(entry, data, project, seed) for entry in entries]
    held, said = _held_out(scorers, data, seed=seed, note=note)
    comparison = None
    if held is not None:
        note("comparing")
        comparison = compare(
            held.y, {name: one.probabilities for name, one in said.items()}, groups=held.accounts, seed=seed
        )
    note("scoring the latest snapshot")
    latest = data.latest[data.latest["enough_history"].astype(bool)].reset_index(drop=True)
    reference = data.reference(data.whole["as_of"].max())
    tables = {s.name: s.make(data.labelled, reference).score(latest) for s in scorers}
    agreements = {
        (a, b): agreement(latest[project.id_column], tables[a], tables[b]) for a, b in combinations(tables, 2)
    }
    return _result(tuple(tables), comparison, agreements, held)


def compare_sets(
    project: ProjectSpec,
    sets: Sequence[WeightSetSpec],
    *,
    opened: OpenProject,
    seed: int = 0,
    note: Note = silent,
) -> tuple[Comparison | None, str]:
    """Compares weight sets that need not be on disk, on the held-out snapshots of an opened project.

    Gives None and the reason where no outcome can be held out.
    """
    try:
        data = gather(project, None, opened=opened, note=note)
    except DataError as error:
        return None, f"Not compared on outcomes: {error}"
    recipes = []
    for spec in sets:
        scorer = scorer_of(spec, params=known_params(spec, project.params), vocabulary=data.vocabulary)
        recipes.append(Refitted(spec.label, ScoringModel(scorer), data))
    held, said = _held_out(recipes, data, seed=seed, note=note)
    if held is None:
        return None, "Not compared on outcomes: history is too short to hold a snapshot out."
    note("comparing")
    p = {name: one.probabilities for name, one in said.items()}
    return compare(held.y, p, groups=held.accounts, seed=seed), ""


def compare_on_table(
    path: Path,
    asked: Sequence[str],
    *,
    settings: Mapping[str, float] | None = None,
    project: ProjectSpec | None = None,
    now: datetime,
) -> Compared:
    """Compares weight sets on a table of metrics: order, bands and the top only, for want of outcomes."""
    tables = {}
    ids: pd.Series | None = None
    for entry in _entries(asked, settings or {}, project):
        if not isinstance(entry, WeightSetEntry):
            raise UsageError(f"{entry}: runs are compared on a project's snapshots; leave --metrics out")
        scorer = from_weights(entry.weights, settings=entry.set, project=project)
        table = rows_to_score(path, scorer)
        ids = table.frame[table.id_column]
        tables[entry.label], _ = score_rows(
            scorer, table.frame, ids=[table.id_column], reasons=0, ranking="batch", now=now
        )
    agreements = {(a, b): agreement(np.asarray(ids), tables[a], tables[b]) for a, b in combinations(tables, 2)}
    return _result(tuple(tables), None, agreements, None)


def _entries(
    asked: Sequence[str], settings: Mapping[str, float], project: ProjectSpec | None
) -> list[WeightSetEntry | str]:
    """Weight sets as entries, anything else as the name of a run; an edited weight set stands after the original."""
    base = None if project is None else project.base
    own = {path.stem for path in (Path(base) / "configs" / "weights").glob("*.yaml")} if base else set()
    entries: list[WeightSetEntry | str] = []
    for name in asked:
        is_weights = is_path(name) or name in names("weights") or name in own
        entries.append(WeightSetEntry(weights=name) if is_weights else name)
    if settings:
        entries = _edited(entries, settings, base)
    labels = [e.label if isinstance(e, WeightSetEntry) else e for e in entries]
    if len(entries) < 2:
        raise UsageError("compare: name two weight sets or runs, or one weight set with --set name=number")
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise UsageError(f"compare: {twice[0]!r} stands twice; name two that differ")
    return entries


def _edited(
    entries: list[WeightSetEntry | str], settings: Mapping[str, float], base: Path | None
) -> list[WeightSetEntry | str]:
    """One weight set becomes itself and its edited self; of several each takes the settings that it has."""
    sets = [e for e in entries if isinstance(e, WeightSetEntry)]
    if not sets:
        raise UsageError("--set changes a weight set; name one, like 'compare engagement --set ...'")
    known = {e.label: settable(read_weights(e.weights, base=base)) for e in sets}
    for name in settings:
        if not any(name in numbers for numbers in known.values()):
            every = dict.fromkeys(n for numbers in known.values() for n in numbers)
            hint = did_you_mean(name, every) or f"; there are {', '.join(every)}"
            raise UsageError(f"--set {name}: no such number in {' or '.join(known)}{hint}")
    if len(entries) == 1:
        changes = ", ".join(f"{name}={value:g}" for name, value in settings.items())
        name = f"{sets[0].label} with {changes}"
        return [sets[0], WeightSetEntry(weights=sets[0].weights, name=name, set=dict(settings))]
    return [
        WeightSetEntry(weights=e.weights, set={n: v for n, v in settings.items() if n in known[e.label]})
        if isinstance(e, WeightSetEntry)
        else e
        for e in entries
    ]


def _scorer(entry: WeightSetEntry | str, data: TrainingData, project: ProjectSpec, seed: int) -> Candidate | Refitted:
    if isinstance(entry, WeightSetEntry):
        candidate = Candidate(entry, data, seed, project.base)
        candidate.weight_set()  # says what is wrong before the work starts
        return candidate
    store, model = Store(project.state), slug(project.project)
    if found := find_run(store, entry):
        from mlflow.artifacts import download_artifacts

        with connected(store):
            folder = Path(download_artifacts(found.model_uri))
        shown = f"run {found.run_id}"
        return Refitted(f"{found.name} ({entry})", read_model(folder, expected=found.manifest, shown=shown), data)
    try:
        version = registry.find_version(store, model, entry)
    except StoreError as error:
        hint = did_you_mean(entry, names("weights")) or f"; weight sets are {', '.join(names('weights'))}"
        raise UsageError(f"{entry!r} is no weight set{hint}, and no run: {error}") from None
    return Refitted(version.shown, registry.load_version(store, version), data)


def _held_out(
    scorers: Sequence[Candidate | Refitted], data: TrainingData, *, seed: int, note: Note
) -> tuple[Rows | None, dict[str, Said]]:
    """What each scorer, made from the training rows of each fold, says of the test rows; None where none are held."""
    rows = data.labelled
    parts: dict[str, list[Said]] = {scorer.name: [] for scorer in scorers}
    tests: list[np.ndarray] = []
    folds = list(hold_out(data, seed=seed).rows(rows.frame, rows.accounts))
    for number, (train_at, test_at) in enumerate(folds, start=1):
        if not len(train_at) or len(set(rows.y[train_at])) < 2:
            continue
        train, test = rows.take(train_at), rows.take(test_at)
        reference = data.reference(train.frame["as_of"].max())
        for scorer in scorers:
            note(f"fold {number} of {len(folds)}: {scorer.name}")
            parts[scorer.name].append(say(scorer.make(train, reference), test, train.rates(data.outcomes)))
        tests.append(test_at)
    if not tests:
        return None, {}
    return rows.take(np.concatenate(tests)), {name: Said.pooled(said) for name, said in parts.items()}


def _result(
    shown: tuple[str, ...], comparison: Comparison | None, agreements: Mapping[Any, Agreement], held: Rows | None
) -> Compared:
    said: list[str] = []
    if comparison is not None and held is not None:
        rows, accounts = len(held.frame), len(set(held.accounts))
        said.append(f"On {rows:,} held-out rows of {accounts:,} accounts, links and fits made anew in each fold:")
        said += comparison.sentences
    else:
        said.append("No outcomes were held out to compare by; this is how far the scores agree.")
    said += [f"{a} against {b}: {told.sentence}" for (a, b), told in agreements.items()]
    return Compared(shown, comparison, agreements, tuple(said))
