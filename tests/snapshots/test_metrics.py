"""Metrics of one's own on a project small enough to count by hand.

The cutoff is 2026-04-01, so "30" is [March 2, April 1) and [60, 30] is [January 31, March 2).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import yaml

from powerml.errors import ConfigError, PowermlError
from tests.builders import build, opened, snapshot, value, write_project

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

EVENTS = """
user_id, event,      time,                 session_id, value, device, seconds
ada,     export:csv, 2026-01-30T23:59:59Z,           , 100,   web,    1
ada,     export:csv, 2026-01-31T00:00:00Z,           , 10,    web,    2
ada,     open,       2026-02-15T10:00:00Z,           ,    ,   web,    3
ada,     share,      2026-03-01T23:59:59Z,           , 4,     phone,  4
ada,     export:pdf, 2026-03-02T00:00:00Z, s2,         5,     phone,  5
ada,     open,       2026-03-10T10:00:00Z, s1,         1,     web,    6
ada,     open,       2026-03-10T11:00:00Z, s1,         2.5,   web,    7
ada,     automate,   2026-03-31T23:59:59Z,           ,    ,   web,    8
ada,     export:csv, 2026-04-01T00:00:00Z,           , 1000,  web,    9
ben,     open,       2026-03-20T09:00:00Z,           ,    ,   phone,  10
cy,      open,       2026-01-05T00:00:00Z,           , 7,     web,    11
"""
VOCABULARY = {
    "export:*": {"feature": "export", "category": "output", "tier": "core", "depth": "intermediate",
                 "roles": ["export"]},
    "share": {"category": "output", "roles": ["share"]},
    "automate": {"tier": "advanced", "depth": "advanced", "roles": ["automation"]},
    "open": {},
}  # fmt: skip
TABLES = {
    "users": """
user_id, account_id, created_at
ada,     acme,       2026-01-01T00:00:00Z
ben,     acme,       2026-03-01T00:00:00Z
""",
    "tickets": """
ticket_id, opened_at,            user_id, account_id, csat, priority, effort
t1,        2026-03-05T08:00:00Z, ada,     acme,       5,    high,     1.5
t2,        2026-03-02T00:00:00Z, ada,     acme,       2,    low,      2.5
t3,        2026-02-10T08:00:00Z, ada,     acme,       4,    high,
t4,        2026-04-01T00:00:00Z, ada,     acme,       5,    high,     9
t5,        2026-03-07T08:00:00Z,    ,     acme,       5,    high,
""",
    "surveys": """
user_id, time,                 nps
ada,     2026-03-03T00:00:00Z, 9
ada,     2026-03-20T00:00:00Z, 7
ben,     2026-02-01T00:00:00Z, 10
""",
    "subscriptions": """
