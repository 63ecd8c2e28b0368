"""When a champion is to be trained again, and a locked weight set to be reviewed again, in exact words."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest
import yaml
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.scoring.load import load_weights
from powerml.tracking import registry
from powerml.tracking.due import (
    DATA_UNTIL,
    DUE,
    PROJECT_TAG,
    VOCABULARY_TAG,
    names_since,
    review_due,
    version_due,
    vocabulary_fingerprint,
)
from powerml.tracking.store import Store
from powerml.workflows.check import check
from powerml.workflows.promote import promote
from powerml.workflows.score import score_metrics
from powerml.workflows.weights import copy
from tests.builders import opened, write_project
from tests.tracking.small_session import log_small, model
from tests.workflows.test_promote import GOLDEN

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRAINED = datetime(2026, 4, 1, 6, tzinfo=UTC)
DAYS = [f"2026-0{month}-{day:02}" for month in (1, 2, 3, 4, 5) for day in range(1, 29)]
ROWS = [f"u{n},click,{day}T12:00:00Z" for day in DAYS for n in range(4)]
EVENTS = "user_id,event,time\n" + "\n".join(ROWS)
METRICS = GOLDEN / "metrics.csv"


def project(folder, events=EVENTS, vocabulary=None):
    words = {"click": {"feature": "clicks"}} if vocabulary is None else vocabulary
    return load_project(write_project(folder, events, vocabulary=words, project="golden"))


def version(**tags):
    return registry.Version("golden", 1, "r", "s", tags, (), TRAINED)


def test_what_was_promoted_is_due_after_the_day_that_was_set(tmp_path):
    asked = project(tmp_path)
    ours = version(**{DUE: "2026-05-31"})
    assert version_due(ours, asked, now=NOW - timedelta(days=1)) == ()
    assert version_due(ours, asked, now=NOW) == (
        "Recalibration of golden version 1 was due by 2026-05-31: run 'powerml train' again, and 'powerml promote' "
        "what it registers.",
    )


def test_what_was_never_promoted_is_due_91_days_after_it_was_made(tmp_path):
    asked = project(tmp_path)
    assert version_due(version(), asked, now=datetime(2026, 7, 1, 23, tzinfo=UTC)) == ()
    (said,) = version_due(version(), asked, now=datetime(2026, 7, 2, tzinfo=UTC))
    assert said.startswith("Recalibration of golden version 1 was due by 2026-07-01: ")


def test_a_changed_vocabulary_is_told(tmp_path):
    then = vocabulary_fingerprint(project(tmp_path))
    ours = version(**{VOCABULARY_TAG: then})
    assert version_due(ours, project(tmp_path), now=NOW) == ()
    now = project(tmp_path, vocabulary={"click": {"feature": "clicks", "tier": "core"}})
    assert version_due(ours, now, now=NOW) == (
        "The vocabulary has changed since golden version 1 was trained (2026-04-01), so its metrics count other events "
        "now: run 'powerml train' again, and 'powerml promote' what it registers.",
    )


def test_the_order_of_names_is_no_change_and_that_of_globs_is(tmp_path):
    def told(*names):
        return vocabulary_fingerprint(project(tmp_path, vocabulary={name: {"feature": name[0]} for name in names}))

    assert told("a", "b", "c*") == told("b", "c*", "a")
    assert told("a*", "ab*") != told("ab*", "a*")  # the first that matches counts
    assert told("a") != told("a", "b")


def test_names_that_came_since(tmp_path):
    late = [f"u1,{name},{day}T12:00:00Z" for name, day in (("old", "2026-03-31"), ("old", "2026-04-03"))]
    late += [f"u1,{name},2026-04-01T12:00:00Z" for name in ("new", "click")]
    project(tmp_path, "user_id,event,time\n" + "\n".join([*ROWS[-20:], *late]))
    data = opened(tmp_path / "powerml.yaml")
    assert names_since(data.rollups, date(2026, 4, 1)) == ["new"]
    assert names_since(data.rollups, date(2026, 3, 1)) == ["new", "old"]
    assert names_since(data.rollups, date(2026, 5, 1)) == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project whose champion was trained on data until May 1st, and champions of others beside it."""
    folder = tmp_path_factory.mktemp("project")
    asked = project(folder)
    store, session = log_small(folder, model("engagement"))
    (run,) = session.scorers.values()

    def registered(name, **tags):
        made = registry.register(
            store, name, run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest,
            tags={registry.VERDICT: "skill", registry.SCORER: "engagement", VOCABULARY_TAG: "another", **tags},
        )  # fmt: skip
        registry.set_alias(store, made, "champion")
        return made

    known = {VOCABULARY_TAG: vocabulary_fingerprint(asked), DATA_UNTIL: "2026-05-01"}
    ours = registered("golden", **known)
    registered("golden-advocate", **{PROJECT_TAG: "golden"})
    registered("golden-2", **{PROJECT_TAG: "golden-2"})
    return folder, ours


