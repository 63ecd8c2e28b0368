"""Texts that are what they are read as: looked at once per file, remembered, and never believed when damaged."""

from __future__ import annotations

import pytest

from powerml.sources import open_sources, plain
from tests.sources.conftest import NOW
from tests.sources.reading import rows


@pytest.fixture
def days(parquet, project, tmp_path):
    """Writes files of one user each and opens them with a memory; gives the users."""

    def write(*users: str) -> list[str]:
        for number, user in enumerate(users):
            if not (tmp_path / f"days/{number}.parquet").exists():
                parquet(
                    f"days/{number}.parquet", f"SELECT '{user}' AS user_id, 'x' AS event, DATE '2026-03-01' AS time"
                )
        loaded = open_sources(project(events="days"), now=NOW, cache=tmp_path / "cache")
        return [user for (user,) in sorted(rows(loaded, "events", "user_id"))]

    return write


def test_an_odd_text_in_a_new_file_is_made_an_id(days):
    assert days("ada") == ["ada"]
    assert days("ada", "7.0") == ["7", "ada"]
    assert days("ada", "7.0", " bo ") == ["7", "ada", "bo"]


def test_only_new_files_are_looked_at(days, monkeypatch):
    days("ada", "bo")
    looked = []
    real = plain._look
    monkeypatch.setattr(
        plain, "_look", lambda con, part, some, columns: looked.append(list(some)) or real(con, part, some, columns)
    )
    days("ada", "bo")
    days("ada", "bo", "cy")
    assert looked == [[2]]


@pytest.mark.parametrize("damage", ["", "{", '{"digest": "x", "files": {}}', "[]"])
def test_a_damaged_memory_is_thrown_away_with_a_sentence(days, tmp_path, caplog, damage):
    assert days("7.0") == ["7"]
    (tmp_path / "cache" / "plain_texts.json").write_text(damage)
    assert days("7.0") == ["7"]
    assert "plain_texts.json: is damaged or of another version; thrown away and made anew" in caplog.text
