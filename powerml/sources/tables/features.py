"""A ready-made feature table, read: one row per entity (and cutoff), any columns, an outcome beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import DataError, MissingColumns, UsageError
from powerml.scoring.heads.encoding import MAX_LEVELS, MOSTLY_DIFFERENT
from powerml.sources.tables.files import blank, check_once, dates, ids, read_table, row_error, truths
from powerml.sources.tables.instants import days_before, moments_of
from powerml.sources.tables.kinds import DATES, feature
from powerml.tables import ENTITY_IDS, LABELS, OUTCOMES, OUTPUTS, PROBABILITIES, FeatureTable, NamedColumns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path


YES_NO = {"1": "churn", "1.0": "churn", "yes": "churn", "true": "churn", "y": "churn", "t": "churn"} | {
    "0": "stay", "0.0": "stay", "no": "stay", "false": "stay", "n": "stay", "f": "stay"
}  # fmt: skip
ID_NAME = re.compile(r"(?i)(^|_|[a-z])(id|uuid|key)$")
ONE_DAY = pd.Timestamp("2000-01-01")  # stands in `as_of` where a table has no times; never shown
ROW_TRUTHS = ("enough_history", "active", "treated")


def read_features(path: Path, named: NamedColumns, *, keep: Collection[str] = ()) -> FeatureTable:
    """Reads a CSV or Parquet file to learn from; raises DataError, MissingColumns or UsageError with the fix.

    `target` holds churn, stay and expand, or 0/1, yes/no, true/false with 1 = churn; blank, `ineligible` and `immature`
    rows are left out. Numbers and texts are features, and instants (dates, epochs) as days before the row's date (of
    `time`; without it they are left out); a text that differs in most rows, a constant column, and names and
    addresses of people that `keep` does not ask for are left out, and the notes say so. `user_id`,
    `account_id`, `as_of`, `enough_history`, `active` and `treated` mean what they mean in a snapshot.
    """
    raw = read_table(path)
    raw.columns = raw.columns.map(str)
    told = {"--target": named.target, "--group": named.group, "--time": named.time, "--id": named.id_}
    for option, column in told.items():
        if column is not None and column not in raw:
            raise MissingColumns([column], asked_by=f"{path}: {option}", have=raw.columns)
    given = [column for column in told.values() if column is not None]
    if again := sorted({column for column in given if given.count(column) > 1} - {named.id_ or ""}):
        raise UsageError(f"{path}: column {again[0]!r} is named twice; target, group and time are different columns")
    label, left_out = _labels(raw[named.target], path)
    known = label.isin(OUTCOMES).to_numpy()
    if named.good and raw[named.target].astype("string").str.strip().str.lower().isin(OUTCOMES).any():
        raise UsageError(
            f"{path}: column {named.target!r} holds churn, stay or expand, whose order is known; leave --good out"
        )
    notes = [f"Left out of {path.name}: {left_out}."] if left_out else []
    raw, label = raw[known], label[known]  # whose index keeps the rows' places in the file
    _two_classes(label, named.target, path)
    named, found = _guessed(raw, named)
    notes += [*found, *_reserved(raw, named, path)]

    at = dates(raw[named.time], path) if named.time else None
    frame = pd.DataFrame({"as_of": pd.Series(ONE_DAY, raw.index) if at is None else at.dt.normalize()})
    id_column = "user_id" if named.group else "account_id"
    row_names = pd.Series([f"row {i + 1}" for i in range(len(raw))], index=raw.index, dtype=object)
    frame[id_column] = ids(raw[named.id_], path) if named.id_ else row_names
    if named.id_:
        fix = "keep one row of each" + ("" if named.time else ", or name the column of their dates in --time")
        check_once(frame, id_column, path, fix=fix)
    if named.group:
        frame["account_id"] = ids(raw[named.group], path)
        if frame["account_id"].nunique() == 1:
            what = f"column {named.group!r}: every row is of one group, so no group can be held out"
            raise DataError.in_file(path, what, "name a column with several groups in --group, or leave --group out")
    for name in ROW_TRUTHS:
        default = name != "treated"
        frame[name] = truths(raw[name], path) if name in raw else default
    taken = {named.target, named.group, named.time, named.id_, *ROW_TRUTHS, "as_of", "label", *ENTITY_IDS}
    inner = [c for c in raw.columns if c in taken]
    others = raw.drop(columns=inner)
    instants = _Instants.of(others, at, keep)
    features, coverage, said = _features(others.assign(**instants.days), path, keep, instants.barred)
    if features.columns.empty:
        raise DataError.in_file(path, "no column is left to learn from", "; ".join(said) or "add columns of features")
    frame = pd.concat([frame.assign(label=label), features], axis=1)
    if young := int((~frame["enough_history"]).sum()):
        notes.append(f"Left out of {path.name}: {young:,} rows without enough_history.")
    frame = frame[frame["enough_history"]].sort_values(["as_of", id_column], kind="stable", ignore_index=True)
    categories = tuple(str(name) for name in features if features[name].dtype == object)
    dated = tuple(name for name in instants.days if name in features)
    notes = [*notes, *said, *instants.notes]
    return FeatureTable(path.name, named, frame, id_column, categories, coverage, tuple(notes), dated)


def _labels(target: pd.Series, path: Path) -> tuple[pd.Series, str]:
    """Each row's label, null where none is given, and what is left out, in words."""
    if pd.api.types.is_float_dtype(target):
        text = target.map(lambda v: "" if pd.isna(v) else f"{v:g}").astype("string")
    else:
        text = target.astype("string").str.strip().str.lower()
    empty = blank(text)
    words, numbers = text.isin(LABELS), text.isin(list(YES_NO))
    unknown = ~empty & ~words & ~numbers
    fix = "use churn, stay and expand, or 0/1 (yes/no, true/false) with 1 = churn, and leave unknown outcomes empty"
    if unknown.any():
        different = list(dict.fromkeys(target[unknown].astype(str)))
        first = int(np.flatnonzero(unknown.to_numpy())[0]) + 2
        shown = ", ".join(map(repr, different[:3])) + (", ..." if len(different) > 3 else "")
        count = f"{len(different)} values are no outcome" if len(different) > 1 else "a value is no outcome"
        raise DataError(f"{path}: column {target.name!r}: {count} ({shown}; first in row {first}); {fix}")
    if words.any() and numbers.any():
        raise row_error(path, target, numbers, "stands among churn, stay and expand", fix)
    if empty.all():
        raise DataError.in_file(path, f"column {target.name!r} is empty", fix)
    label = text.map(YES_NO) if numbers.any() else text.where(~empty)
    counts = {f"rows without a {target.name!r}": int(empty.sum())}
    counts |= {f"{word} rows": int((text == word).sum()) for word in LABELS if word not in OUTCOMES}
    return label.astype(object), ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)


