"""Every rule of every table, and what stays allowed."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from powerml.sources import open_sources
from powerml.sources.rules import first_broken, rules_of
from powerml.tables import TABLES
from tests.sources.conftest import NOW
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
            "account_id,start,end,mrr,seats\nacme,2026-02-01,2026-02-01,0,\nacme,2026-02-02,2031-01-01,,0\n",
        ),
        ("usage_limits", "account_id,time,resource,used,limit\nacme,2026-02-01,calls,0,\nacme,2026-02-02,calls,3,0\n"),
        (
            "tickets",
            "ticket_id,opened_at,resolved_at,sentiment,csat\nt,2026-02-01,,,\nu,2026-02-01,2026-02-01,neutral,1\n",
        ),
        ("surveys", "user_id,time,nps\nada,2026-02-01,0\nada,2026-02-02,10\n"),
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


SEVERAL = [("account_id,start,mrr", "acme,2026-02-01,1", "acme,2026-02-01T00:00:00Z,2")]
READINGS = [
    ("usage_limits", "account_id,time,resource,used", "acme,2026-02-01,calls,1", "acme,2026-02-01,calls,2"),
    ("surveys", "user_id,time,nps", "1,2026-02-01,9", "1.0,2026-02-01,9"),
]
VERSIONED = [("subscriptions", *SEVERAL[0]), *READINGS]


@pytest.mark.parametrize(("header", "first", "second"), SEVERAL)
def test_a_key_of_several_columns_is_unique_too(opened, tmp_path, header, first, second):
    (tmp_path / "t.csv").write_text(f"{header}\n{first}\n{second}\n")
    loaded = opened(subscriptions={"files": "t.csv", "max_bad_rows": 1})
    found = (2, "duplicate account_id and start", "account_id, start", "acme, 2026-02-01 00:00:00")
    assert [row[1:] for row in bad(loaded)] == [found]
    assert len(rows(loaded, "subscriptions")) == 1


@pytest.mark.parametrize(("table", "header", "first", "second"), READINGS)
def test_readings_of_one_instant_are_kept_and_the_last_counts_later(opened, tmp_path, table, header, first, second):
    """2-metrics.md: of two readings or answers at the same instant the one that comes last in the source counts."""
    (tmp_path / "t.csv").write_text(f"{header}\n{first}\n{second}\n")
    assert counts(opened(**{table: "t.csv"}), table) == (2, 2, 0, 0)


@pytest.mark.parametrize(("table", "header", "first", "second"), VERSIONED)
def test_a_table_that_says_when_it_knew_may_repeat_its_keys(opened, tmp_path, table, header, first, second):
    (tmp_path / "t.csv").write_text(f"{header},known_at\n{first},2026-02-01\n{second},2026-03-01\n")
    assert counts(opened(**{table: "t.csv"}), table) == (2, 2, 0, 0)


TIMES = [(table.name, c.name) for table in TABLES.values() for c in table.columns if c.kind == "time"]
FILL = {"id": "x", "text": "x", "time": "2026-02-01", "number": "1"}


@pytest.mark.parametrize(("table", "column"), TIMES)
@pytest.mark.parametrize("written", ["1989-12-31T23:59:59Z", "0001-01-01", "1970-01-01", "-infinity"])
def test_a_time_before_any_product_is_set_aside(opened, tmp_path, table, column, written):
    names = dict.fromkeys((*TABLES[table].required, column))
    line = ",".join(written if n == column else FILL[TABLES[table].column(n).kind] for n in names)
    good = ",".join("2026-02-02" if n == column else FILL[TABLES[table].column(n).kind] for n in names)
    (tmp_path / "t.csv").write_text(f"{','.join(names)}\n{good}\n{line}\n")
    loaded = opened(**{table: {"files": "t.csv", "max_bad_rows": 1}})
    rule = "not a time" if "inf" in written else "before 1990-01-01"
    assert [row[1:] for row in bad(loaded)] == [(2, rule, column, written)]


def test_a_project_says_what_is_earliest(project, tmp_path):
    (tmp_path / "u.csv").write_text("user_id,created_at\na,1985-05-05\nb,1979-12-31\n")
    spec = project(users={"files": "u.csv", "max_bad_rows": 1}).model_copy(update={"earliest": date(1980, 1, 1)})
    loaded = open_sources(spec, now=NOW)
    assert [row[1:] for row in bad(loaded)] == [(2, "before 1980-01-01", "created_at", "1979-12-31")]


@pytest.mark.parametrize("written", ["10000-01-01", "infinity", "294246-01-01"])
def test_what_never_ends_is_at_most_the_year_9999(opened, tmp_path, written):
    (tmp_path / "s.csv").write_text(f"account_id,start,end\na,2026-01-01,9999-12-31\nb,2026-01-01,{written}\n")
    loaded = opened(subscriptions={"files": "s.csv", "max_bad_rows": 1})
    rule = "not a time" if written == "infinity" else "after 9999-12-31"
    assert [row[1:4] for row in bad(loaded)] == [(2, rule, "end")]


def test_a_version_written_after_the_run_is_set_aside(opened, tmp_path):
    (tmp_path / "u.csv").write_text("user_id,known_at\na,2026-04-01\na,2026-04-02\n")
    loaded = opened(users={"files": "u.csv", "max_bad_rows": 1})
    assert [row[1:4] for row in bad(loaded)] == [(2, "in the future", "known_at")]


def test_a_row_that_breaks_two_rules_counts_once(opened, tmp_path):
    (tmp_path / "t.csv").write_text("user_id,time,nps\n,soon,11\n")
    loaded = opened(surveys={"files": "t.csv", "max_bad_rows": 1})
    assert [row[1:] for row in bad(loaded)] == [(1, "missing", "user_id", "")]
    assert counts(loaded, "surveys") == (1, 0, 1, 0)


def test_rules_are_tried_only_over_columns_that_are_there():
    assert [rule.text for rule in rules_of(TABLES["users"], ["user_id"], datetime(2026, 1, 1))] == ["missing"]
    assert first_broken([]) == "CAST(NULL AS UTINYINT)"
