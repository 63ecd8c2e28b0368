"""What event names may be said to mean."""

from __future__ import annotations

import typing

import pytest
from pydantic import TypeAdapter, ValidationError

from powerml.config.vocabulary import DEPTH_LEVELS, Depth, Meaning, Role, Vocabulary, is_glob

ROLES = """login key_action content_created report export share collaboration invite integration_added
integration_removed workflow_started workflow_completed error feature_request beta referral automation ignore"""


def test_roles_and_depths_are_those_of_the_contract():
    assert set(typing.get_args(Role)) == set(ROLES.split())
    assert set(typing.get_args(Depth)) == set(DEPTH_LEVELS)
    assert DEPTH_LEVELS == {"basic": 0, "intermediate": 1, "advanced": 2}


def test_an_empty_meaning_is_an_activity_and_no_more():
    meaning = Meaning()
    assert (meaning.feature, meaning.category, meaning.tier, meaning.depth, meaning.roles) == (
        None, None, None, "basic", (),
    )  # fmt: skip


@pytest.mark.parametrize("wrong", [{"tier": "gold"}, {"depth": "deep"}, {"roles": ["logn"]}, {"role": ["login"]}])
def test_words_it_does_not_know_are_errors(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(Vocabulary).validate_python({"signed_in": wrong})


@pytest.mark.parametrize(
    ("name", "glob"), [("commit:*", True), ("a?", True), ("[ab]", True), ("signed_in", False), ("a.b/c-d", False)]
)
def test_globs(name, glob):
    assert is_glob(name) is glob