account_id, start,                end,                  plan,    mrr, seats
acme,       2025-01-01T00:00:00Z, 2026-02-01T00:00:00Z, starter, 100, 5
acme,       2026-02-01T00:00:00Z,                     , pro,     200, 8
""",
}
HOUSE = """
- {name: exports, table: events, where: {role: export}, measure: count, window_days: 30, unit: events}
- {name: exports_before, table: events, where: {role: export}, measure: count, window_days: [60, 30], unit: events}
- {name: exports_ever, table: events, where: {role: export}, measure: count, unit: events}
- {name: sent_ever, table: events, where: {role: [export, share]}, measure: count, unit: events}
- {name: output_before, table: events, where: {category: output}, measure: count, window_days: [60, 30], unit: events}
- {name: csv_ever, table: events, where: {event: "export:c*"}, measure: count, unit: events}
- {name: core_60, table: events, where: {tier: core}, measure: count, window_days: 60, unit: events}
- {name: plain_30, table: events, where: {tier: none}, measure: count, window_days: 30, unit: events}
- {name: deep_30, table: events, where: {depth: [intermediate, advanced]}, measure: count, window_days: 30, unit: x}
- {name: web_30, table: events, where: {device: web}, measure: count, window_days: 30, unit: events}
- {name: web_opens, table: events, where: {device: web, feature: open}, measure: count, unit: events}
- {name: open_days_30, table: events, where: {feature: open}, measure: days, window_days: 30, unit: days}
- {name: days_before, table: events, measure: days, window_days: [60, 30], unit: days}
- {name: days_ever, table: events, measure: days, unit: days}
- {name: value_sum, table: events, measure: sum, of: value, window_days: 30, unit: value}
- {name: value_mean, table: events, measure: mean, of: value, window_days: 30, unit: value}
- {name: value_max, table: events, measure: max, of: value, window_days: 30, unit: value}
- {name: value_max_before, table: events, measure: max, of: value, window_days: [60, 30], unit: value}
- {name: value_mean_ever, table: events, measure: mean, of: value, unit: value}
- {name: value_web_ever, table: events, where: {device: web}, measure: sum, of: value, unit: value}
- {name: level_30, table: events, measure: max, of: depth, window_days: 30, unit: level}
- {name: devices_30, table: events, measure: distinct, of: device, window_days: 30, unit: devices}
- {name: features_before, table: events, measure: distinct, of: feature, window_days: [60, 30], unit: features}
- {name: categories_ever, table: events, measure: distinct, of: category, unit: categories}
- {name: names_30, table: events, measure: distinct, of: event, window_days: 30, unit: names}
- {name: visits_30, table: events, measure: distinct, of: session_id, window_days: 30, unit: sessions}
- {name: since_export, table: events, where: {role: export}, measure: days_since_last, unit: days}
- {name: since_web, table: events, where: {device: web}, measure: days_since_last, unit: days}
- {name: sessions_before, table: sessions, measure: count, window_days: [60, 30], unit: sessions}
- {name: export_share, ratio: {of: exports, over: all_30}, unit: ratio}
- {name: all_30, table: events, measure: count, window_days: 30, unit: events}
- name: sharing_ever
  ratio: {of: {table: events, where: {role: share}, measure: count}, over: {table: events, measure: count}}
  unit: ratio