@pytest.fixture
def tracked(trained, tmp_path):
    """A copy of the project and its database; the model files are shared."""
    folder, ours = trained
    shutil.copytree(folder, tmp_path / "copy")
    return load_project(tmp_path / "copy" / "powerml.yaml"), ours


def test_check_finds_what_is_due(tracked):
    asked, ours = tracked
    assert [f for f in check(asked, now=NOW).findings if "golden version" in f] == []
    events = asked.base / "events.csv"
    events.write_text(events.read_text() + "u1,swipe,2026-05-20T12:00:00Z\nu1,pinch,2026-05-20T13:00:00Z\n")
    later = ours.created + timedelta(days=92)
    seen = check(asked, now=later)
    due = (ours.created + timedelta(days=91)).date()
    day = ours.created.date()
    assert seen.findings[-4:] == (
        f"Recalibration of golden version 1 was due by {due}: run 'powerml train' again, and 'powerml promote' what it "
        f"registers.",
        "2 event names that the vocabulary does not name came after the data golden version 1 was trained on (until "
        "2026-05-01): pinch, swipe; add to the vocabulary what matters, then run 'powerml train' again.",
        f"Recalibration of golden-advocate version 1 was due by {due}: run 'powerml train' again, and 'powerml "
        f"promote' what it registers.",
        f"The vocabulary has changed since golden-advocate version 1 was trained ({day}), so its metrics count other "
        f"events now: run 'powerml train' again, and 'powerml promote' what it registers.",
    )
    assert not any("golden-2" in finding for finding in seen.findings)


def test_the_command_check_exits_1_and_prints_it(tracked):
    asked, _ = tracked
    write_project(asked.base, EVENTS, vocabulary={"click": {"tier": "core"}}, project="golden")
    done = CliRunner().invoke(root, ["check", "-c", str(asked.base / "powerml.yaml")])
    assert done.exit_code == 1
    assert "- The vocabulary has changed since golden version 1 was trained (" in done.output


def test_score_says_it_on_stderr_and_in_json(tracked, tmp_path):
    asked, _ = tracked
    write_project(asked.base, EVENTS, vocabulary={"click": {"tier": "core"}}, project="golden")
    arguments = ["score", "-c", str(asked.base / "powerml.yaml"), "--metrics", str(METRICS)]
    done = CliRunner().invoke(root, [*arguments, "-o", str(tmp_path / "a.csv"), "--json"])
    assert done.exit_code == 0, done.output
    (said,) = json.loads(done.stdout)["due"]
    assert said.startswith("The vocabulary has changed since golden version 1 was trained (")
    plain = CliRunner().invoke(root, [*arguments, "-o", str(tmp_path / "b.csv")])
    assert said in plain.stderr
    assert said not in plain.stdout


