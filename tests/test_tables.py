"""The canonical tables, column by column."""

from __future__ import annotations

import pytest

from powerml.tables import LABELS, ORDERED, OUTCOMES, TABLES

CONTRACT = {  # table: (required columns, further columns)
    "events": ("user_id event time", "account_id session_id event_id value properties"),
    "users": ("user_id", "account_id created_at deactivated_at name email"),
    "accounts": ("account_id", "created_at name owner"),
    "subscriptions": ("account_id start", "end plan mrr seats reason"),
    "usage_limits": ("account_id time resource used", "limit"),
    "tickets": ("ticket_id opened_at", "account_id user_id resolved_at sentiment csat"),
    "surveys": ("user_id time nps", ""),
    "treatments": ("entity_id time playbook", "arm note"),
}


def test_there_are_eight_tables():
    assert set(TABLES) == set(CONTRACT)


@pytest.mark.parametrize("name", CONTRACT)
def test_columns_are_those_of_the_contract(name):
    required, others = (words.split() for words in CONTRACT[name])
    table = TABLES[name]
    assert table.name == name
    assert set(table.required) == set(required)
    assert set(table.names) == {*required, *others, "known_at"}


@pytest.mark.parametrize("name", CONTRACT)
def test_what_says_when_and_what_is_unique_are_columns(name):
    table = TABLES[name]
    assert table.column(str(table.time)).kind == "time"
    assert set(table.key) <= set(table.required)
    for first, second in ORDERED.get(name, ()):
        assert {table.column(first).kind, table.column(second).kind} == {"time"}


def test_no_column_of_an_unknown_name():
    assert TABLES["events"].column("who") is None


@pytest.mark.parametrize(
    ("table", "column", "low", "high"),
    [("surveys", "nps", 0, 10), ("tickets", "csat", 1, 5), ("usage_limits", "limit", 0, None)],
)
def test_ranges_of_values(table, column, low, high):
    found = TABLES[table].column(column)
    assert (found.kind, found.low, found.high) == ("number", low, high)


def test_labels_are_the_outcomes_and_two_reasons_to_have_none():
    assert set(LABELS) == {"ineligible", "immature", *OUTCOMES}
    assert TABLES["tickets"].column("sentiment").one_of == ("positive", "neutral", "negative")
