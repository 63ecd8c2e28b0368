"""The history keeps what was said; nothing is rewritten, and readers take the newest revision."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from powerml.errors import DataError
from powerml.history.movement import change_since, change_since_last, changed_rows
from powerml.history.nights import Night
from powerml.history.store import NightHistory

LADDER = ((70.0, "High"), (30.0, "Middle"), (0.0, "Low"))


def night(as_of, *, scorer="s1", version="1", made_by="night", made_at="1", digest="d", role="main", model="crm"):
    return Night(
        as_of=date.fromisoformat(as_of), model=model, model_version=version, revision=0, made_by=made_by, role=role,
        kind="fitted", id_column="user_id", band_column="band", digest=digest, scorer=scorer, snapshot_file="",
        made_at=made_at, bands=LADDER,
    )  # fmt: skip


def keep(history, entry, scores):
    """Writes a night whose users have these scores."""
    frame = pd.DataFrame({"as_of": pd.Timestamp(entry.as_of), "user_id": list(scores), "status": "scored"})
    frame["account_id"], frame["score"] = "acme", list(scores.values())
    frame["band"] = ["High" if s >= 70 else "Middle" if s >= 30 else "Low" for s in frame["score"]]
    file = history.keep_snapshot(entry.as_of, frame[["as_of", "user_id", "score"]], {"newest_event_days": 0.5})
    entry = history.numbered(Night(**{**vars(entry), "snapshot_file": file}))
    history.keep_scores(entry, frame)
    history.admit(entry)
    return entry


@pytest.fixture
def history(tmp_path):
    return NightHistory(tmp_path / ".powerml" / "history")


def test_a_night_comes_back_as_it_was_said(history):
    kept = keep(history, night("2026-03-01"), {"ada": 80.0, "bob": 20.0})
    (found,) = history.nights()
    assert found == kept
    assert history.scores(found)["score"].tolist() == [80.0, 20.0]
    assert history.snapshot(found, ["user_id"])["user_id"].tolist() == ["ada", "bob"]
    assert history.facts(found) == {"newest_event_days": 0.5}
    assert history.newest() == history.at(date(2026, 3, 1)) == kept
    assert history.newest(until=date(2026, 2, 28)) is None


def test_all_of_it_is_its_owners_alone(history):
    keep(history, night("2026-03-01"), {"ada": 80.0})
    places = [history.folder, *history.folder.rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in places} == {0}


def test_other_inputs_are_a_revision_beside_the_old_one(history):
    keep(history, night("2026-03-01", digest="a", made_at="1"), {"ada": 80.0})
    keep(history, night("2026-03-01", digest="b", made_at="2"), {"ada": 60.0})
    assert [n.revision for n in history.every()] == [1, 2]
    (newest,) = history.nights()
    assert history.scores(newest)["score"].tolist() == [60.0]
    assert history.known(night("2026-03-01", digest="b")) == newest
    assert history.known(night("2026-03-01", digest="c")) is None


def test_what_is_not_admitted_is_not_there(history):
    entry = history.numbered(night("2026-03-01"))
    history.keep_scores(entry, pd.DataFrame({"user_id": ["ada"]}))
    assert history.nights() == []
    with pytest.raises(DataError, match=r"is gone before the night was kept; run it again"):
        history.admit(entry)


def test_what_a_night_said_stands_before_what_was_filled_in(history):
    keep(history, night("2026-03-01", made_at="1"), {"ada": 80.0})
    keep(history, night("2026-03-01", version="2", scorer="s2", made_by="backfill", made_at="2"), {"ada": 10.0})
    assert [n.model_version for n in history.nights()] == ["1"]
    assert [n.model_version for n in history.nights(scorer="s2")] == ["2"]


def test_nights_of_two_versions_are_never_compared(history):
    keep(history, night("2026-03-01"), {"ada": 80.0})
    now = keep(history, night("2026-03-02", version="2", scorer="s2"), {"ada": 20.0})
    assert history.before(now, 1) is None
    assert history.before(now, 1, as_said=True) is not None
    assert change_since(history, now, 1).empty
    keep(history, night("2026-03-01", version="2", scorer="s2", made_by="backfill"), {"ada": 22.0})
    moves, earlier = change_since_last(history, now)
    assert earlier.as_of == date(2026, 3, 1)
    assert moves.loc["ada", "change"] == pytest.approx(-2.0)


def test_a_night_near_the_day_asked_for_counts(history):
    for day in ("2026-01-01", "2026-02-01", "2026-03-01"):
        keep(history, night(day), {"ada": 50.0})
    now = history.newest()
    assert history.before(now, 30).as_of == date(2026, 2, 1)  # 28 days, within a tenth of 30
    assert history.before(now, 7) is None


def test_moves_count_bands_and_half_points(history):
    keep(history, night("2026-03-01"), {"ada": 80.0, "bob": 40.0, "cyd": 50.0, "old": 50.0})
    now = keep(history, night("2026-03-02"), {"ada": 20.0, "bob": 40.4, "cyd": 50.5, "new": 50.0})
    moves, _ = change_since_last(history, now)
    assert list(moves.index) == ["ada", "bob", "cyd"]
    assert moves["steps"].tolist() == [-2, 0, 0]
    assert list(changed_rows(moves).index) == ["ada", "cyd"]  # 0.4 points are no move, 0.5 are


def test_retention_keeps_the_last_days_and_the_first_of_each_month(history):
    days = pd.date_range("2026-01-10", "2026-03-31", freq="D")
    for day in days:
        keep(history, night(str(day.date())), {"ada": 50.0})
    history.retain(35)
    left = [str(n.as_of) for n in history.nights()]
    assert left[:2] == ["2026-01-10", "2026-02-01"]
    assert left[2:] == [str(day.date()) for day in days[days > "2026-02-24"]]
    assert len(list(Path(history.folder).iterdir())) == len(left)
    assert history.retain(35) == []


def test_what_a_killed_removal_left_goes_with_the_next(history):
    for day in pd.date_range("2026-01-10", "2026-03-31", freq="D"):
        keep(history, night(str(day.date())), {"ada": 50.0})
    place = Path(history.folder) / "2026-01-11"
    for entry in place.glob("night-*.json"):
        entry.unlink()  # where a kill fell between the entries and the rest of their folder
    assert list(place.iterdir())
    history.retain(35)
    assert not place.exists()
