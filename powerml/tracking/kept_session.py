"""The training session behind a registered version, read back: its sentences, its tables, those of its scorer."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config import fingerprints
from powerml.errors import StoreError
from powerml.scoring.model import ScoringModel
from powerml.spreadsheets import read_back
from powerml.tracking.store import Store, connected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow.entities import Run

    from powerml.tracking.registry import Version

PARENT = "mlflow.parentRunId"
REPEAT_FILE = "repeat.json"  # what a repeat needs beside the declaration
THEN_FILE = "held_out/model.json"  # the scorer as it was made before the last cutoff that was held out
THEN = "powerml.held_out"  # its fingerprint, a tag of the session's run


@dataclass(frozen=True)
class ModelThen:
    """A session's scorer as it was made before `as_of` from so many `rows`: it knew nothing of what came."""

    as_of: date
    rows: int
    model: ScoringModel


@dataclass(frozen=True)
class KeptSession:
    """Files of the session's run and of the scorer's run, by their paths.

    `scorer`: its name; `run_id`: the session's; `when`: the day it was made.
    """

    store: Store
    run_id: str
    scorer_run: str
    scorer: str
    when: str

    def table(self, name: str, *, of_scorer: bool = False) -> pd.DataFrame | None:
        """A CSV file, as it was before it was made safe for spreadsheets; None where there is none or it is empty."""
        text = self._read(f"{name}.csv", of_scorer=of_scorer)
        if not text or not text.strip():
            return None
        frame = read_back(pd.read_csv(io.StringIO(text)))
        return frame if len(frame) else None

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """All that was said, the verdict first but for suspects."""
        return tuple(line for line in (self._read("verdict.txt") or "").splitlines() if line)

    @cached_property
    def told(self) -> dict[str, tuple[str, ...]]:
        """What was said, by part."""
        words = json.loads(self._read("told.json") or "{}").get("sentences", {})
        return {str(part): tuple(sentences) for part, sentences in words.items()}

    @cached_property
    def declaration(self) -> dict[str, Any]:
        """What was declared: project, vocabulary, metrics, experiment."""
        told: dict[str, Any] = json.loads(self._read("declaration.json") or "{}")
        return told

    @cached_property
    def for_repeat(self) -> dict[str, Any] | None:
        """What a repeat needs beside the declaration; None where a version before that kept it made the run."""
        text = self._read(REPEAT_FILE)
        return None if text is None else dict(json.loads(text))

    def model_then(self) -> ModelThen | None:
        """The scorer as the session made it before its last held-out cutoff; None where none is kept.

        Raises StoreError where the file is not the one that was kept.
        """
        text = self._read(THEN_FILE)
        if text is None or THEN not in self.tags:
            return None
        kept = json.loads(text)
        if kept.get("scorer") != self.scorer:
            return None
        if fingerprints.of_json(kept) != self.tags[THEN]:
            changed = f"run {self.run_id[:8]}: its file {THEN_FILE!r} was changed since it was kept"
            raise StoreError(f"{changed}; train again")
        return ModelThen(date.fromisoformat(kept["as_of"]), int(kept["rows"]), ScoringModel.from_dict(kept["model"]))

    @cached_property
    def tags(self) -> dict[str, str]:
        """The tags of the session's run: fingerprints of data and code among them."""
        with connected(self.store) as client:
            return dict(client.get_run(self.run_id).data.tags)

    @cached_property
    def rows(self) -> str:
        """How many labelled rows it had."""
        with connected(self.store) as client:
            return str(client.get_run(self.run_id).data.params.get("rows", "?"))

    def figures(self) -> dict[str, dict[str, float]]:
        """Every figure of every scorer of the session, by the scorer's name."""
        return {
            str(run.info.run_name): dict(zip(table["figure"], table["value"], strict=True))
            for run in self._scorers()
            if (table := replace(self, scorer_run=run.info.run_id).table("figures", of_scorer=True)) is not None
        }

    @cached_property
    def shares(self) -> dict[str, dict[str, float]]:
        """Per scorer of the session the share of each metric in its score, in %."""
        return {str(run.info.run_name): _weights(run.data.metrics) for run in self._scorers()}

    def _scorers(self) -> list[Run]:
        """The scorers' runs, in the order in which they were logged."""
        with connected(self.store) as client:
            own = client.get_run(self.run_id)
            wanted = f"tags.`{PARENT}` = '{self.run_id}'"
            runs = client.search_runs([own.info.experiment_id], wanted, max_results=1000)
        return list(reversed(runs))

    def _read(self, path: str, *, of_scorer: bool = False) -> str | None:
        with connected(self.store):
            from mlflow.artifacts import load_text
            from mlflow.exceptions import MlflowException

            with contextlib.suppress(MlflowException, OSError):
                text: str = load_text(f"runs:/{self.scorer_run if of_scorer else self.run_id}/{path}")
                return text
        return None


def kept_session(store: Store, version: Version) -> KeptSession | None:
    """The session that a version comes from; None for a version that is gone from its runs."""
    from mlflow.exceptions import MlflowException

    with connected(store) as client:
        try:
            run = client.get_run(version.run_id)
            parent = run.data.tags.get(PARENT)
            if parent is None:
                return None
            began = pd.Timestamp(client.get_run(parent).info.start_time, unit="ms")
        except MlflowException:
            return None
    return KeptSession(store, parent, version.run_id, str(run.info.run_name), f"{began:%Y-%m-%d}")


def session_of_run(store: Store, wanted: str) -> KeptSession:
    """The session whose run, or one of whose scorers' runs, has an id that begins with `wanted` (6 characters or more).

    Raises StoreError where there is none, or several.
    """
    found: dict[str, KeptSession] = {}
    if store.exists and len(wanted) >= 6:
        with connected(store) as client:
            for experiment in client.search_experiments():
                for run in client.search_runs(
                    [experiment.experiment_id], "tags.`powerml.model` != ''", max_results=5000
                ):
                    if run.info.run_id.startswith(wanted):
                        parent = run.data.tags.get(PARENT, run.info.run_id)
                        when = f"{pd.Timestamp(run.info.start_time, unit='ms'):%Y-%m-%d}"
                        found[parent] = KeptSession(store, parent, run.info.run_id, str(run.info.run_name), when)
    if len(found) == 1:
        return next(iter(found.values()))
    what = f"several sessions have runs that begin with {wanted!r}" if found else f"no run {wanted!r} of a session"
    raise StoreError(f"{store.shown}: {what}; give the id that 'powerml train' or the MLflow UI shows, from its start")


def _weights(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name.removeprefix("weight/"): float(value) for name, value in metrics.items() if name.startswith("weight/")}
