"""`powerml review`: a sheet of the top of the list goes out, comes back with answers, and says what to weigh anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.config import shipped
from powerml.config.fingerprints import of_json
from powerml.config.weights import POWER_SCORE, differences, known_params, read_weights, set_fingerprint
from powerml.errors import DataError, UsageError, did_you_mean
from powerml.progress import Note, silent
from powerml.scoring.load import scorer_of
from powerml.scoring.named import NamedScorer, from_weights
from powerml.scoring.scores_table import score_rows
from powerml.sinks.files import write_table
from powerml.sources.tables.review_sheet import Answered, SheetOrigin, read_sheet
from powerml.statistics.accounts import accounts_of
from powerml.tracking.scorers import from_registry
from powerml.training.refitted import compare_sets
from powerml.validation.comparison import Comparison, agreement
from powerml.validation.review.answers import Review, review
from powerml.validation.review.parts import Parts, review_parts
from powerml.validation.review.proposal import STEP, cannot_edit, proposal
from powerml.workflows.project import OpenProject, gather, latest_cutoff, open_project, project_metrics, ranked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    from powerml.config.project import ProjectSpec
    from powerml.config.weight_set import WeightSetSpec


@dataclass(frozen=True, eq=False)
class ScoredPeople:
    """A scored snapshot: its rows, their scores table (highest score first, both with one index), their parts."""

    project: ProjectSpec
    opened: OpenProject
    scorer: NamedScorer
    spec: WeightSetSpec | None
    origin: SheetOrigin
    rows: pd.DataFrame
    scores: pd.DataFrame
    parts: Parts
    everybody: pd.DataFrame
    vocabulary: Mapping[str, int]

    @property
    def ids(self) -> pd.Series:
        """Who the rows are, as text."""
        return self.rows[self.project.id_column].astype(str)

    @property
    def accounts(self) -> pd.Series:
        """The account of each row; the entity where it has none."""
        return pd.Series(accounts_of(self.rows, self.project.id_column), index=self.rows.index)


@dataclass(frozen=True, eq=False)
class Sheet:
    """What was written: the rows of the sheet and what they were made from."""

    frame: pd.DataFrame
    origin: SheetOrigin


@dataclass(frozen=True, eq=False)
class Reread:
    """The edited weights on the same snapshot: what changes, who enters and leaves the top, what that means.

    `moves`: id, change (enters, leaves), score_first, score_second, and the answer where there is one. `comparison` is
    on labels, None with `not_compared` where there are none.
    """

    spec: WeightSetSpec
    changes: pd.DataFrame
    moves: pd.DataFrame
    sentence: str
    comparison: Comparison | None
    not_compared: str


@dataclass(frozen=True, eq=False)
class Reviewed:
    """What a sheet that came back says, and the edited weights (None with `no_proposal` saying why)."""

    sheet: Answered
    result: Review
    left_out: tuple[str, ...]
    proposed: Reread | None
    no_proposal: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything in words: the answers, what they show, the proposal and what it would do."""
        said = [f"Review of the {self.sheet.origin}.", *self.result.sentences, *self.left_out]
        if self.proposed is None:
            return (*said, self.no_proposal)
        hunch = "" if self.result.proven else " Nothing is proven: it only goes the way the answers lean."
        said.append(f"Proposed: {self.proposed.spec.label}.{hunch} {self.proposed.sentence}")
        compared = self.proposed.comparison
        return (*said, *(compared.sentences if compared is not None else (self.proposed.not_compared,)))


def make_sheet(
    project: ProjectSpec,
    output: Path,
    *,
    weights: str | None = None,
    model: str | None = None,
    as_of: date | None = None,
    top: int = 20,
    now: datetime,
    note: Note = silent,
) -> Sheet:
    """Scores a snapshot (by default the latest) and writes the highest `top` as a sheet to fill in.

    Without `weights` and `model` the scorer is document A's `power_user`. Raises UsageError for a target that exists.
    """
    check_sheet_target(output)
    if weights and model:
        raise UsageError("--model and --weights exclude each other; give one of them")
    people = population(
        project,
        weights=None if model else weights or POWER_SCORE,
        model=model,
        as_of=as_of,
        top=top,
        now=now,
        note=note,
    )
    frame = _sheet(people, top)
    write_sheet(frame, people.origin, output)
    return Sheet(frame, people.origin)


