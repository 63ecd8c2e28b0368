"""What happened in the 90 days after a cutoff, at the edges of every rule. The cutoff is 2026-01-01 unless said."""

from __future__ import annotations

from datetime import date

import pytest

from tests.builders import snapshot, write_project

AS_OF = date(2026, 1, 1)  # the window is [2026-01-01, 2026-04-01), with grace it was seen on 2026-05-01
CLICK = "user_id, account_id, event, time\n"


PAYS = "2025-01-01, 2026-02-01, pro, 100, 5"
FOR_EVER = "2025-01-01, , pro, 100, 5"
CASES = [  # the label of an account with these subscriptions: start, end, plan, mrr, seats
    ("churn", [PAYS]),
    ("churn", ["2025-01-01, 2026-01-01, pro, 100, 5"]),  # it stops at the cutoff itself, which is in the window
    ("stay", ["2025-01-01, 2026-04-01, pro, 100, 5"]),  # it stops at the window's end, which is not
    ("churn", ["2025-01-01, 2026-03-31T23:59:59Z, pro, 100, 5"]),
    ("stay", [PAYS, "2026-03-03, , pro, 100, 5"]),  # again after exactly 30 x 24 h
    ("churn", [PAYS, "2026-03-03T00:00:01Z, , pro, 100, 5"]),
    ("churn", [PAYS, "2026-02-05, , pro, 0, 5"]),  # a row without pay is no pay
    ("stay", [FOR_EVER]),
    ("stay", [PAYS, "2026-02-01, , pro, 102, 5"]),  # 2 % is not more than 2 %
    ("expand", [PAYS, "2026-02-01, , pro, 102.01, 5"]),
    ("expand", [PAYS, "2026-02-01, , pro, 100, 6"]),
    ("expand", [PAYS, "2026-02-01, , enterprise, 90, 5"]),
    ("expand", [FOR_EVER, "2026-03-31, , free, 3, 1"]),  # rows of one account add up
    ("stay", [PAYS, "2026-02-01, , starter, 80, 2"]),
    ("stay", [FOR_EVER, "2026-04-01, , enterprise, 900, 50"]),  # after the window
    ("churn", [PAYS, "2026-03-20, , enterprise, 900, 50"]),  # gone for too long, though it came back larger
    ("ineligible", ["2025-01-01, , free, 0, 5"]),
    ("ineligible", ["2026-01-01, , pro, 100, 5"]),  # it starts at the cutoff, so it does not pay just before
    ("ineligible", ["2025-01-01, 2025-12-31, pro, 100, 5"]),
]


def contract_labels(folder, *accounts: list[str], until: str = "2026-05-01T00:00:00Z", **settings) -> list[str]:
    """The labels of accounts with such subscriptions, at AS_OF."""
    numbered = [(f"a{i:02}", periods) for i, periods in enumerate(accounts)]
    text = "account_id, start, end, plan, mrr, seats\n"
    text += "\n".join(f"{name}, {period}" for name, periods in numbered for period in periods)
    events = CLICK + "\n".join(f"u{name}, {name}, click, 2025-01-10T00:00:00Z" for name, _ in numbered)
    tables = {"subscriptions": text}
    path = write_project(folder, events, tables=tables, entity="account", observed_until=until, **settings)
    return snapshot(path, AS_OF, names=["mrr"], labels=True)["label"].tolist()


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> list[str]:
    return contract_labels(tmp_path_factory.mktemp("contracts"), *[periods for _, periods in CASES])


@pytest.mark.parametrize("number", range(len(CASES)), ids=["; ".join(periods) for _, periods in CASES])
def test_contract_outcomes(found, number):
    assert found[number] == CASES[number][0]


@pytest.mark.parametrize(("until", "label"), [("2026-05-01T00:00:00Z", "churn"), ("2026-04-30T23:59:59Z", "immature")])
def test_nobodys_label_is_ripe_before_everybodys(tmp_path, until, label):
    """Even somebody who left on February 1 waits for the window and the grace to be over."""
    free = ["2025-01-01, , free, 0, 5"]
    assert contract_labels(tmp_path, [PAYS], free, until=until) == [label, "ineligible"]


def test_the_rules_numbers_are_settings(tmp_path):
    outcome = {"kind": "contract", "horizon_days": 30, "grace_days": 0, "min_rise": 0.5}
    less = ["2025-01-01, 2026-01-20, pro, 100, 5", "2026-01-20, , pro, 150, 5"]
    more = ["2025-01-01, 2026-01-20, pro, 100, 5", "2026-01-20, , pro, 150.1, 5"]
    pause = ["2025-01-01, 2026-01-20, pro, 100, 5", "2026-01-20T00:00:01Z, , pro, 100, 5"]
    found = contract_labels(tmp_path, less, more, pause, [PAYS], until="2026-01-31T00:00:00Z", outcome=outcome)
    assert found == ["stay", "expand", "churn", "stay"]  # PAYS ends after the 30 days


def test_a_users_label_is_its_accounts(tmp_path):
    events = CLICK + "ada, acme, click, 2025-12-10T00:00:00Z\nlone, , click, 2025-12-10T00:00:00Z"
    tables = {"subscriptions": "account_id, start, end, mrr\nacme, 2025-01-01, 2026-02-01, 100"}
    path = write_project(tmp_path, events, tables=tables, observed_until="2026-06-01T00:00:00Z")
    found = snapshot(path, AS_OF, names=["events_30d"], labels=True)
    assert found["label"].to_dict() == {"ada": "churn", "lone": "ineligible"}


