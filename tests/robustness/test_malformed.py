"""Malformed inputs over all commands: exit status 2 in one message, nothing written, nothing waited for.

Every run takes another sample; a failure prints its seed, and POWERML_SEED repeats it. All cases, each in a process of
its own, are run by experiments/robustness/malformed.py.
"""

from __future__ import annotations

import os
import random
import shutil
import signal

import pytest

from tests.cli.conftest import powerml  # noqa: F401
from tests.robustness.malformed import every_case, faults, state, whole_project

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")  # the same in all workers, which must collect the same tests
DRAWN = int(RUN[:5], 16) if RUN else random.SystemRandom().randrange(10**6)
SEED = int(os.environ.get("POWERML_SEED") or DRAWN)
SAMPLE = 32
SECONDS = 60  # of which most is other people's work on a machine that is busy
CASES = random.Random(SEED).sample(list(every_case()), SAMPLE)


class StillAtWork(BaseException):
    """No error that a command could take for its own."""


def late(*_: object) -> None:
    raise StillAtWork(f"after {SECONDS} s")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    whole_project(folder)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_in_one_message(case, whole, tmp_path, powerml):  # noqa: F811
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    case.spoil(tmp_path)
    before = state(tmp_path)
    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        ran = powerml(*case.command)
    finally:
        signal.alarm(0)
    found = faults(case, status=ran.status, out=ran.out, err=ran.err, before=before, after=state(tmp_path))
    assert not found, f"POWERML_SEED={SEED}: {case.name}: {found}\n{ran.err[:2000]}"


def test_there_are_more_than_three_hundred_of_them_and_no_two_are_the_same():
    names = [case.name for case in every_case()]
    assert len(names) == len(set(names)) > 300
