"""Cohorts, dashboard, insights: found again by name on any page, brought up to date in place, nobody else's touched."""

import json
from datetime import date

import duckdb
import pytest

from powerml.history.ledger import LEDGER_FILE
from powerml.sinks import posthog_views
from powerml.sinks.posthog_views import COHORTS, DASHBOARD, INSIGHTS, cohort_body
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import FakePosthog, running
from tests.sinks.world import PEOPLE, project_in, say, settings

pytestmark = pytest.mark.usefixtures("patient")
APPLY = SyncOptions(apply=True)


class Normalizing(FakePosthog):
    """Gives two things a page, by links to a host of its own naming; keeps filters nested, as the application does."""

    size = 2

    def _thing(self, method, kind, rest, query, body):
        if method == "GET" and not rest:
            start = int(query.get("page", 1)) - 1
            items = list(self.things[kind].values())
            more = f"http://internal.example:1/api/projects/{self.project}/{kind}/?page={start + 2}"
            here = items[start * self.size : (start + 1) * self.size]
            return 200, {"count": len(items), "next": more if (start + 1) * self.size < len(items) else None,
                         "previous": None, "results": here}  # fmt: skip
        if body and "filters" in body:
            (told,) = body["filters"]["properties"]["values"]
            nested = {"type": "OR", "values": [{"type": "AND", "values": [{**told, "value": [told["value"]]}]}]}
            body = {**body, "filters": {"properties": nested}}
        return super()._thing(method, kind, rest, query, body)


@pytest.fixture
def world(tmp_path):
    fake = Normalizing()
    with running(fake) as address:
        project = project_in(tmp_path / "shop", settings(address, "posthog"))
        say(project, "2026-03-01", PEOPLE)
        yield project, fake


def add(fake, kind, **told):
    made = {"id": fake.next_id, "deleted": False, **told}
    fake.things[kind][fake.next_id] = made
    fake.next_id += 1
    return made


def names(fake, kind):
    return sorted(thing["name"] for thing in fake.things[kind].values() if not thing["deleted"])


def test_a_second_machine_finds_everything_by_name_and_makes_nothing(world):
    project, fake = world
    for n in range(5):
        add(fake, "cohorts", name=f"another {n}", filters={})
        add(fake, "insights", name=f"another {n}")
    sync(project, options=APPLY)
    before = {kind: names(fake, kind) for kind in fake.things}
    (project.state / LEDGER_FILE).unlink()
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert {kind: names(fake, kind) for kind in fake.things} == before
    assert done.plan.counts()["dashboard"] == {"update": 1}
    assert "cohort" not in done.plan.counts()  # they say the same already, however they are nested
    assert len(set(before["cohorts"])) == len(before["cohorts"]) == 5 + len(COHORTS)


def test_a_cohort_of_that_name_that_holds_something_else_is_left_as_it_is(world):
    project, fake = world
    condition = {"type": "person", "key": "plan", "operator": "exact", "value": "enterprise"}
    theirs = add(fake, "cohorts", name="Champions", description="our best",
                 filters={"properties": {"type": "AND", "values": [condition]}})  # fmt: skip
    before = dict(theirs)
    (done,) = sync(project, options=APPLY)
    assert "a cohort 'Champions' is there that powerml did not make, and is left as it is" in done.plan.remarks
    assert theirs == before
    assert names(fake, "cohorts").count("Champions") == 1


@pytest.mark.parametrize("kind", ["dashboard", "insight"])
def test_a_view_of_somebody_else_s_is_left_alone_unless_adopted(world, kind):
    project, fake = world
    name = DASHBOARD if kind == "dashboard" else next(iter(INSIGHTS))
    theirs = add(fake, f"{kind}s", name=name, description="made by hand", dashboards=[7])
    before = dict(theirs)
    (done,) = sync(project, options=APPLY)
    assert not done.findings
    assert any(f"a {kind} {name!r} is there that powerml did not make" in remark for remark in done.plan.remarks)
    assert theirs == before
    if kind == "insight":
        add(fake, "dashboards", name="theirs")
        theirs["dashboards"] = [next(id_ for id_, d in fake.things["dashboards"].items() if d["name"] == "theirs")]
    (done,) = sync(project, options=SyncOptions(apply=True, adopt=True))
    assert not done.findings
    assert theirs["description"].startswith("Made by powerml.")
    if kind == "insight":  # it stays on their board, and comes onto ours
        assert len(theirs["dashboards"]) == 2


