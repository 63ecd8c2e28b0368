"""What event names mean, said once: feature, category, tier, depth and roles per event name or glob."""

from __future__ import annotations

from typing import Literal

from powerml.config.base import Source, Spec

Role = Literal[
    "login", "key_action", "content_created", "report", "export", "share", "collaboration", "invite",
    "integration_added", "integration_removed", "workflow_started", "workflow_completed", "error", "feature_request",
    "beta", "referral", "automation", "ignore",
]  # fmt: skip
Depth = Literal["basic", "intermediate", "advanced"]
Tier = Literal["core", "advanced", "none"]

DEPTH_LEVELS: dict[Depth, int] = {"basic": 0, "intermediate": 1, "advanced": 2}


class Meaning(Spec):
    """What one event name (or all names that match a glob) stands for.

    `feature` defaults to the event name, `category` to the feature.
    """

    feature: str | None = None
    category: str | None = None
    tier: Tier | None = None
    depth: Depth = "basic"
    roles: tuple[Role, ...] = ()
    source: Source | None = None


Vocabulary = dict[str, Meaning]


def is_glob(name: str) -> bool:
    """Whether a vocabulary key is a pattern, such as `commit:*`.

    >>> is_glob("commit:*"), is_glob("signed_in")
    (True, False)
    """
    return any(c in name for c in "*?[")
