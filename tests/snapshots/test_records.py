"""Tables other than events at a cutoff: states just before it, what was known then, and ties."""

from __future__ import annotations

from datetime import date

import pytest

from powerml.errors import ConfigError
from tests.builders import opened, snapshot, write_project

EVENTS = (
    "user_id, account_id, event, time\nada, acme, click, 2026-01-10T00:00:00Z\nben, acme, click, 2026-01-10T00:00:00Z"
)


def of_acme(folder, names, *cutoffs: date, entity="account", events=EVENTS, **tables):
    path = write_project(folder, events, tables=tables, entity=entity)
    return snapshot(path, *cutoffs, names=names)


def test_a_subscription_is_that_just_before_the_cutoff(tmp_path):
    """The row that ends at the cutoff counts, the one that starts there does not; open rows add up."""
    subscriptions = """
    account_id, start,                end,                  plan,       mrr, seats
    acme,       2025-01-01T00:00:00Z, 2026-04-01T00:00:00Z, pro,        100, 5
    acme,       2026-02-01T00:00:00Z,                     , starter,    20,  2
    acme,       2026-04-01T00:00:00Z,                     , enterprise, 500, 50
    """
    names = ["plan_tier", "mrr", "seats"]
    found = of_acme(tmp_path, names, date(2026, 4, 1), date(2026, 4, 2), subscriptions=subscriptions)
    assert found[names].values.tolist() == [pytest.approx([2 / 3, 120, 7]), pytest.approx([1, 520, 52])]


def test_without_a_subscription_it_is_zero_and_without_an_account_null(tmp_path):
    subscriptions = "account_id, start, plan, mrr, seats\nother, 2025-01-01T00:00:00Z, pro, 100, 5"
    events = EVENTS + "\nlone, , click, 2026-01-10T00:00:00Z"
    found = of_acme(tmp_path, ["plan_tier", "mrr", "seats"], entity="user", events=events, subscriptions=subscriptions)
    assert found.loc["ada", ["plan_tier", "mrr", "seats"]].tolist() == [0, 0, 0]
    assert found.loc["lone", ["plan_tier", "mrr", "seats"]].isna().all()


def test_a_plan_that_the_order_lacks_is_an_error(tmp_path):
    subscriptions = "account_id, start, plan\nacme, 2025-01-01T00:00:00Z, gold"
    with pytest.raises(ConfigError, match=r"plans: the data has the plan 'gold', which the order .* lacks; add it"):
        of_acme(tmp_path, ["plan_tier"], subscriptions=subscriptions)


def test_a_limit_is_its_latest_reading_of_forty_five_days(tmp_path):
    usage_limits = """
    account_id, time,                 resource, used, limit
    acme,       2026-02-15T00:00:00Z, storage,  90,   100
    acme,       2026-02-14T23:59:59Z, old,      500,  100
    acme,       2026-03-01T00:00:00Z, seats,    9,    10
    acme,       2026-03-20T00:00:00Z, seats,    3,    10
    acme,       2026-03-20T00:00:00Z, seats,    5,    10
    acme,       2026-04-01T00:00:00Z, seats,    99,   10
    acme,       2026-03-20T00:00:00Z, calls,    9999,
    """
    found = of_acme(tmp_path, ["limit_utilisation"], date(2026, 4, 1), date(2026, 4, 2), usage_limits=usage_limits)[
        "limit_utilisation"
    ]
    assert found.tolist() == pytest.approx([0.9, 9.9])  # on April 2 the storage reading is 46 days old


@pytest.mark.parametrize(("used", "share"), [(0, 0), (3, 1)])
def test_a_limit_of_nothing_is_full_with_any_use(tmp_path, used, share):
    usage_limits = f"account_id, time, resource, used, limit\nacme, 2026-03-01T00:00:00Z, seats, {used}, 0"
    assert of_acme(tmp_path, ["limit_utilisation"], usage_limits=usage_limits)["limit_utilisation"].tolist() == [share]


def test_of_two_readings_at_once_the_later_row_counts(tmp_path):
    usage_limits = """
    account_id, time, resource, used, limit
    acme, 2026-03-01T00:00:00Z, seats, 9, 10
    acme, 2026-03-01T00:00:00Z, seats, 2, 10
    """
    found = of_acme(tmp_path, ["limit_utilisation"], usage_limits=usage_limits)["limit_utilisation"]
    assert found.tolist() == pytest.approx([0.2])


