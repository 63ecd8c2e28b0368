"""Where the shipped declarations are: one home, `configs/`, found from a wheel, an editable install and a checkout."""

from __future__ import annotations

from pathlib import Path

import powerml
from powerml.errors import UsageError, did_you_mean


def configs() -> Path:
    """The folder `configs/`: inside the package in a wheel, beside it in a checkout."""
    package = Path(powerml.__file__).parent
    inside = package / "_configs"
    return inside if inside.is_dir() else package.parent / "configs"


def names(kind: str) -> dict[str, Path]:
    """Shipped files of a kind (`weights`, `metrics`, `bands`, `projects`, `claims`) by name."""
    return {path.stem: path for path in sorted((configs() / kind).glob("*.yaml"))}


def is_path(name_or_path: str) -> bool:
    """Whether a file is meant, rather than the name of a shipped set or of one of the project's own.

    >>> is_path("engagement"), is_path("sets/mine.yaml")
    (False, True)
    """
    return name_or_path.endswith((".yaml", ".yml", ".json"))


def base_of(name_or_path: str, *, project: Path | None, said_in: Path | None = None) -> Path | None:
    """The folder in which a name or path is looked up: names in the project's, paths where they were said.

    `said_in` is the folder of the file that says the path; None for the command line, whose paths start in the working
    folder.
    """
    return said_in if is_path(name_or_path) else project


def find(kind: str, name_or_path: str, base: Path | None = None) -> Path:
    """The file meant by a shipped name or a path (relative to `base`); raises UsageError with the names there are."""
    if is_path(name_or_path):
        path = Path(base or Path.cwd(), name_or_path)
        if not path.is_file():
            raise UsageError(f"{path}: no such file; check the path")
        return path
    own = {path.stem: path for path in sorted((base / "configs" / kind).glob("*.yaml"))} if base else {}
    known = names(kind) | own
    if name_or_path in known:
        return known[name_or_path]
    hint = did_you_mean(name_or_path, known)
    raise UsageError(f"no {kind} named {name_or_path!r}{hint or '; there are ' + ', '.join(known)}")
