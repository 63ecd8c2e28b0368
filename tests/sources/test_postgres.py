"""What is said of a server that cannot be reached: the variable's name, the reason, and no address."""

from __future__ import annotations

import socket

import pytest

from powerml.errors import DataError, UsageError
from powerml.sources.postgres import sent, server

pytest.importorskip("psycopg")
SECRET = "s3cret-of-ada"


def told(monkeypatch, address, error=DataError):
    if address is not None:
        monkeypatch.setenv("WAREHOUSE", address)
    with pytest.raises(error) as raised, server("WAREHOUSE", where="powerml.yaml: tables.events"):
        pass
    return str(raised.value)


def test_a_variable_that_is_not_set(monkeypatch):
    said = told(monkeypatch, None, UsageError)
    assert said.startswith(
        "powerml.yaml: tables.events: the environment variable WAREHOUSE is not set; export WAREHOUSE="
    )


def test_what_is_no_address_is_not_repeated(monkeypatch):
    said = told(monkeypatch, f"ada:{SECRET}@db.example.org")
    assert "what WAREHOUSE holds is no address of PostgreSQL" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "form", ["postgresql://ada:{0}@127.0.0.1:{1}/shop", "host=127.0.0.1 port={1} user=ada password={0}"]
)
def test_nobody_answers(monkeypatch, form):
    with socket.socket() as taken:  # bound and not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        said = told(monkeypatch, form.format(SECRET, taken.getsockname()[1]))
    assert said.startswith("powerml.yaml: tables.events: the server that WAREHOUSE names cannot be reached (")
    assert said.endswith("); start it, or correct WAREHOUSE")
    assert "refused" in said
    assert not any(word in said for word in (SECRET, "ada", "127.0.0.1", "\n"))


def test_times_are_sent_within_the_years_that_are_read():
    assert sent('a "b"', "numeric") == '"a ""b"""::text'
    assert sent("day", "date") == (
        "CASE WHEN \"day\" IS NOT NULL THEN LEAST(GREATEST(\"day\", date '0001-01-02'), date '9999-12-30') END"
    )
    assert "* 1000000)::bigint END" in sent("at", "timestamptz")
