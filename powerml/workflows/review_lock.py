"""`powerml review lock`: the weights that passed a review, with the record of how they came to be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from powerml.config import shipped
from powerml.config.bands import BandsSpec
from powerml.config.reading import load
from powerml.config.shipped import base_of
from powerml.config.weights import differences, read_weights, set_fingerprint
from powerml.errors import UsageError
from powerml.sinks.files import check_weights_target
from powerml.sources.tables.review_sheet import Answered, read_sheet
from powerml.tracking.due import due_date, review_records, vocabulary_fingerprint
from powerml.validation.review.answers import ANSWERS
from powerml.writing import not_writable, whole_file, write_whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from powerml.config.project import ProjectSpec
    from powerml.config.weight_set import WeightSetSpec


@dataclass(frozen=True)
class Locked:
    """The weight set that is locked, its file, the history it was added to, and when the next review is due."""

    spec: WeightSetSpec
    file: Path
    history: Path
    entry: dict[str, Any]

    @property
    def sentence(self) -> str:
        """What was locked, and what to do next."""
        changed = len(self.entry["changed"])
        how = f"{changed} numbers changed" if changed != 1 else "1 number changed"
        return (
            f"{self.spec.label} is locked in {self.file} ({how if changed else 'as it stood'}), recorded in "
            f"{self.history}. Score with it: powerml score --weights {self.spec.name} -o scores.csv. "
            f"Review it again by {self.entry['review_again_by']}, or when the vocabulary changes."
        )


def lock(project: ProjectSpec, sheet_path: Path, edited: Path | None = None, *, now: datetime) -> Locked:
    """Writes the weight set to the project's `configs/weights/` and a record to `configs/reviews/`, both or neither.

    `edited`: the file to lock, as `powerml review read -o` wrote it or edited since; without it the reviewed set is
    locked as it stands. The record has counts of answers and the sheet's sha256, and nobody's name, id or comment.

    Raises UsageError where the set was changed since the sheet was made, or the edited one does not follow from it.
    """
    sheet = read_sheet(sheet_path)
    counts = {answer: int((sheet.answers["answer"] == answer).sum()) for answer in ANSWERS}
    if not sum(counts.values()):
        raise UsageError(f"{sheet_path}: holds no answer yet, and weights are locked because of answers; fill it in")
    if sheet.origin.kind != "weights":
        raise UsageError(
            f"{sheet_path}: is about the model {sheet.origin.label}; models are locked by 'powerml promote'"
        )
    old = read_weights(sheet.origin.wanted, base=base_of(sheet.origin.wanted, project=project.base))
    new = old if edited is None else read_weights(str(edited))
    _check(sheet, old, new, edited)
    file = project.base / "configs" / "weights" / f"{new.name}.yaml"
    history = project.base / "configs" / "reviews" / f"{new.name}.yaml"
    if file.exists() and set_fingerprint(there := read_weights(str(file))) != set_fingerprint(old):
        raise UsageError(
            f"{file}: holds {there.label} with other numbers than the sheet was made with, and is not written over; "
            f"review that one: powerml review sheet --weights {new.name} -o NEW.csv"
        )
    text = weights_text(new, f"Locked on {now:%Y-%m-%d} after a review of {old.label}; see ../reviews/{new.name}.yaml.")
    entry = {
        "locked_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "weights": new.label,
        "reviewed": old.label,
        "as_of": str(sheet.origin.as_of),
        "top": sheet.origin.top,
        "answers": counts | {"without": int((sheet.answers["answer"] == "").sum())},
        "sheet_sha256": sheet.sha256,
        "weights_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "vocabulary_fingerprint": vocabulary_fingerprint(project),
        "review_again_by": due_date(now).isoformat(),
        "changed": {setting: {"before": _plain(a), "after": _plain(b)} for setting, a, b in differences(old, new)},
    }
    earlier = review_records(history)
    if earlier and _unfinished(earlier[-1], entry, file):
        earlier = earlier[:-1]
    entries = [*earlier, entry]
    head = "# Which weights were locked, when and why; the newest last. Written by 'powerml review lock'.\n"
    _write_both(history, head + _yaml(entries), file, text)
    return Locked(new, file, history, entry)


def weights_text(spec: WeightSetSpec, comment: str) -> str:
    """A weight set as the text of its file, under a line of comment; bands of a shipped ladder by their name."""
    data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    data = {key: value for key, value in data.items() if value not in ({}, "")}
    if spec.bands is not None and spec.bands.name in (ladders := shipped.names("bands")):
        ladder: BandsSpec = load(BandsSpec, ladders[spec.bands.name])
        data["bands"] = spec.bands.name if ladder == spec.bands else data["bands"]
    head = {key: data.pop(key) for key in ("name", "version", "based_on", "title", "kind") if key in data}
    return f"# {comment}\n{_yaml(head | data)}"


def write_weights(spec: WeightSetSpec, comment: str, path: Path) -> None:
    """Writes a weight set to be read, edited and locked, whole or not at all."""
    check_weights_target(path)
    write_whole(path, weights_text(spec, comment))


def _check(sheet: Answered, old: WeightSetSpec, new: WeightSetSpec, edited: Path | None) -> None:
    origin = sheet.origin
    if (old.label, set_fingerprint(old)) != (origin.label, origin.fingerprint):
        raise UsageError(
            f"{sheet.path}: was made with {origin.label}, which has been changed since (now {old.label}); nothing is "
            f"locked: write a new sheet and review that"
        )
    if edited is None:
        return
    if new.name != old.name or new.based_on != old.label:
        raise UsageError(
            f"{edited}: is {new.label}, based on {new.based_on or 'nothing'}, and the sheet is about {old.label}; lock "
            f"a set with 'name: {old.name}' and 'based_on: {old.label}'"
        )
    if new.version == old.version:
        raise UsageError(f"{edited}: has the version of the set it is based on, {old.version}; give it the next one")


def _plain(text: str) -> float | str:
    """A number as a number."""
    try:
        return float(text)
    except ValueError:
        return text


def _yaml(value: Any) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120))


def _unfinished(last: Any, entry: dict[str, Any], file: Path) -> bool:
    """Whether a run recorded the same lock of the same sheet and was killed before it wrote the weights."""
    same = isinstance(last, dict) and all(last.get(k) == entry[k] for k in ("sheet_sha256", "weights", "reviewed"))
    there = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
    return same and last.get("weights_sha256") != there


def _write_both(history: Path, record: str, file: Path, text: str) -> None:
    """Both files or none; the record takes its place first, for a record without weights is seen and made good."""
    try:
        for path in (history, file):
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(path, error) from None
    with whole_file(file) as last, whole_file(history) as first:
        first.write_text(record, encoding="utf-8")
        last.write_text(text, encoding="utf-8")
