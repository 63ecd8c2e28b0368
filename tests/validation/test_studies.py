"""The studies of experiments/validation_studies, with the three repeats that CI can afford."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "validation_studies" / "studies.py"


@pytest.fixture(scope="module")
def studies():
    spec = importlib.util.spec_from_file_location("validation_studies", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_claim_on_noise(studies):
    assert [row["k"] for row in studies.noise(3) if row["asked"]] == [0, 0]


def test_a_planted_signal_is_seen(studies):
    assert [row["k"] for row in studies.power(3) if "at least" in row["question"]] == [3, 3]


def test_a_scorer_is_not_better_than_itself(studies):
    told = {row["question"]: row["k"] for row in studies.comparisons(3)}
    assert told["a scorer called different from itself"] == 0
    assert told["planted gain called a loss"] == 0
    assert next(k for question, k in told.items() if question.startswith("planted gain found")) >= 2
