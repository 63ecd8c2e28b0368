"""The export tables in a real PostgreSQL: upserted, gone where somebody left, readable, nobody else's overwritten."""

import pytest

from powerml.history.store import NightHistory
from powerml.workflows.sync import SyncOptions, exported, sync
from tests.sinks.world import PEOPLE, project_in, say
from tests.tracking.servers import PASSWORD, postgres

APPLY = SyncOptions(apply=True)


@pytest.mark.slow
def test_the_tables_are_brought_to_each_night(tmp_path, monkeypatch):
    import psycopg

    with postgres() as address:
        monkeypatch.setenv("WAREHOUSE", address)
        spec = {"url_env": "WAREHOUSE", "schema": "scores"}
        project = project_in(tmp_path / "shop", {"postgres": spec}, exports={"url_env": "WAREHOUSE"})
        say(project, "2026-03-01", PEOPLE)
        (done,) = sync(project, options=APPLY)
        assert (done.findings, done.done.written) == (False, 5)
        (again,) = sync(project, options=APPLY)
        assert (again.plan.counts(), again.done.written) == ({}, 0)
        say(project, "2026-03-02", {"ada": 91.2, "bob": 20.0})
        (done,) = sync(project, options=APPLY)
        assert not done.findings
        with psycopg.connect(address) as con:
            told = con.execute("SELECT user_id, score FROM scores.scores_current ORDER BY user_id").fetchall()
            assert told == [("ada", 91.2), ("bob", 20.0)]
            assert con.execute("SELECT user_id FROM scores.scores_changed").fetchall() == [("bob",)]
        history = NightHistory.of(project)
        assert exported(project, history, history.newest()) == ""
        with psycopg.connect(address) as con:
            con.execute("CREATE SCHEMA other; CREATE TABLE other.scores_current (a int)")
            assert con.execute("SELECT count(*) FROM public.scores_current").fetchone() == (2,)
        other = project_in(tmp_path / "other", {"postgres": {**spec, "schema": "other"}})
        say(other, "2026-03-01", PEOPLE)
        (done,) = sync(other, options=APPLY)
        assert "a table other.scores_current is there that powerml did not make" in done.plan.refusal
        monkeypatch.setenv("WAREHOUSE", address.replace(PASSWORD, "wrong-word"))
        (done,) = sync(project, options=APPLY)
        assert "the database in WAREHOUSE does not let us in" in done.plan.failed
        assert "wrong-word" not in repr(done)
