"""Do the three largest reasons of a row ever contradict each other, and does a reader understand them?

    POWERML_SHARED=FOLDER python experiments/studies/learning/reasons.py \\
        --sets git_brew crm6 ravenstack validation [--page F]

On each set every scorer of a session without an experiment file is trained on all mature rows, as `powerml train`
registers it, and gives up to 10,000 of them their three largest reasons. Counted are pairs of opposite sign whose
metrics correlate above .8 (pandas' Pearson or Spearman, of either sign, over the rows scored): of named metrics, and of
all metrics inside the two reasons. Ten rows are printed, spread evenly over the scores of the first scorer that tells
the rows apart (the most reasons to tell).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.experiment import ExperimentSpec
from powerml.config.project import load_project
from powerml.config.shipped import configs
from powerml.public import simulate
from powerml.scoring.named import NamedScorer
from powerml.scoring.scores_table import id_columns, score_rows
from powerml.training.candidates import candidates
from powerml.training.screening import plan_screening
from powerml.validation.verdict import MIN_EVENTS
from powerml.workflows.project import gather

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.project import ProjectSpec
    from powerml.scoring.model import ScoringModel
    from powerml.training.rows import TrainingData

ALIKE, MOST_ROWS, SHOWN = 0.8, 10_000, 10
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Read:
    """The scores table of a set's rows with all that is needed to look at it."""

    scorer: str
    model: ScoringModel
    rows: pd.DataFrame
    table: pd.DataFrame

    @property
    def reasons(self) -> list[list[dict]]:
        """The reasons of every row."""
        return [json.loads(text) for text in self.table["reasons"]]


def project_of(name: str, scratch: Path, seed: int) -> ProjectSpec:
    """The declared project of a real set, or a simulated product of 2,000 people; what it keeps lies in `scratch`."""
    if name == "validation":
        return simulate(users=2_000, months=24, preset="validation", seed=seed, folder=scratch / name)
    folder = scratch / name
    folder.mkdir()
    file = folder / "powerml.yaml"
    file.write_text((configs() / "projects" / f"{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return load_project(file)


def read_all(data: TrainingData, seed: int) -> list[Read]:
    """What every scorer of a session says of up to 10,000 of the rows it was trained on."""
    experiment = ExperimentSpec(seed=seed)
    screening = plan_screening(experiment, data)
    rows = data.labelled.frame
    rows = rows.iloc[np.sort(np.random.default_rng(seed).permutation(len(rows))[:MOST_ROWS])].reset_index(drop=True)
    reference = data.reference(data.whole["as_of"].max())
    fitted = any(data.labelled.events(outcome) >= MIN_EVENTS for outcome in data.judged)
    found = []
    for candidate in candidates(experiment, data, screening):
        if candidate.is_fitted and not fitted:
            continue
        model = candidate.make(data.labelled, reference)
        named = NamedScorer(model, candidate.name, "1")
        ids = id_columns(rows, data.labelled.id_column)
        table, baseline = score_rows(named, rows, ids=ids, reasons=3, ranking="stored", now=NOW, metrics=data.metrics)
        all_of_it = model.reasons(rows)
        off = np.abs(all_of_it.effects.sum(axis=1) + baseline - table["score"].to_numpy(dtype=float)).max()
        assert off < 1e-6, off
        found.append(Read(candidate.name, model, rows, table))
    return found


def alike(rows: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """The larger of |Pearson| and |Spearman| of every two metrics, by pandas."""
    numbers = rows[[name for name in metrics if pd.api.types.is_numeric_dtype(rows[name])]]
    return np.maximum(numbers.corr().abs().fillna(0), numbers.corr(method="spearman").abs().fillna(0))


def contradictions(read: Read) -> dict[str, int]:
    """Rows, and pairs of opposite sign among their three largest reasons by alike metrics."""
    near = alike(read.rows, [n for n in read.model.scorer.metrics_ if n in read.rows])
    close = {(a, b) for a in near for b in near if a != b and near.loc[a, b] > ALIKE}
    named = inside = 0
    for reasons in read.reasons:
        for one, other in combinations(reasons, 2):
            if one["contribution"] * other["contribution"] < 0:
                named += (one["metric"], other["metric"]) in close
                inside += any((a, b) in close for a in _members(one) for b in _members(other))
    return {"rows": len(read.rows), "by name": named, "by any member": inside}


def _members(reason: Mapping) -> list[str]:
    return [reason["metric"], *reason.get("with", [])]


def examples(read: Read) -> list[str]:
    """Ten rows over the whole range of scores, in words."""
    order = np.argsort(read.table["score"].to_numpy(dtype=float), kind="stable")
    places = order[np.linspace(0, len(order) - 1, SHOWN).round().astype(int)]
    lines = []
    for number, place in enumerate(places, 1):
        row = read.table.iloc[place]
        told = ", ".join(f"{n} {row[n]:.0%}" for n in ("p_churn", "p_expand") if n in row and pd.notna(row[n]))
        lines.append(f"{number:2}. score {row['score']:.1f}, {row['band']} ({told})")
        lines += [f"      {reason['text']}" for reason in json.loads(row["reasons"])]
    return lines


def main() -> None:
    """Trains, counts, prints; writes the examples where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["git_brew", "crm6", "ravenstack", "validation"])
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    if set(asked.sets) - {"validation"} and "POWERML_SHARED" not in os.environ:
        parser.error("POWERML_SHARED is not set; it names the folder that holds data/")
    page = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in asked.sets:
            data = gather(project_of(name, Path(scratch), asked.seed), None, earlier=True)
            found = read_all(data, asked.seed)
            for read in found:
                families = ["=".join(group) for group in read.model.families.groups]
                line = f"{name}, {read.scorer}: {contradictions(read)}"
                print(line, *families, sep="\n    ", flush=True)
            best = max(found, key=lambda read: read.table["score"].std())
            page += [f"{name} ({best.scorer})", *examples(best), ""]
            print("\n".join(page[page.index(f"{name} ({best.scorer})") :]), flush=True)
    if asked.page is not None:
        asked.page.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
