"""What `check` says of ids that do not meet, of sessions without an end, of epochs and of blank money."""

from __future__ import annotations

import pytest

from powerml.sources.oddities import oddities


def said(opened, tmp_path, **tables: str) -> str:
    entries = {}
    for table, text in tables.items():
        (tmp_path / f"{table}.csv").write_text(text)
        entries[table] = {"files": f"{table}.csv", "max_bad_rows": 1}
    return "\n".join(oddities(opened(lenient=True, **entries)))


def events(*users: str) -> str:
    return "user_id,event,time\n" + "".join(f"{user},x,2026-03-01\n" for user in users)


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        (("U1", "U2"), ("u1", "u2"), "0 of 2 user_ids of events stand in users: for example 'U1' does not, there 'u1'; "
         "2 would if case did not count: say 'ids: casefold'"),
        (("007", "008"), ("7", "8"), "2 would without the zeros they are padded with"),
        (("ada@x.com",), ("17",), "one side holds e-mail addresses"),
        (("u17",), ("17",), "one side holds numbers, the other texts"),
        (("a", "b", "c"), ("c", "z"), "1 of 3 user_ids of events stand in users: for example 'a' does not, there 'z'"),
        (("a", "b", "C"), ("a", "b", "c"), "2 of 3 user_ids of events stand in users: for example 'C' does not"),
    ],
)  # fmt: skip
def test_ids_that_do_not_meet_are_named_with_an_example(opened, tmp_path, ours, theirs, words):
    users = "user_id\n" + "".join(f"{user}\n" for user in theirs)
    assert words in said(opened, tmp_path, events=events(*ours), users=users)


def test_ids_that_meet_raise_nothing(opened, tmp_path):
    users, money = "user_id,account_id\n1,7.0\n2,\n3,8\n", "account_id,start,mrr\n7,2026-01-01,5\n8,2026-01-01,0\n"
    assert said(opened, tmp_path, events=events("1.0", "2", "9"), users=users, subscriptions=money) == ""


def test_accounts_that_nobody_names_are_said(opened, tmp_path):
    money = "account_id,start\nA1,2026-01-01\n"
    found = said(opened, tmp_path, events=events("a"), users="user_id,account_id\na,NULL\n", subscriptions=money)
    assert found == "1 account_ids stand in subscriptions, but no row of users names any; map or fill the column there"


def test_sessions_longer_than_a_day_and_ids_that_stand_for_none(opened, tmp_path):
    rows = "a,x,2026-03-01,0\na,x,2026-03-01T23:00:00Z,0\na,x,2026-03-02,s\na,x,2026-03-05T12:00:00Z,s\n"
    found = said(opened, tmp_path, events="user_id,event,time,session_id\n" + rows).splitlines()
    assert found[0].startswith(
        "events: the session_id '0' stands on 2 events of 1 users and seems to mean 'no session'"
    )
    assert "NULLIF(session_id, '0')" in found[0]
    assert found[1].startswith(
        "events: 1 sessions are longer than a day, the longest 4 days (session_id 's' of user 'a')"
    )


@pytest.mark.parametrize(
    ("value", "entry", "unit"),
    [
        ("1772323200", {}, "looks like epoch_s: say 'time_format: epoch_s'"),
        ("1772323200000", {}, "looks like epoch_ms"),
        ("1772323200000", {"time_format": "epoch_s"}, "looks like epoch_ms"),
        ("1772323200", {"time_format": "epoch_ms"}, "looks like epoch_s"),
        ("1970-01-21T12:18:43Z", {}, "looks like an epoch read in the wrong unit"),
    ],
)
def test_epochs_in_the_wrong_unit(opened, tmp_path, value, entry, unit):
    (tmp_path / "t.csv").write_text(f"ticket_id,opened_at\n1,{value}\n")
    loaded = opened(lenient=True, tickets={"files": "t.csv", **entry})
    assert any(f"tickets: 1 values of opened_at, such as {value!r}, {unit}" in found for found in oddities(loaded))
    assert unit in loaded.problems[0]


def test_blank_money(opened, tmp_path):
    money = "account_id,start,mrr\na,2026-01-01,\nb,2026-01-01,5\n"
    assert "mrr is blank in 1 of 2 rows, which count as not paying" in said(opened, tmp_path, subscriptions=money)


def test_words_for_nobody_are_said(opened, tmp_path):
    assert said(opened, tmp_path, events=events("Undefined", "Undefined", "u1", "u1", "NULL")) == (
        "events: the user_id 'Undefined' stands on 2 rows and seems to mean nobody; in a query, make it empty: "
        "NULLIF(user_id, 'Undefined')"
    )
