"""The studies of experiments/studies/validation_studies, with the three repeats that CI can afford."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # a stage of its own in .ci/run

SCRIPT = Path(__file__).parents[2] / "experiments" / "studies" / "validation_studies" / "studies.py"


@pytest.fixture(scope="module")
def studies():
    spec = importlib.util.spec_from_file_location("validation_studies", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_claim_on_noise(studies):
    assert [row["k"] for row in studies.noise(3) if row["asked"]] == [0, 0]


def test_no_skill_is_claimed_without_signal_nor_for_a_level(studies):
    assert [row["k"] for row in studies.no_signal(4)] == [0, 0]


def test_a_planted_signal_is_seen(studies):
    assert [row["k"] for row in studies.power(3) if "at least" in row["question"]] == [3, 3]


def test_a_scorer_is_not_better_than_itself(studies):
    told = {row["question"]: row["k"] for row in studies.comparisons(3)}
    assert told["a scorer called different from itself"] == 0
    assert told["planted gain called a loss"] == 0
    assert next(k for question, k in told.items() if question.startswith("planted gain found")) >= 2


def test_intervals_cover(studies, monkeypatch):
    """Three repeats of seven intervals; the truth from fewer rows than the committed study takes."""
    monkeypatch.setattr(studies, "TRUTH_ACCOUNTS", 20_000)
    told = studies.coverage(3)
    assert len(told) == 7
    assert sum(row["k"] for row in told) >= 18  # of 21; 20 expected
    assert min(row["k"] for row in told) >= 1


def test_the_review_loop_moves_towards_its_reviewers(studies):
    told = {row["question"]: row["k"] for row in studies.reviews(3)}
    assert told["answers at random: any dimension called wrong"] <= 1
    assert told["more of the wished top 20 after six rounds"] >= 1
    assert next(k for question, k in told.items() if question.startswith("fewer of the wished")) == 0
