import pandas as pd
import pytest

from powerml.errors import StoreError
from powerml.scoring.learned import Learned
from powerml.tracking import registry
from powerml.tracking.registry import MOVED_FROM
from powerml.tracking.store import Store, connected
from tests.tracking.small_session import log_small, model


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two versions; the first is champion, the second challenger."""
    store, session = log_small(
        tmp_path_factory.mktemp("project"), model("engagement"), model("activity", full_scale=50)
    )
    for name in ("engagement", "activity"):
        run = session.scorers[name]
        version = registry.register(
            *(store, "golden"),
            run_id=run.run_id,
            model_uri=run.model_uri,
            manifest=run.manifest,
            tags={registry.SCORER: name, registry.VERDICT: "skill"},
        )
        if name == "engagement":
            registry.set_alias(store, version, "champion")
    return store


def test_the_challenger_is_the_last_one_registered(store):
    assert registry.aliases(store, "golden") == {"champion": 1, "challenger": 2}


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ("golden@champion", 1), ("@challenger", 2), ("champion", 1), ("2", 2), ("v1", 1),
        ("models:/golden@champion", 1), ("golden/2", 2), ("models:/golden/2", 2),
    ],
)  # fmt: skip
def test_a_version_is_found_by_alias_and_by_number(store, wanted, number):
    assert registry.find_version(store, "golden", wanted).number == number


def test_a_version_is_found_by_its_run(store):
    for version in registry.registered_versions(store, "golden"):
        assert registry.find_version(store, "golden", version.run_id[:10]).number == version.number


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("golden@chmpion", r"golden has no alias @chmpion; its versions are 2 \(@challenger\), 1 \(@champion\)"),
        ("7", r"golden has no version or run '7'"),
        ("other@champion", "no model 'other' is registered"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(store, wanted, message):
    with pytest.raises(StoreError, match=message):
        registry.find_version(store, "golden", wanted)


def test_a_store_that_was_never_made_is_not_made_by_looking(tmp_path):
    store = Store(tmp_path / ".powerml")
    assert registry.aliases(store, "golden") == {}
    assert registry.registered_versions(store, "golden") == []
    with pytest.raises(StoreError, match="run 'powerml train' first"):
        registry.find_version(store, "golden", "champion")
    assert not store.folder.exists()


def test_tags_of_a_version_can_be_added(store):
    version = registry.find_version(store, "golden", "1")
    registry.tag_version(store, version, {"powerml.note": "locked"})
    assert registry.find_version(store, "golden", "1").tags["powerml.note"] == "locked"


def test_a_version_says_what_it_is():
    tags = {
        registry.SCORER: "card", "powerml.kind": "fitted", registry.VERDICT: "skill",
        "powerml.verdict.churn": "skill", "powerml.verdict.expand": "cannot tell", MOVED_FROM: "1",
        **Learned(pd.Timestamp("2026-01-01"), pd.Timestamp("2025-01-01")).to_tags(),
    }  # fmt: skip
    assert registry.about_version(tags) == (
        "card (fitted). Verdict on held-out months: skill; churn: skill; expand: cannot tell. "
        "Learned from snapshots of 2025-01-01 to 2026-01-01. "
        "It is version 1 with its base rates moved to the outcomes that came since."
    )


def test_the_version_and_the_model_have_a_description(store):
    with connected(store) as client:
        assert client.get_model_version("golden", "1").description == "engagement. Verdict on held-out months: skill."
        assert client.get_registered_model("golden").description.startswith("A score of 0 to 100")
