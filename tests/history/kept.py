"""A history kept by hand: a few people, what was said of them, and the metrics that lists and alerts read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from powerml.history.nights import Night

if TYPE_CHECKING:
    from powerml.history.store import NightHistory

LADDER = ((90.0, "Champions"), (70.0, "Healthy"), (50.0, "Stable"), (30.0, "At Risk"), (0.0, "High Risk"))
TIERS = ((80.0, "Champions"), (60.0, "Power Users"), (40.0, "Rising Stars"), (0.0, "Standard Users"))
DEFAULTS = {
    "events_30d": 10.0,
    "account_age_days": 200.0,
    "mrr": 100.0,
    "plan_tier": 0.5,
    "active": True,
    "left": False,
}


def band(score, ladder=LADDER):
    return next(name for edge, name in ladder if score >= edge)


def night(as_of, *, scorer="s1", version="1", made_by="night", model="crm", role="main", made_at="1", **more):
    ladder = TIERS if model == "power_user" else LADDER
    return Night(
        as_of=date.fromisoformat(as_of), model=model, model_version=version, revision=0, made_by=made_by, role=role,
        kind="fitted", id_column="user_id", band_column="tier" if model == "power_user" else "band",
        digest=f"{scorer}{as_of}", scorer=scorer, snapshot_file="", made_at=made_at, bands=ladder, **more,
    )  # fmt: skip


def keep(history: NightHistory, entry: Night, people: dict[str, dict]) -> Night:
    """Writes a night; per user an account (default: their own), a score, probabilities, a status, any metric."""
    rows = [
        {"user_id": who, "account_id": f"{who}-inc", "status": "scored", **DEFAULTS, **told}
        for who, told in people.items()
    ]
    frame = pd.DataFrame(rows).assign(as_of=pd.Timestamp(entry.as_of), label="immature", enough_history=True)
    said = [
        name for name in ("status", "score", "p_churn", "p_expand", "churn_lift", "reasons", "signals") if name in frame
    ]
    scores = frame[["as_of", "user_id", "account_id", *said]].copy()
    if "score" in scores:
        scores[entry.band_column] = [band(s, entry.bands) if s == s else None for s in scores["score"]]
    snapshot = frame[[name for name in frame if name not in said]]
    file = history.keep_snapshot(entry.as_of, snapshot, {"newest_event_days": 0.5})
    entry = history.numbered(replace(entry, snapshot_file=file))
    history.keep_scores(entry, scores)
    history.admit(entry)
    return entry
