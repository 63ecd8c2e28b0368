"""Who is in a snapshot, since when, and which account is theirs."""

from __future__ import annotations

from datetime import date

import pytest

from tests.builders import snapshot, write_project

USERS = """
user_id, account_id, created_at,           deactivated_at
early,   acme,       2025-06-01T00:00:00Z,
late,    acme,       2026-03-18T00:00:00Z,
young,   acme,       2026-03-18T00:00:01Z,
left,    acme,       2025-06-01T00:00:00Z, 2026-03-31T23:59:59Z
leaving, acme,       2025-06-01T00:00:00Z, 2026-04-01T00:00:00Z
coming,  acme,       2026-04-01T00:00:00Z,
undated,     ,                           ,
mover,   acme,       2026-03-01T00:00:00Z,
nobody,      ,                           ,
"""
EVENTS = """
user_id,  account_id, event, time
early,    ,           click, 2026-03-01T00:00:00Z
undated,  brik,       click, 2026-02-10T00:00:00Z
undated,  cove,       click, 2026-03-10T00:00:00Z
undated,  dune,       click, 2026-04-01T00:00:00Z
stranger, cove,       click, 2026-02-20T12:00:00Z
stranger, ,           click, 2026-03-20T12:00:00Z
mover,    brik,       click, 2026-02-01T00:00:00Z
future,   acme,       click, 2026-04-01T00:00:00Z
beating,  acme,       beat,  2026-02-01T00:00:00Z
"""
WORDS = {"beat": {"roles": ["ignore"]}}


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    path = write_project(tmp_path_factory.mktemp("users"), EVENTS, tables={"users": USERS}, vocabulary=WORDS)
    return snapshot(path, names=["account_age_days", "events_30d", "team_size", "active_team_members_30d"])


def test_those_created_before_the_cutoff_and_not_deactivated_before_it(users):
    assert list(users.index) == ["early", "late", "leaving", "mover", "stranger", "undated", "young"]


@pytest.mark.parametrize(
    ("who", "age"),
    [
        ("early", 304),
        ("mover", 59),  # the event comes before created_at
        ("undated", 50),  # there is only the event
        ("stranger", 39.5),  # no users row at all
    ],
)
def test_creation_is_the_earlier_of_the_row_and_the_first_event(users, who, age):
    assert users.loc[who, "account_age_days"] == age


def test_history_is_enough_from_fourteen_days_on(users):
    assert users["enough_history"].to_dict() == {
        "early": True, "late": True, "leaving": True, "mover": True, "stranger": True, "undated": True, "young": False,
    }  # fmt: skip


def test_active_means_an_event_in_thirty_days(users):
    assert set(users.index[users["active"]]) == {"stranger", "undated"}  # March 1 is 31 days ago
    assert (users["active"] == (users["events_30d"] > 0)).all()


@pytest.mark.parametrize(
    ("who", "account"),
    [
        ("mover", "acme"),  # the row wins over the event
        ("undated", "cove"),  # the latest event before the cutoff that names one
        ("stranger", "cove"),
    ],
)
def test_a_users_account(users, who, account):
    assert users.loc[who, "account_id"] == account


def test_a_team_counts_people_with_a_row_who_are_still_there(users):
    assert users.loc["early", "team_size"] == 5  # early, late, young, leaving, mover
    assert users.loc["stranger", "team_size"] == 1  # undated, whose account is cove
    assert users.loc["stranger", "active_team_members_30d"] == 1


ACCOUNTS = """
account_id, created_at
acme,       2025-01-01T00:00:00Z
empty,      2025-01-01T00:00:00Z
paying,     2025-03-01T00:00:00Z
lost,       2025-03-01T00:00:00Z
"""
SUBSCRIPTIONS = """
account_id, start,                end,                  mrr
paying,     2025-04-01T00:00:00Z,                     , 10
lost,       2025-04-01T00:00:00Z, 2026-03-31T00:00:00Z, 10
"""


@pytest.fixture(scope="module")
def accounts(tmp_path_factory):
    tables = {"users": USERS, "accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS}
    path = write_project(tmp_path_factory.mktemp("accounts"), EVENTS, tables=tables, vocabulary=WORDS, entity="account")
    return snapshot(path, names=["account_age_days", "events_30d", "mrr"])


def test_accounts_with_a_user_who_is_there_or_a_subscription(accounts):
    assert list(accounts.index) == ["acme", "cove", "paying"]  # dune's only event is in the future, brik has no user
    assert "account_id" not in accounts.columns


def test_an_account_is_as_old_as_its_row_or_its_first_user(accounts):
    assert accounts["account_age_days"].to_dict() == {"acme": 455, "cove": 50, "paying": 396}


def test_an_event_belongs_to_the_account_it_names_else_to_its_users(accounts):
    assert accounts["events_30d"].to_dict() == {"acme": 0, "cove": 2, "paying": 0}
    assert accounts["mrr"].to_dict() == {"acme": 0, "cove": 0, "paying": 10}


def test_an_account_lives_while_one_of_its_users_does(tmp_path):
    people = """
    user_id, account_id, created_at,           deactivated_at
    ada,     acme,       2025-06-01T00:00:00Z, 2026-02-01T00:00:00Z
    ben,     acme,       2025-07-01T00:00:00Z, 2026-03-15T00:00:00Z
    """
    rows = "user_id, event, time\nada, click, 2026-01-10T00:00:00Z"
    path = write_project(tmp_path, rows, tables={"users": people}, entity="account")
    found = snapshot(path, date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1), names=["team_size"])
    assert found["team_size"].tolist() == [2, 1]  # and none in April
    assert {str(as_of.date()) for as_of, _who in found.index} == {"2026-02-01", "2026-03-01"}
