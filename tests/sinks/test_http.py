"""Rates and waits, on a clock of the tests' own."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from powerml.errors import UsageError
from powerml.sinks.attio import WRITES_PER_SECOND
from powerml.sinks.http import (
    LONGEST_WAIT_SECONDS,
    EntryRefused,
    Pace,
    RowRefused,
    Service,
    ServiceDown,
    Unaccepted,
    seconds_to_wait,
    secret_for_a_header,
)
from tests.sinks.fakes import Answer, Fake, running

STEP = Pace.step  # before the fixture of this folder switches it off
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


def test_no_second_ever_holds_more_requests_than_the_pace(monkeypatch):
    clock, sent = Clock(), []
    pace = Pace(WRITES_PER_SECOND, clock.monotonic, clock.sleep)
    for number in range(500):
        STEP(pace)
        sent.append(clock.now)
        clock.now += 0.001 * (number % 7) if number % 100 else 3.0  # slow answers and a long break
    for first, at in enumerate(sent):
        assert sum(at <= other < at + 1 for other in sent[first:]) <= 25


def test_fifteen_thousand_people_of_whom_one_in_twenty_changed_take_half_a_minute():
    clock = Clock()
    pace = Pace(WRITES_PER_SECOND, clock.monotonic, clock.sleep)
    for _ in range(15_000 // 20):
        STEP(pace)
    assert 750 / 25 <= clock.now <= 750 / 25 * 1.1


@pytest.mark.parametrize("seconds", [0, 7, 90])
def test_a_date_is_waited_for_by_the_service_s_own_clock(seconds):
    there = NOW + timedelta(days=400)  # whose clock is wrong
    until = format_datetime(there + timedelta(seconds=seconds), usegmt=True)
    assert seconds_to_wait(until, now=NOW, told=format_datetime(there, usegmt=True)) == seconds


@pytest.mark.parametrize("asked", [None, "", "soon", "Sun, 99 Feb 2026"])
def test_what_cannot_be_read_asks_for_nothing(asked):
    assert seconds_to_wait(asked, now=NOW) is None


def test_the_wait_that_is_asked_for_is_kept_and_a_long_one_is_left_to_the_next_night():
    assert Service._again(ServiceDown("", unclear=False, wait=7.0)) == 7.0
    assert Service._again(ServiceDown("", unclear=False, wait=LONGEST_WAIT_SECONDS + 1)) is False
    assert Service._again(ServiceDown("", unclear=True)) is True
    assert Service._again(ValueError()) is False


@pytest.mark.parametrize("address", ["http://example.org", "ftp://example.org", "https://me:pw@example.org"])
def test_only_https_or_this_machine_and_no_login_in_an_address(address):
    with pytest.raises(UsageError) as caught:
        Service(address, "Somebody", "TOKEN")
    assert "pw" not in str(caught.value)


class Odd(Fake):
    """Answers what a test says."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)

    def handle(self, method, path, query, body):
        told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(told, Answer):
            raise told
        return told


def asked(fake, **more):
    with running(fake) as address:
        return Service(address, "Somebody", "TOKEN", secrets=("s3cret",), **more).call("POST", "/x", body={})


@pytest.mark.parametrize("status", [300, 302, 304])
def test_a_redirect_that_says_not_where_to_is_no_success(status):
    with pytest.raises(EntryRefused, match=f"Somebody: answers {status}, which is no answer of it"):
        asked(Odd(Answer(status)))


@pytest.mark.parametrize("place", ["http://[broken", "https://127.0.0.1/x", "//127.0.0.2/x", "http://127.0.0.1:1/x"])
def test_a_redirect_to_anywhere_else_is_refused_with_one_request(place):
    fake = Odd(Answer(307, None, {"Location": place}))
    with pytest.raises(EntryRefused, match="sends requests on to another address, which is refused"):
        asked(fake)
    assert len(fake.calls) == 1


def test_a_redirect_that_turns_a_write_into_a_read_is_refused():
    with pytest.raises(EntryRefused):
        asked(Odd(Answer(302, None, {"Location": "/y"})))


@pytest.mark.parametrize(
    ("wait", "repeats"), [("0", 2), ("0.0", 2), ("Tue, 23 May 2023 14:42:01 GMT", 2), ("\u00b2", 2), ("soon", 2)]
)
def test_a_wait_is_read_as_seconds_or_as_a_date_and_what_is_neither_does_no_harm(wait, repeats):
    fake = Odd(Answer(429, {"message": "slow"}, {"Retry-After": wait}), (200, {"ok": True}))
    assert asked(fake) == {"ok": True}
    assert len(fake.calls) == repeats


def test_a_wait_longer_than_a_night_has_is_left_to_the_next_one():
    fake = Odd(Answer(503, {"message": "maintenance"}, {"Retry-After": "3600"}))
    with pytest.raises(ServiceDown, match=r"Somebody: answers 503 \(maintenance\)"):
        asked(fake)
    assert len(fake.calls) == 1


@pytest.mark.parametrize("code", ["slug_conflict", "unique_violation", "already_exists"])
def test_a_conflict_over_a_name_is_not_asked_again(code):
    fake = Odd(Answer(409, {"code": code, "message": "taken"}))
    with pytest.raises(RowRefused, match=r"answers 409 \(taken\)"):
        asked(fake)
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    "told",
    [{"error": "no"}, {"errors": [{"id": 1}]}, {"status": "error"}, {"status": 0}, {"ok": False}, {"success": False}],
)
def test_an_error_inside_a_yes_is_no_success(told):
    with pytest.raises(Unaccepted, match="answers 200, and in it"):
        asked(Odd((200, told)))


def test_several_answers_in_one_are_looked_through():
    with pytest.raises(Unaccepted, match="no such plan"):
        asked(Odd((207, [{"status": 201}, {"status": 422, "message": "no such plan"}])))
    assert asked(Odd((207, {"results": [{"status": 200}, {"status": 201}]}))) is not None


@pytest.mark.parametrize("value", ["to\nken", "t\u00f6ken", "tok\x00en"])
def test_a_secret_that_no_header_can_carry_is_told_without_it(monkeypatch, value):
    monkeypatch.setattr("os.environ", {**os.environ, "TOKEN": value})
    told = secret_for_a_header("TOKEN")
    assert told == ("", "the environment variable TOKEN holds characters that no secret of a service has")


def test_blanks_around_a_secret_are_no_part_of_it(monkeypatch):
    monkeypatch.setenv("TOKEN", "  token\n")
    assert secret_for_a_header("TOKEN") == ("token", "")
    monkeypatch.setenv("TOKEN", " \n")
    assert secret_for_a_header("TOKEN") == ("", "the environment variable TOKEN is not set")


def test_an_answer_that_tells_the_secret_back_is_told_without_it():
    with pytest.raises(RowRefused) as caught:
        asked(Odd(Answer(400, {"message": "no entry with s3cret"})))
    assert "s3cret" not in str(caught.value)
    assert "***" in str(caught.value)
