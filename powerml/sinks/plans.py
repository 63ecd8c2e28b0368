"""What every sink is: it says what it would do (`plan`), then does exactly that (`apply`), row by row in the ledger."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from powerml.history.sent import SentRow, SentState, SinkLedger
from powerml.progress import Note, silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.history.standing import Standing

WriteAction = Literal["create", "update", "remove", "adopt"]
REFUSED_BEFORE_ANY, UNACCEPTED_IN_A_ROW = 10, 3
LONGEST_ID = 200
"""PostHog cuts longer ids off, so that two become one person."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Write:
    """One thing to be written on the other side. `shown` names it for people, `body` is what is sent of it.

    `kind`, `key`, `id`, `digest`, `remote` as in `SentRow`; `as_of` is the night that it tells of.
    """

    action: WriteAction
    kind: str
    key: str
    shown: str
    digest: str
    body: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    remote: str = ""
    as_of: str = ""

    def row(self, state: SentState, *, remote: str = "", why: str = "") -> SentRow:
        """Its row in the ledger."""
        return SentRow(self.kind, self.key, self.id, state, self.digest, remote or self.remote, self.as_of, why)


@dataclass(frozen=True)
class Aside:
    """Somebody who cannot be sent, and why."""

    id: str
    why: str


@dataclass(frozen=True)
class SinkPlan:
    """What a sink would do. `stays`: things that are right already; `refusal`: why it does nothing at all."""

    sink: str
    as_of: str
    writes: tuple[Write, ...] = ()
    stays: int = 0
    aside: tuple[Aside, ...] = ()
    remarks: tuple[str, ...] = ()
    refusal: str = ""
    failed: str = ""  # what of the other side could not be read, and is therefore not in the plan
    waiting: int = 0  # writes beyond --max-writes

    def counts(self) -> dict[str, dict[str, int]]:
        """Writes by kind and action."""
        found: dict[str, dict[str, int]] = {}
        for (kind, action), n in Counter((w.kind, w.action) for w in self.writes).items():
            found.setdefault(kind, {})[action] = n
        return found

    def capped(self, most: int | None) -> SinkPlan:
        """The same with at most so many writes; the others wait for the next time."""
        if most is None or len(self.writes) <= most:
            return self
        return replace(self, writes=self.writes[:most], waiting=len(self.writes) - most)


@dataclass
class Applied:
    """What was done of a plan: `written` counts what was taken, `failed` is the sentence of what stopped it.

    `refused` are the writes of those in `aside`; `unaccepted` counts in a row those of which the service said both.
    """

    sink: str
    written: int = 0
    aside: list[Aside] = field(default_factory=list)
    failed: str = ""
    refused: list[Write] = field(default_factory=list, repr=False)
    unaccepted: int = 0

    def set_aside(self, write: Write, why: str, ledger: SinkLedger, *, now: datetime) -> None:
        """Names somebody whom the other side does not take."""
        ledger.write([write.row("set aside", why=why)], now=now)
        self.aside.append(Aside(write.id, why))
        self.refused.append(write)

    def give_back(self, ledger: SinkLedger, *, now: datetime) -> None:
        """Nothing is taken from anybody: those set aside are nothing special, and wait like the others."""
        ledger.write([write.row("waiting") for write in self.refused], now=now)
        self.aside, self.refused = [], []


def most_refused(writes: int) -> int:
    """How many may be refused before anything is taken; then it is the service that is wrong, not the rows.

    >>> most_refused(40), most_refused(15_000)
    (10, 750)
    """
    return max(REFUSED_BEFORE_ANY, writes // 20)


def needs_nothing(there: SentRow | None, digest: str, as_of: str) -> bool:
    """Whether a thing needs no write: it was sent as it is, or set aside tonight; another night tries it again."""
    if there is None or there.digest != digest:
        return False
    return there.state == "sent" or (there.state == "set aside" and there.as_of == as_of)


class Sink(Protocol):
    """A place where scores go."""

    name: str

    def plan(self, standing: Standing, ledger: SinkLedger) -> SinkPlan:
        """Reads the other side, compares, and lists what is to be created, updated and removed, and what stays."""
        ...

    def apply(self, plan: SinkPlan, ledger: SinkLedger, *, note: Note = silent) -> Applied:
        """Does what a plan says; what was in flight when it was killed is repeated under the same id."""
        ...


def utc_now() -> datetime:
    """The time, for ledgers."""
    return datetime.now(UTC)


def unset(variable: str) -> str:
    """What is said of an environment variable that is needed and not there.

    >>> from_the_ledger(unset("ATTIO_API_KEY"))
    'the environment variable ATTIO_API_KEY is not set, so this is planned from the ledger alone'
    """
    return f"the environment variable {variable} is not set"


def from_the_ledger(lacking: str) -> str:
    """The remark on a plan that was made without a look at the other side."""
    return f"{lacking}, so this is planned from the ledger alone"


def digest_of(value: Any) -> str:
    """A short digest of anything that is JSON.

    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    told = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def id_problem(id_: str, *, longest: int = LONGEST_ID) -> str:
    """Why an id cannot be sent; empty where it can.

    >>> id_problem("ada"), id_problem("a\\nb"), id_problem("x" * 201)
    ('', 'the id holds characters that control a line or a terminal', 'the id has 201 characters, more than 200')
    """
    if len(id_) > longest:
        return f"the id has {len(id_)} characters, more than {longest}"
    if not id_.strip():
        return "the id is empty"
    return "the id holds characters that control a line or a terminal" if _CONTROL.search(id_) else ""
