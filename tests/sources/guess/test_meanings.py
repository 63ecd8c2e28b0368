from __future__ import annotations

from datetime import date

import pytest

from powerml.config.vocabulary import Meaning
from powerml.sources.guess.meanings import EventName, meanings

DAY = date(2026, 1, 1)


def meant(event, users=1, events=5):
    return meanings([EventName(event, events, DAY, DAY, users)], 100)[event]


@pytest.mark.parametrize(
    ("event", "role"),
    [
        ("signed_in", "login"),
        ("User Logged In", "login"),
        ("heartbeat", "ignore"),
        ("$identify", "ignore"),
        ("report_generated", "report"),
        ("csvExported", "export"),
        ("dashboard shared", "share"),
        ("comment_added", "collaboration"),
        ("teammate_invited", "invite"),
        ("integration_connected", "integration_added"),
        ("integration_removed", "integration_removed"),
        ("workflow_started", "workflow_started"),
        ("workflow_completed", "workflow_completed"),
        ("error_shown", "error"),
        ("feature_requested", "feature_request"),
        ("friend_referred", "referral"),
        ("api_called", "automation"),
        ("project_created", "content_created"),
    ],
)
def test_roles_from_words(event, role):
    assert role in meant(event)["roles"]


def test_what_most_do_is_core_and_what_few_do_is_advanced():
    names = [EventName("search", 900, DAY, DAY, 90), EventName("merge_rows", 30, DAY, DAY, 5)]
    found = meanings(names, 100)
    assert found["search"] == {"tier": "core", "roles": ["key_action"]}
    assert found["merge_rows"]["tier"] == "advanced"


def test_every_meaning_is_one_that_a_vocabulary_may_hold():
    for event in ("api_called", "create_list", "error", "viewed"):
        assert Meaning(**meant(event, users=80)).depth in ("basic", "intermediate", "advanced")
