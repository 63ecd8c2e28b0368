"""The project file: defaults, every key, and messages for what is wrong in it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from powerml.config.project import expand, load_project
from powerml.errors import ConfigError, DataError

GOLDEN = Path(__file__).parents[1] / "golden"
LEAST = "tables: {events: {files: events.csv}}\nvocabulary: {}\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    folder = tmp_path / "acme"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(text: str, name: str = "powerml.yaml") -> Path:
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_project(path)
    return str(caught.value).splitlines()


def test_the_golden_project_as_it_stands():
    project = load_project(GOLDEN / "raw" / "powerml.yaml")
    assert (project.project, project.timezone, project.entity) == ("golden", "UTC", "user")
    assert project.observed_until == datetime(2026, 2, 25, tzinfo=UTC)
    assert len(project.tables) == 7
    assert project.meanings["signed_in" if "signed_in" in project.meanings else next(iter(project.meanings))]
    assert project.base == GOLDEN / "raw"
    assert project.state == GOLDEN / "raw" / ".powerml"
    assert project.outcome_kind == "contract"
    assert project.id_column == "user_id"


def test_defaults_are_those_of_the_contract(written):
    project = load_project(written(LEAST))
    assert project.project == "acme"  # the folder's name
    assert (project.timezone, project.entity, project.engine) == ("UTC", "user", "duckdb")
    assert project.plans == ("free", "starter", "pro", "enterprise")
    outcome = project.outcome
    assert (outcome.horizon_days, outcome.grace_days, outcome.min_rise) == (90, 30, 0.02)
    assert (project.session_gap_minutes, project.min_history_days) == (30, 14)
    assert (project.snapshots.every, project.snapshots.from_, project.snapshots.to) == ("month", None, None)
    assert project.tables["events"].max_bad_rows == 0.01
    assert project.observed_until is None
    assert project.outcome_kind == "behavioural"  # there are no subscriptions


def test_subscriptions_make_outcomes_contractual_unless_told_otherwise(written):
    text = "tables: {events: {files: e.csv}, subscriptions: {files: s.csv}}\nvocabulary: {}\n"
    assert load_project(written(text)).outcome_kind == "contract"
    assert load_project(written(text + "outcome: {kind: behavioural}\n")).outcome_kind == "behavioural"


def test_every_further_key(written):
    project = load_project(
        written(
            """\
project: Acme
timezone: America/New_York
entity: account
tables:
  events: {files: [a.csv, "b/*.parquet"], columns: {user_id: who}, time_format: "%d.%m.%Y", timezone: Europe/Berlin}
  users: {query: "select * from 'u.csv'", max_bad_rows: 0.2}
  tickets: {database: {url_env: DESK_URL}, table: tickets}
vocabulary: {"commit:*": {feature: commit, tier: core, depth: advanced, roles: [key_action]}}
snapshots: {every: quarter, from: 2025-01-01, to: 2026-01-01}
metrics: house.yaml
engine: duckdb
memory_limit: 8GB
owners: {growth: Kim}
params: {max_features: 20}
"""
        )
    )
    events = project.tables["events"]
    assert events.files == ("a.csv", "b/*.parquet")
    assert (events.columns, events.time_format, events.timezone) == ({"user_id": "who"}, "%d.%m.%Y", "Europe/Berlin")
    assert project.tables["users"].max_bad_rows == 0.2
    assert project.tables["tickets"].database.url_env == "DESK_URL"
    assert project.meanings["commit:*"].roles == ("key_action",)
    assert (project.snapshots.from_, project.snapshots.to) == (date(2025, 1, 1), date(2026, 1, 1))
    assert project.metrics == ("house.yaml",)
    assert project.params == {"max_features": 20}
    assert project.id_column == "account_id"


def test_it_may_be_json(written):
    declared = {"tables": {"events": {"files": "e.csv"}}, "vocabulary": {"a": {"roles": ["login"]}}}
    project = load_project(written(json.dumps(declared, indent="\t"), "powerml.json"))
    assert project.meanings["a"].roles == ("login",)


def test_all_problems_at_once(written):
    path = written(
        """\
timezon: UTC
entity: usr
plans: [pro, pro]
outcome: {horizon_day: 90, grace_days: -1}
tables:
  event: {files: e.csv}
  events: {fils: e.csv, columns: {usr_id: who}}
