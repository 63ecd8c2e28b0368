"""What the page of 100,000 users and twelve months costs: seconds to build, bytes, the browser's load event.

    python experiments/benchmarks/page_cost.py [--users 100000] [--work DIR]

A history is drawn (every metric of the catalogue at random, no product behind it: cost does not ask), a night a month,
one a week before the last; document D's card speaks. `--work` keeps it between runs.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from powerml.config import fingerprints
from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.history.nights import Night
from powerml.history.store import NightHistory
from powerml.scoring.named import from_weights
from powerml.scoring.scores_table import score_rows
from powerml.workflows.report import make_report
from tests.builders import write_project

LAST = date(2026, 11, 1)
NOW = datetime(2026, 11, 2, tzinfo=UTC)
MONTHS = 12
PEOPLE = {"account_name": "a customer", "owner": "somebody", "email": None}
LIMITS = {"built_s": 30.0, "megabytes": 8.0, "load_s": 3.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--work", type=Path)
    asked = parser.parse_args()
    folder = asked.work or Path(tempfile.mkdtemp(prefix="page-cost-"))
    project = load_project(write_project(folder, "user_id,event,time\nu0,open,2025-01-01T00:00:00Z\n", project="big"))
    history = NightHistory.of(project)
    if not history.nights():
        for day in days():
            keep_night(history, day, asked.users)
    before, cpu = time.perf_counter(), cpu_seconds()
    made = make_report(project, now=NOW)
    told = {"users": asked.users, "nights": len(history.nights()), "built_s": time.perf_counter() - before,
            "built_cpu_s": cpu_seconds() - cpu, "megabytes": len(made.html.encode()) / 1e6}  # fmt: skip
    file = folder / "report.html"
    file.write_text(made.html, encoding="utf-8")
    told |= opened(file)
    told["within"] = {name: bool(told[name] <= limit) for name, limit in LIMITS.items() if name in told}
    print(json.dumps(told, indent=1))


def days() -> list[date]:
    """The first of each month, and a week before the last."""
    first = [(pd.Timestamp(LAST) - pd.DateOffset(months=back)).date() for back in range(MONTHS)]
    return sorted([*first, LAST - timedelta(days=7)])


def keep_night(history: NightHistory, day: date, users: int) -> None:
    """A night of random people."""
    random, ids = np.random.default_rng(99), [f"u{i:07d}" for i in range(users)]
    drift = np.random.default_rng(day.toordinal())
    columns = {
        name: np.round(random.gamma(1.0, 5.0, users) * drift.uniform(0.8, 1.2, users), 3) for name in catalogue()
    }
    frame = pd.DataFrame(columns)
    for name in frame:
        if catalogue()[name].unit in ("ratio", "share"):
            frame[name] = frame[name].clip(0, 1)
    frame.insert(0, "account_id", [f"a{i // 4:06d}" for i in range(users)])
    frame.insert(0, "user_id", ids)
    frame.insert(0, "as_of", pd.Timestamp(day))
    frame = frame.assign(enough_history=True, active=True, left=False, label="immature")
    counts = {"features": 20, "advanced": 5, "core": 6}
    scorer = from_weights("engagement").with_counts(counts)
    table, baseline = score_rows(
        scorer, frame.drop(columns="left"), ids=["as_of", "user_id", "account_id"], ranking="stored",
        reasons=3 if day == LAST else 0, now=NOW, metrics=scorer.metrics(catalogue()),
    )  # fmt: skip
    facts = {"vocabulary_counts": counts, "newest_event_days": 0.5, "contracts": False}
    file = history.keep_snapshot(day, frame, facts)
    ladder = scorer.model.scorer.bands
    there = table[table["status"] == "scored"]
    shares = there[scorer.model.band_column].value_counts(normalize=True).to_dict()
    digest = fingerprints.of_json(scorer.model.to_dict())
    entry = Night(
        as_of=day, model=scorer.name, model_version=scorer.version, revision=1, made_by="backfill", role="main",
        kind=scorer.model.kind, id_column="user_id", band_column=scorer.model.band_column, digest=digest + str(day),
        scorer=digest, snapshot_file=file, made_at=str(day), bands=tuple(zip(ladder.edges, ladder.names, strict=True)),
        baseline=baseline, entities=len(table), scored=len(there), mean_score=float(there["score"].mean()),
        shares=shares,
    )  # fmt: skip
    history.keep_scores(entry, table)
    history.keep_table(day, "people", frame[["user_id", "account_id"]].assign(**PEOPLE, name=ids))
    history.admit(entry)


def opened(file: Path) -> dict[str, float]:
    """Seconds to the load event, and until every chart is drawn; nothing where there is no browser."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    if chromium is None:
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        began = time.perf_counter()
        page.goto(file.as_uri(), wait_until="load")
        load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
        page.wait_for_selector("html[data-drawn=all]", state="attached", timeout=120_000)
        drawn = time.perf_counter() - began
        browser.close()
    return {"load_s": load, "all_drawn_s": drawn}


def cpu_seconds() -> float:
    """CPU of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
