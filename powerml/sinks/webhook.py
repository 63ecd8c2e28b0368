"""Signed batches of JSON for anything else: who changed since the receiver heard of them last, and who left."""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import re
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import pandas as pd

from powerml.config.sinks import address_problem
from powerml.progress import Note, silent
from powerml.sinks.halving import send_halving
from powerml.sinks.http import Service, ServiceError, as_json
from powerml.sinks.plans import (
    Applied,
    Aside,
    SinkPlan,
    Write,
    WriteAction,
    digest_of,
    from_the_ledger,
    id_problem,
    needs_nothing,
    unset,
    utc_now,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from powerml.config.sinks import WebhookSpec
    from powerml.history.sent import SentRow, SentState, SinkLedger
    from powerml.history.standing import Standing

SIGNATURE_HEADER = "X-Powerml-Signature"
LARGEST_CALL = 500
LARGEST_CALL_BYTES = 1_000_000
SHORTEST_SECRET = 6  # characters of a part of an address that may be one
NO_STATE = ("as_of", "scored_at")  # columns that change each night though nothing else does


def signature(secret: str, body: bytes) -> str:
    """What the header holds: the HMAC-SHA256 of the body, in hexadecimal digits.

    >>> signature("key", b"The quick brown fox jumps over the lazy dog")[:23]
    'sha256=f7bc83f430538424'
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class WebhookSink:
    """Posts rows of the scores table to an address that only the environment knows."""

    spec: WebhookSpec
    service: Service | None
    secret: str = field(default="", repr=False)
    lacking: str = ""
    now: Callable[[], datetime] = utc_now
    name: str = "webhook"

    @classmethod
    def connected(cls, spec: WebhookSpec, **more: Any) -> Self:
        """The sink with address and secret of the environment."""
        url, secret = os.environ.get(spec.url_env, "").strip(), os.environ.get(spec.secret_env, "")
        for name, value in ((spec.url_env, url), (spec.secret_env, secret)):
            if not value:
                return cls(spec, None, lacking=unset(name))
        shown = f"the address in {spec.url_env}"
        if told := address_problem(url):
            return cls(spec, None, lacking=f"{shown} {told}")
        service = Service(url, shown, spec.secret_env, secrets=(url, secret, *_telling_parts(url)), **more)
        return cls(spec, service, secret)

    def plan(self, standing: Standing, ledger: SinkLedger) -> SinkPlan:
        """Rows that differ from what was sent of them last, and those that are no longer in the table."""
        known, as_of, stays = ledger.rows("row"), standing.as_of.isoformat(), 0
        writes, aside, here = [], [], set()
        for row in plain_rows(standing.current()):
            id_ = str(row[standing.id_column])
            here.add(id_)
            problem, there = id_problem(id_), known.get(id_)
            digest = digest_of({name: value for name, value in row.items() if name not in NO_STATE})
            if problem:
                aside.append(Aside(id_, problem))
            elif needs_nothing(there, digest, as_of):
                stays += 1
                aside += [Aside(id_, there.why)] if there is not None and there.state == "set aside" else []
            else:
                action: WriteAction = "create" if there is None else "update"
                writes.append(Write(action, "row", id_, id_, digest, row, id_, as_of=as_of))
        gone = digest_of("removed")
        for id_, there in known.items():
            if id_ not in here and needs_nothing(there, gone, as_of):
                aside += [Aside(id_, there.why)] if there.state == "set aside" else []
            elif id_ not in here:
                body = {"as_of": as_of, standing.id_column: id_, "status": "removed"}
                writes.append(Write("remove", "row", id_, id_, gone, body, id_, as_of=as_of))
        project = standing.project
        writes = [_with_project(write, project) for write in writes]
        remarks = (from_the_ledger(self.lacking),) if self.lacking else ()
        return SinkPlan(self.name, as_of, tuple(writes), stays, tuple(aside), remarks)

    def apply(self, plan: SinkPlan, ledger: SinkLedger, *, note: Note = silent) -> Applied:
        """Sends the rows, batch by batch, each under an id that its content makes."""
        done = Applied(self.name, failed=plan.failed)
        if self.service is None:
            done.failed = self.lacking
            return done
        try:
            for batch in _calls(plan.writes):
                note(f"webhook: {done.written:,} of {len(plan.writes):,}")
                self._send(plan.as_of, batch, ledger, done, planned=len(plan.writes))
        except ServiceError as error:
            done.failed = str(error)
        return done

    def _send(self, as_of: str, batch: Sequence[Write], ledger: SinkLedger, done: Applied, *, planned: int) -> None:
        assert self.service is not None
        taken = send_halving(
            batch, partial(self._post, as_of), _marked, ledger, done,
            shown=self.service.shown, planned=planned, now=self.now,
        )  # fmt: skip
        ledger.drop("row", [write.key for write in taken if write.action == "remove"])

    def _post(self, as_of: str, batch: Sequence[Write]) -> None:
        assert self.service is not None
        rows = [write.body["row"] for write in batch]
        project = batch[0].body["project"]
        id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"powerml:{project}:webhook:{as_of}:{digest_of(rows)}"))
        content = as_json({"id": id_, "as_of": as_of, "rows": rows})
        self.service.call("POST", content=content, headers={SIGNATURE_HEADER: signature(self.secret, content)})


def _marked(batch: Sequence[Write], state: SentState) -> list[SentRow]:
    return [write.row(state) for write in batch]


def _telling_parts(url: str) -> tuple[str, ...]:
    """What of an address may open it by itself, the longest first: its path, its query, their longer words."""
    parts = urlsplit(url)
    words = [word for word in re.split(r"[/?&=]", f"{parts.path}?{parts.query}") if len(word) >= SHORTEST_SECRET]
    return tuple(sorted({parts.path.strip("/"), parts.query, *words} - {""}, key=len, reverse=True))


def _with_project(write: Write, project: str) -> Write:
    return Write(
        write.action, write.kind, write.key, write.shown, write.digest, {"project": project, "row": write.body},
        write.id, write.remote, write.as_of,
    )  # fmt: skip


def plain_rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a table as JSON knows them: dates as YYYY-MM-DD, what is null or no number as null."""
    for row in frame.to_dict("records"):
        yield {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else value.isoformat()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return None if not math.isfinite(value) else round(value, 6)
    return value if isinstance(value, (bool, int, str)) else str(value)


def _calls(writes: Sequence[Write]) -> Iterator[list[Write]]:
    batch: list[Write] = []
    size = 0
    for write in writes:
        more = len(as_json(write.body["row"]))
        if batch and (len(batch) == LARGEST_CALL or size + more > LARGEST_CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(write)
        size += more
    if batch:
        yield batch
