"""Specs are frozen and strict about their keys."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from powerml.config.base import Source, Spec


class Ladder(Spec):
    edge: float
    source: Source = Source()


def test_a_spec_cannot_be_changed():
    ladder = Ladder(edge=3)
    with pytest.raises(ValidationError, match="frozen"):
        ladder.edge = 4


def test_a_key_that_it_does_not_know_is_an_error():
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Ladder(edge=3, egde=4)


def test_a_source_says_nothing_by_default():
    assert Ladder(edge=3).source == Source(document=None, section=None, quote=None, reading=None)
    assert Source(document="A", quote="five days").quote == "five days"
