"""Small messy inputs made after public reports: each is run as its README says, and the right values stand here."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

CASES = Path(__file__).parent


@pytest.fixture
def case(tmp_path, powerml):
    """Copies a case to where the command runs; gives a function that runs it."""

    def start(number: str):
        (folder,) = CASES.glob(f"{number}-*")
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)

        def snapshot(as_of: str, *more: str) -> pd.DataFrame:
            ran = powerml("snapshot", "--as-of", as_of, "-o", "s.csv", *more)
            assert ran.status == 0, ran.err
            frame = pd.read_csv("s.csv", dtype={"user_id": str, "account_id": str})
            key = "user_id" if "user_id" in frame else "account_id"
            assert frame[key].is_unique
            return frame.set_index(key)

        return snapshot

    return start


def findings(ran) -> str:
    assert ran.status in (0, 1), ran.err
    return "\n".join(ran.data["findings"])


def test_a_user_is_who_the_version_known_last_says(case, powerml):
    frame = case("01")("2025-06-01")
    assert frame["account_id"].to_dict() == {"u1": "A2", "u2": "A2"}
    assert frame.loc["u1", "team_size"] == 2
    ran = powerml("score", "--weights", "engagement", "--as-of", "2025-06-01", "-o", "sc.csv")
    assert ran.status == 0, ran.err
    assert sorted(pd.read_csv("sc.csv")["user_id"]) == ["u1", "u2"]


def test_before_its_version_was_known_a_user_is_who_they_were(case):
    assert case("01")("2025-05-01")["account_id"].to_dict() == {"u1": "A1", "u2": "A2"}


def test_a_resolved_ticket_is_one_ticket_and_no_open_one(case):
    frame = case("02")("2025-06-01")
    assert frame.loc["u1", ["tickets_opened_90d", "tickets_unresolved", "csat_mean_90d"]].tolist() == [1, 0, 4]
    assert frame.loc["u2", ["tickets_opened_90d", "tickets_unresolved"]].tolist() == [1, 1]


def test_a_corrected_subscription_is_no_overlap_and_its_end_is_churn(case):
    snapshot = case("03")
    june = snapshot("2025-06-01", "--labels")
    assert june.loc["u1", ["label", "mrr", "seats"]].tolist() == ["churn", 50, 5]
    assert june.loc["u2", "label"] == "stay"
    july = snapshot("2025-07-01", "--labels")
    assert july.loc["u1", ["mrr", "seats"]].tolist() == [50, 5]


def test_ids_that_passed_through_floats_are_the_same_ids(case, powerml):
    frame = case("04")("2025-06-01")
    assert sorted(frame.index) == ["101", "102"]
    assert frame.loc["101", ["account_id", "mrr"]].tolist() == ["7", 50]
    assert "stand in" not in findings(powerml("check", "--json"))


def test_decimals_of_warehouses_are_the_same_ids(case):
    frame = case("05")("2026-03-01")
    assert sorted(frame.index) == ["101", "102"]
    assert (frame["events_30d"] > 0).all()


def test_bytes_are_text_and_empty_ones_nothing(case):
    frame = case("06")("2026-03-01")
    assert list(frame.index) == ["A"]


def test_null_words_are_no_accounts(case, powerml):
    assert case("07")("2025-06-01").empty
    assert "no row of users names any" in findings(powerml("check", "--json"))


def test_blanks_after_a_comma_are_no_part_of_a_value(case):
    frame = case("08")("2025-06-01")
    assert frame[["account_id", "events_30d", "logins_30d"]].to_dict("index") == {
        "u1": {"account_id": "A1", "events_30d": 2, "logins_30d": 2}
    }


def test_times_that_spark_wrote_are_instants(case):
    frame = case("09")("2026-03-01")
    (row,) = frame.to_dict("records")
    assert row["events_30d"] == 2
    assert math.isclose(row["days_since_last_active"], 1 / 24)


@pytest.mark.parametrize("number", ["10", "12"])
def test_dates_before_any_product_are_set_aside_and_check_reports(case, powerml, number):
    snapshot = case(number)
    frame = snapshot("2025-06-01")
    assert sorted(frame.index) == ["u1", "u2", "u3"]
    assert frame["account_age_days"].between(0, 3650).all()
    assert "events: 1 of 37 rows set aside" in findings(powerml("check", "--json"))


def test_a_session_id_that_stands_for_none_is_named(case, powerml):
    assert case("20")("2026-03-01").loc["u2", "minutes_in_product_30d"] < 24 * 60
    said = findings(powerml("check", "--json"))
    assert "the session_id '-1' stands on 54 events of 1 users" in said
    assert "1 sessions are longer than a day, the longest 57 days" in said


def test_brackets_in_a_rule_are_explained(case, powerml):
    case("21")("2026-03-01")
    assert "the rule '[Amplitude] *' matches no event" in findings(powerml("check", "--json"))