def events_of(who: str, *days: str) -> str:
    return "".join(f"{who}, , click, {day}T12:00:00Z\n" for day in days)


NEXT = [f"2026-02-{day:02}" for day in range(1, 29)]
BEFORE = [f"2025-12-{day:02}" for day in range(1, 29)]


@pytest.fixture(scope="module")
def behavioural(tmp_path_factory):
    rows = {
        "gone": BEFORE[:3],
        "stays": [*BEFORE[:4], *NEXT[:5]],  # 5 are less than 1.5 times 4
        "grows": [*BEFORE[:4], *NEXT[:6]],
        "few": [*BEFORE[:1], *NEXT[:4]],  # four times as many, but fewer than 5
        "five": [*BEFORE[:1], *NEXT[:5]],
        "slept": ["2025-10-02", *NEXT[:9]],  # 91 days before
        "woke": ["2025-10-03", *NEXT[:1]],
    }
    text = CLICK + "".join(events_of(who, *days) for who, days in rows.items())
    text += "edge, , click, 2025-10-03T00:00:00Z\nedge, , click, 2026-01-01T00:00:00Z\n"
    text += "late, , click, 2025-12-31T23:59:59Z\nlate, , click, 2026-04-01T00:00:00Z\n"
    path = write_project(tmp_path_factory.mktemp("behaviour"), text)
    return snapshot(path, AS_OF, date(2026, 1, 2), names=["events_30d"], labels=True)["label"]


def test_behavioural_outcomes(behavioural):
    assert behavioural.loc["2026-01-01"].to_dict() == {
        "gone": "churn", "stays": "stay", "grows": "expand", "few": "stay", "five": "expand", "slept": "ineligible",
        "woke": "stay", "edge": "stay", "late": "churn",
    }  # fmt: skip


def test_what_was_seen_ends_with_the_last_day_that_has_an_event(behavioural):
    """The last event is at 0:00 on April 1, so April 1 was seen, and windows may end on April 2 at 0:00."""
    assert behavioural.loc["2026-01-02"].to_dict()["gone"] == "churn"


def test_a_window_not_seen_to_its_end_is_immature(tmp_path):
    text = CLICK + events_of("ada", "2025-12-10", "2026-03-30") + events_of("ben", "2025-06-01")
    found = snapshot(write_project(tmp_path, text), AS_OF, names=["events_30d"], labels=True)["label"]
    assert found.to_dict() == {"ada": "immature", "ben": "ineligible"}


def test_treated_rows_are_flagged(tmp_path):
    text = CLICK + events_of("ada", *BEFORE[:3], *NEXT[:3]) + events_of("ben", *BEFORE[:3]) + events_of("cy", *BEFORE)
    treatments = """
    entity_id, time,                 playbook
    ada,       2026-01-01T00:00:00Z, call
    ben,       2026-04-01T00:00:00Z, call
    cy,        2025-12-31T23:59:59Z, call
    """
    path = write_project(tmp_path, text, tables={"treatments": treatments}, observed_until="2026-06-01T00:00:00Z")
    found = snapshot(path, AS_OF, names=["events_30d"], labels=True)
    assert found["treated"].to_dict() == {"ada": True, "ben": False, "cy": False}
    assert found["label"].to_dict() == {"ada": "stay", "ben": "churn", "cy": "churn"}


def test_what_is_written_after_the_window_moves_nobody_to_another_account(tmp_path):
    text = "user_id, account_id, event, time, known_at\n"
    text += "ada, acme, click, 2025-12-10T00:00:00Z, 2025-12-10T00:00:00Z\n"
    text += "bob, other, click, 2025-12-10T00:00:00Z, 2025-12-10T00:00:00Z\n"
    text += "ada, , click, 2026-02-10T00:00:00Z, 2026-02-10T00:00:00Z\n"
    text += "ada, other, click, 2026-02-11T00:00:00Z, 2026-05-01T00:00:00Z\n"  # the window ends on April 1
    path = write_project(tmp_path, text, entity="account", observed_until="2026-06-01T00:00:00Z")
    found = snapshot(path, AS_OF, names=["events_30d"], labels=True)
    assert found["label"].to_dict() == {"acme": "stay", "other": "stay"}


def test_an_account_is_kept_alive_by_somebody_who_joined_meanwhile(tmp_path):
    text = CLICK + "ada, acme, click, 2025-12-10T00:00:00Z\nben, , click, 2026-02-10T00:00:00Z"
    users = "user_id, account_id, created_at\nada, acme, 2025-06-01\nben, acme, 2026-02-01"
    path = write_project(
        tmp_path, text, tables={"users": users}, entity="account", observed_until="2026-06-01T00:00:00Z"
    )
    assert snapshot(path, AS_OF, names=["events_30d"], labels=True)["label"].to_dict() == {"acme": "stay"}


def test_labels_may_look_at_what_metrics_may_not(tmp_path):
    """An event written after the cutoff about a day before it is in no metric, yet it did happen."""
    text = """
    user_id, event, time,                 known_at
    ada,     click, 2025-12-10T00:00:00Z,
    ada,     click, 2026-02-10T00:00:00Z, 2026-05-01T00:00:00Z
    """
    path = write_project(tmp_path, text, observed_until="2026-06-01T00:00:00Z")
    found = snapshot(path, AS_OF, names=["events_30d"], labels=True).loc["ada"]
    assert (found["events_30d"], found["label"]) == (1, "stay")