def _two_classes(label: pd.Series, target: str, path: Path) -> None:
    seen = list(label.unique())
    if not seen:
        raise DataError.in_file(path, f"column {target!r}: no row has an outcome", "wait until outcomes are known")
    if OUTCOMES[0] not in seen or len(seen) < 2:
        what = f"every row is {seen[0]!r}" if len(seen) == 1 else "no row is 'churn'"
        raise DataError.in_file(
            path, f"column {target!r}: {what}", "a model needs rows that churned and rows that did not"
        )


def _guessed(raw: pd.DataFrame, named: NamedColumns) -> tuple[NamedColumns, list[str]]:
    """The columns with those guessed that a snapshot's names or its values give away, and a sentence on them."""
    found: dict[str, str] = {}
    time, group, id_ = named.time, named.group, named.id_
    free = [c for c in map(str, raw.columns) if c not in (named.target, time, group)]
    if time is None and "as_of" in free:
        time = found["time"] = "as_of"
    if id_ is None:
        id_ = next((c for c in ("user_id", "account_id") if c in free), None) or _id_like(raw, free, time)
        found |= {"id": id_} if id_ else {}
    if group is None and "account_id" in free and id_ != "account_id":
        group = found["group"] = "account_id"
    said = ", ".join(f"{column} as --{what}" for what, column in found.items())
    return NamedColumns(named.target, group, time, id_, named.good), [f"Taken by itself: {said}."] if said else []


def _id_like(raw: pd.DataFrame, free: Sequence[str], time: str | None) -> str | None:
    """The first column that is called an id, or is a text that differs in every row (of a time)."""
    for name in free:
        values = raw[name]
        texts = not pd.api.types.is_numeric_dtype(values) and pd.to_numeric(values, errors="coerce").isna().all()
        if not (ID_NAME.search(name) or (texts and time is None)) or pd.api.types.is_float_dtype(values):
            continue
        keys = [name] if time is None else [name, time]
        if not blank(values).any() and not raw.duplicated(keys).any():
            return name
    return None


