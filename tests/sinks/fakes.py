"""Services on loopback that behave as their documentation says, and misbehave where a test asks for it."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LOST = ("after 500", "after reset", "after silence")
"""Faults that come when the write took place."""
FAULTS = ("429", "500", "409", "reset", "error in 200", "half", *LOST)
PATIENCE = 0.2  # seconds that the tests' clients wait, and a silent service exceeds


class Answer(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, status, body=None, headers=()):
        self.status, self.body, self.headers = status, body, dict(headers)
        super().__init__(status)


class Fake:
    """A service. `faults` gives, for each write that comes, a fault or None; `calls` are (method, path, body)."""

    limit = 20_000_000

    def __init__(self):
        self.faults = lambda number, method, path: None
        self.calls, self.writes, self.times, self.headers = [], 0, [], []
        self.elsewhere = "http://127.0.0.2:9/"
        self.lock = threading.RLock()

    # -- what a service defines

    def entry(self, headers, body):
        """Raises Answer(401) for a wrong secret."""

    def handle(self, method, path, query, body):
        raise NotImplementedError

    def half(self, method, path, query, body):
        """Takes half of a batch; of one thing there is none."""

    # -- serving

    def serve(self, method, target, headers, raw):
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        with self.lock:
            body = json.loads(raw) if raw else None
            self.calls.append((method, parts.path, body))
            self.headers.append(headers)
            reading = method == "GET" or parts.path.rstrip("/").endswith("/query")
            fault = None
            if not reading:
                self.writes += 1
                self.times.append(time.monotonic())
                fault = self.faults(self.writes, method, parts.path)
            if len(raw) > self.limit:
                raise Answer(413, {"detail": "the body is too large"})
            self.entry(headers, body)
            if fault == "429":
                there = datetime.now(UTC)
                asked = {"Retry-After": format_datetime(there, usegmt=True)}
                told = {
                    "status_code": 429,
                    "type": "rate_limit_error",
                    "code": "rate_limit_exceeded",
                    "message": "slow",
                }
                raise Answer(429, told, asked)
            if fault == "500":
                raise Answer(500, {"message": "it is broken"})
            if fault == "409":
                told = {"status_code": 409, "code": "concurrent_write_conflict", "message": "somebody else writes"}
                raise Answer(409, told)
            if fault == "redirect":
                raise Answer(307, None, {"Location": self.elsewhere})
            if fault == "error in 200":
                raise Answer(200, {"status": 0, "error": "nothing was taken"})
            if fault == "reset":
                raise Answer("reset")
            if fault == "half":
                self.half(method, parts.path, query, body)
                raise Answer("reset")
            told = self.handle(method, parts.path, query, body)
        if fault == "after 500":
            raise Answer(500, {"message": "it is broken"})
        if fault == "after reset":
            raise Answer("reset")
        if fault == "after silence":
            time.sleep(PATIENCE * 2)
            raise Answer("reset")
        return told


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _any(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, body = self.server.fake.serve(self.command, self.path, dict(self.headers), raw)
            more = {}
        except Answer as answer:
            status, body, more = answer.status, answer.body, answer.headers
        if status == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
            return
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler._any)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that was killed, or gave up


@contextmanager
def running(fake):
    """The address of a service while the block runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.fake = fake
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class FakePosthog(Fake):
    """Capture, cohorts, dashboards and insights of one project.

    Events are kept once per uuid; `$set` and `$unset` change persons, `$groupidentify` groups.
    """

    key, personal, project = "phc_project", "phx_personal", 42

    def __init__(self, bad=()):
        super().__init__()
        self.events, self.persons, self.groups, self.received = {}, {}, {}, []
        self.things = {"cohorts": {}, "dashboards": {}, "insights": {}}
        self.bad, self.next_id = set(bad), 1

    def entry(self, headers, body):
        if body and "batch" in body:
            if body["api_key"] != self.key:
                raise Answer(401, {"type": "authentication_error", "detail": "the key is invalid"})
        elif headers.get("Authorization") != f"Bearer {self.personal}":
            raise Answer(401, {"type": "authentication_error", "detail": "the key is invalid"})

    def handle(self, method, path, query, body):
        if (method, path) == ("POST", "/batch/"):
            self._check(body["batch"])
            self._take(body["batch"])
            return 200, {"status": "Ok"}
        _, api, projects, project, kind, *rest = (
            path.strip("/").split("/") if path.startswith("//") else ("", *path.strip("/").split("/"))
        )
        if (api, projects, project, kind, method) == ("api", "projects", str(self.project), "query", "POST"):
            return 200, {"results": [[id_] for id_ in self._asked(body["query"]["query"])], "columns": ["id"]}
        if (api, projects, project) != ("api", "projects", str(self.project)) or kind not in self.things:
            raise Answer(404, {"detail": "Not found."})
        return self._thing(method, kind, rest, query, body)

    def _asked(self, sql):
        """The ids of events that a read-back asks for, in their order: of a kind, a day around a day, behind one."""
        kind, day, _, last = re.findall(r"'([^']*)'", sql)
        low, high = (date.fromisoformat(day[:10]) + timedelta(days=n) for n in (-1, 1))
        near = (
            id_
            for id_, event in self.events.items()
            if event["event"] == kind and str(low) <= event["timestamp"][:10] <= str(high) and id_ > last
        )
        return sorted(near)[: int(sql.rsplit(" ", 1)[1])]

    def half(self, method, path, query, body):
        if path == "/batch/":
            self._check(body["batch"])
            self._take(body["batch"][: len(body["batch"]) // 2])

    def _check(self, batch):
        for event in batch:
            id_ = event.get("distinct_id") or event["properties"].get("distinct_id")
            if not event.get("event") or not id_ or id_ in self.bad:
                raise Answer(400, {"type": "validation_error", "detail": "an event is malformed"})
            uuid.UUID(event["uuid"])
            assert len(id_) <= 200

    def _take(self, batch):
        for event in batch:
            self.received.append(event["uuid"])
            told, id_ = event["properties"], event["properties"]["distinct_id"]
            self.events[event["uuid"]] = event
            if event["event"] == "$groupidentify":
                self.groups.setdefault((told["$group_type"], told["$group_key"]), {}).update(told["$group_set"])
            elif told.get("$process_person_profile", True):
                person = self.persons.setdefault(id_, {})
                person.update(told.get("$set", {}))
                for name in told.get("$unset", ()):
                    person.pop(name, None)

    def _thing(self, method, kind, rest, query, body):
        things = self.things[kind]
        if method == "GET" and not rest:
            start, size = int(query.get("offset", 0)), int(query.get("limit", 100))
            items = list(things.values())
            more = f"http://x/api/projects/{self.project}/{kind}/?offset={start + size}&limit={size}"
            following = more if start + size < len(items) else None
            return 200, {
                "count": len(items),
                "next": following,
                "previous": None,
                "results": items[start : start + size],
            }
        if method == "POST" and not rest:
            if kind == "insights" and any(
                board not in self.things["dashboards"] for board in body.get("dashboards", ())
            ):
                raise Answer(400, {"detail": "no such dashboard"})
            made = {"id": self.next_id, "deleted": False, **body}
            things[self.next_id] = made
            self.next_id += 1
            return 201, made
        if not rest or int(rest[0]) not in things:
            raise Answer(404, {"detail": "Not found."})
        thing = things[int(rest[0])]
        if method == "PATCH":
            thing.update(body)
        elif method != "GET":
            raise Answer(405, {"detail": "Method not allowed."})
        return 200, thing

    def cohort(self, name):
        """Who is in a cohort, by evaluating its filters."""
        (found,) = [c for c in self.things["cohorts"].values() if c["name"] == name and not c["deleted"]]
        return {id_ for id_, person in self.persons.items() if self._holds(found["filters"]["properties"], person)}

    def _holds(self, told, person):
        if told["type"] in ("AND", "OR"):
            return (all if told["type"] == "AND" else any)(self._holds(one, person) for one in told["values"])
        value = told["value"] if isinstance(told["value"], list) else [told["value"]]
        assert told["operator"] == "exact"
        return (person.get(told["key"]) in value) != bool(told.get("negation"))


class FakeAttio(Fake):
    """Objects, attributes, lists and entries of a workspace."""

    token = "attio-token"

    def __init__(self, bad=()):
        super().__init__()
        self.attributes = {
            o: {s: {"api_slug": s, "type": t, "id": {"attribute_id": s}} for s, t in self.given(o).items()}
            for o in ("people", "companies")
        }
        self.options, self.records, self.lists, self.entries = {}, {"people": {}, "companies": {}}, {}, {}
        self.bad = set(bad)

    @staticmethod
    def given(object_):
        return {"email_addresses": "email-address"} if object_ == "people" else {"domains": "domain"}

    def entry(self, headers, body):
        if headers.get("Authorization") != f"Bearer {self.token}":
            raise Answer(401, self._error(401, "unauthorized", "no such token"))

    @staticmethod
    def _error(status, code, message):
        return {"status_code": status, "type": "invalid_request_error", "code": code, "message": message}

    def handle(self, method, path, query, body):
        v2, *parts = path.strip("/").split("/")
        assert v2 == "v2"
        if parts[0] == "objects":
            return self._object(method, parts[1], parts[2:], query, body)
        return self._lists(method, parts[1:], query, body)

    def _object(self, method, object_, parts, query, body):
        if parts == ["attributes"]:
            there = self.attributes[object_]
            if method == "GET":
                return 200, {"data": self._page(list(there.values()), query)}
            told = body["data"]
            wanted = {
                "title",
                "description",
                "api_slug",
                "type",
                "is_required",
                "is_unique",
                "is_multiselect",
                "config",
            }
            if wanted - set(told):
                raise Answer(400, self._error(400, "validation_type", "a field is missing"))
            if told["api_slug"] in there:
                raise Answer(409, self._error(409, "slug_conflict", "the slug is taken"))
            made = {"id": {"attribute_id": told["api_slug"]}, **told}
            there[told["api_slug"]] = made
            return 200, {"data": made}
        if parts[0] == "attributes":
            options = self.options.setdefault((object_, parts[1]), [])
            if method == "GET":
                return 200, {"data": options}
            if any(o["title"] == body["data"]["title"] for o in options):
                raise Answer(409, self._error(409, "slug_conflict", "the option is there"))
            made = {"id": {"option_id": str(uuid.uuid4())}, "title": body["data"]["title"], "is_archived": False}
            options.append(made)
            return 200, {"data": made}
        return self._records(method, object_, parts, query, body)

    def _records(self, method, object_, parts, query, body):
        there = self.records[object_]
        if parts[1:] == ["query"]:
            ((name, value),) = body["filter"].items()
            found = [r for r in there.values() if value in r["values"].get(name, [])]
            return 200, {"data": found}
        values = body["data"]["values"]
        for slug, value in values.items():
            if slug not in self.attributes[object_]:
                raise Answer(400, self._error(400, "unknown_attribute", f"no attribute {slug}"))
            titles = {o["title"] for o in self.options.get((object_, slug), ())}
            if self.attributes[object_][slug]["type"] == "select" and value is not None and value not in titles:
                raise Answer(400, self._error(400, "value_not_found", f"no option {value}"))
        if method == "PUT":
            name = query["matching_attribute"]
            (value,) = values[name]
            if value in self.bad:
                raise Answer(400, self._error(400, "value_not_allowed", f"{value} is refused"))
            found = next((r for r in there.values() if value in r["values"][name]), None)
            if found is None:
                record = str(uuid.uuid4())
                found = there[record] = {"id": {"record_id": record}, "values": {name: []}}
            values = {**values, name: sorted({*found["values"][name], value})}
        else:
            assert method == "PATCH"
            if parts[1] not in there:
                raise Answer(404, self._error(404, "not_found", "no such record"))
            found = there[parts[1]]
        found["values"].update(values)
        for slug in [s for s, v in found["values"].items() if v is None]:
            del found["values"][slug]
        return 200, {"data": found}

    def _lists(self, method, parts, query, body):
        if not parts:
            if method == "GET":
                return 200, {"data": list(self.lists.values())}
            told = body["data"]
            if told["api_slug"] in self.lists:
                raise Answer(409, self._error(409, "slug_conflict", "the slug is taken"))
            assert told["workspace_access"] == "full-access" or told["workspace_member_access"]
            made = {"id": {"list_id": told["api_slug"]}, **told, "parent_object": [told["parent_object"]]}
            self.lists[told["api_slug"]] = made
            return 200, {"data": made}
        if parts[0] not in self.lists:
            raise Answer(404, self._error(404, "not_found", "no such list"))
        there = self.entries.setdefault(parts[0], {})
        if parts[1:] == ["entries", "query"]:
            return 200, {"data": self._page(list(there.values()), body)}
        if parts[1:] == ["entries"] and method == "PUT":
            told = body["data"]
            if told["parent_record_id"] not in self.records[told["parent_object"]]:
                raise Answer(404, self._error(404, "not_found", "no such record"))
            same = [e for e in there.values() if e["parent_record_id"] == told["parent_record_id"]]
            if len(same) > 1:
                raise Answer(400, self._error(400, "multiple_match_results", "the record is there twice"))
            made = same[0] if same else {"id": {"entry_id": str(uuid.uuid4())}, **told}
            there[made["id"]["entry_id"]] = made
            return 200, {"data": made}
        assert method == "DELETE"
        if there.pop(parts[2], None) is None:
            raise Answer(404, self._error(404, "not_found", "no such entry"))
        return 200, {}

    @staticmethod
    def _page(items, asked):
        start = int(asked.get("offset", 0))
        return items[start : start + int(asked.get("limit", 500))]

    def scores(self, object_="people"):
        """By address: score and tier of each record that has them."""
        name = next(iter(self.given(object_)))
        return {
            address: (r["values"]["power_user_score"], r["values"]["power_user_tier"])
            for r in self.records[object_].values()
            if "power_user_score" in r["values"]
            for address in r["values"][name]
        }

    def listed(self, slug="power_user_candidates"):
        """The addresses on a list, each as often as it stands there."""
        people = self.records["people"]
        return sorted(
            people[e["parent_record_id"]]["values"]["email_addresses"][0] for e in self.entries.get(slug, {}).values()
        )


class Receiver(Fake):
    """Takes signed batches of rows; keeps the newest row of each entity, and every id that came."""

    def __init__(self, bad=()):
        super().__init__()
        self.rows, self.ids, self.bodies, self.bad = {}, [], [], set(bad)

    def serve(self, method, target, headers, raw):
        self.bodies.append((headers.get("X-Powerml-Signature"), raw))
        return super().serve(method, target, headers, raw)

    def handle(self, method, path, query, body):
        self._check(body["rows"])
        self._keep(body["id"], body["rows"])
        return 200, {"ok": True}

    def _check(self, rows):
        if any(row["user_id"] in self.bad for row in rows):
            raise Answer(422, {"message": "a row is malformed"})

    def half(self, method, path, query, body):
        self._check(body["rows"])
        self._keep(body["id"], body["rows"][: len(body["rows"]) // 2])

    def _keep(self, id_, rows):
        self.ids.append(id_)
        for row in rows:
            if row["status"] == "removed":
                self.rows.pop(row["user_id"], None)
            else:
                self.rows[row["user_id"]] = row
