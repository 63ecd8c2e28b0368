"""The calibration records: what was promoted, when, instead of what, with which figures; one JSON text a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from powerml.errors import StoreError
from powerml.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from powerml.tracking.store import Store

RECORDS = "calibration_records.jsonl"


def calibration_records(store: Store) -> list[dict[str, Any]]:
    """The records so far, the newest last; raises StoreError naming a line that is none."""
    path = store.folder / RECORDS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            records.append(record)
        elif number < len(lines):  # a last line may have been cut short by a kill of an earlier version
            raise StoreError(f"{path}: line {number} is no record; put the file back as 'powerml promote' wrote it")
    return records


def write_records(store: Store, records: Sequence[dict[str, Any]]) -> Path:
    """Writes them all, whole; gives the file."""
    path = store.folder / RECORDS
    write_whole(path, "".join(json.dumps(one) + "\n" for one in records), private=True)
    return path
