"""Attio: a score and a tier on people (on companies, where accounts are scored), and a list of candidates."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from powerml.history.standing import CANDIDATES_FROM, TIER_WORDS
from powerml.progress import Note, silent
from powerml.sinks.http import EntryRefused, Pace, RowRefused, Service, ServiceDown, problem_in
from powerml.sinks.plans import (
    Applied,
    Aside,
    SinkPlan,
    Write,
    WriteAction,
    digest_of,
    from_the_ledger,
    id_problem,
    unset,
    utc_now,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from powerml.config.sinks import AttioSpec
    from powerml.history.sent import SentRow, SinkLedger
    from powerml.history.standing import Standing

WRITES_PER_SECOND = 24.0  # the service allows 25
ATTIO_PAGE = 500
DOWN_IN_A_ROW = 3
SCORE, TIER = "power_user_score", "power_user_tier"
LIST_NAME = "Power User Candidates"
_ABOUT = "Written by powerml each night: "
ATTRIBUTES = {
    SCORE: ("Power user score", "number", "the composite power-user score, 0 to 100."),
    TIER: ("Power user tier", "select", "Champion, Power User, Rising Star or Standard."),
}
"""The attributes by their slug: title, type, what they hold."""


def _without_data(answer: Any) -> str:
    """What keeps an answer from saying that the request was taken: each that was holds `data`."""
    if answer is None:
        return ""
    problem = problem_in(answer)
    if problem:
        return problem
    return "" if isinstance(answer, dict) and ("data" in answer or not answer) else "no answer of Attio's"


def _items(answer: Any) -> list[dict[str, Any]]:
    """The things in an answer that lists some."""
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise ServiceDown("Attio: what it answers is no list", unclear=False)
    return items


@dataclass
class AttioSink:
    """Writes to an object of Attio; `adopt` takes over attributes and a list that somebody else made."""

    spec: AttioSpec
    service: Service | None
    adopt: bool = False
    now: Callable[[], datetime] = utc_now
    name: str = "attio"

    @classmethod
    def connected(cls, spec: AttioSpec, *, adopt: bool = False, pace: Pace | None = None, **more: Any) -> Self:
        """The sink with the token of the environment; without it a plan is made from the ledger alone."""
        token, service = os.environ.get(spec.token_env, ""), None
        if token:
            headers = {"Authorization": f"Bearer {token}"}
            service = Service(
                spec.host, "Attio", spec.token_env, headers=headers, secrets=(token,),
                pace=pace or Pace(WRITES_PER_SECOND), wrong=_without_data, **more,
            )  # fmt: skip
        return cls(spec, service, adopt)

    def __repr__(self) -> str:
        return f"AttioSink({self.spec.host})"

    def _unset(self) -> str:
        return unset(self.spec.token_env)

    # -- what would be done

    def plan(self, standing: Standing, ledger: SinkLedger) -> SinkPlan:
        """Attributes, options and the list where they are absent; rows that changed; entries to add and remove."""
        as_of = standing.as_of.isoformat()
        if standing.composite is None:
            return SinkPlan(self.name, as_of, remarks=(f"the composite was not asked on {as_of}; run the night again",))
        object_ = "people" if standing.id_column == "user_id" else "companies"
        writes, foreign, stays = self._structure(object_, ledger)
        if foreign:
            return SinkPlan(self.name, as_of, refusal=foreign)
        remarks = () if self.service is not None else (from_the_ledger(self._unset()),)
        good, bad = standing.matches()
        bad |= {id_: told for id_ in standing.tiers.index if (told := id_problem(id_))}
        rows, kept = self._rows(standing, object_, ledger, good, bad)
        entries, right = self._entries(standing, object_, ledger, good, bad, rows)
        aside = [Aside(id_, told) for id_, told in sorted(bad.items())]
        refused = {**ledger.rows("person"), **ledger.rows("entry")}.values()
        aside += [Aside(r.id, r.why) for r in refused if r.state == "set aside" and r.id in good]
        return SinkPlan(self.name, as_of, (*writes, *rows, *entries), stays + kept + right, tuple(aside), remarks)

    def _structure(self, object_: str, ledger: SinkLedger) -> tuple[list[Write], str, int]:
        """What has to be made before rows can be written; why nothing may be touched; how much is there."""
        if self.service is None:
            names = [("attribute", slug) for slug in ATTRIBUTES] + [("list", self.spec.list)]
            absent = [(kind, key) for kind, key in names if ledger.row(kind, key) is None]
            return [self._made(kind, key, object_) for kind, key in absent], "", len(names) - len(absent)
        writes, right = [], 0
        attributes = {a["api_slug"]: a for a in self._pages("GET", f"/v2/objects/{object_}/attributes")}
        for slug, (_, type_, _) in ATTRIBUTES.items():
            there = attributes.get(slug)
            if there is None:
                writes.append(self._made("attribute", slug, object_))
                continue
            if ledger.row("attribute", slug) is None and not self.adopt:
                told = f"an attribute {slug!r} of {object_} is there that powerml did not make"
                return [], f"{told}; rename it, or take it over with --adopt", 0
            if there.get("type") not in (None, type_):
                return [], f"the attribute {slug!r} of {object_} is a {there['type']}, not a {type_}; rename it", 0
            if ledger.row("attribute", slug) is None:
                writes.append(replace(self._made("attribute", slug, object_), action="adopt"))
            right += 1
        options = set()
        if TIER in attributes:
            every = self._pages("GET", f"/v2/objects/{object_}/attributes/{TIER}/options")
            options = {option["title"] for option in every if not option.get("is_archived")}
        writes += [self._made("option", word, object_) for word in TIER_WORDS.values() if word not in options]
        found = self._list()
        if found is None:
            writes.append(self._made("list", self.spec.list, object_))
        elif ledger.row("list", self.spec.list) is None and not self.adopt:
            told = f"a list {self.spec.list!r} is there that powerml did not make"
            return [], f"{told}; name another one in sync.attio.list, or take it over with --adopt", 0
        elif object_ not in (parents := found.get("parent_object") or [object_]) and parents != object_:
            return [], f"the list {self.spec.list!r} holds no {object_}; name another one in sync.attio.list", 0
        else:
            if ledger.row("list", self.spec.list) is None:
                writes.append(replace(self._made("list", self.spec.list, object_), action="adopt"))
            right += 1
        return writes, "", right + len(options & set(TIER_WORDS.values()))

    def _made(self, kind: str, key: str, object_: str) -> Write:
        if kind == "attribute":
            title, type_, about = ATTRIBUTES[key]
            told: dict[str, Any] = {"title": title, "description": _ABOUT + about, "api_slug": key, "type": type_}
            told |= {"is_required": False, "is_unique": False, "is_multiselect": False, "config": {}}
        elif kind == "option":
            told = {"title": key}
        else:
            told = {"name": LIST_NAME, "api_slug": key, "parent_object": object_}
            told |= {"workspace_access": "full-access", "workspace_member_access": []}
        body = {"object": object_, "data": told}
        return Write("create", kind, key, f"{kind} {key!r}", digest_of(told), body)

    def _rows(
        self, standing: Standing, object_: str, ledger: SinkLedger, good: dict[str, str], bad: dict[str, str]
    ) -> tuple[list[Write], int]:
        """Rows whose whole number or tier changed, and who left: theirs are emptied."""
        known, as_of, stays = ledger.rows("person"), standing.as_of.isoformat(), 0
        writes: list[Write] = []
        matching = "email_addresses" if object_ == "people" else "domains"
        for row in standing.tiers.reset_index(names="id").to_dict("records"):
            id_ = str(row["id"])
            if id_ in bad or id_ not in good:
                continue
            score, tier, match = int(row["composite_score"]), str(row["tier"]), digest_of(good[id_])[:12]
            digest, there = f"{match}/{score}/{tier}", known.get(id_)
            if there is not None and there.digest == digest and there.state in ("sent", "set aside"):
                stays += 1
                continue
            if there is not None and there.remote and not there.digest.startswith(match):
                writes.append(self._emptied(id_, there, object_, as_of))  # the address of another record, once theirs
                there = None
            values = {matching: [good[id_]], SCORE: score, TIER: tier}
            body = {"object": object_, "matching": matching, "data": {"values": values}}
            action: WriteAction = "update" if there is not None and there.remote else "create"
            remote = there.remote if there is not None else ""
            writes.append(Write(action, "person", id_, id_, digest, body, id_, remote, as_of))
        for id_, there in known.items():
            if id_ not in standing.tiers.index:
                if not there.remote and there.state != "set aside":
                    there = replace(there, remote=self._record_of(standing, there, object_))
                writes.append(self._emptied(id_, there, object_, as_of))
        return writes, stays

    def _emptied(self, id_: str, there: SentRow, object_: str, as_of: str) -> Write:
        body = {"object": object_, "data": {"values": {SCORE: None, TIER: None}}}
        return Write("remove", "person", id_, id_, there.digest, body, id_, there.remote, as_of)

    def _entries(
        self,
        standing: Standing,
        object_: str,
        ledger: SinkLedger,
        good: dict[str, str],
        bad: dict[str, str],
        rows: list[Write],
    ) -> tuple[list[Write], int]:
        """Entries of the list to add (those of 60 or more), and those of ours to remove."""
        as_of, known = standing.as_of.isoformat(), ledger.rows("entry")
        tiers, moved = standing.tiers, {w.id for w in rows if w.action == "remove"}
        wanted = [str(i) for i in tiers.index[tiers["score"] >= CANDIDATES_FROM] if i in good and i not in bad]
        there_now = self._entries_there(known)
        gone = (
            set()
            if there_now is None
            else {i for i, r in known.items() if r.state == "sent" and r.remote not in there_now}
        )
        by_parent = {parent: entry for entry, parent in (there_now or {}).items()}
        persons = ledger.rows("person")
        writes: list[Write] = []
        stays = 0
        for id_, there in known.items():
            if (id_ not in wanted and id_ not in bad) or id_ in moved:
                parent = persons[id_].remote if id_ in persons else ""
                remote = there.remote or by_parent.get(parent, "")
                writes.append(Write("remove", "entry", id_, id_, "", {}, id_, remote, as_of))
        leaving = {w.key for w in writes}
        for id_ in wanted:
            row = known.get(id_)
            if row is not None and row.state in ("sent", "set aside") and id_ not in leaving | gone:
                stays += 1
                continue
            body = {"data": {"parent_object": object_, "entry_values": {}}}
            writes.append(Write("create", "entry", id_, id_, "", body, id_, as_of=as_of))
        return writes, stays

    def _entries_there(self, known: dict[str, SentRow]) -> dict[str, str] | None:
        """The entries of the list and the record of each; None where that need not be known, or cannot be."""
        if self.service is None or not known or self._list() is None:
            return None
        there = self._pages("POST", f"/v2/lists/{self.spec.list}/entries/query")
        return {str(e["id"]["entry_id"]): str(e.get("parent_record_id", "")) for e in there}

    def _record_of(self, standing: Standing, there: SentRow, object_: str) -> str:
        """The record of somebody whose write got no answer: found by the address that it was sent with."""
        address = standing.address(there.id, there.as_of)
        if self.service is None or not address:
            return ""
        matching = "email_addresses" if object_ == "people" else "domains"
        body = {"filter": {matching: address}, "limit": 1, "offset": 0}
        found = _items(self.service.call("POST", f"/v2/objects/{object_}/records/query", body=body))
        return str(found[0]["id"]["record_id"]) if found else ""

    # -- doing it

    def apply(self, plan: SinkPlan, ledger: SinkLedger, *, note: Note = silent) -> Applied:
        """Writes one thing after another; what one row cannot have does not keep the others from it."""
        done = Applied(self.name, failed=plan.failed)
        if self.service is None:
            done.failed = self._unset()
            return done
        down = 0
        for write in plan.writes:
            note(f"attio: {done.written:,} of {len(plan.writes):,}")
            state = "in flight"
            if write.action != "remove":
                ledger.write([write.row("in flight")], now=self.now())
            try:
                self._write(write, ledger)
            except RowRefused as error:
                if write.kind not in ("person", "entry"):
                    done.failed = f"Attio: {write.shown}: {error}"
                    return done
                done.aside.append(Aside(write.id, f"Attio {error}"))
                if write.action != "remove":
                    ledger.write([write.row("set aside", why=f"Attio {error}")], now=self.now())
                continue
            except EntryRefused as error:
                done.failed = str(error)
                state = "waiting"
            except ServiceDown as error:
                down, done.failed = down + 1, str(error)
                state = "unknown" if error.unclear else "waiting"
            if state == "in flight":
                down, done.written = 0, done.written + 1
                continue
            if write.action != "remove":
                ledger.write([write.row(state)], now=self.now())  # type: ignore[arg-type]  # one of its states
            if state == "waiting" or down == DOWN_IN_A_ROW or write.kind not in ("person", "entry"):
                return done
        return done

    def _write(self, write: Write, ledger: SinkLedger) -> None:
        if write.action == "adopt":
            ledger.write([write.row("sent", remote="adopted")], now=self.now())
            return
        if write.kind == "person" and write.action == "remove":
            self._empty(write, ledger)
            return
        if write.kind == "entry" and write.action == "remove":
            if write.remote:
                self._unless_gone("DELETE", f"/v2/lists/{self.spec.list}/entries/{write.remote}")
            ledger.drop("entry", [write.key])
            return
        remote = self._sent(write, ledger)
        ledger.write([write.row("sent", remote=remote)], now=self.now())

    def _sent(self, write: Write, ledger: SinkLedger) -> str:
        """Creates or updates a thing; gives its id there."""
        assert self.service is not None
        object_, data = write.body.get("object"), dict(write.body["data"])
        if write.kind == "person":
            path, matching = f"/v2/objects/{object_}/records", {"matching_attribute": write.body["matching"]}
            made = self._data(self.service.call("PUT", path, body={"data": data}, params=matching))
            return str(made["id"]["record_id"])
        if write.kind == "entry":
            parent = ledger.row("person", write.key)
            if parent is None or not parent.remote:
                raise RowRefused("has no record for this candidate", status=404)
            data["parent_record_id"] = parent.remote
            path = f"/v2/lists/{self.spec.list}/entries"
            made = self._data(self.service.call("PUT", path, body={"data": data}))
            return str(made["id"]["entry_id"])
        made = self._data(self.service.call("POST", self._place(write), body={"data": data}, find=self._finder(write)))
        return str(next((v for k, v in made.get("id", {}).items() if k == f"{write.kind}_id"), "made"))

    def _place(self, write: Write) -> str:
        of_object = f"/v2/objects/{write.body['object']}/attributes"
        return {"attribute": of_object, "option": f"{of_object}/{TIER}/options", "list": "/v2/lists"}[write.kind]

    def _finder(self, write: Write) -> Callable[[], Any]:
        """Looks whether a thing is there by now, for a write whose answer got lost."""

        def find() -> Any:
            name = "title" if write.kind == "option" else "api_slug"
            there = [self._list()] if write.kind == "list" else list(self._pages("GET", self._place(write)))
            found = next((item for item in there if item is not None and item.get(name) == write.key), None)
            return None if found is None else {"data": found}

        return find

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

    @staticmethod
    def _data(answer: Any) -> dict[str, Any]:
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise ServiceDown("Attio: says yes and gives nothing back", unclear=True)
        return data

    def _list(self) -> dict[str, Any] | None:
        assert self.service is not None
        there = _items(self.service.call("GET", "/v2/lists"))
        return next((one for one in there if one.get("api_slug") == self.spec.list), None)

    def _pages(self, method: str, path: str) -> Iterator[dict[str, Any]]:
        """Everything at a path, page by page; a service that knows no pages gives all at once, and again."""
        assert self.service is not None
        offset, seen = 0, set()
        while True:
            page = {"limit": ATTIO_PAGE, "offset": offset}
            if method == "GET":
                items = _items(self.service.call("GET", path, params=page))
            else:
                items = _items(self.service.call("POST", path, body=page))
            fresh = [item for item in items if digest_of(item.get("id")) not in seen]
            seen |= {digest_of(item.get("id")) for item in fresh}
            yield from fresh
            if len(items) < ATTIO_PAGE or not fresh:
                return
            offset += len(items)