@dataclass(frozen=True)
class _Instants:
    """Columns that read as instants: `days` before their row's date, `barred` with why they are none, `notes`."""

    days: Mapping[str, pd.Series]
    barred: Mapping[str, str]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, raw: pd.DataFrame, at: pd.Series | None, keep: Collection[str]) -> _Instants:
        """Those among feature columns; `at` are the rows' dates, None where none are named; `keep`: as they are."""
        moments: dict[str, pd.Series] = {}
        barred: dict[str, str] = {}
        for name in map(str, raw.columns):
            as_it_is = ID_NAME.search(name) or (at is None and name in keep)
            found, why = (None, "") if as_it_is else moments_of(raw[name])
            if why:
                barred[name] = why
            elif found is not None and found.notna().any():
                moments[name] = found
        if not moments:
            return cls({}, barred, ())
        told = ", ".join(moments)
        if at is None:
            said = f"Instants need their row's date, to be read as days before it: name its column in --time ({told})."
            return cls({}, {**barred, **dict.fromkeys(moments, DATES)}, (said,))
        said = f"Read as days before the row's date ({told}); what lies after that date was not known on it."
        return cls({name: days_before(when, at) for name, when in moments.items()}, barred, (said,))


def _features(
    raw: pd.DataFrame, path: Path, keep: Collection[str], barred: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Features as float64 or text (null where blank), what is available and why others are not, and sentences.

    `barred`: columns that are no features, and why.
    """
    columns: dict[str, pd.Series] = {}
    reasons: dict[str, str] = {}
    unknown: dict[str, int] = {}
    for name in map(str, raw.columns):
        values, why = (raw[name], barred[name]) if name in barred else feature(raw[name], path, keep=name in keep)
        why = why or _too_different(values, name in keep) or _too_alike(values)
        if why:
            reasons[name] = why
            continue
        columns[name] = values
        if values.isna().any():
            unknown[name] = int(values.isna().sum())
    said = []
    if reasons:
        said.append("Not used: " + "; ".join(f"{name} ({why})" for name, why in reasons.items()) + ".")
    if unknown:
        told = ", ".join(f"{name} ({n:,})" for name, n in unknown.items())
        said.append(f"Blank cells count as unknown: {told}.")
    coverage = pd.DataFrame(
        [(name, name in columns, reasons.get(name, "")) for name in map(str, raw.columns)],
        columns=["metric", "available", "reason"],
    )
    return pd.DataFrame(columns, index=raw.index), coverage, said


def _too_different(values: pd.Series, asked_for: bool) -> str:
    different = values.nunique() if values.dtype == object and not asked_for else 0
    if different > max(MAX_LEVELS, MOSTLY_DIFFERENT * len(values)):
        return f"{different:,} different texts, so it says who, not what"
    return ""


def _too_alike(values: pd.Series) -> str:
    different = values.nunique()
    if different == 0 or (different == 1 and not values.isna().any()):
        return "empty" if different == 0 else "the same in every row"
    return ""


def _reserved(raw: pd.DataFrame, named: NamedColumns, path: Path) -> list[str]:
    """Sentences on columns whose names mean something here; raises DataError for names of what scoring writes."""
    if named.id_ in OUTPUTS:
        what = f"column {named.id_!r} is the id and bears a name that scores have"
        raise DataError.in_file(path, what, "call it otherwise, like customer_id")
    if said := [name for name in PROBABILITIES if name in raw and name != named.target]:
        what = f"column {said[0]!r} bears a name that scores have, and what was said of an outcome is no feature"
        raise DataError.in_file(path, what, "leave it out, or call it otherwise")
    told = []
    if "label" in raw and named.target != "label":
        told.append("Not used: label (the name of what happened; it is the target with --target label).")
    said_of = (named.target, named.group, named.id_, named.time)
    if others := [name for name in ENTITY_IDS if name in raw and name not in said_of]:
        told.append(f"Not used: {' and '.join(others)} (an id, of which --id and --group say nothing).")
    if kept := [name for name in ("active", "treated") if name in raw and name != named.target]:
        are = "says whom ranks are taken among" if kept == ["active"] else "say who was active or treated"
        verb = "is no feature" if len(kept) == 1 else "are no features"
        told.append(f"Not used: {' and '.join(kept)} ({are}, and {verb}; call it otherwise to learn from it).")
    return told
