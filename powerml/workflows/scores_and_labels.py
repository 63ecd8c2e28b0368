"""A file of scores and a file of labels, joined on cutoff and id: rows to judge. A bad file is one clear message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from powerml.errors import DataError, MissingColumns
from powerml.tables import LABELS, OUTCOMES
from powerml.workflows.metric_table import read_parquet

IDS = ("user_id", "account_id")
PROBABILITIES = tuple(f"p_{o}" for o in OUTCOMES)


@dataclass(frozen=True, eq=False)
class Joined:
    """Rows with a score and an outcome, and what became of the others.

    `frame`: the scores' columns with `label`, and `treated` where the labels say it. `account`: the column to resample
    by. `left_out`: rows of scores without a label row, labels without a score row, labels that are no outcome.
    """

    frame: pd.DataFrame
    id_column: str
    account: str
    left_out: dict[str, int]

    @property
    def sentence(self) -> str:
        """What was joined and what was left out."""
        out = [f"{n:,} {what}" for what, n in self.left_out.items() if n]
        joined = f"{len(self.frame):,} rows with a score and an outcome"
        return f"{joined}; left out: {', '.join(out)}." if out else f"{joined}."


def read_table(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file with at least one row, as it stands; raises DataError that names the file and the fix."""
    if path.is_dir():
        raise DataError.in_file(path, "is a folder", "name a .csv or .parquet file")
    if not path.is_file():
        raise DataError.in_file(path, "no such file", "check the path")
    if path.stat().st_size == 0:
        raise DataError.in_file(path, "is empty", "write it again; it needs a header and at least one row")
    if path.suffix == ".parquet":
        table = read_parquet(path)
    elif path.name.endswith((".csv", ".csv.gz")):
        table = _read_csv(path)
    else:
        raise DataError.in_file(path, "is neither .csv nor .parquet", "save it as one of them")
    if table.empty:
        raise DataError.in_file(path, "has no rows", "write it again; it needs at least one row below its header")
    return table


def numbers(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """A column as float64, empty = nan; raises DataError with the first row that is no number."""
    if column not in table:
        raise MissingColumns([column], asked_by=f"{path}: the column to judge", have=table.columns)
    values = table[column]
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64").replace([np.inf, -np.inf], np.nan)
    text = values.astype("str").str.strip()
    empty = values.isna() | text.str.lower().isin(["", "nan", "na", "none", "null", "<na>"])
    found = pd.to_numeric(text.mask(empty), errors="coerce").astype("float64")
    if (bad := ~empty & ~np.isfinite(found)).any():
        raise _in_row(path, values, bad, "is not a number", "leave it empty where there is no score")
    return found


def join(scores_path: Path, labels_path: Path) -> Joined:
    """Reads both files and joins them on `as_of` and the id that both carry (`user_id`, else `account_id`).

    Labels need `as_of`, an id and `label` (a snapshot written with --labels will do). Raises DataError or
    MissingColumns, naming the file, the column and the fix.
    """
    scores, labels = read_table(scores_path), read_table(labels_path)
    for path, table, needed in ((scores_path, scores, ["as_of"]), (labels_path, labels, ["as_of", "label"])):
        if absent := [c for c in needed if c not in table]:
            raise MissingColumns(absent, asked_by=f"{path}: joining scores and labels", have=table.columns)
    id_column = next((c for c in IDS if c in scores and c in labels), None)
    if id_column is None:
        raise DataError.in_file(
            scores_path, f"shares no id column with {labels_path}", "both need user_id, or both account_id"
        )
    scores = _keyed(scores, id_column, scores_path)
    labels = _keyed(labels, id_column, labels_path)
    word = labels["label"].astype("str")
    if (unknown := ~word.isin(LABELS)).any():
        raise _in_row(labels_path, labels["label"], unknown, "is no label", f"labels are {', '.join(LABELS)}")
    keys = ["as_of", id_column]
    if (twice := labels.duplicated(keys)).any():
        fix = "keep one label per cutoff and id"
        raise _in_row(labels_path, labels[id_column], twice, "stands twice at the same cutoff", fix)
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
    return Joined(frame, id_column, "account_id" if "account_id" in frame else id_column, left_out)


def _keyed(table: pd.DataFrame, id_column: str, path: Path) -> pd.DataFrame:
    """`as_of` as midnights and the id as text."""
    raw = table["as_of"]
    dates = pd.to_datetime(raw, errors="coerce", format=None if raw.dtype.kind == "M" else "ISO8601")
    if dates.isna().any():
        raise _in_row(path, raw, dates.isna(), "is not a date", "use YYYY-MM-DD, like 2026-04-01")
    if dates.dt.tz is not None:
        dates = dates.dt.tz_localize(None)
    ids = {c: _ids(table[c], path, must=c == id_column) for c in IDS if c in table}
    return table.assign(as_of=dates.dt.normalize(), **ids)


def _ids(values: pd.Series, path: Path, *, must: bool) -> pd.Series:
    if pd.api.types.is_float_dtype(values) and values.dropna().mod(1).eq(0).all():
        values = values.astype("Int64")
    text = values.astype("string")
    empty = text.isna() | (text.str.strip() == "")
    if must and empty.any():
        raise _in_row(path, values, empty, "is empty", "every row needs an id")
    return text.astype(object)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except pd.errors.EmptyDataError:
        raise DataError.in_file(path, "is empty", "write it again; it needs a header and at least one row") from None
    except pd.errors.ParserError as error:
        what = str(error).removeprefix("Error tokenizing data. C error: ").strip().rstrip(".")
        raise DataError.in_file(path, f"is no well-formed CSV ({what})", "write it again, texts in quotes") from None
    except UnicodeDecodeError:
        raise DataError.in_file(path, "is not UTF-8 text", "save it as UTF-8") from None
    except (EOFError, OSError) as error:
        raise DataError.in_file(path, f"cannot be read ({error})", "it may be cut short; write it again") from None


def _in_row(path: Path, values: pd.Series, bad: pd.Series, what: str, fix: str) -> DataError:
    """The first bad row; rows are counted as an editor counts lines, the header being line 1."""
    place = int(np.flatnonzero(bad.to_numpy(dtype=bool))[0])
    more = int(bad.sum()) - 1
    also = f" (and {more} more row{'s' if more > 1 else ''})" if more else ""
    return DataError(f"{path}: row {place + 2}: column {values.name!r}: {values.iloc[place]!r} {what}{also}; {fix}")
