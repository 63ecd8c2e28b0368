"""Events rolled up: counted per user, account, day and kind; nothing lost, nothing ignored counted."""

from __future__ import annotations

import pytest

from powerml.errors import DataError
from powerml.snapshots.windows import day_date
from tests.builders import opened, write_project

EVENTS = """
user_id, account_id, event, time,                 session_id, value
ada,     acme,       click, 2026-03-08T04:59:59Z, s1,         1
ada,     acme,       click, 2026-03-08T05:00:00Z, s1,         2
ada,     acme,       click, 2026-03-09T03:59:59Z, s1,
ada,     acme,       click, 2026-03-09T04:00:00Z, s1,         4
ada,         ,       click, 2026-03-08T05:00:00Z, s1,         8
ben,     brik,       save,  2026-03-08T06:00:00Z,   ,
cy,          ,       beat,  2026-03-08T06:00:00Z,   ,
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    path = write_project(
        tmp_path_factory.mktemp("rollup"), EVENTS, vocabulary={"beat": {"roles": ["ignore"]}},
        timezone="America/New_York",
    )  # fmt: skip
    return opened(path, ["events_30d"])


def rows(project, table):
    return project.inputs.engine.frame(table)


def names(project) -> tuple[dict, dict, dict]:
    rollups = project.rollups
    users, accounts = rows(project, rollups.users), rows(project, rollups.accounts)
    kinds = rollups.kinds.frame
    return (
        dict(zip(users["uid"], users["user_id"], strict=True)),
        dict(zip(accounts["aid"], accounts["account_id"], strict=True)),
        dict(zip(kinds["ev"], kinds["event"], strict=True)),
    )


def test_counts_and_values_per_user_account_local_day_and_kind(project):
    users, accounts, kinds = names(project)
    days = rows(project, project.rollups.days)
    days = days.groupby(["uid", "aid", "day", "ev"], dropna=False)[["n", "value_sum", "value_n"]].sum().reset_index()
    found = {
        (users[r.uid], accounts.get(r.aid), str(day_date(r.day)), kinds[r.ev]): (r.n, r.value_sum, r.value_n)
        for r in days.itertuples()
    }
    assert found == {  # New York lost an hour on March 8, so that day had 23
        ("ada", "acme", "2026-03-07", "click"): (1, 1, 1),
        ("ada", "acme", "2026-03-08", "click"): (2, 2, 1),
        ("ada", "acme", "2026-03-09", "click"): (1, 4, 1),
        ("ada", None, "2026-03-08", "click"): (1, 8, 1),
        ("ben", "brik", "2026-03-08", "save"): (1, 0, 0),
    }


def test_pieces_hold_each_run_of_events_within_a_day(project):
    users, _accounts, _kinds = names(project)
    pieces = rows(project, project.rollups.pieces)
    assert sorted(users[u] for u in pieces["uid"]) == ["ada"] * 4 + ["ben"]
    assert pieces["sid"].isna().sum() == 1
    assert (pieces["last_t"] >= pieces["first_t"]).all()


def test_ids_are_numbered_in_their_order(project):
    users, accounts, _kinds = names(project)
    assert [users[n] for n in sorted(users)] == ["ada", "ben", "cy"]
    assert [accounts[n] for n in sorted(accounts)] == ["acme", "brik"]


def test_the_first_and_the_last_day_are_those_of_events_that_count(project):
    assert (str(project.first_day), str(project.last_day)) == ("2026-03-07", "2026-03-09")
    assert project.rollups.amounts == ("value",)
    assert not project.rollups.has_known


def test_a_row_written_late_is_known_from_that_day_on(tmp_path):
    text = """
    user_id, event, time,                 known_at
    ada,     click, 2026-03-08T10:00:00Z, 2026-03-10T10:00:00Z
    ada,     click, 2026-03-08T11:00:00Z,
    ada,     click, 2026-03-08T12:00:00Z, 2026-03-01T00:00:00Z
    """
    data = opened(write_project(tmp_path, text), ["events_30d"])
    days = rows(data, data.rollups.days)
    assert sorted(str(day_date(d)) for d, n in zip(days["known"], days["n"], strict=True) for _ in range(n)) == [
        "2026-03-08", "2026-03-08", "2026-03-10",
    ]  # fmt: skip
    known = data.rollups.known_before(days["known"].max())
    assert rows(data, known.days)["n"].sum() == 2
    assert not known.has_known


def test_events_that_all_are_to_be_ignored_are_an_error(tmp_path):
    path = write_project(
        tmp_path, "user_id, event, time\nada, beat, 2026-03-08T10:00:00Z", vocabulary={"*": {"roles": ["ignore"]}}
    )
    with pytest.raises(DataError, match="every event has the role 'ignore'; let some event count"):
        opened(path)