- {name: tickets_30, table: tickets, measure: count, window_days: 30, unit: tickets}
- {name: urgent_30, table: tickets, where: {priority: high}, measure: count, window_days: 30, unit: tickets}
- {name: urgent_before, table: tickets, where: {priority: high}, measure: count, window_days: [60, 30], unit: tickets}
- {name: happy_ever, table: tickets, where: {csat: 5}, measure: count, unit: tickets}
- {name: csat_30, table: tickets, measure: mean, of: csat, window_days: 30, unit: csat}
- {name: csat_before, table: tickets, measure: max, of: csat, window_days: [60, 30], unit: csat}
- {name: effort_ever, table: tickets, measure: sum, of: effort, unit: hours}
- {name: priorities_ever, table: tickets, measure: distinct, of: priority, unit: priorities}
- {name: promoters_ever, table: surveys, where: {nps: [9, 10]}, measure: count, unit: answers}
- {name: answers_30, table: surveys, measure: count, window_days: 30, unit: answers}
- {name: nps_90, table: surveys, measure: mean, of: nps, window_days: 90, unit: nps}
- {name: nps_before, table: surveys, measure: max, of: nps, window_days: [60, 30], unit: nps}
- {name: starts_60, table: subscriptions, measure: count, window_days: 60, unit: starts}
- {name: pro_ever, table: subscriptions, where: {plan: pro}, measure: count, unit: starts}
- {name: highest_mrr, table: subscriptions, measure: max, of: mrr, unit: currency}
- {name: seats_sold, table: subscriptions, measure: sum, of: seats, unit: seats}
- {name: joined_60, table: users, measure: count, window_days: 60, unit: people}
- {name: joined_ever, table: users, measure: count, unit: people}
"""
NULL = math.nan


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """The house metrics of every user and of every account."""
    names = [metric["name"] for metric in yaml.safe_load(HOUSE)]
    frames = {}
    for entity in ("user", "account"):
        folder = tmp_path_factory.mktemp(entity)
        path = write_project(
            folder, EVENTS, vocabulary=VOCABULARY, metrics=HOUSE, tables=TABLES, entity=entity, timezone="UTC"
        )
        frames[entity] = snapshot(path, names=names)
    return frames


@pytest.mark.parametrize(
    ("metric", "ada", "ben", "cy"),
    [
        ("exports", 1, 0, 0),  # the one at March 2, 0:00
        ("exports_before", 1, 0, 0),  # the one at January 31, 0:00, not that of the second before
        ("exports_ever", 3, 0, 0),  # not the one at the cutoff itself
        ("sent_ever", 4, 0, 0),
        ("output_before", 2, 0, 0),
        ("csv_ever", 2, 0, 0),
        ("core_60", 2, 0, 0),
        ("plain_30", 2, 1, 0),
        ("deep_30", 2, 0, 0),
        ("web_30", 3, 0, 0),
        ("web_opens", 3, 0, 1),
        ("open_days_30", 1, 1, 0),
        ("days_before", 3, 0, 0),
        ("days_ever", 7, 1, 1),
        ("value_sum", 8.5, 0, 0),
        ("value_mean", 8.5 / 3, NULL, NULL),
        ("value_max", 5, NULL, NULL),
        ("value_max_before", 10, NULL, NULL),
        ("value_mean_ever", 122.5 / 6, NULL, 7),
        ("value_web_ever", 113.5, 0, 7),
        ("level_30", 2, 0, NULL),
        ("devices_30", 2, 1, 0),
        ("features_before", 3, 0, 0),
        ("categories_ever", 3, 1, 1),
        ("names_30", 3, 1, 0),
        ("visits_30", 2, 0, 0),
        ("since_export", 30, NULL, NULL),
        ("since_web", 1 / 86400, NULL, 86),
        ("sessions_before", 2, 0, 0),  # the one of January 30, 23:59:59, goes on over midnight
        ("export_share", 1 / 4, 0, NULL),
        ("sharing_ever", 1 / 8, 0, 0),
        ("tickets_30", 3, 1, 0),  # t5 names only the account and stands on both its users
        ("urgent_30", 2, 1, 0),
        ("urgent_before", 1, 0, 0),
        ("happy_ever", 2, 1, 0),
        ("csat_30", 4, 5, NULL),
        ("csat_before", 4, NULL, NULL),
        ("effort_ever", 4, 0, 0),
        ("priorities_ever", 2, 1, 0),
        ("promoters_ever", 1, 1, 0),
        ("answers_30", 2, 0, 0),
        ("nps_90", 8, 10, NULL),
        ("nps_before", NULL, 10, NULL),
        ("starts_60", 1, 1, 0),
        ("pro_ever", 1, 1, 0),
        ("highest_mrr", 200, 200, NULL),
        ("seats_sold", 13, 13, 0),
        ("joined_60", 0, 1, 0),
        ("joined_ever", 1, 1, 0),
    ],
)
def test_a_users_own_metric(house, metric, ada, ben, cy):
    frame = house["user"]
    assert frame[metric].dtype == "float64"
    assert frame.loc[["ada", "ben", "cy"], metric].tolist() == pytest.approx([ada, ben, cy], nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "acme"),
    [
        ("exports_before", 1), ("plain_30", 3), ("days_ever", 8), ("value_mean_ever", 122.5 / 6), ("level_30", 2),
        ("devices_30", 2), ("names_30", 3), ("since_web", 1 / 86400), ("sessions_before", 2), ("export_share", 1 / 5),
        ("tickets_30", 3), ("urgent_30", 2), ("happy_ever", 2), ("csat_30", 4), ("promoters_ever", 2),
        ("answers_30", 2), ("nps_90", 26 / 3), ("starts_60", 1), ("highest_mrr", 200), ("seats_sold", 13),
        ("joined_60", 1), ("joined_ever", 2),
    ],
)  # fmt: skip
def test_the_same_metric_of_an_account(house, metric, acme):
    assert house["account"].loc["acme", metric] == pytest.approx(acme)


def small(folder: Path, metric: str, **settings) -> Path:
    return write_project(
        folder, EVENTS, vocabulary=VOCABULARY, tables=TABLES, metrics=f"- {{name: m, unit: x, {metric}}}\n", **settings
    )


@pytest.mark.parametrize(
    ("metric", "ada"),
    [
        ("table: events, measure: sum, of: seconds, window_days: 30", 5 + 6 + 7 + 8),
        ("table: events, measure: max, of: seconds", 8),
        ("table: events, measure: mean, of: seconds, where: {device: phone}", 4.5),
        ("table: events, measure: count, where: {value: [5, 10]}", 2),
        ("table: events, measure: count, where: {user_id: ada}, window_days: 30", 4),
        ("table: tickets, measure: days_since_last", 25 - 8 / 24),  # t5, March 7, 8:00
        ("table: tickets, measure: days, window_days: 30", 3),
        ("table: surveys, measure: days_since_last", 12),
    ],
)
def test_any_column_and_any_table(tmp_path, metric, ada):
    assert value(small(tmp_path, metric), "m") == pytest.approx(ada)


def test_how_many_people_of_an_account_did_it(tmp_path):
    path = small(tmp_path, "table: events, measure: distinct, of: user_id, window_days: 30", entity="account")
    assert value(path, "m", "acme") == 2


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("table: treatments, measure: count", "no table 'treatments'"),
        ("table: tickets, where: {priorty: high}, measure: count", "no column 'priorty' in tickets"),
        ("table: tickets, measure: sum, of: cost", "no column 'cost' in tickets"),
        ("table: events, where: {devise: web}, measure: count", "no column 'devise' in events"),
        ("table: tickets, measure: mean, of: resolution_hours", "no column 'resolution_hours' in tickets"),
    ],
)
def test_what_the_sources_lack_is_a_null_column_with_a_reason(tmp_path, metric, reason):
    found = build(small(tmp_path, metric), names=["m"])
    assert found.frame["m"].isna().all()
    assert found.coverage.to_dict("records") == [{"metric": "m", "available": False, "reason": reason}]


def test_a_ratio_is_not_available_where_one_side_is_not(tmp_path):
    path = small(tmp_path, "ratio: {of: data_processed_30d, over: limit_utilisation}")
    found = build(path, names=["data_processed_30d", "limit_utilisation", "m"])
    assert found.frame["m"].isna().all()
    assert found.coverage.set_index("metric").loc["m", "reason"] == "no table 'usage_limits'"


@pytest.mark.parametrize(
    "metric",
    [
        "table: tickets, measure: mean, of: priority",
        "table: tickets, measure: max, of: opened_at",
        "table: events, measure: max, of: device",
    ],
)
def test_what_is_no_number_cannot_be_averaged(tmp_path, metric):
    with pytest.raises(PowermlError, match=r"m.*(priority|opened_at|device)"):
        build(small(tmp_path, metric), names=["m"])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("{role: exprot}", r"house\.yaml:1: 0\.where\.role.*did you mean 'export'"),
        ("{tier: gold}", r"house\.yaml:1: 0\.where\.tier"),
        ("{depth: deep}", r"house\.yaml:1: 0\.where\.depth"),
    ],
)
def test_a_word_that_the_vocabulary_cannot_have_is_an_error(tmp_path, where, message):
    with pytest.raises(ConfigError, match=message):
        opened(small(tmp_path, f"table: events, measure: count, where: {where}"))


def test_a_metric_of_ones_own_stands_beside_the_catalogue(tmp_path):
    path = small(tmp_path, "table: events, where: {role: export}, measure: count, window_days: 14")
    assert list(opened(path).metrics)[-2:] == ["shares_30d", "m"]