def read_review(
    project: ProjectSpec,
    path: Path,
    *,
    step: float = STEP,
    seed: int = 0,
    now: datetime,
    note: Note = silent,
) -> Reviewed:
    """Reads a sheet that came back, compares the answers part by part, and tries an edited weight set.

    Raises DataError with every row that is wrong, UsageError where the weights changed since the sheet was written.
    """
    sheet = read_sheet(path)
    origin = sheet.origin
    named = {origin.kind: origin.wanted}
    people = population(
        project, weights=named.get("weights"), model=named.get("model"), as_of=origin.as_of, top=origin.top,
        expected=sheet, now=now, note=note,
    )  # fmt: skip
    answers, left_out = _placed(sheet, people)
    given = answers[answers["answer"] != ""]
    result = review(
        given["answer"], people.parts.shares.loc[given["at"]], groups=people.accounts.loc[given["at"]],
        unanswered=len(answers) - len(given), seed=seed,
    )  # fmt: skip
    documented = people.scorer.model.scorer.document
    if people.spec is None and documented is not None:
        why = f"{origin.label} is the weight set {documented.name}; to edit and lock it, review that: --weights NAME."
        return Reviewed(sheet, result, left_out, None, why.replace("NAME", documented.name))
    if why := cannot_edit(people.spec):
        return Reviewed(sheet, result, left_out, None, why)
    assert people.spec is not None
    edited = proposal(people.spec, result.lean, step=step)
    if edited is None:
        return Reviewed(sheet, result, left_out, None, _no_proposal(result))
    return Reviewed(sheet, result, left_out, _reread(people, edited, given, seed=seed, note=note), "")


def population(
    project: ProjectSpec,
    *,
    weights: str | None,
    model: str | None,
    as_of: date | None,
    top: int,
    expected: Answered | None = None,
    now: datetime,
    note: Note,
) -> ScoredPeople:
    """The snapshot scored by a weight set or a registered version; `expected` is the sheet it must be the same as."""
    spec = None
    if weights:
        scorer = from_weights(weights, project=project)
        spec = read_weights(weights, base=shipped.base_of(weights, project=project.base))
        label, fingerprint = spec.label, set_fingerprint(spec)
    else:
        scorer = from_registry(project, model)
        label, fingerprint = scorer.shown, of_json(scorer.model.to_dict())[:12]
    if expected is not None:
        _same_as_then(expected, label, fingerprint)
    opened = open_project(scorer.aimed(project), known=scorer.metrics(project_metrics(project)), note=note)
    day = as_of or latest_cutoff(opened)
    note(f"snapshot of {day}")
    built = opened.build([day], labels=True, note=note)
    left = opened.left(built.frame)
    if weights:
        scorer = scorer.with_counts(built.vocabulary_counts).with_ranks(_scored(ranked(built.frame, left)))
    ids = ["as_of", project.id_column]
    table, _ = score_rows(scorer, built.frame, ids=ids, reasons=3, ranking="stored", now=now, metrics=opened.metrics,
        left=left)  # fmt: skip
    scored = table[table["status"] == "scored"]
    if scored.empty:
        raise DataError(f"nobody is scored on {day}; choose another date, see 'powerml check'")
    scored = scored.sort_values(["score", project.id_column], ascending=[False, True], kind="stable")
    rows = built.frame.loc[scored.index]
    groups = {name: metric.group for name, metric in opened.metrics.items() if metric.group}
    path = weights if weights and shipped.is_path(weights) else None
    origin = SheetOrigin(min(top, len(scored)), day, "weights" if weights else "model", label, fingerprint, path)
    parts = review_parts(scorer.model.scorer, rows, groups)
    everybody = built.frame.assign(status=table["status"])
    return ScoredPeople(project, opened, scorer, spec, origin, rows, scored, parts, everybody, built.vocabulary_counts)


def _scored(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["enough_history"].astype(bool)]


def _same_as_then(sheet: Answered, label: str, fingerprint: str) -> None:
    origin = sheet.origin
    if (origin.label, origin.fingerprint) != (label, fingerprint):
        now = f"is {label} now" if label != origin.label else "holds other numbers now, under the same version"
        raise UsageError(
            f"{sheet.path}: was made with {origin.label}, and {origin.wanted} {now}; answers about one set say nothing "
            f"of another: write a new sheet"
        )


def _sheet(people: ScoredPeople, top: int) -> pd.DataFrame:
    """The rows of the sheet: rank, ids, names where the tables have them, score, parts with shares, reasons."""
    scores, id_column = people.scores.head(top), people.project.id_column
    rows = people.rows.loc[scores.index]
    columns: dict[str, Any] = {"rank": np.arange(1, len(scores) + 1), id_column: people.ids.loc[scores.index]}
    if id_column == "user_id":
        columns["name"] = _names(people.opened, "users", "user_id", columns[id_column])
        if "account_id" in rows:
            columns["account_id"] = rows["account_id"]
            columns["account"] = _names(people.opened, "accounts", "account_id", rows["account_id"])
    else:
        columns["name"] = _names(people.opened, "accounts", "account_id", columns[id_column])
    columns["score"] = scores["score"].round(1)
    columns["band"] = scores[people.scorer.model.band_column]
    for part in people.parts.names:
        columns[part] = people.parts.levels.loc[scores.index, part].round(1)
        columns[f"{part}_share"] = people.parts.shares.loc[scores.index, part].round(0)
    columns["reasons"] = ["; ".join(entry["text"] for entry in json.loads(text)) for text in scores["reasons"]]
    frame = pd.DataFrame({name: values for name, values in columns.items() if values is not None})
    return frame.reset_index(drop=True)


