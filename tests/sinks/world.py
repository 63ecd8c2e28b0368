"""A project with nights kept by hand, as `powerml night` leaves them, and the sinks of its `sync:` block."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.project import load_project
from powerml.history.store import NightHistory
from tests.builders import write_project
from tests.history.kept import keep, night

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.config.project import ProjectSpec

PEOPLE = {"ada": 91.2, "bob": 78.4, "cyd": 60.0, "dan": 44.9, "eve": 12.0}
ENVIRONMENT = {
    "PH_KEY": "phc_project",
    "PH_PERSONAL": "phx_personal",
    "ATTIO_KEY": "attio-token",
    "HOOK_SECRET": "a-secret-of-the-hook",
}


def settings(address: str, *names: str) -> dict:
    """The `sync:` block for services at one address; a webhook's address is in HOOK_URL."""
    every = {
        "posthog": {"host": address, "project_id": 42, "project_key_env": "PH_KEY", "personal_key_env": "PH_PERSONAL"},
        "attio": {"host": address, "token_env": "ATTIO_KEY"},
        "webhook": {"url_env": "HOOK_URL", "secret_env": "HOOK_SECRET"},
    }
    return {name: every[name] for name in names}


def project_in(folder: Path, sync: dict, **more) -> ProjectSpec:
    """A project of hand-kept nights, which no brake holds unless `night` says so."""
    more = {"night": {"moved": 1.0, "fewer": 1.0}, **more}
    events = "user_id,event,time\nada,open,2026-02-01T08:00:00Z\n"
    return load_project(write_project(folder, events, project="shop", sync=sync, **more))


def say(
    project: ProjectSpec,
    as_of: str,
    scores: dict[str, float],
    *,
    inactive: tuple[str, ...] = (),
    emails: dict[str, str | None] | None = None,
    made_by: str = "night",
) -> None:
    """A night by the composite alone (`night: {model: power_user}`), and who is who."""
    history = NightHistory.of(project)
    people = {
        who: {"score": score, "active": who not in inactive, "account_id": f"{who}-inc"}
        for who, score in scores.items()
    }
    entry = night(as_of, model="power_user", made_by=made_by)
    table = keep(history, entry, people)
    path = history.folder / as_of / table.scores_file
    rows = pd.read_parquet(path)
    rows["percentile"] = rows["score"].rank(pct=True) * 100
    for name, share in (("depth", 1.0), ("tenure", 0.9), ("collaboration", 0.8), ("expansion", 0.7)):
        rows[f"{name}_score"] = rows["score"] * share
    rows["sentiment_score"] = float("nan")
    rows["model"], rows["model_version"], rows["scored_at"] = "power_user", "1", f"{as_of}T02:00:00Z"
    path.unlink()
    rows.to_parquet(path, index=False)
    known = {who: f"{who}@shop.example" for who in scores} | (emails or {})
    frame = pd.DataFrame(
        {"user_id": list(known), "account_id": [f"{w}-inc" for w in known], "email": list(known.values())}
    )
    history.keep_table(date.fromisoformat(as_of), "people", frame)
