"""Pseudonyms turned back into ids, where the key is."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.errors import StoreError
from powerml.tracking.pseudonyms import Pseudonyms, load_pseudonyms
from powerml.workflows.ids import resolve_ids

NOW = datetime(2026, 4, 1, tzinfo=UTC)
EVENTS = "user_id,account_id,event,time\nada,acme,signed_in,2026-03-01\n7.0,acme,signed_in,2026-03-02\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS)
    (tmp_path / "powerml.yaml").write_text("project: p\ntables: {events: {files: events.csv}}\nvocabulary: {}\n")
    return load_project(tmp_path / "powerml.yaml")


def test_users_and_accounts_are_found_in_the_order_asked(project):
    key = load_pseudonyms(project.state)
    done = resolve_ids(project, [key.of("acme"), key.of("7"), key.of("ada"), key.of("7")], now=NOW)
    assert done.table.to_numpy().tolist() == [
        [key.of("acme"), "account", "acme"],
        [key.of("7"), "user", "7"],
        [key.of("ada"), "user", "ada"],
    ]
    assert done.unknown == ()


def test_without_the_key_nothing_is_turned_back_and_none_is_made(project):
    with pytest.raises(StoreError, match=r"pseudonym\.key: is not here, so no pseudonym can be turned back"):
        resolve_ids(project, ["e-0123456789abcdef"], now=NOW)
    assert not (project.state / "pseudonym.key").exists()


def test_a_word_that_is_none_is_refused(project):
    with pytest.raises(StoreError, match="'ada' is no pseudonym; they look like e-"):
        resolve_ids(project, ["ada"], now=NOW)


def test_the_command_names_those_of_nobody(project):
    ada, other = load_pseudonyms(project.state).of("ada"), Pseudonyms(b"another").of("ada")
    ran = CliRunner().invoke(root, ["ids", ada, other, "--config", str(project.file), "--json"])
    assert ran.exit_code != 0
    told = json.loads(ran.stdout)
    assert told["ids"] == [{"pseudonym": ada, "entity": "user", "id": "ada"}]
    assert told["unknown"] == [other]
