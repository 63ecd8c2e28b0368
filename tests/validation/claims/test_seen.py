import numpy as np
import pandas as pd

from powerml.config.claims import ClaimsSpec
from powerml.validation.claims.seen import columns_to_see, seen_checks

CLAIMS = ClaimsSpec.model_validate(
    {
        "document": "made up",
        "tiers": [{"name": "Top", "from": 80, "share": 0.2}, {"name": "Middle", "from": 40, "share": 0.5}],
        "concentration": [{"what": "actions", "top": [0.1, 0.2], "share": [0.5, 0.6], "metric": "key_actions_30d"}],
    }
)


def seen(scores, actions):
    ids = [f"u{i}" for i in range(len(scores))]
    return pd.DataFrame({"user_id": ids, "score": scores, "key_actions_30d": actions, "active": True}).astype(
        {"score": float, "key_actions_30d": float}
    )


def verdicts(frame):
    return [(check.code, check.verdict) for check in seen_checks(CLAIMS, frame)]


def test_shares_as_claimed_are_consistent():
    """20 of 100 at the top and 50 in the middle; the top 15 make 15 x 30 = 450 of 450 + 425."""
    frame = seen([90] * 20 + [50] * 50 + [0] * 30, [30] * 15 + [5] * 85)
    assert verdicts(frame) == [
        ("tier_share_seen", "consistent"),
        ("tier_share_seen", "consistent"),
        ("concentration_seen", "consistent"),
    ]


def test_other_shares_are_contradictions():
    frame = seen([10] * 200, [3] * 200)
    assert {verdict for _, verdict in verdicts(frame)} == {"contradiction"}


def test_without_scores_or_actions_nothing_can_be_checked():
    frame = seen([np.nan] * 5, [0] * 5)
    assert {verdict for _, verdict in verdicts(frame)} == {"cannot be checked"}


def test_inactive_users_do_not_count():
    frame = seen([90] * 20 + [50] * 50 + [0] * 30, [30] * 15 + [5] * 85)
    idle = seen([0] * 500, [0] * 500).assign(active=False)
    checks = list(seen_checks(CLAIMS, pd.concat([frame, idle], ignore_index=True)))
    assert {check.figures["n"] for check in checks} == {100}


def test_only_what_is_there_is_checked():
    assert columns_to_see(CLAIMS) == ("score", "key_actions_30d")
    frame = seen([90], [1]).drop(columns="score")
    assert [check.code for check in seen_checks(CLAIMS, frame)] == ["concentration_seen"]
