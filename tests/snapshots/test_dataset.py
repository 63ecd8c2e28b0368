"""The snapshot table as a whole: its columns, its order, and that one cutoff does not know of another."""

from __future__ import annotations

import math
from datetime import date

import pandas as pd
import pytest

from powerml.config.metrics import catalogue
from tests.builders import AS_OF, build, opened, write_project

EVENTS = """
user_id, account_id, event, time
u10,     acme,       click, 2026-01-05T12:00:00Z
u2,      brik,       save,  2026-02-20T12:00:00Z
U1,          ,       click, 2026-02-21T12:00:00Z
u10,     acme,       click, 2026-04-20T12:00:00Z
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The whole catalogue, at two cutoffs, with labels."""
    path = write_project(tmp_path_factory.mktemp("whole"), EVENTS)
    return opened(path).build([date(2026, 4, 1), date(2026, 3, 1), date(2026, 4, 1)], labels=True)


def test_columns_and_their_types(whole):
    frame = whole.frame
    assert list(frame.columns) == [
        "as_of", "user_id", "account_id", "enough_history", "active", *catalogue(), "label", "treated",
    ]  # fmt: skip
    assert pd.api.types.is_datetime64_dtype(frame["as_of"])
    assert frame[list(catalogue())].dtypes.eq("float64").all()
    assert frame[["enough_history", "active", "treated"]].dtypes.eq(bool).all()


def test_rows_stand_in_the_order_of_cutoff_and_id_and_cutoffs_given_twice_once(whole):
    found = [(str(as_of.date()), who) for as_of, who in whole.frame[["as_of", "user_id"]].itertuples(index=False)]
    assert found == [(day, who) for day in ("2026-03-01", "2026-04-01") for who in ("U1", "u10", "u2")]


def test_coverage_says_what_is_not_available_and_why(whole):
    coverage = whole.coverage.set_index("metric")
    assert list(coverage.index) == list(catalogue())
    gone = coverage[~coverage["available"]]["reason"].to_dict()
    assert gone["mrr"] == "no table 'subscriptions'"
    assert gone["data_processed_30d"] == "no column 'value' in events"
    assert whole.frame[list(gone)].isna().all().all()
    assert coverage.loc["events_30d", "available"]


def test_event_names_that_no_rule_names_are_listed_and_counted_as_activity(whole):
    assert whole.unmapped == ("click", "save")
    assert whole.frame["events_30d"].tolist() == [1, 0, 1, 0, 0, 0]
    assert whole.frame["distinct_features_30d"].tolist() == [1, 0, 1, 0, 0, 0]


def test_rows_in_are_rows_accounted_for(whole):
    (events,) = whole.loads.to_dict("records")
    assert (events["table"], events["rows"], events["loaded"], events["quarantined"]) == ("events", 4, 4, 0)


def test_a_cutoff_before_everything_gives_no_rows_but_all_columns(tmp_path):
    found = build(write_project(tmp_path, EVENTS), date(2020, 1, 1), names=["events_30d", "account_age_days"])
    assert len(found.frame) == 0
    assert list(found.frame.columns)[-2:] == ["events_30d", "account_age_days"]


def test_a_cutoff_after_everything_still_knows_everybody(tmp_path):
    found = build(write_project(tmp_path, EVENTS), date(2026, 8, 1), names=["events_30d", "days_since_last_active"])
    assert found.frame["events_30d"].tolist() == [0, 0, 0]
    assert found.frame["days_since_last_active"].tolist() == [160.5, 102.5, 161.5]


def test_an_event_at_the_cutoff_itself_is_in_the_future(tmp_path):
    text = "user_id, event, time\nada, click, 2026-03-31T23:59:59.999999Z\nada, click, 2026-04-01T00:00:00Z"
    path = write_project(tmp_path, text)
    assert build(path, AS_OF).frame["events_30d"].tolist() == [1]


