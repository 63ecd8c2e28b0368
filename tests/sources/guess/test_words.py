from __future__ import annotations

import pytest

from powerml.sources.guess.words import KNOWN_NAMES, closeness, normal
from powerml.tables import TABLES


def test_every_column_that_is_guessed_is_a_canonical_one():
    for table, columns in KNOWN_NAMES.items():
        assert set(columns) <= set(TABLES[table].names)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("User E-mail", "user_email"), ("MRR (£)", "mrr"), ("occurredAt", "occurred_at"), ("ORG_ID", "org_id")],
)
def test_names_as_headers_write_them(written, expected):
    assert normal(written) == expected


@pytest.mark.parametrize(
    ("table", "column", "nearer", "farther"),
    [
        ("subscriptions", "start", "start_date", "Signed up"),
        ("subscriptions", "end", "Cancelled on", "colour"),
        ("events", "user_id", "user_id", "customer_id"),
        ("users", "user_id", "User E-mail", "Team"),
    ],
)
def test_the_likelier_name_is_closer(table, column, nearer, farther):
    assert closeness(table, column, nearer) > closeness(table, column, farther)