def _names(opened: OpenProject, table: str, key: str, wanted: pd.Series) -> list[str] | None:
    """The names of some users or accounts, None where the table has none."""
    if not opened.inputs.has(table, "name"):
        return None
    relation = opened.inputs.tables[table]
    rows = relation.filter(relation[key].isin(list(wanted.dropna().astype(str)))).select(key, "name")
    known = opened.inputs.engine.frame(rows).drop_duplicates(key).set_index(key)["name"]
    return [str(name) if isinstance(name, str) else "" for name in wanted.map(known)]


def _placed(sheet: Answered, people: ScoredPeople) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The answers with the row of the snapshot they are about (`at`); who cannot be judged is left out, with a word.

    Raises DataError with every row that is about nobody, or on the wrong side of the list.
    """
    ids = people.ids
    place = pd.Series(ids.index, index=ids.to_numpy())
    everybody = people.everybody.set_index(people.everybody[people.project.id_column].astype(str))["status"]
    top = set(ids.head(people.origin.top))
    problems, left_out = list[str](), list[str]()
    at: list[Any] = []
    for number, entity, answer in sheet.answers.itertuples(index=False):
        at.append(place.get(entity))
        what = ""
        if entity not in everybody.index:
            hint = did_you_mean(entity, everybody.index[:50_000])
            what = f"no {people.project.id_column} {entity!r} among {len(everybody):,} on {people.origin.as_of}{hint}"
        elif at[-1] is None:
            left_out.append(f"{entity} ({everybody[entity]})")
        elif answer == "missing" and entity in top:
            what = f"{entity!r} is on the list, so it is not missing; write yes or no"
        elif answer != "missing" and entity not in top:
            what = f"{entity!r} is not on the list; write missing if it should be, or take the row out"
        if what:
            problems.append(f"{sheet.path}: row {number}: {what}")
    if problems:
        raise DataError("\n".join(problems))
    told = (f"Left out, for want of a score on that day: {', '.join(left_out)}.",) if left_out else ()
    placed = sheet.answers.assign(at=pd.Series(at, index=sheet.answers.index)).dropna(subset=["at"])
    return placed.astype({"at": ids.index.dtype}), told


def _no_proposal(result: Review) -> str:
    if result.table.empty:
        return "No weights are proposed: there is nothing to learn from."
    return "No weights are proposed: the answers lean no weight far enough to move its last digit."


def _reread(people: ScoredPeople, edited: WeightSetSpec, given: pd.DataFrame, *, seed: int, note: Note) -> Reread:
    """Scores the same snapshot with the edited weights and sets both beside the answers and the labels."""
    project, old = people.project, people.spec
    assert old is not None
    changes = pd.DataFrame(differences(old, edited), columns=["setting", old.label, edited.label])
    scorer = scorer_of(edited, params=known_params(edited, project.params), vocabulary=people.vocabulary).fit(
        _scored(people.everybody)
    )
    note(f"scoring with {edited.label}")
    after = scorer.score_table(people.rows)
    top = people.origin.top
    alike = agreement(people.ids, people.scores, after, top=top)
    moves = alike.top[alike.top["end"] == "highest"].drop(columns="end")
    said = pd.Series(given["answer"].to_numpy(), index=people.ids.loc[given["at"]].to_numpy())
    moves = moves.assign(answer=moves["id"].map(said).fillna("")).reset_index(drop=True)
    sentence = _moved(moves, said, top)
    comparison, why = _on_outcomes(people, [old, edited], seed=seed, note=note)
    return Reread(edited, changes, moves, sentence, comparison, why)


def _on_outcomes(
    people: ScoredPeople, sets: list[WeightSetSpec], *, seed: int, note: Note
) -> tuple[Comparison | None, str]:
    """The sets on the project's held-out snapshots; None and the reason where no outcome can be held out."""
    try:
        data = gather(people.project, None, opened=people.opened, note=note)
    except DataError as error:
        return None, f"Not compared on outcomes: {error}"
    return compare_sets(data, sets, seed=seed, note=note)


def _moved(moves: pd.DataFrame, said: pd.Series, top: int) -> str:
    entered, left = (int((moves["change"] == change).sum()) for change in ("enters", "leaves"))
    if not entered:
        return f"The top {top} stays as it is; the next sheet, or a larger --step, may move it."
    parts = []
    for answer, change in (("no", "leaves"), ("missing", "enters"), ("yes", "leaves")):
        if count := int((said == answer).sum()):
            moved = int(((moves["answer"] == answer) & (moves["change"] == change)).sum())
            plural = change.removesuffix("s") if moved != 1 else change
            parts.append(f"of {count} {answer} {moved} {plural}")
    return f"{entered} enter the top {top} and {left} leave it: {', '.join(parts)}."


def write_sheet(frame: pd.DataFrame, origin: SheetOrigin, path: Path) -> None:
    """Writes the rows of the list with empty columns to fill in and what they were made from, whole or not at all."""
    write_table(frame.assign(answer="", comment="", sheet=str(origin)), path)


def check_sheet_target(path: Path) -> None:
    """A sheet is a CSV file, and never written over one that may hold answers."""
    if path.suffix != ".csv":
        raise UsageError(f"{path}: a sheet is filled in with a spreadsheet program; end the name in .csv")
    if path.exists():
        raise UsageError(f"{path}: exists already and may hold answers; choose another name, or remove it first")
