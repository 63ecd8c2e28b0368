"""`powerml compare`: weight sets and runs against each other on the same rows, outcomes where they are known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.config.experiment import FittedEntry, WeightSetEntry
from powerml.config.project import ProjectSpec, slug
from powerml.config.shipped import is_path, names
from powerml.config.weights import read_weights, settable
from powerml.errors import StoreError, UsageError, did_you_mean
from powerml.progress import Note, silent
from powerml.reports.comparison_page import comparison_page
from powerml.scoring.explain.shares import weight_shares
from powerml.scoring.learned import Learned
from powerml.scoring.named import from_weights
from powerml.scoring.scores_table import score_rows
from powerml.shown import Shown
from powerml.sources.tables.metrics import rows_to_score
from powerml.tracking import registry
from powerml.tracking.model_files import fetched, read_model
from powerml.tracking.runs import find_run
from powerml.tracking.store import connected, store_of
from powerml.training.candidates import Candidate
from powerml.training.folds import out_of_fold
from powerml.training.refitted import Refitted, compared
from powerml.validation.comparison import Agreement, Comparison, agreement
from powerml.workflows.project import gather
from powerml.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from powerml.scoring.model import ScoringModel
    from powerml.training.rows import Rows, TrainingData


@dataclass(frozen=True, eq=False)
class Compared(Shown):
    """Scorers on the same rows: `comparison` by outcomes (None where none can be held out), `agreements` by pair.

    `shares`: what each metric weighs in each, in %.
    """

    names: tuple[str, ...]
    comparison: Comparison | None
    agreements: Mapping[tuple[str, str], Agreement]
    sentences: tuple[str, ...]
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

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
class LoggedScorer:
    """A run's or version's scorer read from the store; `learned`: the snapshots that it was fitted on."""

    name: str
    model: ScoringModel
    learned: Learned | None = None


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
    Raises UsageError for a name that is neither, and where there is nothing to compare with, before any data is read.
    """
    asked_for = _entries(asked, settings or {}, project)
    entries = [_logged(entry, project) if isinstance(entry, str) else entry for entry in asked_for]
    return compare_on(gather(project, None, note=note), entries, seed=seed, note=note)


def compare_on(
    data: TrainingData,
    entries: Sequence[WeightSetEntry | FittedEntry | LoggedScorer | str],
    *,
    seed: int = 0,
    note: Note = silent,
) -> Compared:
    """The comparison on rows that are there already, of a project or of a feature table; see `compare_on_project`."""
    scorers = [_scorer(entry, data, data.project, seed) for entry in entries]
    made = out_of_fold(scorers, data, data.split(seed=seed), note=note)
    comparison = None
    if made.folds:
        note("comparing")
        comparison = compared(made, seed=seed)
    note("scoring the latest snapshot")
    latest = data.current.reset_index(drop=True)
    reference = data.reference(data.whole["as_of"].max())
    models = {s.name: s.make(data.labelled, reference) for s in scorers}
    tables = {name: model.score(latest) for name, model in models.items()}
    ids = latest[data.labelled.id_column]
    agreements = {(a, b): agreement(ids, tables[a], tables[b]) for a, b in combinations(tables, 2)}
    held = made.test.rows if made.folds else None
    cautions = () if held is None else tuple(filter(None, (s.caution(held.times) for s in scorers)))
    shares = {name: weight_shares(model.scorer, ()) for name, model in models.items()}
    return replace(_result(tuple(tables), comparison, agreements, held, cautions), shares=shares)


def write_comparison(done: Compared, path: Path) -> None:
    """The comparison as a page that stands alone: the sentences, the scorers in parallel coordinates, the tables."""
    measures, pairs = (None, None) if done.comparison is None else (done.comparison.measures, done.comparison.pairs)
    agreements = {" against ".join(pair): (told.moves, told.top) for pair, told in done.agreements.items()}
    write_whole(path, comparison_page(done.names, done.sentences, done.shares, measures, pairs, agreements))


def compare_on_table(
    path: Path,
    asked: Sequence[str],
    *,
    settings: Mapping[str, float] | None = None,
    project: ProjectSpec | None = None,
    now: datetime,
) -> Compared:
    """Compares weight sets on a table of metrics: order, bands and the top only, for want of outcomes."""
    tables, shares = {}, {}
    ids: pd.Series | None = None
    for entry in _entries(asked, settings or {}, project):
        if not isinstance(entry, WeightSetEntry):
            raise UsageError(f"{entry}: runs are compared on a project's snapshots; leave --metrics out")
        scorer = from_weights(entry.weights, settings=entry.set, project=project)
        table = rows_to_score(path, scorer)
        ids = table.frame[table.id_column]
        shares[entry.label] = weight_shares(scorer.model.scorer, ())
        tables[entry.label], _ = score_rows(
            scorer, table.frame, ids=[table.id_column], reasons=0, ranking="batch", now=now
        )
    agreements = {(a, b): agreement(np.asarray(ids), tables[a], tables[b]) for a, b in combinations(tables, 2)}
    return replace(_result(tuple(tables), None, agreements, None, ()), shares=shares)


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


def _scorer(
    entry: WeightSetEntry | FittedEntry | LoggedScorer | str, data: TrainingData, project: ProjectSpec, seed: int
) -> Candidate | Refitted:
    if isinstance(entry, FittedEntry):
        return Candidate(entry, data, seed, project.base)
    if isinstance(entry, WeightSetEntry):
        candidate = Candidate(entry, data, seed, project.base)
        candidate.weight_set()  # says what is wrong before the work starts
        return candidate
    found = entry if isinstance(entry, LoggedScorer) else _logged(entry, project)
    return Refitted(found.name, found.model, data, learned=found.learned)


def _logged(name: str, project: ProjectSpec) -> LoggedScorer:
    """The scorer of a run or a version. Raises UsageError where there is none, StoreError where nobody answers."""
    store, model = store_of(project), slug(project.project)
    if not store.is_own:
        with connected(store):  # whether it answers; a name that it does not know is another matter
            pass
    if found := find_run(store, name):
        with connected(store), fetched(store, found.model_uri) as folder:
            logged = read_model(folder, expected=found.manifest, shown=f"run {found.run_id}")
        return LoggedScorer(f"{found.name} ({name})", logged)
    try:
        version = registry.find_version(store, model, name)
    except StoreError as error:
        hint = did_you_mean(name, names("weights")) or f"; weight sets are {', '.join(names('weights'))}"
        raise UsageError(f"{name!r} is no run ({error}) and no weight set{hint}") from None
    return LoggedScorer(version.shown, registry.load_version(store, version), Learned.from_tags(version.tags))


def _result(
    shown: tuple[str, ...],
    comparison: Comparison | None,
    agreements: Mapping[Any, Agreement],
    held: Rows | None,
    cautions: tuple[str, ...],
) -> Compared:
    said: list[str] = []
    if comparison is not None and held is not None:
        rows, accounts = len(held.frame), len(set(held.accounts))
        said.append(f"On {rows:,} held-out rows of {accounts:,} accounts, links and fits made anew in each fold:")
        said += (*cautions, *comparison.sentences)
    else:
        said.append("No outcomes were held out to compare by; this is how far the scores agree.")
    said += [f"{a} against {b}: {told.sentence}" for (a, b), told in agreements.items()]
    return Compared(shown, comparison, agreements, tuple(said))
