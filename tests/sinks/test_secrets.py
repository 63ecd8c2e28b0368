"""Secrets stand nowhere: every service here tells back what it was sent, and all that is said and kept is searched."""

import json
import logging
import sqlite3
from contextlib import closing
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.history.ledger import LEDGER_FILE
from powerml.sinks.attio import AttioSink
from powerml.sinks.posthog import PosthogSink
from powerml.sinks.webhook import WebhookSink
from powerml.workflows.sync import SyncOptions, sync
from tests.sinks.fakes import Answer, FakeAttio, FakePosthog, Receiver, running
from tests.sinks.world import ENVIRONMENT, PEOPLE, project_in, say, settings

HOOK = "hook-that-is-secret"
QUERY = "opens-by-itself"
SECRETS = (*ENVIRONMENT.values(), HOOK, QUERY)
FAKES = {"posthog": FakePosthog, "attio": FakeAttio, "webhook": Receiver}
HOW = ("text", "400", "500", "200 with an error", "401", "404", "429", "redirect", "reset", "200")


def telling(kind, how):
    """A service that answers each write, or each request, with everything that it was sent."""

    class Telling(kind):
        def serve(self, method, target, headers, raw):
            if how == "200" or (method == "GET" and how not in ("401", "text")):
                return super().serve(method, target, headers, raw)
            told = f"{method} {target} {headers} {raw.decode()} {quote(target)}"
            if how == "reset":
                raise Answer("reset")
            if how == "redirect":
                raise Answer(307, None, {"Location": f"http://127.0.0.2:9{target}"})
            if how == "text":
                raise Answer(200, told)
            if how == "200 with an error":
                raise Answer(200, {"status": 0, "error": told, "ok": False})
            raise Answer(int(how), {"message": told, "detail": told, "error": told, "code": told})

    return Telling()


def kept(folder):
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("name", FAKES)
def test_nothing_that_is_said_or_kept_holds_a_secret(tmp_path, monkeypatch, caplog, name):
    caplog.set_level(logging.DEBUG)
    for how in HOW:
        fake = telling(FAKES[name], how)
        with running(fake) as address:
            monkeypatch.setenv("HOOK_URL", f"{address}/{HOOK}?key={QUERY}")
            project = project_in(tmp_path / how, settings(address, name))
            say(project, "2026-03-01", PEOPLE)
            with closing(sqlite3.connect(project.state / LEDGER_FILE)) as open_too:  # so that the log of writes stays
                open_too.execute("PRAGMA journal_mode = WAL").fetchall()
                open_too.execute("CREATE TABLE IF NOT EXISTS opened (x)")
                said = []
                for more in ([], ["--apply"], ["--apply", "--json"]):
                    done = CliRunner().invoke(root, ["sync", *more, "-c", str(project.base / "powerml.yaml")])
                    said += [done.output, done.stderr, repr(done.exception)]
                    assert done.exception is None or isinstance(done.exception, SystemExit), how
                    if "--json" in more:
                        assert json.loads(done.stdout)["sinks"][0]["sink"] == name
                (found,) = sync(project, options=SyncOptions(apply=True))
                assert list(project.state.glob("*-wal"))
                everything = f"{said} {found!r} {caplog.text}".encode() + kept(project.base)
        for secret in SECRETS:
            assert secret.encode() not in everything, (how, secret)


def test_sinks_and_their_services_show_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK_URL", f"https://example.org/{HOOK}?key={QUERY}")
    project = project_in(tmp_path, settings("https://example.org", *FAKES))
    spec = project.sync
    sinks = [
        PosthogSink.connected(spec.posthog),
        AttioSink.connected(spec.attio),
        WebhookSink.connected(spec.webhook),
    ]
    parts = [sinks[0].capture, sinks[0].fixtures, sinks[1].service, sinks[2].service]
    shown = f"{sinks!r} {parts!r} {project!r} {spec!r}"
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_secret_that_stands_in_the_file_is_refused_and_not_shown(tmp_path):
    project = project_in(tmp_path, settings("https://example.org", "attio"))
    path = project.base / "powerml.yaml"
    path.write_text(path.read_text().replace("ATTIO_KEY", "sk_live_51H8abcdefghij"))
    done = CliRunner().invoke(root, ["sync", "-c", str(path)])
    assert "is no name of an environment variable" in str(done.exception)
    assert "sk_live_51H8" not in f"{done.output} {done.exception!r}"
