from __future__ import annotations

import duckdb
import pytest

from powerml.sources.numerals import PLAIN_NUMERALS, Numerals


def read(numerals: Numerals, written: str) -> float | None:
    row = duckdb.execute(f"SELECT {numerals.number('t')} FROM (SELECT ? AS t)", [written]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("numerals", "written", "expected"),
    [
        (PLAIN_NUMERALS, "1.5", 1.5),
        (PLAIN_NUMERALS, "1,5", None),
        (Numerals(","), "1.234,50", 1234.5),
        (Numerals(","), "1 234,5", 1234.5),
        (Numerals(","), "0,5", 0.5),
        (Numerals(","), "1.5", None),  # a point that parts no three digits may be a decimal sign: not guessed
        (Numerals("."), "1,234", 1234.0),
        (Numerals("."), "1'234.5", 1234.5),
        (Numerals("."), "12,34", None),
        (Numerals(".", "£"), "£1,234.50", 1234.5),
        (Numerals(".", "£"), "-£ 7", -7.0),
        (Numerals(",", "€"), "49,90 €", 49.9),
        (Numerals(currency="$"), "$12.5", 12.5),
        (Numerals(currency="$"), "€12.5", None),
        (Numerals(","), "much", None),
    ],
)
def test_numbers_as_they_are_written(numerals, written, expected):
    assert read(numerals, written) == expected
