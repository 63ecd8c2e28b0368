"""Rates and waits, on a clock of the tests' own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from powerml.errors import UsageError
from powerml.sinks.attio import WRITES_PER_SECOND
from powerml.sinks.http import LONGEST_WAIT_SECONDS, Pace, Service, ServiceDown, seconds_to_wait

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
