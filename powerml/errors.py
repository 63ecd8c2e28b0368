"""Every error a user can cause, by who must act: the declaration, the data, the caller, the store.

The command line prints these without a traceback and exits with 2. Messages name the file, row or field, show the
value, and say what to do.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A hint that ends a message: `; did you mean 'x'?`, or nothing where no choice is near.

    >>> did_you_mean("mising", ["missing", "metric"])
    "; did you mean 'missing'?"
    """
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


class PowermlError(Exception):
    """Base of all errors that a user can cause; its text is the whole message."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with a declaration, in the form editors can click: `file:line: field: what; fix`."""

    file: str
    line: int
    field: str
    what: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {self.field}: {self.what}" if self.field else f"{where}: {self.what}"


class ConfigError(PowermlError):
    """A declaration (YAML or JSON) is wrong; `problems` holds all of them, one a line of the message."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class DataError(PowermlError):
    """The data cannot be used as it is: a file cut short, a column missing, too many bad rows."""

    @classmethod
    def in_file(cls, file: str | Path, what: str, fix: str) -> DataError:
        """The usual form: `file: what; fix`."""
        return cls(f"{file}: {what}; {fix}")


class MissingColumns(PowermlError):
    """A table lacks columns that somebody asked for."""

    def __init__(self, absent: Sequence[str], *, asked_by: str, have: Iterable[str]) -> None:
        self.absent = tuple(absent)
        have = list(have)
        hints = "".join(did_you_mean(name, have) for name in self.absent[:1])
        listed = ", ".join(map(repr, self.absent))
        super().__init__(f"{asked_by} needs {'column' if len(self.absent) == 1 else 'columns'} {listed}{hints}")


class UsageError(PowermlError):
    """The call does not make sense: an unknown name, options that exclude each other, a folder in the way."""


class StoreError(PowermlError):
    """The MLflow store has not what was asked for, or what it holds was altered."""


class NotSent(StoreError):
    """A store elsewhere did not take a session, which is kept aside in a folder of the project."""

    def __init__(self, why: str, *, kept: Path) -> None:
        self.kept = kept
        super().__init__(f"{why}; nothing is lost: the session is kept in {kept}, and 'powerml log' sends it")
