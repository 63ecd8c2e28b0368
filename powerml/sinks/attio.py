"""Attio: a score and a tier on people (on companies, where accounts are scored), and a list of candidates.

The list shows score and tier through the record that an entry stands for, so entries hold no values of their own: a
candidate whose score changed is an update of the record, and with it of the row on the list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from powerml.history.standing import CANDIDATES_FROM
from powerml.progress import Note, silent
from powerml.sinks.attio_structure import SCORE, TIER, AttioStructure, id_in, items_in, made_in, pages, without_data
from powerml.sinks.http import (
    EntryRefused,
    Pace,
    RowRefused,
    Service,
    ServiceDown,
    ServiceError,
    secret_for_a_header,
)
from powerml.sinks.plans import (
    Applied,
    Aside,
    SinkPlan,
    Write,
    WriteAction,
    digest_of,
    from_the_ledger,
    id_problem,
    most_refused,
    needs_nothing,
    utc_now,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from powerml.config.sinks import AttioSpec
    from powerml.history.sent import SentRow, SinkLedger
    from powerml.history.standing import Standing

MARK = 12  # characters of a digest that stand for an address
WRITES_PER_SECOND = 24.0  # the service allows 25
DOWN_IN_A_ROW = 3
_OF_ROWS = ("person", "entry")


@dataclass
class AttioSink:
    """Writes to an object of Attio; `adopt` takes over attributes and a list that somebody else made."""

    spec: AttioSpec
    service: Service | None
    adopt: bool = False
    lacking: str = ""
    now: Callable[[], datetime] = utc_now
    name: str = "attio"

    @classmethod
    def connected(cls, spec: AttioSpec, *, adopt: bool = False, pace: Pace | None = None, **more: Any) -> Self:
        """The sink with the token of the environment; without it a plan is made from the ledger alone."""
        (token, lacking), service = secret_for_a_header(spec.token_env), None
        if token:
            headers = {"Authorization": f"Bearer {token}"}
            service = Service(
                spec.host.removesuffix("/v2"), "Attio", spec.token_env, headers=headers, secrets=(token,),
                pace=pace or Pace(WRITES_PER_SECOND), wrong=without_data, **more,
            )  # fmt: skip
        return cls(spec, service, adopt, lacking)

    def __repr__(self) -> str:
        return f"AttioSink({self.spec.host})"

    @property
    def structure(self) -> AttioStructure:
        """The attributes and the list that rows need."""
        return AttioStructure(self.service, self.spec.list, self.adopt)

    # -- what would be done

    def plan(self, standing: Standing, ledger: SinkLedger) -> SinkPlan:
        """Attributes, options and the list where they are absent; rows that changed; entries to add and remove."""
        as_of = standing.as_of.isoformat()
        if standing.composite is None:
            return SinkPlan(self.name, as_of, remarks=(f"the composite was not asked on {as_of}; run the night again",))
        object_ = _object(standing)
        writes, foreign, stays = self.structure.plan(object_, ledger)
        if foreign:
            return SinkPlan(self.name, as_of, refusal=foreign)
        remarks: tuple[str, ...] = () if self.service is not None else (from_the_ledger(self.lacking),)
        good, bad = standing.matches()
        bad |= {id_: told for id_ in standing.tiers.index if (told := id_problem(id_))}
        good = {id_: address for id_, address in good.items() if id_ not in bad}
        kept_back = set() if standing.addresses else set(bad)  # it is the table that lacks them, nobody lost theirs
        anew = {w.kind for w in writes if w.action == "create"} if self.service is not None else set()
        known = {} if "attribute" in anew else ledger.rows("person")  # what was written went with the attribute
        listed = {} if "list" in anew else ledger.rows("entry")
        rows, kept = self._rows(standing, object_, known, good, kept_back)
        entries, right = self._entries(standing, known, listed, good, kept_back, rows)
        if kept_back & {*known, *listed}:
            remarks += ("nobody has an address tonight, so what was written to those set aside stays as it is",)
        on_it = {i for i, row in listed.items() if row.state == "sent"} - {w.id for w in entries}
        if shown := on_it & {w.id for w in rows if w.action == "update"}:
            remarks += (f"rows of the list that are updated, through their record: {len(shown):,}",)
        aside = [Aside(id_, told) for id_, told in sorted(bad.items())]
        again = {(w.kind, w.key) for w in (*rows, *entries)}
        refused = [("person", row) for row in known.values()] + [("entry", row) for row in listed.values()]
        aside += [
            Aside(row.id, row.why)
            for kind, row in refused
            if row.state == "set aside" and row.id in good and (kind, row.key) not in again
        ]
        writes += sorted((*entries, *rows), key=_turn)
        return SinkPlan(self.name, as_of, tuple(writes), stays + kept + right, tuple(aside), remarks)

    def _rows(
        self, standing: Standing, object_: str, known: dict[str, SentRow], good: dict[str, str], kept_back: set[str]
    ) -> tuple[list[Write], int]:
        """Rows whose whole number or tier changed; who left, or can no longer be told by an address, is emptied."""
        as_of, stays = standing.as_of.isoformat(), 0
        writes: list[Write] = []
        matching = "email_addresses" if object_ == "people" else "domains"
        taken_over = _taken_over(known, good)
        for row in standing.tiers.reset_index(names="id").to_dict("records"):
            id_ = str(row["id"])
            if id_ not in good:
                continue
            score, tier, match = int(row["composite_score"]), str(row["tier"]), _mark(good[id_])
            digest, there = f"{match}/{score}/{tier}", known.get(id_)
            if needs_nothing(there, digest, as_of):
                stays += 1
                continue
            if there is not None and not there.digest.startswith(match):
                there = self._with_record(standing, there, object_)
                if there.remote:  # the address of another record, once theirs
                    writes.append(self._emptied(there, object_, as_of, taken_over))
                there = None
            values = {matching: [good[id_]], SCORE: score, TIER: tier}
            body = {"object": object_, "matching": matching, "data": {"values": values}}
            action: WriteAction = "update" if there is not None and there.remote else "create"
            remote = there.remote if there is not None else ""
            writes.append(Write(action, "person", id_, id_, digest, body, id_, remote, as_of))
        for id_, there in known.items():
            if id_ not in good and id_ not in kept_back:
                there = self._with_record(standing, there, object_)
                writes.append(self._emptied(there, object_, as_of, taken_over))
        return writes, stays

    def _with_record(self, standing: Standing, there: SentRow, object_: str) -> SentRow:
        """The same with its record's id, which is read where a write got no answer."""
        if there.remote or there.state == "set aside":
            return there
        return replace(there, remote=self._record_of(standing, there, object_))

    @staticmethod
    def _emptied(there: SentRow, object_: str, as_of: str, taken_over: Callable[[SentRow], bool]) -> Write:
        """Takes score and tier from a record; of one that is somebody else's by now only the ledger's row goes."""
        remote, id_ = "" if taken_over(there) else there.remote, there.id
        body = {"object": object_, "data": {"values": {SCORE: None, TIER: None}}}
        return Write("remove", "person", id_, id_, there.digest, body, id_, remote, as_of)

    def _entries(
        self,
        standing: Standing,
        persons: dict[str, SentRow],
        known: dict[str, SentRow],
        good: dict[str, str],
        kept_back: set[str],
        rows: list[Write],
    ) -> tuple[list[Write], int]:
        """Entries of the list to add (those of 60 or more), and those of ours to remove."""
        as_of = standing.as_of.isoformat()
        tiers, moved = standing.tiers, {w.id for w in rows if w.action == "remove"}
        wanted = [str(i) for i in tiers.index[tiers["score"] >= CANDIDATES_FROM] if i in good]
        there_now = self._entries_there(known)
        gone = (
            set()
            if there_now is None
            else {i for i, r in known.items() if r.state == "sent" and r.remote not in there_now}
        )
        by_parent = {parent: entry for entry, parent in (there_now or {}).items()}
        writes: list[Write] = []
        stays, belong = 0, set(wanted)
        theirs = {known[i].remote for i in belong - moved if i in known}
        marks = {_mark(good[i]) for i in belong}
        for id_, there in known.items():
            if id_ not in belong | kept_back or id_ in moved:
                parent = persons[id_].remote if id_ in persons else ""
                remote = there.remote or by_parent.get(parent, "")
                if remote in theirs or (id_ in moved and persons[id_].digest[:MARK] in marks):
                    remote = ""  # the record is another candidate's by now, and so is its place on the list
                writes.append(Write("remove", "entry", id_, id_, "", {}, id_, remote, as_of))
        leaving, coming = {w.key for w in writes}, {w.id for w in rows}
        for id_ in wanted:
            if needs_nothing(known.get(id_), "", as_of) and id_ not in leaving | gone:
                stays += 1
                continue
            if id_ not in coming and id_ in persons and persons[id_].state == "set aside":
                continue  # without a record there is nothing to be put on it
            body = {"data": {"parent_object": _object(standing), "entry_values": {}}}
            writes.append(Write("create", "entry", id_, id_, "", body, id_, as_of=as_of))
        return writes, stays

    def _entries_there(self, known: dict[str, SentRow]) -> dict[str, str] | None:
        """The entries of the list and the record of each; None where that need not be known, or cannot be."""
        if self.service is None or not known:
            return None
        there = pages(self.service, "POST", f"/v2/lists/{self.spec.list}/entries/query")
        return {id_in(e, "entry_id"): str(e.get("parent_record_id", "")) for e in there}

    def _record_of(self, standing: Standing, there: SentRow, object_: str) -> str:
        """The record of somebody whose write got no answer: found by the address that it was sent with."""
        address = standing.address(there.id, there.as_of)
        if self.service is None or not address:
            return ""
        matching = "email_addresses" if object_ == "people" else "domains"
        body = {"filter": {matching: address}, "limit": 1, "offset": 0}
        found = items_in(self.service.call("POST", f"/v2/objects/{object_}/records/query", body=body))
        return id_in(found[0], "record_id") if found else ""

    # -- doing it

    def apply(self, plan: SinkPlan, ledger: SinkLedger, *, note: Note = silent) -> Applied:
        """Writes one thing after another; what one row cannot have does not keep the others from it."""
        done = Applied(self.name, failed=plan.failed)
        if self.service is None:
            done.failed = self.lacking
            return done
        planned = sum(write.kind in _OF_ROWS for write in plan.writes)
        down = told = 0
        held: set[str] = set()
        for write in plan.writes:
            if write.key in held and write.kind in _OF_ROWS and write.action == "create":
                continue  # what was to be taken away first is there still, and its id must not be forgotten
            note(f"attio: {done.written:,} of {len(plan.writes):,}")
            if write.action != "remove":
                ledger.write([write.row("in flight")], now=self.now())
            try:
                taken = self._write(write, ledger)
            except RowRefused as error:
                if write.kind not in _OF_ROWS:
                    done.failed = f"Attio: {write.shown}: {error}"
                    ledger.drop(write.kind, [write.key])  # what stands there under that name is not ours
                    return done
                self._refused(write, f"Attio {error}", ledger, done)
                if not down and not told and len(done.aside) >= most_refused(planned):
                    done.failed = f"Attio {error}, whatever is sent"
                    done.give_back(ledger, now=self.now())
                    return done
            except ServiceError as error:
                down, done.failed = down + 1, _about(write, error)
                unclear = isinstance(error, ServiceDown) and error.unclear
                if write.action == "remove":
                    held.add(write.key)
                else:
                    ledger.write([write.row("unknown" if unclear else "waiting")], now=self.now())
                if isinstance(error, EntryRefused) or down == DOWN_IN_A_ROW or write.kind not in _OF_ROWS:
                    return done
            else:
                down, done.written = down * (not taken), done.written + taken
                told += taken and write.kind in _OF_ROWS and write.action != "remove"
        return done

    def _refused(self, write: Write, why: str, ledger: SinkLedger, done: Applied) -> None:
        if write.action == "remove":
            done.aside.append(Aside(write.id, why))
        else:
            done.set_aside(write, why, ledger, now=self.now())

    def _write(self, write: Write, ledger: SinkLedger) -> bool:
        """Does one thing; gives whether it could be done now."""
        assert self.service is not None
        if write.action == "adopt":
            ledger.write([write.row("sent", remote="adopted")], now=self.now())
        elif write.kind == "person" and write.action == "remove":
            self._empty(write, ledger)
        elif write.kind == "entry" and write.action == "remove":
            if write.remote:
                self._unless_gone("DELETE", f"/v2/lists/{self.spec.list}/entries/{write.remote}")
            ledger.drop("entry", [write.key])
        elif write.kind == "person":
            path, matching = (
                f"/v2/objects/{write.body['object']}/records",
                {"matching_attribute": write.body["matching"]},
            )
            made = made_in(self.service.call("PUT", path, body={"data": write.body["data"]}, params=matching))
            ledger.write([write.row("sent", remote=id_in(made, "record_id"))], now=self.now())
        elif write.kind == "entry":
            return self._enter(write, ledger)
        else:
            made_of_it = {"attribute": "person", "list": "entry"}.get(write.kind)
            remote = self.structure.make(write)
            if made_of_it is not None:
                ledger.drop(made_of_it, ledger.rows(made_of_it))
            ledger.write([write.row("sent", remote=remote)], now=self.now())
        return True

    def _enter(self, write: Write, ledger: SinkLedger) -> bool:
        """Puts a record on the list; where it has none yet, that has been told already, and the entry waits for it."""
        assert self.service is not None
        parent = ledger.row("person", write.key)
        if parent is None or not parent.remote:
            ledger.write([write.row("waiting")], now=self.now())
            return False
        data = {**write.body["data"], "parent_record_id": parent.remote}
        made = made_in(self.service.call("PUT", f"/v2/lists/{self.spec.list}/entries", body={"data": data}))
        ledger.write([write.row("sent", remote=id_in(made, "entry_id"))], now=self.now())
        return True

    def _empty(self, write: Write, ledger: SinkLedger) -> None:
        """Takes score and tier from a record; one that was never heard of needs nothing."""
        if write.remote:
            path = f"/v2/objects/{write.body['object']}/records/{write.remote}"
            self._unless_gone("PATCH", path, {"data": write.body["data"]})
        ledger.drop("person", [write.key])

    def _unless_gone(self, method: str, path: str, body: Any = None) -> None:
        assert self.service is not None
        try:
            self.service.call(method, path, body=body)
        except RowRefused as error:
            if error.status != 404:
                raise


def _object(standing: Standing) -> str:
    return "people" if standing.id_column == "user_id" else "companies"


def _mark(address: str) -> str:
    """Stands for an address at the beginning of a row's digest."""
    return digest_of(address)[:MARK]


def _taken_over(known: dict[str, SentRow], good: dict[str, str]) -> Callable[[SentRow], bool]:
    """Tells of what was written for somebody whether its address or its record is somebody else's tonight."""
    marks = {id_: _mark(address) for id_, address in good.items()}
    kept = {row.remote for id_, row in known.items() if id_ in marks and row.digest.startswith(marks[id_])} - {""}
    addresses = set(marks.values())
    return lambda there: there.digest[:MARK] in addresses or there.remote in kept


def _turn(write: Write) -> int:
    """Places on the list go first, then what stood on records: whoever has them next is written after that."""
    removes, entry = write.action == "remove", write.kind == "entry"
    return (0 if entry else 1) if removes else (3 if entry else 2)


def _about(write: Write, error: Exception) -> str:
    """A failure with whom it struck, where it was one of many."""
    return f"{write.shown}: {error}" if write.kind in _OF_ROWS else str(error)
