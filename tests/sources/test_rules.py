"""Every rule of every table, and what stays allowed."""

from __future__ import annotations

from datetime import datetime

import pytest

from powerml.sources.rules import first_broken, rules_of
from powerml.tables import TABLES
from tests.sources.reading import bad, counts, rows

TABLE_CASES = [
    ("events", "user_id,event,time", ",x,2026-03-01", "missing", "user_id", ""),
    ("events", "user_id,event,time", " ,x,2026-03-01", "missing", "user_id", " "),
    ("events", "user_id,event,time", "ada,,2026-03-01", "missing", "event", ""),
    ("events", "user_id,event,time", "ada,x,", "missing", "time", ""),
    ("events", "user_id,event,time", "ada,x,2026-13-01", "not a time", "time", "2026-13-01"),
    ("events", "user_id,event,time", "ada,x,2026-04-01T00:00:01Z", "in the future", "time", "2026-04-01T00:00:01Z"),
    ("events", "user_id,event,time,value", "ada,x,2026-03-01,ten", "not a number", "value", "ten"),
    ("users", "user_id,created_at", "ada,soon", "not a time", "created_at", "soon"),
    ("users", "user_id,created_at,deactivated_at", "ada,2026-02-01,2026-01-31", "deactivated_at before created_at",
     "deactivated_at", "2026-01-31"),
    ("accounts", "account_id,created_at", "acme,2027-01-01", "in the future", "created_at", "2027-01-01"),
    ("subscriptions", "account_id,start,end", "acme,2026-02-01,2026-01-01", "end before start", "end", "2026-01-01"),
    ("subscriptions", "account_id,start,mrr", "acme,2026-02-01,-1", "below 0", "mrr", "-1"),
    ("usage_limits", "account_id,time,resource,used,limit", "acme,2026-02-01,calls,1,-5", "below 0", "limit", "-5"),
    ("usage_limits", "account_id,time,resource,used", "acme,2026-02-01,calls,", "missing", "used", ""),
    ("tickets", "ticket_id,opened_at,resolved_at", "t,2026-02-01,2026-01-01", "resolved_at before opened_at",
     "resolved_at", "2026-01-01"),
    ("tickets", "ticket_id,opened_at,sentiment", "t,2026-02-01,happy", "not one of positive, neutral, negative",
     "sentiment", "happy"),
    ("tickets", "ticket_id,opened_at,csat", "t,2026-02-01,6", "not from 1 to 5", "csat", "6"),
    ("surveys", "user_id,time,nps", "ada,2026-02-01,11", "not from 0 to 10", "nps", "11"),
    ("treatments", "entity_id,time,playbook", "ada,2026-02-01,", "missing", "playbook", ""),
    ("treatments", "entity_id,time,playbook,known_at", "ada,2026-02-01,call,later", "not a time", "known_at", "later"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "header", "line", "rule", "column", "value"), TABLE_CASES)
def test_a_row_that_breaks_a_rule_is_set_aside(opened, tmp_path, table, header, line, rule, column, value):
    (tmp_path / "t.csv").write_text(f"{header}\n{line}\n")
    if table == "events":  # the one table that may not be all bad
        (tmp_path / "t.csv").write_text(f"{header}\nada,x,2026-03-01{',1' * header.count('value')}\n{line}\n")
    loaded = opened(**{table: {"files": "t.csv", "max_bad_rows": 1}})
    assert [row[2:] for row in bad(loaded)] == [(rule, column, value)]
    assert loaded.rules[["table", "rule", "column", "rows"]].to_numpy().tolist() == [[table, rule, column, 1]]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("events", "user_id,event,time\nada,x,2026-04-01T00:00:00Z\n"),  # at `now` is not after it
        (
            "subscriptions",
            "account_id,start,end,mrr,seats\nacme,2026-02-01,2026-02-01,0,\nacme,2026-02-01,2031-01-01,,0\n",
        ),
        ("usage_limits", "account_id,time,resource,used,limit\nacme,2026-02-01,calls,0,\nacme,2026-02-01,calls,3,0\n"),
        (
            "tickets",
            "ticket_id,opened_at,resolved_at,sentiment,csat\nt,2026-02-01,,,\nu,2026-02-01,2026-02-01,neutral,1\n",
        ),
        ("surveys", "user_id,time,nps\nada,2026-02-01,0\nada,2026-02-01,10\n"),
        ("users", "user_id,created_at,deactivated_at\nada,,2026-01-01\nbo,2026-01-01,2027-01-01\n"),
    ],
)
def test_what_the_edges_allow(opened, tmp_path, table, text):
    (tmp_path / "t.csv").write_text(text)
    loaded = opened(**{table: "t.csv"})
    assert bad(loaded) == []
    assert len(rows(loaded, table)) == text.count("\n") - 1


@pytest.mark.parametrize(("table", "key"), [("users", "user_id"), ("accounts", "account_id"), ("tickets", "ticket_id")])
def test_of_two_rows_with_one_key_the_first_good_one_stays(opened, tmp_path, table, key):
    time = TABLES[table].time
    text = f"{key},{time}\na,soon\na,2026-01-01\nb,2026-01-01\na,2026-02-01\n"
    (tmp_path / "t.csv").write_text(text)
    loaded = opened(**{table: {"files": "t.csv", "max_bad_rows": 1}})
    assert [row[1:] for row in bad(loaded)] == [(1, "not a time", time, "soon"), (4, f"duplicate {key}", key, "a")]
    assert rows(loaded, table, f"{key}, {time}, _row") == [
        ("a", datetime(2026, 1, 1), 1),
        ("b", datetime(2026, 1, 1), 2),
    ]


def test_a_table_that_says_when_it_knew_may_repeat_its_keys(opened, tmp_path):
    (tmp_path / "t.csv").write_text("ticket_id,opened_at,known_at\nt,2026-02-01,2026-02-01\nt,2026-02-01,2026-03-01\n")
    assert counts(opened(tickets="t.csv"), "tickets") == (2, 2, 0, 0)


def test_a_row_that_breaks_two_rules_counts_once(opened, tmp_path):
    (tmp_path / "t.csv").write_text("user_id,time,nps\n,soon,11\n")
    loaded = opened(surveys={"files": "t.csv", "max_bad_rows": 1})
    assert [row[1:] for row in bad(loaded)] == [(1, "missing", "user_id", "")]
    assert counts(loaded, "surveys") == (1, 0, 1, 0)


def test_rules_are_tried_only_over_columns_that_are_there():
    assert [rule.text for rule in rules_of(TABLES["users"], ["user_id"], datetime(2026, 1, 1))] == ["missing"]
    assert first_broken([]) == "CAST(NULL AS UTINYINT)"