vocabulary: {signed_in: {roles: [logn]}}
snapshots: {every: yearly, from: 2026-13-01}
"""
    )
    found = problems(path)
    expected = [
        "powerml.yaml:1: timezon: unknown key; did you mean 'timezone'?",
        "powerml.yaml:2: entity: expected 'user' or 'account', got 'usr'; did you mean 'user'?",
        "powerml.yaml:3: plans: a plan stands twice in ['pro', 'pro']; name each once, lowest first",
        "powerml.yaml:4: outcome.horizon_day: unknown key; did you mean 'horizon_days'?",
        "powerml.yaml:6: tables.event: unknown table; did you mean 'events'?",
        "powerml.yaml:7: tables.events.columns.usr_id: events has no column of that name; did you mean 'user_id'?",
        "powerml.yaml:7: tables.events.fils: unknown key; did you mean 'files'?",
        "powerml.yaml:9: snapshots.every: expected 'day', 'week', 'month' or 'quarter', got 'yearly'",
        "powerml.yaml:9: snapshots.from: expected a date like 2026-03-01, got '2026-13-01'",
    ]
    assert [line for line in expected if line not in found] == []
    assert any(line.startswith("powerml.yaml:4: outcome.grace_days: ") for line in found)
    assert any(line.endswith("got 'logn'; did you mean 'login'?") for line in found)
    lines = [int(line.split(":")[1]) for line in found]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vocabulary: {}\n", "powerml.yaml:1: 'tables' is missing; add it"),
        ("tables: {events: {files: e.csv}}\n", "powerml.yaml:1: 'vocabulary' is missing; add it"),
        (
            "tables: {users: {files: u.csv}}\nvocabulary: {}\n",
            "powerml.yaml:1: tables: no 'events'; it is the one table that is required",
        ),
        (
            "tables: {events: {}}\nvocabulary: {}\n",
            "powerml.yaml:1: tables.events: needs 'files' or 'query'; give one of them",
        ),
        (
            "tables: {events: {files: a.csv, query: select 1}}\nvocabulary: {}\n",
            "powerml.yaml:1: tables.events: needs 'files' or 'query'; give one of them",
        ),
        (
            "tables: {events: {database: {url_env: X}}}\nvocabulary: {}\n",
            "powerml.yaml:1: tables.events: 'database' needs a 'table' or a 'query'; give one of them",
        ),
        (
            LEAST + "timezone: Europe/Berln\n",
            "powerml.yaml:3: timezone: 'Europe/Berln' is no IANA time zone; use a name like Europe/Berlin",
        ),
        (
            LEAST + "snapshots: {from: 2026-05-01, to: 2026-04-01}\n",
            "powerml.yaml:3: snapshots.to: 2026-04-01 lies before 'from', 2026-05-01; swap them",
        ),
        (
            LEAST + "outcome: {kind: contract}\n",
            "powerml.yaml:3: outcome.kind: contract outcomes need the table 'subscriptions'; map it or use kind: "
            "behavioural",
        ),
        (
            LEAST + "observed_until: soon\n",
            "powerml.yaml:3: observed_until: expected a time like 2026-03-01T09:30:00Z, got 'soon'",
        ),
        (
            LEAST + "params: {max_features: many}\n",
            "powerml.yaml:3: params.max_features: expected a number, got 'many'",
        ),
    ],
)
def test_one_thing_wrong(written, text, message):
    assert problems(written(text)) == [message]


def test_the_vocabulary_may_stand_in_a_file_of_its_own(written):
    written('{"signed_in": {"roles": ["login"]}}', "words.json")
    project = load_project(written("tables: {events: {files: e.csv}}\nvocabulary: words.json\n"))
    assert project.meanings["signed_in"].roles == ("login",)


def test_problems_of_the_vocabulary_file_name_that_file(written):
    written("signed_in:\n  roles: [login]\n  teir: core\nexported: {depth: deep}\n", "words.yaml")
    found = problems(written("tables: {events: {files: e.csv}}\nvocabulary: words.yaml\n"))
    assert found == [
        "words.yaml:3: signed_in.teir: unknown key; did you mean 'tier'?",
        "words.yaml:4: exported.depth: expected 'basic', 'intermediate' or 'advanced', got 'deep'",
    ]


def test_a_vocabulary_file_that_is_not_there(written):
    path = written("tables: {events: {files: e.csv}}\nvocabulary: words.yaml\n")
    with pytest.raises(DataError, match=r"words\.yaml: no such file; check the path"):
        load_project(path)


def test_environment_variables_in_the_vocabularys_path(written, tmp_path, monkeypatch):
    (tmp_path / "words.json").write_text('{"a": {"tier": "core"}}')
    path = written("tables: {events: {files: e.csv}}\nvocabulary: ${WORDS_HOME}/words.json\n")
    with pytest.raises(DataError, match=r"powerml\.yaml: .*WORDS_HOME.* is not set"):
        load_project(path)
    monkeypatch.setenv("WORDS_HOME", str(tmp_path))
    assert load_project(path).meanings["a"].tier == "core"


def test_expanding_leaves_other_dollars_alone(monkeypatch):
    monkeypatch.setenv("HOUSE", "/data")
    assert expand("${HOUSE}/$5/{x}.csv", file="p.yaml") == "/data/$5/{x}.csv"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("outcome: {horizon_days: 999999999}", "outcome.horizon_days"),
        ("outcome: {grace_days: 4000}", "outcome.grace_days"),
        ("outcome: {min_rise: .inf}", "outcome.min_rise"),
        ("outcome: {min_rise: .nan}", "outcome.min_rise"),
        ("session_gap_minutes: .inf", "session_gap_minutes"),
        ("session_gap_minutes: 1e-9", "session_gap_minutes"),
        ("min_history_days: 10000", "min_history_days"),
        ("params: {max_features: .nan}", "params.max_features"),
        ("earliest: 0001-01-01", "earliest"),
        ("earliest: 2300-01-01", "earliest"),
        ("observed_until: 9999-01-01", "observed_until"),
        ("snapshots: {from: 0001-01-01}", "snapshots.from"),
        ("ids: lower", "ids"),
    ],
)
def test_what_no_project_means_is_refused_by_name(written, text, field):
    found = problems(written(f"tables: {{events: {{files: e.csv}}}}\nvocabulary: {{}}\n{text}\n"))
    assert len(found) == 1
    assert f"powerml.yaml:3: {field}" in found[0]


def test_earliest_and_ids(written):
    project = load_project(
        written("tables: {events: {files: e.csv}}\nvocabulary: {}\nearliest: 1980-05-01\nids: casefold\n")
    )
    assert (project.earliest, project.ids) == (date(1980, 5, 1), "casefold")


def test_spark_and_its_settings(written):
    text = "tables: {events: {files: events}}\nvocabulary: {click: {}}\nengine: spark\n"
    assert load_project(written(text)).spark.master == "local[*]"
    text += 'spark: {master: "local[2]", config: {spark.sql.shuffle.partitions: 8, spark.ui.enabled: false}}\n'
    settings = {"spark.sql.shuffle.partitions": "8", "spark.ui.enabled": "false"}
    assert load_project(written(text)).spark.settings == settings


@pytest.mark.parametrize(
    "line",
    [
        "posthog: {project_id: phx_0123abcd, project_key_env: KEY}",
        "attio: {token_env: ATTIO_API_KEY, list: phc_0123abcd}",
        "posthog: {project_id: 1, project_key_env: KEY, group: '0a1b2c3d4e5f6a7b8c9d0e1f0123abcd'}",
        "attio: {token_env: ATTIO_API_KEY, list: 'Bearer 0123abcd'}",
        "posthog: {project_id: 'https://me:0123abcd@example.org', project_key_env: KEY}",
        "attio: {token_env: ATTIO_API_KEY, host: 'https://api.attio.com/phx_0123abcd'}",
        "postgres: {url_env: WAREHOUSE, schema: phx_0123abcd}",
        "files: {folder: /srv/phx_0123abcd}",
    ],
)
def test_what_may_be_a_secret_is_never_shown_wherever_it_stands(written, line):
    (told,) = problems(written(f"{LEAST}sync:\n  {line}\n"))
    assert "0123abcd" not in told
    assert "may be a secret and is not shown; put it into an environment variable" in told
    assert "powerml.yaml:4" in told


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("phx_0123abcd: {}", "sync.***: unknown key"),
        ("attio: {token_env: ATTIO_API_KEY, host: 'https://api.attio.com?key=0123abcd'}", "holds more than a host"),
        ("attio: {token_env: ATTIO_API_KEY, phx_0123abcd: 1}", "sync.attio.***: unknown key"),
        ("attio: {token_env: sk_0123abcd}", "is no name of an environment variable"),
        ("webhook: {url_env: 'https://example.org/0123abcd', secret_env: HOOK}", "is no name of an environment"),
    ],
)
def test_no_key_and_no_address_shows_a_secret(written, line, what):
    (told,) = problems(written(f"{LEAST}sync:\n  {line}\n"))
    assert "0123abcd" not in told
    assert what in told


def test_other_wrong_values_are_shown(written):
    (told,) = problems(written(f"{LEAST}sync:\n  attio: {{token_env: ATTIO_API_KEY, list: Power-Users}}\n"))
    assert "got 'Power-Users'" in told
