"""The sheet of a review as a file: what goes out, and what comes back from a spreadsheet program, checked by row."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import DataError, MissingColumns
from powerml.spreadsheets import read_back_text
from powerml.tables import ENTITY_IDS

if TYPE_CHECKING:
    from pathlib import Path

_WORDS = {"yes": "yes", "y": "yes", "no": "no", "n": "no", "missing": "missing", "m": "missing"}
_ORIGIN = re.compile(
    r"top (?P<top>\d+) of (?P<as_of>\d{4}-\d{2}-\d{2}) by (?P<kind>weights|model) (?P<label>\S+) "
    r"\[(?P<fingerprint>\w+)\](?: from (?P<path>.+))?"
)


@dataclass(frozen=True)
class SheetOrigin:
    """What a sheet was made from; every row says it in words, so that the file alone can be read back.

    `label` is name@version, `fingerprint` that of the weight set's numbers, `path` its file where it has no name.
    """

    top: int
    as_of: date
    kind: str
    label: str
    fingerprint: str
    path: str | None = None

    def __str__(self) -> str:
        source = f" from {self.path}" if self.path else ""
        return f"top {self.top} of {self.as_of} by {self.kind} {self.label} [{self.fingerprint}]{source}"

    @classmethod
    def parse(cls, text: str) -> SheetOrigin | None:
        """The inverse of `str`; None for any other text.

        >>> SheetOrigin.parse("top 20 of 2026-04-01 by weights power_user@1 [0f3a]").label
        'power_user@1'
        """
        if not (found := _ORIGIN.fullmatch(text.strip())):
            return None
        day = date.fromisoformat(found["as_of"])
        return cls(int(found["top"]), day, found["kind"], found["label"], found["fingerprint"], found["path"])

    @property
    def wanted(self) -> str:
        """The weight set's file or name, or the version to ask the registry for."""
        return self.path or (self.label.partition("@")[0] if self.kind == "weights" else self.label.rpartition("@")[2])


@dataclass(frozen=True, eq=False)
class Answered:
    """A sheet that came back: `answers` has row (as a spreadsheet counts, the header is 1), id and answer.

    Rows without an answer have an empty one. `sha256` is that of the file.
    """

    path: Path
    origin: SheetOrigin
    id_column: str
    answers: pd.DataFrame
    sha256: str


def read_sheet(path: Path) -> Answered:
    """Reads a sheet as spreadsheet programs save it: commas, semicolons or tabs, rows in any order, rows added.

    Raises DataError with every row that is wrong, one a line.
    """
    raw = _bytes(path)
    rows = _rows(raw, path)
    header = [cell.strip().lower() for cell in rows[0]]
    id_column = next((name for name in ENTITY_IDS if name in header), None)
    if absent := [name for name in ("answer", "sheet") if name not in header] + ([] if id_column else ["user_id"]):
        raise MissingColumns(absent, asked_by=f"{path}: a sheet of 'powerml review sheet'", have=header)
    columns = [header.index(name) for name in (str(id_column), "answer", "sheet")]
    told = []
    for number, cells in enumerate(rows[1:], start=2):
        values = [read_back_text(cells[c].strip()) if c < len(cells) else "" for c in columns]
        if any(values[:2]):
            told.append((number, *values))
    table = pd.DataFrame(told, columns=["row", "id", "answer", "sheet"]).astype({"row": int})
    problems = _problems(table, str(id_column))
    if problems:
        raise DataError("\n".join(f"{path}: {problem}" for problem in problems))
    origins = table.loc[table["sheet"] != "", "sheet"].unique()
    origin = SheetOrigin.parse(origins[0]) if len(origins) == 1 else None
    if origin is None:
        what = "its column 'sheet' says nothing" if not len(origins) else "its rows are of different sheets"
        if len(origins) == 1:
            what = f"column 'sheet' says {origins[0]!r}, which no sheet says"
        raise DataError.in_file(path, what, "leave that column as 'powerml review sheet' wrote it")
    words = table["answer"].str.lower().map(_WORDS).fillna("")
    answers = table.assign(answer=words)[["row", "id", "answer"]]
    return Answered(path, origin, str(id_column), answers, hashlib.sha256(raw).hexdigest())


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise DataError.in_file(path, "is a folder", "name the sheet in it")
    if not path.is_file():
        raise DataError.in_file(path, "no such file", "check the path")
    return path.read_bytes()


def _rows(raw: bytes, path: Path) -> list[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError.in_file(path, "is not UTF-8 text", "save it as CSV UTF-8 (not as a workbook)") from None
    first = text.splitlines()[0] if text.strip() else ""
    mark = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=mark, strict=True))
    except csv.Error as error:
        raise DataError.in_file(path, f"is no well-formed CSV ({error})", "save it again as CSV UTF-8") from None
    if len(rows) < 2:
        raise DataError.in_file(path, "has no rows", "write it again with 'powerml review sheet'")
    return rows


def _problems(table: pd.DataFrame, id_column: str) -> list[str]:
    """What is wrong with single rows, in their order."""
    found: list[tuple[int, str]] = []
    first: dict[str, int] = {}
    for number, entity, answer, _ in table.itertuples(index=False):
        if answer and answer.lower() not in _WORDS:
            found.append((number, f"answer {answer!r} is none of yes, no, missing; or leave it empty"))
        if not entity:
            found.append((number, f"has an answer and no {id_column}; write whom it is about"))
        elif entity in first:
            found.append((number, f"{entity!r} stands in row {first[entity]} too; keep one of the rows"))
        first.setdefault(entity, number)
    return [f"row {number}: {what}" for number, what in found]