TICKETS = """
ticket_id, opened_at,            user_id, account_id, resolved_at,          sentiment, csat
t1,        2026-01-01T00:00:00Z, ada,     acme,       2026-01-01T10:00:00Z, negative,  5
t2,        2026-01-20T00:00:00Z, ada,         ,       2026-04-01T00:00:00Z,         ,  4
t3,        2026-03-20T00:00:00Z,    ,     acme,       2026-03-20T02:00:00Z,         ,  3
t4,        2026-03-31T23:59:59Z, ben,     acme,                           ,         ,
t5,        2026-04-01T00:00:00Z, ada,     acme,                           ,         ,  1
"""
SUPPORT = ["tickets_opened_90d", "tickets_unresolved", "ticket_resolution_hours_90d", "support_sentiment_90d"]


def test_tickets_of_an_account_each_once(tmp_path):
    """Opened in 90 d (from January 1): t1 to t4. t2 is resolved at the cutoff, so it is open just before it."""
    found = of_acme(tmp_path, [*SUPPORT, "csat_mean_90d"], tickets=TICKETS).loc["acme"]
    assert found[SUPPORT].tolist() == pytest.approx([4, 2, 6, 1 / 3])  # hours: 10 and 2; sentiment: -, +, neutral
    assert found["csat_mean_90d"] == 4  # 5, 4, 3


def test_tickets_of_a_user_and_those_that_name_only_the_account(tmp_path):
    found = of_acme(tmp_path, SUPPORT, entity="user", tickets=TICKETS)
    assert found.loc["ada", SUPPORT].tolist() == pytest.approx([3, 1, 6, 1 / 3])
    assert found.loc["ben", SUPPORT].tolist() == pytest.approx([2, 1, 2, 0])


def test_the_latest_answer_and_of_two_at_once_the_later_row(tmp_path):
    surveys = """
    user_id, time,                 nps
    ada,     2026-03-01T00:00:00Z, 3
    ada,     2026-03-01T00:00:00Z, 8
    ada,     2026-02-01T00:00:00Z, 0
    ada,     2026-04-01T00:00:00Z, 1
    ben,     2025-04-01T00:00:00Z, 5
    """
    users = of_acme(tmp_path, ["nps_latest"], date(2026, 4, 1), date(2026, 4, 2), entity="user", surveys=surveys)
    assert users["nps_latest"].tolist() == pytest.approx([8, 5, 1, float("nan")], nan_ok=True)
    account = of_acme(tmp_path, ["nps_latest"], surveys=surveys)
    assert account["nps_latest"].tolist() == [6.5]  # the mean of her 8 and his 5


