"""The fix that a message names fits the rule and the value."""

from __future__ import annotations

import pytest

from powerml.sources.fixes import fix_of


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("not a number", "$5.25", "looks like money"),
        ("not a number", "1,204", "looks like money"),
        ("not a number", "5,25 EUR", "looks like money"),
        ("not a number", "ten", "map another column"),
        ("not a time", "1772323200", "time_format: epoch_s"),
        ("not a time", "soon", "give 'time_format'"),
        ("before 1990-01-01", "0001-01-01", "another 'earliest'"),
        ("duplicate account_id and start", "a, 2026", "map 'known_at' if they are versions"),
        ("below 0", "-1", "correct the rows"),
    ],
)
def test_the_fix_fits(rule, value, words):
    assert words in fix_of(rule, value)
