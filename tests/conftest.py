"""What all tests share: no clock in a property, the seed of the oracle's worlds, and what can never run left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

from tests.oracle import runs

if TYPE_CHECKING:
    import pytest

settings.register_profile("powerml", deadline=None)  # how fast a busy machine is says nothing about the code
settings.load_profile("powerml")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The seed by which the worlds of this run are made again."""
    terminalreporter.write_line(f"worlds of the oracle: ORACLE_SEED={runs.SEED} repeats them")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """scikit-learn's check of array-API input skips itself unless a global switch is set; no estimator claims it."""
    never = [item for item in items if "check_array_api_input" in item.nodeid]
    if never:
        config.hook.pytest_deselected(items=never)
        items[:] = [item for item in items if item not in set(never)]
