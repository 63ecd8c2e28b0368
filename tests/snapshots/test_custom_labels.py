"""Custom yes/no outcomes: the window's edges, when labels are ripe, and a plain loop over worlds made of traps."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from powerml.config.outcome import EventOutcome
from powerml.config.project import load_project
from powerml.workflows.project import open_project
from tests.builders import write_project
from tests.oracle.labels import Around, observed_until
from tests.oracle.past import Past
from tests.oracle.project import write_project as write_world
from tests.oracle.world import worlds

AS_OF = date(2026, 1, 1)
ADVOCATE = {"name": "advocate", "events": {"role": "referral"}, "good": True}
VOCABULARY = {"referred": {"roles": ["referral"]}, "invited": {"roles": ["invite"]}}
HEAD = "user_id, account_id, event, time\n"


def found_labels(path, outcome, *cutoffs) -> dict:
    """The labels of a custom outcome by id, or by date and id where there are several cutoffs."""
    project = load_project(path).for_outcome(EventOutcome.model_validate(outcome))
    opened = open_project(project)
    opened = dataclasses.replace(opened, metrics={"events_30d": opened.metrics["events_30d"]})
    frame = opened.build(cutoffs or [AS_OF], labels=True).frame
    labels = frame.set_index(["as_of", project.id_column] if len(cutoffs) > 1 else project.id_column)["label"]
    return labels.to_dict()


def history(**days: str) -> str:
    """Everybody was seen on December 10, and did the events `name day` given for them."""
    rows = [f"{who}, , click, 2025-12-10T00:00:00Z" for who in days]
    for who, text in days.items():
        rows += [f"{who}, , {', '.join(part.split())}" for part in text.split(";") if part.strip()]
    return HEAD + "\n".join(rows) + "\n"


def test_the_edges_of_the_window(tmp_path):
    events = history(
        first="referred 2026-01-01T00:00:00Z",
        last="referred 2026-03-31T23:59:59.999999Z",
        before="referred 2025-12-31T23:59:59.999999Z",
        after="referred 2026-04-01T00:00:00Z",
        other="invited 2026-02-01T00:00:00Z",
        none="",
    )
    events += "new, , referred, 2026-02-01T00:00:00Z\n"
    path = write_project(tmp_path, events, vocabulary=VOCABULARY, observed_until="2026-06-01T00:00:00Z")
    assert found_labels(path, ADVOCATE) == {
        "first": "advocate", "last": "advocate", "before": "not_advocate", "after": "not_advocate",
        "other": "not_advocate", "none": "not_advocate",
    }  # fmt: skip


def test_who_was_not_seen_in_the_90_days_before_is_ineligible(tmp_path):
    events = HEAD + "edge, , click, 2025-10-03T00:00:00Z\nslept, , click, 2025-10-02T23:59:59Z\n"
    events += "".join(f"{who}, , referred, 2026-01-05T00:00:00Z\n" for who in ("edge", "slept"))
    path = write_project(tmp_path, events, vocabulary=VOCABULARY, observed_until="2026-06-01T00:00:00Z")
    assert found_labels(path, ADVOCATE) == {"edge": "advocate", "slept": "ineligible"}


@pytest.mark.parametrize(
    ("until", "labels"),
    [
        ("2026-03-31T23:59:59Z", {"yes": "immature", "no": "immature"}),
        ("2026-04-01T00:00:00Z", {"yes": "advocate", "no": "not_advocate"}),
    ],
)
def test_a_window_not_seen_to_its_end_is_never_a_no_nor_an_early_yes(tmp_path, until, labels):
    """The grace of contract outcomes plays no part."""
    events = history(yes="referred 2026-01-02T00:00:00Z", no="")
    tables = {"subscriptions": "account_id, start, end, mrr\nacme, 2025-01-01, , 100"}
    path = write_project(tmp_path, events, vocabulary=VOCABULARY, tables=tables, observed_until=until)
    assert found_labels(path, ADVOCATE) == labels


def test_what_was_seen_ends_with_the_last_day_that_has_an_event(tmp_path):
    events = history(yes="referred 2026-01-02T00:00:00Z", seen="click 2026-01-30T05:00:00Z")
    path = write_project(tmp_path, events, vocabulary=VOCABULARY)
    month = ADVOCATE | {"horizon_days": 30}
    assert set(found_labels(path, month).values()) == {"advocate", "not_advocate"}
    assert set(found_labels(path, month | {"horizon_days": 31}).values()) == {"immature"}


def test_how_many_events_it_takes_and_of_which_kinds(tmp_path):
    events = history(
        one="referred 2026-01-05T00:00:00Z",
        two="referred 2026-01-05T00:00:00Z; invited 2026-01-05T00:00:00Z",
        twice="invited 2026-01-05T00:00:00Z; invited 2026-02-05T00:00:00Z",
    )
    path = write_project(tmp_path, events, vocabulary=VOCABULARY, observed_until="2026-06-01T00:00:00Z")
    either = {"name": "caller", "events": {"role": ["referral", "invite"]}, "at_least": 2, "good": False}
    assert found_labels(path, either) == {"one": "not_caller", "two": "caller", "twice": "caller"}
    short = either | {"horizon_days": 30}
    assert found_labels(path, short) == {"one": "not_caller", "two": "caller", "twice": "not_caller"}


def test_an_accounts_label_is_made_of_its_users_at_the_end_of_the_window(tmp_path):
    events = HEAD + "ada, acme, click, 2025-12-10T00:00:00Z\nben, , referred, 2026-02-10T00:00:00Z\n"
    users = "user_id, account_id, created_at\nada, acme, 2025-06-01\nben, acme, 2026-02-01"
    path = write_project(
        tmp_path, events, vocabulary=VOCABULARY, tables={"users": users}, entity="account",
        observed_until="2026-06-01T00:00:00Z",
    )  # fmt: skip
    assert found_labels(path, ADVOCATE) == {"acme": "advocate"}


def test_snapshots_know_nothing_of_the_window(tmp_path):
    """The same rows but for the label, whatever comes after the cutoff."""
    frames = []
    for name, later in (("calm", "click"), ("busy", "referred")):
        events = history(ada=f"{later} 2026-02-01T00:00:00Z; {later} 2026-02-02T00:00:00Z")
        path = write_project(tmp_path / name, events, vocabulary=VOCABULARY, observed_until="2026-06-01T00:00:00Z")
        project = load_project(path).for_outcome(EventOutcome.model_validate(ADVOCATE))
        frames.append(open_project(project).build([AS_OF], labels=True).frame)
    assert [frame["label"].tolist() for frame in frames] == [["not_advocate"], ["advocate"]]
    calm, busy = (frame.drop(columns="label") for frame in frames)
    assert calm.equals(busy)


def plain_labels(world, outcome: EventOutcome, *, entity: str, names: dict[date, list[str]]) -> dict:
    """The label of each entity of each cutoff, event by event."""
    changed = dataclasses.replace(world.project.settings, horizon_days=outcome.horizon_days)
    project, labels = dataclasses.replace(world.project, settings=changed), {}
    for as_of, those in names.items():
        past = Past(project, as_of)
        around = Around(past)
        for name in those:
            before, after = around.events_of(entity, name)
            yes = 0
            for event in after:
                meaning = {
                    "role": set(event.meaning.roles),
                    "feature": {event.meaning.feature},
                    "tier": {event.meaning.tier or "none"},
                    "event": {event.name},
                }
                yes += all(meaning[key] & set(wanted) for key, wanted in outcome.events.items())
            if not before:
                label = "ineligible"
            elif past.midnight(-outcome.horizon_days) > observed_until(project):
                label = "immature"
            else:
                label = outcome.name if yes >= outcome.at_least else f"not_{outcome.name}"
            labels[as_of, name] = label
    return labels


WHERES = st.sampled_from(
    [
        {"role": ["key_action", "invite"]},
        {"role": "collaboration"},
        {"feature": "reports", "tier": "core"},
        {"tier": "none"},
        {"event": ["signed_in", "SIGNED_IN"]},
    ]
)


@pytest.mark.parametrize("entity", ["user", pytest.param("account", marks=pytest.mark.slow)])
def test_against_a_plain_loop(entity, tmp_path_factory):
    seen = set()

    @settings(
        max_examples=3, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(worlds(), WHERES, st.sampled_from((7, 30, 90)), st.sampled_from((1, 2, 4)))
    def check(world, where, horizon, at_least):
        outcome = EventOutcome(name="keen", events=where, horizon_days=horizon, at_least=at_least, good=True)
        path = write_world(world.project, tmp_path_factory.mktemp("world"), entity=entity)
        cutoffs = sorted(world.cutoffs)
        found = found_labels(path, outcome.model_dump(mode="json"), *cutoffs)
        have = {(at.date(), name): label for (at, name), label in found.items()}
        names = {as_of: [name for at, name in have if at == as_of] for as_of in cutoffs}
        assert have == plain_labels(world, outcome, entity=entity, names=names)
        seen.update(have.values())

    check()
    assert seen == {"ineligible", "immature", "keen", "not_keen"}
