"""What the page asks of the sources: first key actions, people per feature, why accounts stopped paying."""

from datetime import date

import pandas as pd
import pytest

from tests.builders import AS_OF, opened, write_project

VOCABULARY = {
    "open": {"feature": "Home", "roles": ["login"]},
    "report": {"feature": "Reports", "roles": ["key_action"]},
    "odd": {"roles": ["ignore"]},
}
EVENTS = """
user_id,event,time
ada,open,2026-03-01T09:00:00Z
ada,report,2026-03-08T23:00:00Z
bob,open,2026-03-20T09:00:00Z
bob,unknown,2026-03-21T09:00:00Z
cyd,report,2026-03-25T10:00:00Z
dan,open,2026-03-26T10:00:00Z
dan,report,2026-04-02T10:00:00Z
eve,report,2024-01-01T10:00:00Z
"""


@pytest.fixture
def usage(tmp_path):
    return opened(write_project(tmp_path, EVENTS, vocabulary=VOCABULARY)).usage(AS_OF)


def test_first_key_actions_are_those_known_at_the_cutoff(usage):
    """Ada after 7 days, Cyd on the first day; Dan's comes after the cutoff; Eve began more than a year ago."""
    rows = usage.first_actions().set_index("user_id")
    assert list(rows.index) == ["ada", "bob", "cyd", "dan"]
    assert rows["days"].fillna(-1).tolist() == [7, -1, 0, -1]
    assert rows.loc["ada", "created"] == pd.Timestamp("2026-03-01")


def test_without_the_role_nothing_is_known_of_first_key_actions(tmp_path):
    assert opened(write_project(tmp_path, EVENTS)).usage(AS_OF).first_actions() is None


def test_people_per_feature_and_segment_of_those_in_the_segments(usage):
    segments = pd.DataFrame({"user_id": ["ada", "bob", "cyd"], "segment": ["x", "x", "y"]})
    found = usage.people_per_feature(segments)
    assert found.to_dict("list") == {
        "segment": ["x", "x", "y"],
        "feature": ["Home", "Reports", "Reports"],
        "people": [1, 1, 1],  # Ada opened it 31 days ago
        "of": [2, 2, 1],
    }


def test_accounts_are_counted_where_accounts_are_scored(tmp_path):
    events = EVENTS.replace("user_id,event", "user_id,account_id,event").replace("ada,", "ada,one,")
    for who in ("bob", "cyd", "dan", "eve"):
        events = events.replace(f"\n{who},", f"\n{who},one,")
    data = opened(write_project(tmp_path, events, vocabulary=VOCABULARY, entity="account"))
    found = data.usage(AS_OF).people_per_feature(pd.DataFrame({"account_id": ["one"], "segment": ["x"]}))
    assert found[["feature", "people", "of"]].to_numpy().tolist() == [["Home", 1, 1], ["Reports", 1, 1]]


def test_why_accounts_stopped_paying_within_a_year(tmp_path):
    """`a` renews, so its first end is no leaving; `b` and `c` left; `d` told nothing; `e` left long ago."""
    tables = {
        "subscriptions": """
        account_id,start,end,mrr,reason
        a,2025-01-01,2025-12-01,10,moved to yearly
        a,2025-12-01,,10,
        b,2025-01-01,2025-12-01,10,too dear
        c,2025-01-01,2025-11-01,10,too dear
        d,2025-01-01,2025-10-01,10,
        e,2023-01-01,2024-01-01,10,closed
    """
    }
    data = opened(write_project(tmp_path, EVENTS, tables=tables))
    found = data.usage(date(2026, 4, 1)).leaving()
    assert found.where(found.notna(), None).to_numpy().tolist() == [["too dear", 2], [None, 1]]


def test_without_a_column_for_reasons_nothing_is_known(tmp_path):
    tables = {"subscriptions": "account_id,start,end,mrr\nb,2025-01-01,2025-12-01,10\n"}
    assert opened(write_project(tmp_path, EVENTS, tables=tables)).usage(AS_OF).leaving() is None