def test_score_asks_the_clock_it_is_given(tracked):
    asked, _ = tracked
    promote(asked, "1", now=TRAINED)
    assert score_metrics(METRICS, project=asked, now=datetime(2026, 7, 1, tzinfo=UTC)).due == ()
    (said,) = score_metrics(METRICS, project=asked, now=datetime(2026, 7, 2, tzinfo=UTC)).due
    assert said.startswith("Recalibration of golden version 1 was due by 2026-07-01: ")


def test_check_makes_no_store(tmp_path):
    asked = project(tmp_path)
    assert check(asked, now=NOW).findings == ()
    assert not Store(asked.state).exists
    assert not asked.state.exists()


@pytest.fixture
def locked(tmp_path):
    """A project that locked `engagement` twice, to be reviewed again by May 31st, and copied another set."""
    asked = project(tmp_path)
    for kind in ("weights", "reviews"):
        (tmp_path / "configs" / kind).mkdir(parents=True)
    own = tmp_path / "configs" / "weights" / "engagement.yaml"
    copy("engagement", tmp_path / "ours.yaml")
    text = (tmp_path / "ours.yaml").read_text().replace("name: ours", "name: engagement", 1)
    own.write_text(text.replace("version: 1", "version: 2", 1))
    records = [{"weights": f"engagement@{n}", "review_again_by": f"2026-0{n + 3}-31"} for n in (0, 2)]
    (tmp_path / "configs" / "reviews" / "engagement.yaml").write_text(yaml.safe_dump(records))
    return asked


DUE_REVIEW = (
    "The review of engagement@2 was due by 2026-05-31: review it again with 'powerml review sheet --weights engagement "
    "-o sheet.csv'."
)


def test_the_review_of_a_locked_set_is_due(locked):
    before = NOW - timedelta(days=1)
    assert check(locked, now=NOW).findings == (DUE_REVIEW,)
    assert check(locked, now=before).findings == ()
    own = str(locked.base / "configs" / "weights" / "engagement.yaml")
    for name in ("engagement", own):
        assert score_metrics(METRICS, project=locked, weights=name, now=NOW).due == (DUE_REVIEW,)
        assert score_metrics(METRICS, project=locked, weights=name, now=before).due == ()


@pytest.mark.parametrize("name", ["activity", "ours.yaml"])
def test_other_sets_have_no_review(locked, monkeypatch, name):
    monkeypatch.chdir(locked.base)
    assert load_weights(name, base=locked.base).version == 1
    assert review_due(name, locked, now=NOW) == ()


def test_a_vocabulary_that_changed_since_a_set_was_locked_is_told(locked):
    record = {"locked_at": "2026-04-01T06:00:00Z", "weights": "engagement@2", "review_again_by": "2026-07-01"}
    record["vocabulary_fingerprint"] = vocabulary_fingerprint(locked)
    (locked.base / "configs" / "reviews" / "engagement.yaml").write_text(yaml.safe_dump([record]))
    assert review_due("engagement", locked, now=NOW) == ()
    changed = project(locked.base, vocabulary={"click": {"tier": "core"}})
    assert review_due("engagement", changed, now=NOW) == (
        "The vocabulary has changed since engagement@2 was locked (2026-04-01), so its metrics count other events now: "
        "review it again with 'powerml review sheet --weights engagement -o sheet.csv'.",
    )


@pytest.mark.parametrize("text", ["[", "weights: engagement\n", "[]", "- weights: engagement@1\n", "- 7\n"])
def test_a_broken_record_is_told_and_stops_no_score(locked, text):
    (locked.base / "configs" / "reviews" / "engagement.yaml").write_text(text)
    (said,) = check(locked, now=NOW).findings
    assert "engagement.yaml: is no list of records; put the file back as 'powerml review lock' wrote it" in said
    done = score_metrics(METRICS, project=locked, weights="engagement", now=NOW)
    assert done.due == (said,)
    assert done.status == {"scored": len(done.frame)}
