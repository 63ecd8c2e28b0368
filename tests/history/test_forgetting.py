"""What the nights kept, without somebody: tables, counts, the ledger to its last byte."""

import contextlib
import sqlite3
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from powerml.errors import DataError
from powerml.history.alarms import Alarms, Message
from powerml.history.forgetting import Who, forget_in_history, forget_in_ledger, forget_rows
from powerml.history.ledger import LEDGER_FILE, open_ledger
from powerml.history.sent import SentRow, SinkLedger, holders
from powerml.history.store import NightHistory
from tests.history.kept import keep, night

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = date(2026, 3, 1)
BOB = Who({"user_id": {"bob-7"}}, names={"Bob Builder"}, addresses={"bob@shop.example"})


@pytest.fixture
def history(tmp_path):
    history = NightHistory(tmp_path / "history")
    entry = keep(history, night("2026-03-01"), {"ada": {"score": 95.0}, "bob-7": {"score": 45.0}})
    history.keep_table(
        DAY, "people", pd.DataFrame({"user_id": ["ada", "bob-7"], "email": ["a@x.y", "bob@shop.example"]})
    )
    listed = [("calls", 1, "bob-7", DAY), ("calls", 2, "ada", DAY), ("accounts", 1, "bob-7", DAY)]
    history.keep_table(DAY, "lists", pd.DataFrame(listed, columns=["list", "rank", "id", "on_list_since"]))
    return history, entry


def test_their_rows_go_and_the_night_counts_anew(history):
    kept, entry = history
    facts = kept.facts(entry)
    assert forget_in_history(kept.folder, BOB, tried=True, user_lists={"calls"}) == 4
    assert len(kept.scores(entry)) == 2
    assert forget_in_history(kept.folder, BOB, tried=False, user_lists={"calls"}) == 4
    (now,) = kept.nights()
    assert kept.scores(now)["user_id"].tolist() == kept.snapshot(now)["user_id"].tolist() == ["ada"]
    assert kept.table(now, "people")["user_id"].tolist() == ["ada"]
    # the list of accounts has one that is called as the user is
    assert list(kept.table(now, "lists")[["list", "id"]].itertuples(index=False, name=None)) == [
        ("calls", "ada"), ("accounts", "bob-7")
    ]  # fmt: skip
    assert (now.mean_score, now.entities, now.scored, now.shares["Champions"]) == (95.0, 1, 1, 1.0)
    assert kept.facts(now) == facts
    assert forget_in_history(kept.folder, BOB, tried=False, user_lists={"calls"}) == 0


def test_which_of_two_tables_is_the_newer_stays_known(history):
    kept, entry = history
    kept.keep_table(DAY, "people", pd.DataFrame({"user_id": ["ada"], "email": ["new@x.y"]}))
    forget_in_history(kept.folder, BOB, tried=False)
    assert kept.table(entry, "people")["email"].tolist() == ["new@x.y"]


def test_what_cannot_be_read_is_said(tmp_path):
    (tmp_path / "scores.parquet").write_text("no table")
    with pytest.raises(DataError, match=r"scores\.parquet: cannot be read"):
        forget_rows([tmp_path / "scores.parquet"], BOB, tried=False)


def test_the_ledger_holds_nothing_of_them_in_any_byte(tmp_path):
    with open_ledger(tmp_path) as ledger:
        alarms, sink = Alarms.on(ledger.con), SinkLedger.on(ledger.con, "attio")
        fired = pd.DataFrame(
            [("drop", who, "2026-03-01", None, who, "cs", None, "fell", "call") for who in ("bob-7", "ada")],
            columns=["alert", "id", "fired_at", "account_id", "user_id", "team", "owner", "because", "action"],
        )
        lines = [
            Message("list calls", "000", "URL", "1. Bob Builder (score 40)"),
            Message("drop", "bob-7", "URL", "bob"),
        ]
        alarms.write_night(DAY, {"drop": ["bob-7", "ada"]}, fired, lines, project="shop", now=NOW)
        ledger.mark(DAY, "check", "done", now=NOW, sentence="'bob-7' never sleeps", counts={"findings": ["bob-7, ada"]})
        sink.write(
            [SentRow("person", "bob-7", "bob-7", "sent", "", remote="r1"), SentRow("entry", "ada", "ada", "sent", "")],
            now=NOW,
        )
        assert holders(ledger.con, ["bob-7", "cyd"]) == [("bob-7", "attio", "bob-7: person r1")]
        assert forget_in_ledger(ledger.con, BOB, tried=True) == forget_in_ledger(ledger.con, BOB, tried=False) == 7
        assert alarms.fired()["user_id"].tolist() == ["ada"]
        assert list(alarms.last_true("drop")) == ["ada"]
        assert [digest.texts for digest in alarms.waiting()] == [("1. (forgotten) (score 40)",)]
        assert ledger.steps(DAY)["check"].counts == {"findings": ["(forgotten), ada"]}
        assert list(sink.rows("entry")) == ["ada"]
        assert sink.rows("person") == {}
        for file in tmp_path.glob(f"{LEDGER_FILE}*"):
            for word in ("bob-7", "bob@shop", "Bob Builder"):
                assert word.encode() not in file.read_bytes(), file
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        assert forget_in_ledger(empty, BOB, tried=False) == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("12 of 12 users, '12' never sleeps", "12 of 12 users, '(forgotten)' never sleeps"),
        ("users: eve12 and ann are there", "users: (forgotten) and ann are there"),
        ("eve12@x and eve123 are others", "eve12@x and eve123 are others"),
    ],
)
def test_a_number_or_a_short_word_is_an_id_between_quotes_alone(text, left):
    who = Who({"user_id": {"12", "ann", "eve12"}})
    assert who.pattern(who.alone).sub("(forgotten)", text) == left