def test_midnight_is_the_projects(tmp_path):
    text = "user_id, event, time\nada, click, 2026-04-01T03:59:59Z\nada, click, 2026-04-01T04:00:00Z"
    path = write_project(tmp_path, text, timezone="America/New_York")
    found = build(path, AS_OF, names=["events_30d", "days_since_last_active"]).frame
    assert found["events_30d"].tolist() == [1]
    assert found["days_since_last_active"].tolist() == pytest.approx([1 / 86400])


def test_windows_are_of_calendar_days_and_ages_of_hours(tmp_path):
    """In New York the clock went forward on March 8: 30 days back is an hour less than 720 hours."""
    text = """
    user_id, event, time
    ada, click, 2026-03-02T05:00:00Z
    ben, click, 2026-03-02T04:59:59Z
    """
    path = write_project(tmp_path, text, timezone="America/New_York")
    found = build(path, AS_OF, names=["events_30d", "account_age_days"]).frame
    assert found["events_30d"].tolist() == [1, 0]
    assert found["account_age_days"][0] == pytest.approx(30 - 1 / 24)


def test_too_young_for_a_comparison_is_null(tmp_path):
    """Growth compares with [60, 30): somebody created an hour after that began has not seen all of it."""
    old = "".join(f"ada, click, 2026-03-{day:02}T12:00:00Z\n" for day in range(5, 11))
    young = old.replace("ada", "ben")
    text = f"user_id, event, time\nada, click, 2026-01-31T00:00:00Z\nben, click, 2026-01-31T01:00:00Z\n{old}{young}"
    found = build(write_project(tmp_path, text), AS_OF, names=["usage_growth_30d", "new_categories_30d"]).frame
    assert found["usage_growth_30d"][0] == 5  # from 1 to 6
    assert math.isnan(found["usage_growth_30d"][1])
    assert found["new_categories_30d"].isna().tolist() == [False, True]


KNOWN = """
user_id, event, time,                 known_at
ada,     click, 2026-03-10T12:00:00Z, 2026-03-10T12:00:00Z
ada,     click, 2026-03-12T12:00:00Z, 2026-03-31T23:59:59Z
ada,     click, 2026-03-14T12:00:00Z, 2026-04-01T00:00:00Z
ada,     click, 2026-03-15T12:00:00Z, 2026-04-01T00:00:00Z
"""


def test_events_count_from_when_they_were_known(tmp_path):
    names = ["events_30d", "active_days_30d", "sessions_per_week_28d", "days_since_last_active", "account_age_days"]
    data = opened(write_project(tmp_path, KNOWN), names)
    together = data.build([date(2026, 3, 20), date(2026, 4, 1), date(2026, 4, 2)]).frame
    assert together["events_30d"].tolist() == [1, 2, 4]
    assert together["active_days_30d"].tolist() == [1, 2, 4]
    assert together["sessions_per_week_28d"].tolist() == [0.25, 0.5, 1]
    assert together["days_since_last_active"].tolist() == [9.5, 19.5, 17.5]
    alone = data.build([date(2026, 4, 1)]).frame
    pd.testing.assert_frame_equal(together[1:2].reset_index(drop=True), alone)


def test_events_without_an_account_move_with_their_user(tmp_path):
    """For an account, an event that names none counts for the account that its user belonged to at the cutoff."""
    text = """
    user_id, account_id, event, time
    ada,     acme,       click, 2026-02-20T12:00:00Z
    ada,         ,       click, 2026-02-21T12:00:00Z
    ada,     brik,       click, 2026-03-10T12:00:00Z
    """
    data = opened(write_project(tmp_path, text, entity="account"), ["events_30d", "active_week_ratio"])
    frame = data.build([date(2026, 3, 1), date(2026, 3, 20)]).frame
    found = {(str(r.as_of.date()), r.account_id): r.events_30d for r in frame.itertuples()}
    assert found == {("2026-03-01", "acme"): 2, ("2026-03-20", "brik"): 2}
