"""Verbs that need a store elsewhere, where nobody answers: one sentence, exit status 2, no file, asked once."""

from __future__ import annotations

import socket

import pytest

from powerml.tracking import elsewhere

PROJECT = "tables: {events: {files: e.csv}}\nvocabulary: {}\ntracking_uri: http://127.0.0.1:%d\n"
VERBS = {
    "compare runs": ("compare", "0123abcd", "89efcdab", "--html", "page.html"),
    "compare versions": ("compare", "engagement", "1"),
    "score": ("score", "-o", "scores.csv"),
    "score a table": ("score", "--metrics", "rows.csv", "-o", "scores.csv"),
    "promote": ("promote", "1"),
    "ui": ("ui",),
    "train from a run": ("train", "--from-run", "0123abcd"),
    "recalibrate": ("recalibrate",),
    "prune": ("prune",),
}


@pytest.fixture
def silent():
    """A server that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def calls_of(server):
    """How many calls wait at a server."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def left_by(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_nobody_listens(powerml, tmp_path, words):
    refused(powerml, tmp_path, words, 9, "connection refused")  # the port that discards


@pytest.mark.parametrize("words", VERBS.values(), ids=VERBS)
def test_somebody_listens_and_does_not_answer(powerml, tmp_path, words, silent, monkeypatch):
    monkeypatch.setattr(elsewhere, "ANSWER_SECONDS", 0.2)
    refused(powerml, tmp_path, words, silent.getsockname()[1], "no answer in time")
    assert calls_of(silent) == 1  # ten seconds at most, and not again


def refused(powerml, folder, words, port, why):
    (folder / "powerml.yaml").write_text(PROJECT % port)
    (folder / "e.csv").write_text("user_id,event,time\nada,x,2026-01-01\n")
    (folder / "rows.csv").write_text("user_id,logins_30d\nada,3\n")
    before = left_by(folder)
    ended = powerml(*words)
    assert ended.status == 2
    assert ended.out == ""
    (said,) = ended.err.splitlines()
    assert said.startswith(f"powerml: http://127.0.0.1:{port}: cannot be reached ({why}); start it, or correct")
    assert left_by(folder) - before <= {".powerml"}
