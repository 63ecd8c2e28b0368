"""The export tables in a real PostgreSQL: upserted, gone where somebody left, readable, nobody else's overwritten."""

import threading

import pytest

from powerml.history.store import NightHistory
from powerml.sinks import postgres as sink
from powerml.sinks.postgres import PostgresSink
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


@pytest.mark.slow
def test_hostile_ids_are_texts_and_a_table_that_somebody_holds_is_waited_for_a_while(tmp_path, monkeypatch):
    import psycopg

    hostile = {"'; DROP TABLE scores.scores_current; --": 10.0, '=cmd|"x"': 20.0, "%s {} \\": 30.0, "é🙂": 40.0}
    with postgres() as address:
        monkeypatch.setenv("WAREHOUSE", address)
        project = project_in(tmp_path / "shop", {"postgres": {"url_env": "WAREHOUSE", "schema": "scores"}})
        say(project, "2026-03-01", {**hostile, "line\nbreak": 50.0})
        (done,) = sync(project, options=APPLY)
        assert [a.id for a in done.plan.aside] == ["line\nbreak"]
        with psycopg.connect(address) as con:
            assert dict(con.execute("SELECT user_id, score FROM scores.scores_current").fetchall()) == hostile
        say(project, "2026-03-02", hostile)
        monkeypatch.setattr(sink, "LOCK_SECONDS", 1)
        with psycopg.connect(address) as con:
            con.execute("LOCK TABLE scores.scores_current IN ACCESS EXCLUSIVE MODE")
            (done,) = sync(project, options=APPLY)
            con.rollback()
        assert done.trouble == (
            "the database in WAREHOUSE did not take the tables (canceling statement due to lock timeout)"
        )
        (done,) = sync(project, options=APPLY)
        assert not done.findings


def whole_night(address):
    """What a reader sees in one transaction of its own, waiting for nobody: (date, scores) and who changed."""
    import psycopg

    with psycopg.connect(address) as con:
        con.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        con.execute("SET statement_timeout = '5s'")
        rows = con.execute("SELECT as_of::text, user_id, score FROM scores.scores_current").fetchall()
        changed = con.execute("SELECT as_of::text, user_id, score FROM scores.scores_changed").fetchall()
    return {day for day, *_ in rows + changed}, {who: score for _, who, score in rows}, {who for _, who, _ in changed}


@pytest.mark.slow
def test_who_reads_while_it_is_written_sees_the_old_night_whole_or_the_new(tmp_path, monkeypatch):
    first = {f"u{n:04d}": float(n % 100) for n in range(2_000)}
    second = {who: 100.0 - score for who, score in first.items() if who != "u0001"}
    seen, write = [], PostgresSink._write

    def watched(self, con, writes):
        for some in (writes[: len(writes) // 2], writes[len(writes) // 2 :]):
            write(self, con, some)
            seen.append(whole_night(address))

    stop, read, broken = threading.Event(), [], []

    def reader():
        while not stop.is_set():
            days, scores, changed = whole_night(address)
            old = (days, scores) == ({"2026-03-01"}, first) and not changed
            new = (days, scores) == ({"2026-03-02"}, second) and len(changed) > 1_500
            (read if old or new else broken).append(days)

    with postgres() as address:
        monkeypatch.setenv("WAREHOUSE", address)
        project = project_in(tmp_path / "shop", {"postgres": {"url_env": "WAREHOUSE", "schema": "scores"}})
        say(project, "2026-03-01", first)
        sync(project, options=APPLY)
        say(project, "2026-03-02", second)
        monkeypatch.setattr(PostgresSink, "_write", watched)
        beside = threading.Thread(target=reader)
        beside.start()
        try:
            (done,) = sync(project, options=APPLY)
        finally:
            stop.set()
            beside.join()
        after = whole_night(address)
    assert not done.findings
    assert [(days, scores == first, changed) for days, scores, changed in seen] == [({"2026-03-01"}, True, set())] * 2
    assert (after[0], after[1]) == ({"2026-03-02"}, second)
    assert read
    assert not broken
