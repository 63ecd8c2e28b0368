"""Who is drawn by lot, and what the draw is told to have done."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.errors import DataError, UsageError
from powerml.history.store import NightHistory
from powerml.history.treatments import read_drawn
from powerml.workflows.impact import impact
from powerml.workflows.treat import draw
from tests.builders import write_project
from tests.history.kept import keep, night

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return write_project(tmp_path, "user_id,event,time\nada,open,2026-02-01T00:00:00Z\n")


@pytest.fixture
def listed(tmp_path):
    rows = pd.DataFrame({"account_id": [f"a{i}" for i in range(60)], "band": ["At Risk"] * 40 + ["Stable"] * 20})
    rows.to_csv(tmp_path / "list.csv", index=False)
    return tmp_path / "list.csv"


def test_a_share_of_each_band_is_held_and_who_has_an_arm_keeps_it(path, listed):
    project = load_project(path)
    first = draw(project, listed, playbook="call", holdout=0.25, seed=3, now=NOW)
    assert (first.treat, first.hold, first.before) == (45, 15, 0)
    assert first.rows.groupby("band")["arm"].value_counts().unstack()["hold"].tolist() == [10, 5]
    again = draw(project, listed, playbook="call", holdout=0.25, seed=4, now=NOW)
    assert (again.treat, again.hold, again.before) == (0, 0, 60)
    assert again.rows["arm"].tolist() == first.rows["arm"].tolist()
    assert len(read_drawn(project.state)) == 60
    assert (project.state / "treatments.parquet").stat().st_mode & 0o077 == 0


def test_what_was_drawn_and_is_cut_short_is_one_sentence(path, listed):
    project = load_project(path)
    draw(project, listed, playbook="call", holdout=0.25, seed=3, now=NOW)
    file = project.state / "treatments.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"treatments\.parquet: cannot be read \(.*\); put a copy back"):
        read_drawn(project.state)


@pytest.mark.parametrize(("rows", "said"), [(1, True), (60, False)])
def test_a_list_too_short_for_a_holdout_says_so(path, listed, rows, said):
    pd.read_csv(listed).head(rows).to_csv(listed, index=False)
    done = CliRunner().invoke(root, ["treat", str(listed), "--playbook", "call", "--holdout", "0.01", "-c", str(path)])
    assert ("too short to hold anybody out" in done.output) == (said and " 0 held out" in done.output)
    assert (" 0 held out" in done.output) == said


def test_what_was_drawn_is_part_of_the_projects_treatments(path, listed):
    draw(load_project(path), listed, playbook="call", now=NOW)
    assert load_project(path).tables["treatments"].files[0].endswith("treatments.parquet")


def test_the_list_itself_is_never_written_over(path, listed):
    before = listed.read_bytes()
    done = CliRunner().invoke(root, ["treat", str(listed), "--playbook", "call", "-o", str(listed), "-c", str(path)])
    assert "is read by this command, so it is not written over; name another file with -o" in str(done.exception)
    assert listed.read_bytes() == before
    assert read_drawn(load_project(path).state).empty


def test_a_list_without_ids_is_refused(path, tmp_path):
    (tmp_path / "x.csv").write_text("band\nStable\n")
    with pytest.raises(DataError, match="has no account_id and no user_id; give a list that 'powerml list' wrote"):
        draw(load_project(path), tmp_path / "x.csv", playbook="call", now=NOW)


def test_a_planted_effect_is_told_against_the_holdout(path, tmp_path):
    project, rng = load_project(path), np.random.default_rng(21)
    history = NightHistory.of(project)
    people = {f"u{i}": {"account_id": f"a{i}", "score": float(s)} for i, s in enumerate(rng.uniform(30, 60, 400))}
    then = keep(history, night("2026-03-01"), people)
    rows = pd.DataFrame({"account_id": [told["account_id"] for told in people.values()], "band": "At Risk"})
    rows.to_csv(tmp_path / "list.csv", index=False)
    done = draw(project, tmp_path / "list.csv", playbook="call", holdout=0.5, now=NOW)
    churned = rng.random(400) < np.where(done.rows["arm"] == "treat", 0.2, 0.5)
    labels = pd.DataFrame({"user_id": list(people), "label": np.where(churned, "churn", "stay")})
    history.keep_table(then.as_of, "labels", labels)
    found = impact(project, "call").rows.set_index("outcome")
    assert found.loc["churn", "design"] == "holdout"
    assert found.loc["churn", "verdict"] == "works"
    assert found.loc["churn", "low"] < -0.3 < found.loc["churn", "high"]
    assert found.loc["score", "verdict"] == "cannot tell"  # no night a month later is kept yet
    assert impact(project).sentences[0].endswith("; score cannot tell (nothing is known of it yet).")
    with pytest.raises(UsageError, match="nobody was treated by 'coll'; did you mean 'call'"):
        impact(project, "coll")


def test_without_a_holdout_a_failed_placebo_cannot_tell(path, tmp_path):
    project, rng = load_project(path), np.random.default_rng(22)
    history = NightHistory.of(project)
    scores = rng.uniform(31, 49, 200)
    called = np.arange(200) < 100  # those who had been falling already are called
    before = {f"u{i}": {"account_id": f"a{i}", "score": float(scores[i] + 15 * called[i])} for i in range(200)}
    keep(history, night("2026-01-30"), before)
    then = keep(
        history, night("2026-03-01"), {f"u{i}": {"account_id": f"a{i}", "score": float(scores[i])} for i in range(200)}
    )
    labels = pd.DataFrame({"user_id": list(before), "label": np.where(rng.random(200) < 0.2, "churn", "stay")})
    history.keep_table(then.as_of, "labels", labels)
    pd.DataFrame({"account_id": [f"a{i}" for i in range(100)]}).to_csv(tmp_path / "list.csv", index=False)
    draw(project, tmp_path / "list.csv", playbook="call", holdout=0.0, now=NOW)
    done = impact(project)
    assert set(done.rows["verdict"]) == {"cannot tell"}
    assert "against untouched ones of the same band and trend" in done.sentences[0]
    assert "; they were not alike before, or nobody knows); expand" in done.sentences[0]


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2026-03-02"), ("America/New_York", "2026-03-01")])
def test_a_list_tells_who_was_drawn_before_and_after_the_night_on_the_local_day(tmp_path, zone, day):
    path = write_project(tmp_path, "user_id,event,time\nada,open,2026-02-01T00:00:00Z\n", timezone=zone)
    history = NightHistory.of(load_project(path))
    kept = keep(history, night("2026-03-01"), {one: {"score": 20.0, "p_churn": 0.8} for one in ("ada", "bob")})
    late, listed = datetime(2026, 3, 2, 2, tzinfo=UTC), tmp_path / "x.csv"
    for account in ("ada-inc", "bob-inc"):
        listed.write_text(f"account_id\n{account}\n")
        draw(load_project(path), listed, playbook="call", holdout=0.0, now=late)
        if account == "ada-inc":  # as a night keeps it: UTC, without a zone
            drawn = read_drawn(load_project(path).state)
            history.keep_table(kept.as_of, "treatments", drawn.assign(time=drawn["time"].dt.tz_localize(None)))
    done = CliRunner().invoke(root, ["list", "at_risk", "--json", "-c", str(path)], catch_exceptions=False)
    rows = json.loads(done.stdout)["rows"]
    assert [(row["account_id"], row["last_treated"][:10], row["arm"]) for row in rows] == [
        ("ada-inc", day, "treat"),
        ("bob-inc", day, "treat"),
    ]
    assert "call, against untouched ones" in impact(load_project(path)).sentences[0]
