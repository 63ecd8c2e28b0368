"""No test of the sinks waits for a repeat, and none finds a secret of the machine."""

from __future__ import annotations

import pytest
import stamina

from powerml.sinks import http
from tests.sinks.fakes import PATIENCE
from tests.sinks.world import ENVIRONMENT


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(http.Service, "timeout", PATIENCE, raising=False)
    monkeypatch.setattr(http.Service.__init__, "__defaults__", _shortened(http.Service.__init__.__defaults__))
    monkeypatch.setattr(http.Pace, "step", lambda self: None)
    with stamina.set_testing(True, attempts=http.ATTEMPTS):
        yield


@pytest.fixture
def patient(monkeypatch, _at_once):
    """No answer is given up for lost because the machine is busy: for tests that count requests."""
    shortened = http.Service.__init__.__defaults__
    longer = tuple(http.TIMEOUT_SECONDS if value == PATIENCE else value for value in shortened)
    monkeypatch.setattr(http.Service.__init__, "__defaults__", longer)


def _shortened(defaults):
    return tuple(PATIENCE if value == http.TIMEOUT_SECONDS else value for value in defaults)
