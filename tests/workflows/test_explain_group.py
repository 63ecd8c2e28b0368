from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.workflows.explain import explain, from_metrics, from_project
from powerml.workflows.explain_group import explain_group

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics.csv"


@pytest.fixture
def two_dates(tmp_path):
    """Everybody on 1 March; the same on 1 April without any invites."""
    march = pd.read_csv(GOLDEN)
    path = tmp_path / "metrics.csv"
    april = march.assign(invites_30d=0)
    pd.concat([march.assign(as_of="2026-03-01"), april.assign(as_of="2026-04-01")]).to_csv(path, index=False)
    return path


@pytest.fixture
def project(tmp_path):
    """Two people over ten weeks; ada comes every day and invites somebody in the last fortnight, bob comes weekly."""
    rows = [("ada", "login", day) for day in range(70)]
    rows += [("ada", "invite", 68)] + [("bob", "login", day) for day in range(0, 70, 7)]
    start = pd.Timestamp("2026-01-01T09:00:00Z")
    events = pd.DataFrame(
        {"user_id": user, "event": event, "time": (start + pd.Timedelta(days=day)).isoformat()}
        for user, event, day in rows
    )
    events.to_csv(tmp_path / "events.csv", index=False)
    (tmp_path / "powerml.yaml").write_text(
        "tables: {events: {files: events.csv}}\n"
        "vocabulary: {login: {roles: [login]}, invite: {roles: [invite]}}\n"
        "owners: {collaboration: the community team}\n"
    )
    return load_project(tmp_path / "powerml.yaml")


def test_the_mean_adds_up_at_every_level(two_dates):
    done = explain_group(from_metrics(two_dates, weights="activity"))
    assert (done.n, done.as_of, done.before) == (400, date(2026, 4, 1), date(2026, 3, 1))
    limbs = done.tree[done.tree["metric"].eq("")]
    assert limbs["contribution"].iloc[0] == pytest.approx(done.mean_score)
    assert limbs["contribution"].iloc[1:].sum() == pytest.approx(done.mean_score)
    assert done.changes["change"].sum() == pytest.approx(done.mean_score - done.mean_before)
    assert done.changes.loc[done.changes["alert"], "branch"].tolist() == ["collaboration"]


def test_a_band_is_explained_by_its_members(two_dates):
    done = explain_group(from_metrics(two_dates, weights="engagement"), band="Champions")
    assert done.mean_score >= 90
    assert 0 < done.n < 400
    assert done.changes is None


@pytest.mark.parametrize(
    ("band", "words"),
    [("Champion", "no band 'Champion' to explain; did you mean 'Champions'"), ("zzz", "there are Champions, Healthy")],
)
def test_a_band_that_there_is_not(two_dates, band, words):
    with pytest.raises(UsageError, match=words):
        explain_group(from_metrics(two_dates, weights="engagement"), band=band)


def test_a_date_that_there_is_not(two_dates):
    with pytest.raises(UsageError, match="no snapshot of 2026-05-01; there are 2026-03-01, 2026-04-01"):
        explain_group(from_metrics(two_dates, weights="engagement", as_of=date(2026, 5, 1)))


def test_a_project_counts_the_metrics_of_another_window(project):
    """A fortnight of ada: 14 logins and an invite, raw 22; a month would count 30 logins."""
    found = from_project(project, weights="activity", settings={"window_days": 14, "full_scale": 100})
    done = explain("ada", found)
    assert done.row["raw_score"] == 22
    assert done.before == date(2026, 3, 1)
    assert done.changes["change"].sum() == pytest.approx(done.row["score"] - done.score_before)


def test_a_project_decays_by_day(project):
    """Logins of ada on each of the last 7 days, half-life one day: 1 + 1/2 + ... + 1/64; the invite is two days old."""
    settings = {"window_days": 7, "half_life_days": 1, "full_scale": 100}
    done = explain("ada", from_project(project, weights="activity", settings=settings))
    assert done.row["raw_score"] == pytest.approx(sum(0.5**day for day in range(7)) + 8 * 0.5)


def test_the_project_says_who_owns_a_branch(project):
    done = explain_group(from_project(project, weights="activity", settings={"full_scale": 100}))
    owners = done.changes.set_index("branch")["owner"]
    assert owners["collaboration"] == "the community team"
    assert owners["core_usage"] == "product"