LATE = {  # a row that happened before the cutoff and was written after it, and what it says once it is known
    "users": (
        "user_id, account_id, created_at, known_at\nada, acme, 2026-01-01T00:00:00Z, 2026-04-01T00:00:00Z",
        "team_size", [0, 1],
    ),
    "tickets": (
        "ticket_id, opened_at, user_id, known_at\nt1, 2026-03-01T00:00:00Z, ada, 2026-04-01T00:00:00Z\n"
        "t2, 2026-03-01T00:00:00Z, ada, ",
        "tickets_opened_90d", [1, 2],
    ),
    "subscriptions": (
        "account_id, start, plan, mrr, known_at\nacme, 2026-03-01T00:00:00Z, pro, 70, 2026-04-01T00:00:00Z",
        "mrr", [0, 70],
    ),
    "usage_limits": (
        "account_id, time, resource, used, limit, known_at\n"
        "acme, 2026-03-01T00:00:00Z, seats, 1, 10, 2026-03-01T00:00:00Z\n"
        "acme, 2026-03-02T00:00:00Z, seats, 8, 10, 2026-04-01T00:00:00Z",
        "limit_utilisation", [0.1, 0.8],
    ),
    "surveys": (
        "user_id, time, nps, known_at\nada, 2026-03-01T00:00:00Z, 2, \nada, 2026-03-02T00:00:00Z, 9, "
        "2026-04-01T12:00:00Z",
        "nps_latest", [2, 9],
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", LATE)
def test_a_row_counts_from_when_it_was_known(tmp_path, table):
    text, metric, values = LATE[table]
    found = of_acme(tmp_path, [metric], date(2026, 4, 1), date(2026, 4, 2), **{table: text})
    assert found[metric].fillna(-1).tolist() == pytest.approx(values)


def test_a_team_without_its_founders(tmp_path):
    """Founders: within 7 x 24 h of the first user ever, gone or not. The 90 days begin on January 1."""
    users = """
    user_id, account_id, created_at,           deactivated_at
    a,       acme,       2025-12-30T00:00:00Z, 2025-12-31T00:00:00Z
    b,       acme,       2026-01-06T00:00:00Z,
    c,       acme,       2026-01-06T00:00:01Z, 2026-03-01T00:00:00Z
    d,       acme,       2026-04-01T00:00:00Z,
    """
    names = ["team_size", "team_members_added_90d", "team_members_deactivated_90d", "active_team_members_30d"]
    events = (
        "user_id, account_id, event, time\nb, acme, click, 2026-03-10T00:00:00Z\nx, acme, click, 2026-03-10T00:00:00Z"
    )
    found = of_acme(tmp_path, names, events=events, users=users)
    assert found.loc["acme", names].tolist() == [1, 1, 1, 1]


def test_a_table_that_is_not_there_makes_null_columns(tmp_path):
    path = write_project(tmp_path, EVENTS, entity="account")
    names = ["team_size", "plan_tier", "mrr", "limit_utilisation", "tickets_unresolved", "nps_latest", "csat_mean_90d"]
    result = opened(path, names).build([date(2026, 4, 1)])
    assert result.frame[names].isna().all().all()
    assert not result.coverage["available"].any()
    assert set(result.coverage["reason"]) == {
        f"no table {t!r}" for t in ("users", "subscriptions", "usage_limits", "tickets", "surveys")
    }


HOUSE = """
- {{name: m, table: {table}, measure: {measure}, unit: n, direction: up, actionable: true, group: support,
   source: {{document: house}}}}
"""


@pytest.mark.parametrize(
    ("table", "measure", "then", "later"),
    [
        ("tickets", "mean, of: resolution_hours", 24, 36),  # 24 h and, once it is over, 48 h
        ("tickets", "distinct, of: resolved_at", 1, 2),
        ("subscriptions", "count, where: {reason: price}", 0, 1),
        ("subscriptions", "distinct, of: end", 0, 1),
        ("users", "distinct, of: deactivated_at", 0, 1),
    ],
)
def test_what_ends_later_has_no_end_yet(tmp_path, table, measure, then, later):
    tables = {
        "tickets": """
        ticket_id, account_id, opened_at,  resolved_at
        t1,        acme,       2026-03-01, 2026-03-02
        t2,        acme,       2026-03-31, 2026-04-02
        """,
        "subscriptions": "account_id, start, end, mrr, reason\nacme, 2025-01-01, 2026-04-01, 9, price",
        "users": "user_id, account_id, created_at, deactivated_at\nben, acme, 2026-01-01, 2026-04-02",
    }
    house = HOUSE.format(table=table, measure=measure)
    path = write_project(tmp_path, EVENTS, tables=tables, metrics=house, entity="account")
    found = snapshot(path, date(2026, 4, 1), date(2026, 4, 3), names=["m"])
    assert found["m"].tolist() == [then, later]


def test_true_is_true_however_a_table_writes_it(tmp_path):
    tables = {
        "tickets": "ticket_id, opened_at, account_id, urgent\n1, 2026-03-01, acme, True\n2, 2026-03-01, acme, TRUE\n"
        "3, 2026-03-01, acme, true\n4, 2026-03-01, acme, False"
    }
    events = "user_id, account_id, event, time, trial\n" + "".join(
        f"ada, acme, click, 2026-01-10, {trial}\n" for trial in ("True", "FALSE", "false", "")
    )
    house = HOUSE.format(table="tickets", measure="count, where: {urgent: true}")
    house += HOUSE.format(table="events", measure="count, where: {trial: false}").replace("name: m", "name: n")
    path = write_project(tmp_path, events, tables=tables, metrics=house, entity="account")
    assert snapshot(path, names=["m", "n"]).loc["acme", ["m", "n"]].tolist() == [3, 2]
