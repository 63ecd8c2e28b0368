"""Sessions kept aside under `.powerml/unsent`: whole stores of their own, until a store elsewhere has taken them."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from powerml.errors import StoreError, UsageError
from powerml.tracking.runs import LoggedRun, LoggedSession
from powerml.tracking.store import Store
from powerml.writing import STATE_FOLDER, only_one, private_folder, whole_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

UNSENT = "unsent"
ORDER_FILE = "order.json"
"""What is to be done with a session once it is sent."""


@dataclass(frozen=True)
class Registration:
    """The version that comes of a session: of which scorer, under which name, with which tags.

    `leads` makes it the champion too, where there is none.
    """

    model: str
    scorer: str
    tags: Mapping[str, str]
    leads: bool = False


@dataclass(frozen=True)
class UnsentSession:
    """A session that waits: its folder, its project's name, its runs, and the version that is to come of it."""

    folder: Path
    project: str
    logged: LoggedSession
    order: Registration

    @property
    def name(self) -> str:
        """What it is called: when it was made, and a word that no other has."""
        return self.folder.name

    @property
    def store(self) -> Store:
        """The store that holds its runs."""
        return Store(self.folder / STATE_FOLDER)


@contextlib.contextmanager
def draft_session(state: Path, *, now: datetime) -> Iterator[Path]:
    """Yields the folder of a new session, which is there, whole, when the block ends without an error."""
    unsent = private_folder(state / UNSENT)
    _sweep(unsent)
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    with whole_folder(unsent / name) as draft:
        yield draft


def write_order(folder: Path, *, project: str, logged: LoggedSession, order: Registration) -> None:
    """Notes beside a session's runs what is to come of them."""
    told = {"project": project, "logged": asdict(logged), "order": asdict(order)}
    write_whole(folder / ORDER_FILE, json.dumps(told, indent=1), private=True)


def unsent_sessions(state: Path) -> list[UnsentSession]:
    """The sessions that wait, the oldest first; raises StoreError naming one whose order cannot be read."""
    if not (state / UNSENT).is_dir():
        return []
    return [_read(folder) for folder in sorted((state / UNSENT).iterdir()) if not folder.name.startswith(".")]


def remove_session(session: UnsentSession) -> None:
    """Removes what has been sent: first its name, so that a kill meanwhile leaves none that is half there."""
    gone = session.folder.with_name(f".sent-{session.name}")
    session.folder.replace(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _read(folder: Path) -> UnsentSession:
    try:
        told: dict[str, Any] = json.loads((folder / ORDER_FILE).read_text(encoding="utf-8"))
        scorers = {name: LoggedRun(**run) for name, run in told["logged"]["scorers"].items()}
        logged = LoggedSession(told["logged"]["run_id"], scorers)
        return UnsentSession(folder, told["project"], logged, Registration(**told["order"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(
            f"{folder}: is no session kept aside by powerml; put it back as it was, or move it away"
        ) from None


def _sweep(unsent: Path) -> None:
    """Removes what kills left: drafts that nobody writes any more, and sessions that were sent."""
    for left in unsent.glob(".*"):
        with contextlib.suppress(UsageError, OSError), only_one(left, "another run writes it"):
            shutil.rmtree(left, ignore_errors=True)
