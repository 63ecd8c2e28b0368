"""Which event name means what: exact names before globs, the first glob first."""

from __future__ import annotations

import pandas as pd
import pytest

from powerml.config.vocabulary import Meaning
from powerml.snapshots.vocabulary import EventKinds, event_kinds, is_event_word


def kinds(names: list[str], **vocabulary: dict) -> EventKinds:
    return meant(names, vocabulary)


def meant(names: list[str], vocabulary: dict[str, dict]) -> EventKinds:
    meanings = {name: Meaning(**meaning) for name, meaning in vocabulary.items()}
    return event_kinds(pd.DataFrame({"event": names}), meanings)


def told(found: EventKinds, column: str) -> dict[str, object]:
    return dict(zip(found.frame["event"], found.frame[column], strict=True))


def flagged(found: EventKinds, **where: tuple[str, ...]) -> set[str]:
    return set(found.frame.loc[found.flags(where), "event"])


def test_a_name_without_a_rule_is_its_own_feature_and_is_listed():
    found = kinds(["zeta", "alpha"], alpha={"feature": "first"})
    assert told(found, "feature") == {"alpha": "first", "zeta": "zeta"}
    assert told(found, "category") == {"alpha": "first", "zeta": "zeta"}
    assert found.unmapped() == ["zeta"]


def test_kinds_are_numbered_in_the_order_of_their_names():
    assert list(kinds(["b", "a", "c"]).frame["event"]) == ["a", "b", "c"]
    assert list(kinds(["b", "a", "c"]).frame["ev"]) == [0, 1, 2]


def test_exact_names_win_over_globs_and_the_first_glob_over_the_second():
    words = {
        "commit:*": {"feature": "commit"},
        "*": {"feature": "anything"},
        "commit:big": {"feature": "big commit"},
        "comm*": {"feature": "never reached"},
    }
    found = meant(["commit:big", "commit:small", "comma", "x"], words)
    assert told(found, "feature") == {
        "commit:big": "big commit", "commit:small": "commit", "comma": "anything", "x": "anything",
    }  # fmt: skip
    assert found.unmapped() == []


@pytest.mark.parametrize(
    ("glob", "matched"),
    [("a?", {"ab", "a*"}), ("[ax]*", {"ab", "abc", "a*", "xx"}), ("AB", set()), ("ab*", {"ab", "abc"})],
)
def test_globs_match_whole_names_with_their_case(glob, matched):
    found = meant(["ab", "abc", "a*", "xx", "ba"], {glob: {"tier": "core"}})
    assert flagged(found, tier=("core",)) == matched


def test_a_name_with_brackets_of_its_own_may_be_meant_literally():
    found = meant(["save [draft]", "save d"], {"save [draft]": {"feature": "draft"}})
    assert told(found, "feature")["save [draft]"] == "draft"
    assert told(found, "feature")["save d"] == "draft"  # as a glob, [draft] is one of its letters


def test_where_means_all_keys_and_any_of_their_values():
    words = {
        "export:*": {"roles": ["export", "key_action"], "tier": "core", "depth": "advanced", "category": "out"},
        "share": {"roles": ["share"], "category": "out", "tier": "none"},
        "open": {"depth": "intermediate"},
    }
    found = meant(["export:csv", "export:pdf", "share", "open", "other"], words)
    assert flagged(found, role=("export",)) == {"export:csv", "export:pdf"}
    assert flagged(found, role=("export", "share")) == {"export:csv", "export:pdf", "share"}
    assert flagged(found, role=("export",), event=("*:csv",)) == {"export:csv"}
    assert flagged(found, role=("login",)) == set()
    assert flagged(found, category=("out",)) == {"export:csv", "export:pdf", "share"}
    assert flagged(found, depth=("intermediate", "advanced")) == {"export:csv", "export:pdf", "open"}
    assert flagged(found, tier=("none",)) == {"share", "open", "other"}
    assert flagged(found, feature=("other",)) == {"other"}
    assert flagged(found, event=("sh*", "other")) == {"share", "other"}
    assert flagged(found) == {"export:csv", "export:pdf", "share", "open", "other"}


def test_other_columns_make_kinds_of_their_own():
    frame = pd.DataFrame({"event": ["a", "a", "b"], "device": ["web", None, "web"]})
    found = event_kinds(frame, {})
    assert len(found.frame) == 3
    assert found.flags({"device": ("web",)}).sum() == 2
    codes, many = found.codes("device")
    assert many == 1
    assert sorted(codes) == [-1, 0, 0]


def test_ignored_kinds_and_logins():
    found = kinds(["beat", "in"], beat={"roles": ["ignore"]}, **{"in": {"roles": ["login"]}})
    assert told(found, "ignored") == {"beat": True, "in": False}
    assert found.has_login
    assert not kinds(["in"]).has_login
    assert kinds(["other"], **{"in": {"roles": ["login"]}}).has_login  # declared, though it never occurred


def test_features_are_counted_as_declared_and_globs_as_seen():
    words = {
        "a": {"feature": "one", "tier": "core"},
        "b": {"feature": "one", "tier": "core"},
        "c": {"tier": "advanced"},
        "gone": {"tier": "core"},
        "beat": {"roles": ["ignore"], "tier": "core"},
        "x:*": {"tier": "core"},
    }
    found = meant(["a", "b", "x:1", "x:2", "stray", "beat"], words)
    assert found.declared("core") == 4  # one, gone, x:1, x:2
    assert found.declared("advanced") == 1
    assert found.declared(None) == 5  # a stray name is in no vocabulary
    seen = found.frame["event"].isin(["a", "x:1"]).to_numpy()
    assert found.declared("core", seen) == 3


def test_words_of_the_vocabulary():
    assert is_event_word("role")
    assert not is_event_word("session_id")