def test_a_view_whose_making_changed_is_brought_up_to_date_in_place(world, monkeypatch):
    project, fake = world
    sync(project, options=APPLY)
    name = next(iter(INSIGHTS))
    words, query = INSIGHTS[name]
    monkeypatch.setitem(posthog_views.INSIGHTS, name, (words + " Newer.", query))
    monkeypatch.setitem(COHORTS, "Champions", ("Champion", "other words"))
    ids = {kind: sorted(things) for kind, things in fake.things.items()}
    (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"insight": {"update": 1}, "cohort": {"update": 1}}
    assert {kind: sorted(things) for kind, things in fake.things.items()} == ids
    assert any(thing["description"].endswith("Newer.") for thing in fake.things["insights"].values())


def test_a_dashboard_that_was_removed_is_made_again_with_its_tiles(world):
    project, fake = world
    sync(project, options=APPLY)
    (old,) = fake.things["dashboards"].values()
    old["deleted"] = True
    (done,) = sync(project, options=APPLY)
    assert done.plan.counts() == {"dashboard": {"create": 1}, "insight": {"update": 5}}
    (new,) = [id_ for id_, board in fake.things["dashboards"].items() if not board["deleted"]]
    assert all(new in thing["dashboards"] for thing in fake.things["insights"].values())
    before = fake.writes
    sync(project, options=APPLY)
    assert fake.writes == before


def test_tiles_are_drawn_with_axes_and_cohorts_by_the_tier():
    for words, query in INSIGHTS.values():
        assert words
        assert query["kind"] == "DataVisualizationNode"
        assert query["source"]["kind"] == "HogQLQuery"
        assert query["display"] == "ActionsTable" or query["chartSettings"]["yAxis"]
    assert [cohort_body(name)["filters"]["properties"]["values"][0]["value"] for name in COHORTS] == [
        "Champion", "Power User", "Rising Star", "Standard"
    ]  # fmt: skip


def rows_of(fake, tile, now):
    """What a tile shows of the events that arrived, by a database that has the functions it calls."""
    told = [(e["event"], e["distinct_id"], e["timestamp"], json.dumps(e["properties"])) for e in fake.events.values()]
    with duckdb.connect() as con:
        con.execute("CREATE TABLE told (event TEXT, distinct_id TEXT, timestamp TIMESTAMP, text JSON)")
        con.executemany("INSERT INTO told VALUES (?, ?, ?, ?)", told)
        shape = '{"composite_score": "DOUBLE", "power_user_tier": "VARCHAR"}'
        con.execute(f"CREATE VIEW events AS SELECT * EXCLUDE text, from_json(text, '{shape}') AS properties FROM told")
        con.execute("CREATE MACRO toFloat(x) AS x::DOUBLE")
        con.execute("CREATE MACRO indexOf(list, x) AS list_position(list, x)")
        query = INSIGHTS[f"Power user scores: {tile}"][1]["source"]["query"].replace("now()", f"TIMESTAMP '{now}'")
        return con.execute(query).fetchall()


def test_tiles_and_cohorts_tell_the_tier_that_was_sent_and_none_of_the_rounded_score(world):
    project, fake = world
    say(project, "2026-02-10", {"ada": 70.0, "bob": 50.0, "cyd": 10.0, "dan": 10.0})
    say(project, "2026-03-01", {"ada": 79.6, "bob": 59.6, "cyd": 39.6, "dan": 80.0})
    sync(project, options=SyncOptions(apply=True, since=date(2026, 1, 1)))
    assert fake.persons["ada"]["power_user_score"] == 80
    tiers = [("Champion", 1, 25.0), ("Power User", 1, 25.0), ("Rising Star", 1, 25.0), ("Standard", 1, 25.0)]
    assert rows_of(fake, "tiers", "2026-03-02") == tiers
    assert [row[:2] for row in rows_of(fake, "rising stars", "2026-03-02")] == [("bob", 60.0)]
    for name, who in zip(COHORTS, ("dan", "ada", "bob", "cyd"), strict=True):
        assert fake.cohort(name) == {who}
