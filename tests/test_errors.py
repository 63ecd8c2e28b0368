"""Messages say where, what and what to do."""

from __future__ import annotations

import pytest

from powerml.errors import (
    ConfigError,
    DataError,
    MissingColumns,
    PowermlError,
    Problem,
    StoreError,
    UsageError,
    did_you_mean,
)


def test_a_near_word_is_suggested_and_a_far_one_is_not():
    assert did_you_mean("recncy", ["recency", "frequency"]) == "; did you mean 'recency'?"
    assert did_you_mean("zzz", ["recency", "frequency"]) == ""
    assert did_you_mean("x", []) == ""


def test_a_problem_reads_as_editors_click_it():
    assert str(Problem("a.yaml", 7, "tables.events", "no")) == "a.yaml:7: tables.events: no"
    assert str(Problem("a.yaml", 7, "", "not well-formed")) == "a.yaml:7: not well-formed"


def test_a_config_error_shows_all_problems_in_the_order_of_the_file():
    error = ConfigError([Problem("a.yaml", 10, "b", "two"), Problem("a.yaml", 9, "a", "one")])
    assert str(error) == "a.yaml:9: a: one\na.yaml:10: b: two"
    assert [problem.line for problem in error.problems] == [9, 10]


def test_a_data_error_names_file_trouble_and_fix():
    assert str(DataError.in_file("e.csv", "is empty", "export it again")) == "e.csv: is empty; export it again"


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        (["scor"], "validate needs column 'scor'; did you mean 'score'?"),
        (["label", "as_of"], "validate needs columns 'label', 'as_of'"),
    ],
)
def test_missing_columns_are_named_with_who_needs_them(absent, message):
    error = MissingColumns(absent, asked_by="validate", have=iter(["score", "user_id"]))
    assert str(error) == message
    assert error.absent == tuple(absent)


@pytest.mark.parametrize("kind", [ConfigError, DataError, MissingColumns, UsageError, StoreError])
def test_every_error_of_a_user_is_caught_as_one(kind):
    assert issubclass(kind, PowermlError)
