"""Manners of HTTP, for every sink that speaks it: time limits, repeats, rates, and secrets that never show."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import stamina

from powerml.config.sinks import address_problem, is_loopback
from powerml.errors import PowermlError, UsageError
from powerml.sinks.plans import unset, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ATTEMPTS = 5
TIMEOUT_SECONDS = 30.0
REPEATING_SECONDS = 300.0  # that one request may take with all its repeats
LONGEST_WAIT_SECONDS = 120.0  # that a service may ask for; for longer the sink waits for the next night
REDIRECTS = 3
SHOWN_CHARACTERS = 200
AGAIN = frozenset({408, 423, 425, 429, *range(500, 600)})
"""Answers after which the same request may be taken."""
CONFLICT, SEVERAL = 409, 207
_IN_THE_WAY = ("slug", "unique", "exist", "duplicate")
"""What is in the code of a conflict that stays one however often it is asked."""

for _name in ("httpx", "httpcore", "stamina"):  # they would log addresses, and what our errors say already
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class ServiceError(PowermlError):
    """A service did not take a request; the text is one sentence that holds no secret."""


class RowRefused(ServiceError):
    """The service says that this request is wrong, and would say so again."""

    def __init__(self, said: str, *, status: int, code: str = "") -> None:
        self.status, self.code = status, code
        super().__init__(said)


class EntryRefused(ServiceError):
    """The secret is not taken; nothing will be."""


class ServiceDown(ServiceError):
    """No answer, or none that says the request was taken.

    `unclear`: it may have been all the same. `wait`: seconds that the service asks for.
    """

    def __init__(self, said: str, *, unclear: bool, wait: float | None = None) -> None:
        self.unclear, self.wait = unclear, wait
        super().__init__(said)


class Unaccepted(ServiceDown):
    """The service answers yes and says in the same breath that something went wrong, perhaps with one row of many."""


@dataclass
class Pace:
    """At most `per_second` requests a second, evenly spaced."""

    per_second: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next: float = field(default=0.0, repr=False)

    def step(self) -> None:
        """Waits until the next request may go out."""
        now = self.monotonic()
        if self._next > now:
            self.sleep(self._next - now)
            now = max(self.monotonic(), self._next)
        self._next = now + 1 / self.per_second


def problem_in(answer: Any) -> str:
    """What an answer of status 200 says went wrong; empty where it says nothing of the kind.

    >>> problem_in({"status": "Ok"}), problem_in({"error": "no"})
    ('', 'no')
    """
    if not isinstance(answer, dict):
        return ""
    for key in ("error", "errors", "detail", "quota_limited"):
        if answer.get(key):
            return str(answer[key])
    status = answer.get("status", answer.get("status_code", 1))
    wrong = status in (0, False) or str(status).lower() in ("error", "failed", "failure")
    if isinstance(status, int) and not isinstance(status, bool):
        wrong = wrong or status >= 400
    if wrong or answer.get("ok") is False or answer.get("success") is False:
        return str(answer.get("message") or f"status {status}")
    return ""


def problem_among(answer: Any) -> str:
    """What an answer of status 207 says of the first of its parts that went wrong, wherever they stand in it.

    >>> problem_among({"results": [{"status": 200}, {"status": 422, "message": "no such plan"}]})
    'no such plan'
    """
    parts = answer if isinstance(answer, list) else list(answer.values()) if isinstance(answer, dict) else []
    return next((told for part in parts if (told := problem_in(part) or problem_among(part))), "")


def seconds_to_wait(asked: str | None, *, now: datetime, told: str | None = None) -> float | None:
    """What a Retry-After asks for, a number of seconds or a date; None where it asks for nothing that can be read.

    A date is compared with the service's own clock (`told`, its `Date`), where that can be read.

    >>> seconds_to_wait("Tue, 23 May 2023 14:42:03 GMT", now=utc_now(), told="Tue, 23 May 2023 14:42:01 GMT")
    2.0
    """
    if not asked:
        return None
    if _SECONDS.fullmatch(asked.strip()):
        return float(asked)
    until, there = _instant(asked), _instant(told) or now
    return None if until is None else max(0.0, (until - there).total_seconds())


_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def _instant(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass
class Service:
    """One address and the secret that opens it. `shown` is what errors call it, `secret_env` where the secret is from.

    Requests go out one after another over one connection, no faster than `pace` allows.
    """

    base: str = field(repr=False)
    shown: str
    secret_env: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    pace: Pace | None = None
    now: Callable[[], datetime] = utc_now
    timeout: float = TIMEOUT_SECONDS
    wrong: Callable[[Any], str] = problem_in
    _client: httpx.Client | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        told = address_problem(self.base)
        try:
            httpx.URL(self.base)
        except httpx.InvalidURL:
            told = told or "is no address; write it like https://host"
        if told:
            raise UsageError(f"{self.shown}: {told}")

    def close(self) -> None:
        """Ends the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def call(
        self,
        method: str,
        path: str = "",
        *,
        body: Any = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        find: Callable[[], Any] | None = None,
    ) -> Any:
        """Sends a request until it is taken, and gives the answer's JSON (None where there is none).

        A write that would be there twice when repeated comes with `find`, which looks whether it took place: it is
        asked before every repeat, and what it gives is the answer. Raises RowRefused, EntryRefused, ServiceDown.
        """
        data = content if content is not None else None if body is None else as_json(body)
        for attempt in stamina.retry_context(
            on=self._again, attempts=ATTEMPTS, timeout=REPEATING_SECONDS, wait_initial=0.5, wait_max=20.0
        ):
            with attempt:
                if find is not None and attempt.num > 1 and (there := find()) is not None:
                    return there
                return self._once(method, path, data, params, headers or {})
        raise AssertionError("a retry ends with an answer or an error")

    @staticmethod
    def _again(error: Exception) -> bool | float:
        if not isinstance(error, ServiceDown):
            return False
        if error.wait is None:
            return True
        return error.wait if error.wait <= LONGEST_WAIT_SECONDS else False

    def _once(
        self,
        method: str,
        path: str,
        data: bytes | None,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Any:
        if self.pace is not None and method != "GET":
            self.pace.step()
        url = httpx.URL(self.base + path)
        typed = {"Content-Type": "application/json"} if data is not None else {}
        for _ in range(REDIRECTS + 1):
            try:
                answer = self._open().request(
                    method, url, content=data, params=params, headers={**typed, **self.headers, **headers}
                )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise ServiceDown(f"{self.shown}: cannot be reached{self._why(error)}", unclear=False) from None
            except httpx.TimeoutException:
                raise ServiceDown(
                    f"{self.shown}: gave no answer within {self.timeout:g} seconds", unclear=True
                ) from None
            except httpx.HTTPError as error:
                raise ServiceDown(f"{self.shown}: broke off{self._why(error)}", unclear=True) from None
            if not answer.has_redirect_location:
                return self._read(answer)
            url, params = self._followed(url, answer, method), None
        raise ServiceDown(f"{self.shown}: sends every request somewhere else", unclear=False)

    def _open(self) -> httpx.Client:
        if self._client is None:
            here = is_loopback(urlsplit(self.base).hostname or "")  # no proxy stands before this machine
            self._client = httpx.Client(timeout=self.timeout, trust_env=not here, follow_redirects=False)
        return self._client

    def _followed(self, url: httpx.URL, answer: httpx.Response, method: str) -> httpx.URL:
        try:
            target = url.join(answer.headers["location"])
        except httpx.InvalidURL:
            target = httpx.URL()
        same = (url.scheme, url.host, url.port) == (target.scheme, target.host, target.port)
        if not same or (answer.status_code not in (307, 308) and method != "GET"):
            raise EntryRefused(
                f"{self.shown}: sends requests on to another address, which is refused; correct the address"
            )
        return target

    def _read(self, answer: httpx.Response) -> Any:
        status, said = answer.status_code, self.scrubbed(_message(answer))
        if status in (401, 403):
            told = f"does not take the secret in {self.secret_env} (status {status})"
            raise EntryRefused(f"{self.shown}: {told}; check it, and its scopes")
        code = _code(answer)
        if status in AGAIN or (status == CONFLICT and not any(word in code for word in _IN_THE_WAY)):
            asked = answer.headers.get("retry-after")
            wait = seconds_to_wait(asked, now=self.now(), told=answer.headers.get("date"))
            unclear = status not in (425, 429, CONFLICT)
            raise ServiceDown(f"{self.shown}: answers {status}{said}", unclear=unclear, wait=wait)
        if status >= 400 or status < 200:
            raise RowRefused(f"answers {status}{said}", status=status, code=code)
        if status >= 300:
            raise EntryRefused(f"{self.shown}: answers {status}, which is no answer of it; correct the address")
        if status == 204 or not answer.content:
            return None
        try:
            told = answer.json()
        except ValueError:
            told = answer.text
        problem = self.wrong(told) or (problem_among(told) if status == SEVERAL else "")
        if problem:
            full = isinstance(told, dict) and told.get("quota_limited")
            kind = ServiceDown if full else Unaccepted  # no row by itself is to blame for a quota
            raise kind(f"{self.shown}: answers {status}, and in it: {self.scrubbed(problem)}", unclear=True)
        return told

    def scrubbed(self, text: str) -> str:
        """A text of somebody else's without our secrets, and not too long."""
        for secret in self.secrets:
            text = text.replace(secret, "***") if secret else text
        return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."

    def _why(self, error: Exception) -> str:
        told = self.scrubbed(str(error)).strip()
        return f" ({told})" if told and self.base not in told else ""


def secret_for_a_header(variable: str) -> tuple[str, str]:
    """The secret that an environment variable holds, and what keeps it from being sent; one of both is empty."""
    value = os.environ.get(variable, "").strip()
    if not value:
        return "", unset(variable)
    if not (value.isascii() and value.isprintable()):
        return "", f"the environment variable {variable} holds characters that no secret of a service has"
    return value, ""


def as_json(body: Any) -> bytes:
    """A body as it goes out."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _told(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _code(answer: httpx.Response) -> str:
    return str(_told(answer).get("code") or "")


def _message(answer: httpx.Response) -> str:
    told = _told(answer)
    said = told.get("message") or told.get("detail") or told.get("error")
    return f" ({said})" if said else ""
