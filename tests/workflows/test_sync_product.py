"""Two nights of a simulated product at both services: they hold what the tables say, field by field."""

import shutil
from datetime import UTC, date, datetime

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.history.store import NightHistory
from powerml.simulation import write_product
from powerml.workflows.night.run import run_night
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.conftest import _at_once  # noqa: F401  (a fixture)
from tests.sinks.fakes import FakeAttio, FakePosthog, running
from tests.sinks.world import settings

NOW = datetime(2024, 6, 2, 2, tzinfo=UTC)
FIRST, SECOND = date(2024, 5, 31), date(2024, 6, 1)
STEPS = ("snapshot", "score", "history")
APPLY = SyncOptions(apply=True)
TIERS = {
    "Champions": "Champion",
    "Power Users": "Power User",
    "Rising Stars": "Rising Star",
    "Standard Users": "Standard",
}
PARTS = ("depth", "tenure", "collaboration", "expansion", "sentiment")


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """Sixty users of whom each account has a domain of its own."""
    folder = tmp_path_factory.mktemp("product") / "shop"
    write_product(folder, "validation", users=60, months=5, seed=21, start=date(2024, 1, 1), workers=1, chunk=1)
    users = pd.read_parquet(folder / "users.parquet")
    users["email"] = users["user_id"] + "@" + users["account_id"] + ".example"
    users.to_parquet(folder / "users.parquet", index=False)
    return folder


def begun(folder, posthog, attio, **more):
    """The product's project, its sinks at two addresses, after its first night."""
    told = yaml.safe_load((folder / "powerml.yaml").read_text())
    told["sync"] = {**settings(posthog, "posthog"), **settings(attio, "attio")}
    told |= {"night": {"moved": 1.0, "fewer": 1.0}, **more}
    path = folder / "powerml.yaml"
    path.write_text(yaml.safe_dump(told))
    project = load_project(path)
    run_night(project, as_of=FIRST, only=STEPS, now=NOW)
    return project


def tables(project):
    """The newest night as its tables say: the composite of everybody scored, with `active` and `match`."""
    history = NightHistory.of(project)
    night = history.newest("power_user")
    place = history.folder / night.as_of.isoformat()
    scores = pd.read_parquet(place / night.scores_file).set_index(night.id_column)
    scores = scores[scores["status"] == "scored"]
    scores["active"] = pd.read_parquet(place / night.snapshot_file).set_index(night.id_column)["active"]
    people = history.table(night, "people").set_index(night.id_column)
    scores["match"] = people["email" if night.id_column == "user_id" else "domain"]
    scores["word"] = scores["tier"].map(TIERS)
    return scores


def whole(value):
    return None if pd.isna(value) else round(value)


def compare_posthog(project, fake, night, version):
    rows = tables(project)
    rows = rows[rows["active"].astype(bool)]
    events = {
        e["distinct_id"]: e
        for e in fake.events.values()
        if e["timestamp"] == f"{night}T00:00:00Z" and e["event"] == "power_user_score_computed"
    }
    assert set(events) == set(rows.index)
    by_entity = fake.persons if project.entity == "user" else {key: told for (_, key), told in fake.groups.items()}
    for id_, row in rows.iterrows():
        told = events[id_]["properties"]
        assert told["composite_score"] == whole(row["score"])
        assert told["percentile"] == whole(row["percentile"])
        assert {part: told[f"{part}_score"] for part in PARTS} == {p: whole(row[f"{p}_score"]) for p in PARTS}
        assert by_entity[id_] == {
            "power_user_score": whole(row["score"]),
            "power_user_tier": row["word"],
            "power_user_percentile": whole(row["percentile"]),
            "power_user_scored_at": str(row["scored_at"]),
            "power_user_model": f"power_user@{version}",
        }
    for id_, told in by_entity.items():
        if id_ not in rows.index:
            assert not any(told.values()), id_


def compare_attio(project, fake, object_):
    rows = tables(project)
    assert fake.scores(object_) == {
        row["match"]: (whole(row["score"]), row["word"]) for _, row in rows.iterrows() if isinstance(row["match"], str)
    }
    records = fake.records[object_]
    name = "email_addresses" if object_ == "people" else "domains"
    entries = fake.entries.get("power_user_candidates", {}).values()
    listed = [records[entry["parent_record_id"]]["values"][name][0] for entry in entries]
    assert sorted(listed) == sorted(rows[rows["score"] >= 60]["match"].dropna())


@pytest.mark.slow
@pytest.mark.parametrize("entity", ["user", "account"])
def test_two_nights_of_a_product_at_both_services(product, tmp_path, entity):
    folder = shutil.copytree(product, tmp_path / entity)
    posthog, attio = FakePosthog(), FakeAttio()
    object_ = "people" if entity == "user" else "companies"
    with running(posthog) as first, running(attio) as second:
        project = begun(folder, first, second, entity=entity, project=f"shop-{entity}")
        told = CliRunner().invoke(root, ["sync", "--dry-run", "-c", project.file])
        assert "posthog, 2024-05-31: would write" in told.stdout
        assert posthog.writes == attio.writes == 0
        said = sync(project)
        done = sync(project, options=APPLY)
        for planned, made in zip(said, done, strict=True):
            assert not made.findings
            assert made.plan.counts() == planned.plan.counts()
            assert [(w.action, w.key, w.digest) for w in made.plan.writes] == [
                (w.action, w.key, w.digest) for w in planned.plan.writes
            ]
            assert made.done.written == len(planned.plan.writes)
        version = NightHistory.of(project).newest("power_user").model_version
        compare_posthog(project, posthog, FIRST, version)
        compare_attio(project, attio, object_)
        cohorts = sorted(kind["name"] for kind in posthog.things["cohorts"].values())
        expected = ["Champions", "Power Users", "Rising Stars", "Standard Users"]
        assert cohorts == (expected if entity == "user" else [])
        assert len(posthog.things["insights"]) == 5
        if entity == "account":
            assert {kind for kind, _ in posthog.groups} == {"company"}
            assert not any(posthog.persons.values())  # nothing is said of persons
        writes, before = (posthog.writes, attio.writes), tables(project)
        assert [one.done.written for one in sync(project, options=APPLY)] == [0, 0]
        assert (posthog.writes, attio.writes) == writes
        night = run_night(project, as_of=SECOND, only=(*STEPS, "sync"), now=NOW)
        assert night.steps[-1].counts["failed"] == []
        after = tables(project)
        compare_posthog(project, posthog, SECOND, version)
        compare_attio(project, attio, object_)
        both = before[["score", "word"]].join(after[["score", "word"]].add_suffix("_after"), how="inner")
        moved = both[
            (both["score"].map(whole) != both["score_after"].map(whole)) | (both["word"] != both["word_after"])
        ]
        new, gone = set(after.index) - set(before.index), set(before.index) - set(after.index)
        puts = [
            body for method, path, body in attio.calls if (method, path) == ("PUT", f"/v2/objects/{object_}/records")
        ]
        assert len(puts) == len(before) + len(moved) + len(new)
        patches = [path for method, path, _ in attio.calls if method == "PATCH"]
        assert len(patches) == len(gone)
        assert len(posthog.received) == len(set(posthog.received))
