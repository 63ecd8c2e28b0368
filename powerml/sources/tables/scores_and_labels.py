"""A file of scores and a file of labels, joined on cutoff and id: rows to judge. A bad file is one clear message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import DataError, MissingColumns
from powerml.sources.tables.files import dates, ids, numbers, read_table, row_error
from powerml.statistics.accounts import accounts_of
from powerml.tables import ENTITY_IDS, LABELS, OUTCOMES

if TYPE_CHECKING:
    from pathlib import Path

OUTCOME_PROBABILITIES = tuple(f"p_{o}" for o in OUTCOMES)


@dataclass(frozen=True, eq=False)
class Joined:
    """Rows with a score and an outcome, and what became of the others.

    `frame`: the scores' columns with `label`, and `treated` where the labels say it. `left_out`: rows of scores without
    a label row, labels without a score row, labels that are no outcome.
    """

    frame: pd.DataFrame
    id_column: str
    left_out: dict[str, int]

    @property
    def accounts(self) -> pd.Series:
        """The account of each row, by which rows are resampled; the entity where it has none."""
        return pd.Series(accounts_of(self.frame, self.id_column), index=self.frame.index)

    @property
    def sentence(self) -> str:
        """What was joined and what was left out."""
        out = [f"{n:,} {what}" for what, n in self.left_out.items() if n]
        joined = f"{len(self.frame):,} rows with a score and an outcome"
        return f"{joined}; left out: {', '.join(out)}." if out else f"{joined}."


def score_column(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """A column as float64, empty = nan; raises DataError with the first row that is no number."""
    if column not in table:
        raise MissingColumns([column], asked_by=f"{path}: the column to judge", have=table.columns)
    return numbers(table[column], path, fix="leave it empty where there is no score")


def join(scores_path: Path, labels_path: Path) -> Joined:
    """Reads both files and joins them on `as_of` and the id that both carry (`user_id`, else `account_id`).

    Labels need `as_of`, an id and `label` (a snapshot written with --labels will do). Raises DataError or
    MissingColumns, naming the file, the column and the fix.
    """
    scores, labels = read_table(scores_path), read_table(labels_path)
    for path, table, needed in ((scores_path, scores, ["as_of"]), (labels_path, labels, ["as_of", "label"])):
        if absent := [c for c in needed if c not in table]:
            raise MissingColumns(absent, asked_by=f"{path}: joining scores and labels", have=table.columns)
    id_column = next((c for c in ENTITY_IDS if c in scores and c in labels), None)
    if id_column is None:
        raise DataError.in_file(
            scores_path, f"shares no id column with {labels_path}", "both need user_id, or both account_id"
        )
    scores = _keyed(scores, id_column, scores_path)
    labels = _keyed(labels, id_column, labels_path)
    keys = ["as_of", id_column]
    own = next(c for c in ENTITY_IDS if c in scores)  # users' scores may meet their accounts' labels
    _once(scores, ["as_of", own], scores_path, what="score")
    _once(labels, keys, labels_path, what="label")
    word = labels["label"].astype("str")
    if (unknown := ~word.isin(LABELS)).any():
        raise row_error(labels_path, labels["label"], unknown, "is no label", f"labels are {', '.join(LABELS)}")
    wanted = [
        *keys,
        "label",
        *(c for c in ("treated", "account_id") if c in labels and c not in keys and c not in scores),
    ]
    both = scores.drop(columns=["label"], errors="ignore").merge(labels[wanted], on=keys, how="left", indicator=True)
    has_label = both["_merge"] == "both"
    judged = both["label"].isin(OUTCOMES)
    scored = both["status"].eq("scored") if "status" in both else pd.Series(True, index=both.index)
    left_out = {
        "scores without a label row": int((~has_label).sum()),
        "labels without a score row": len(labels) - int(both.loc[has_label, keys].drop_duplicates().shape[0]),
        "ineligible": int((both["label"] == "ineligible").sum()),
        "immature": int((both["label"] == "immature").sum()),
        "not scored": int((judged & ~scored).sum()),
    }
    frame = both[judged & scored].drop(columns="_merge").reset_index(drop=True)
    if frame.empty:
        why = ", ".join(f"{n} {what}" for what, n in left_out.items() if n)
        raise DataError.in_file(scores_path, f"no row has both a score and an outcome ({why})", "check as_of and ids")
    if "treated" in frame:
        frame["treated"] = frame["treated"].astype("str").str.lower().isin(["true", "1", "1.0"])
    return Joined(frame, id_column, left_out)


def _keyed(table: pd.DataFrame, id_column: str, path: Path) -> pd.DataFrame:
    """`as_of` as midnights and the id as text."""
    when = dates(table["as_of"], path)
    named = {c: ids(table[c], path, required=c == id_column) for c in ENTITY_IDS if c in table}
    return table.assign(as_of=when.dt.normalize(), **named)


def _once(table: pd.DataFrame, keys: list[str], path: Path, *, what: str) -> None:
    """Raises DataError where an id stands twice at a cutoff."""
    if (twice := table.duplicated(keys) & table[keys[1]].notna()).any():
        fix = f"keep one {what} per cutoff and id"
        raise row_error(path, table[keys[1]], twice, "stands twice at the same cutoff", fix)
