"""Each export gives the same snapshot as the clean tables it was made from, with every trap it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pandas.testing import assert_frame_equal

from powerml.config.project import load_project
from powerml.errors import DataError
from powerml.sources.shapes.reading import recognised
from powerml.workflows.init import init
from powerml.workflows.project import open_project
from tests.sources.shapes import worlds

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    return worlds.expected(tmp_path_factory.mktemp("truth") / "x")


@pytest.fixture(scope="module")
def truth_without_sessions(tmp_path_factory):
    return worlds.expected(tmp_path_factory.mktemp("truth") / "x", without=("session_id",))


@pytest.fixture(scope="module")
def truth_of_events(tmp_path_factory):
    return worlds.expected(tmp_path_factory.mktemp("truth") / "x", without=("session_id",), users=False)


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    assert len(theirs) == 12
    assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize(("parquet", "warehouse"), [(True, False), (False, False), (True, True)])
def test_posthog(tmp_path, truth, parquet, warehouse):
    worlds.posthog(tmp_path, parquet=parquet, warehouse=warehouse)
    persons = f"persons.{'parquet' if parquet else 'jsonl'}"
    events = {"files": "events", "shape": {"name": "posthog", "persons": persons}}
    same(worlds.snapshot(tmp_path, {"events": events, "users": {"files": persons, "shape": "posthog"}}), truth)


def test_posthog_without_persons_takes_the_person_of_later_events(tmp_path):
    rows = [("u1", "d1", "old", "2026-01-01"), ("u2", "d1", "new", "2026-02-01"), ("u3", "d2", "two", "2026-01-01")]
    worlds.lines(
        tmp_path / "e.jsonl",
        [{"uuid": u, "event": "x", "distinct_id": d, "person_id": p, "properties": None, "timestamp": f"{t}T00:00:00Z",
          "created_at": f"{t}T00:00:00Z"} for u, d, p, t in rows],
    )  # fmt: skip
    (tmp_path / "powerml.yaml").write_text("tables: {events: {files: e.jsonl, shape: posthog}}\nvocabulary: {}\n")
    loaded = open_project(load_project(tmp_path / "powerml.yaml"), now=worlds.NOW).loaded
    found = loaded.con.execute("SELECT event_id, user_id FROM events ORDER BY 1").fetchall()
    assert found == [("u1", "new"), ("u2", "new"), ("u3", "two")]


def posthog_row(uuid, who, at, **more):
    return {"uuid": uuid, "event": "x", "distinct_id": f"d-{who}", "person_id": who, "properties": "{}",
            "timestamp": at, "created_at": "2026-03-01T00:00:00Z", **more}  # fmt: skip


def test_posthog_people_without_a_profile_and_clocks_that_run_ahead(tmp_path):
    rows = [posthog_row("u1", "p1", "2026-02-01T00:00:00Z"), posthog_row("u2", "p9", "2026-02-02T00:00:00Z")]
    rows.append(posthog_row("u3", "p1", "2031-01-01T00:00:00Z"))  # PostHog stores what a wrong clock sent
    worlds.lines(tmp_path / "e.jsonl", rows)
    person = {"team_id": 3, "distinct_id": "d-p1", "person_id": "merged", "properties": "{}", "is_deleted": False}
    worlds.lines(
        tmp_path / "p.jsonl", [person | {"person_distinct_id_version": 1, "created_at": "2026-01-01T00:00:00Z"}]
    )
    (tmp_path / "powerml.yaml").write_text(
        "tables:\n  events: {files: e.jsonl, shape: {name: posthog, persons: p.jsonl}, max_bad_rows: 0.5}\n"
        "  users: {files: p.jsonl, shape: posthog}\nvocabulary: {}\n"
    )
    loaded = open_project(load_project(tmp_path / "powerml.yaml"), now=worlds.NOW).loaded
    found = loaded.con.execute("SELECT event_id, user_id FROM events ORDER BY 1").fetchall()
    assert found == [("u1", "merged"), ("u2", "p9")]
    assert loaded.quarantine["rule"].to_list() == ["in the future"]


@pytest.mark.parametrize("raw", [True, False])
def test_segment(tmp_path, truth_without_sessions, raw):
    worlds.segment(tmp_path, raw=raw)
    events = {"files": "tracks.jsonl", "shape": {"name": "segment", "identifies": "identifies.jsonl"}}
    users = {"files": "identifies.jsonl", "shape": {"name": "segment", "groups": "groups.jsonl"}}
    same(worlds.snapshot(tmp_path, {"events": events, "users": users}), truth_without_sessions)


def test_amplitude(tmp_path, truth_of_events):
    worlds.amplitude(tmp_path)
    same(worlds.snapshot(tmp_path, {"events": {"files": "export.zip", "shape": "amplitude"}}), truth_of_events)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_mixpanel(tmp_path, zone):
    truth = worlds.expected(tmp_path / "truth", without=("session_id",), users=False)
    worlds.mixpanel(tmp_path, zone=zone)
    entry = {"files": "mixpanel.jsonl", "shape": {"name": "mixpanel", "local": zone != "UTC"}, "timezone": zone}
    same(worlds.snapshot(tmp_path, {"events": entry}), truth)


ITEMS = """id,customer,product,quantity,unit_amount,currency,interval,interval_count,start,end,percent_off
i1,a1,pro,3,1000,usd,month,1,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z,
i2,a1,pro,5,12000,usd,year,1,2026-02-01T00:00:00Z,,50
i3,a1,support,1,600,usd,month,3,1769904000,,
i4,a2,basic,1,700,eur,week,1,2026-01-01T00:00:00Z,,
"""


def billed(tmp_path, shape, items=ITEMS):
    (tmp_path / "items.csv").write_text(items)
    (tmp_path / "e.csv").write_text("user_id,event,time\nu,x,2026-01-01\n")
    tables = f"{{events: {{files: e.csv}}, subscriptions: {{files: items.csv, shape: {shape}}}}}"
    (tmp_path / "powerml.yaml").write_text(f"tables: {tables}\nvocabulary: {{}}\n")
    loaded = open_project(load_project(tmp_path / "powerml.yaml"), now=worlds.NOW).loaded
    order = 'SELECT account_id, start::DATE::TEXT, "end"::DATE::TEXT, plan, mrr, seats FROM subscriptions ORDER BY 1, 2'
    return loaded.con.execute(order).fetchall()


def test_billing_items_become_months_and_add_up(tmp_path):
    assert billed(tmp_path, "{name: stripe, currency: usd}") == [
        ("a1", "2026-01-01", "2026-02-01", "pro", 30.0, 3.0),
        ("a1", "2026-02-01", None, "pro", 50.0 + 2.0, 5.0),
    ]


def test_a_zone_that_one_item_names_is_no_other_item_s(tmp_path):
    items = ITEMS.replace("2026-01-01T00:00:00Z", "2026-01-01 00:00:00 Asia/Tokyo", 1)
    items = items.replace("2026-02-01T00:00:00Z,,50", "2026-02-01 00:00:00,,50")
    assert [row[1] for row in billed(tmp_path, "{name: stripe, currency: usd}", items)] == ["2025-12-31", "2026-02-01"]


def test_a_discount_is_taken_off_where_its_column_is_named(tmp_path):
    assert billed(tmp_path, "{name: stripe, currency: usd, discount: percent_off}")[1][4] == 27.0
    with pytest.raises(DataError, match=r"no column 'rebate', which 'shape' gives for discount"):
        billed(tmp_path, "{name: stripe, currency: usd, discount: rebate}")


def test_several_currencies_are_not_added_up(tmp_path):
    with pytest.raises(DataError, match=r"several currencies: usd \(3 items\), eur \(1 items\); name one"):
        billed(tmp_path, "stripe")


def test_a_shape_that_gives_no_such_table(tmp_path):
    (tmp_path / "e.csv").write_text("user_id,event,time\nu,x,2026-01-01\n")
    text = "tables: {events: {files: e.csv}, users: {files: e.csv, shape: amplitude}}\nvocabulary: {}\n"
    (tmp_path / "powerml.yaml").write_text(text)
    with pytest.raises(DataError, match=r"tables\.users\.shape: amplitude gives no users; it gives events"):
        open_project(load_project(tmp_path / "powerml.yaml"), now=worlds.NOW)


def test_init_recognises_exports_without_a_mapping(tmp_path, truth):
    worlds.posthog(tmp_path / "export", parquet=True)
    init([tmp_path / "export"], tmp_path / "powerml.yaml", now=worlds.NOW)
    project = load_project(tmp_path / "powerml.yaml")
    shape = project.tables["events"].shape
    assert shape is not None
    assert (shape.name, shape.persons) == ("posthog", ("export/persons.parquet",))
    tables = {t: s.model_dump(include={"files", "shape"}, mode="json") for t, s in project.tables.items()}
    assert set(tables) == {"events", "users"}
    same(worlds.snapshot(tmp_path, tables), truth)


@pytest.mark.parametrize("made", [worlds.amplitude, worlds.mixpanel])
def test_init_recognises_what_stands_alone(tmp_path, made):
    made(tmp_path)
    (source,) = tmp_path.iterdir()
    init([source], tmp_path / "powerml.yaml", now=worlds.NOW)
    shape = load_project(tmp_path / "powerml.yaml").tables["events"].shape
    assert shape is not None
    assert shape.name == made.__name__


def test_columns_that_say_nothing_are_no_shape():
    assert recognised(["user_id", "event", "time"]) is None
    assert recognised(["customer", "quantity", "interval", "unit_amount"]) == ("stripe", "subscriptions")
