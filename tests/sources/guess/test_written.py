from __future__ import annotations

import pytest

from powerml.sources.guess.written import written_numbers, written_times


@pytest.mark.parametrize(
    ("values", "formats", "other"),
    [
        (["2026-03-01T09:30:00Z", "2026-03-01"], ("iso",), ()),
        (["31/12/2025", "01/02/2026"], ("%d/%m/%Y",), ()),
        (["12/31/2025 4:05 PM"], ("%m/%d/%Y %I:%M %p",), ()),
        (["03/04/2026", "05/06/2026"], ("%d/%m/%Y",), ("%m/%d/%Y",)),
        (["03.04.2026 09:30:15"], ("%d.%m.%Y %H:%M:%S",), ()),
        (["27-07-2023", "28-07-2023 03:00"], ("%d-%m-%Y", "%d-%m-%Y %H:%M"), ()),
        (["1-Feb-26", "12-Mar-26"], ("%d-%b-%y",), ()),
        (["Feb 1, 2026", "March 12, 2026"], ("%b %d, %Y", "%B %d, %Y"), ()),
        (["20260131", "20251201"], ("%Y%m%d",), ()),
        (["1772357400", "1772357400.5"], ("epoch_s",), ()),
        (["1772357400123"], ("epoch_ms",), ()),
        (["2026/01/31"], ("%Y/%m/%d",), ()),
    ],
)
def test_times_as_people_write_them(values, formats, other):
    found = written_times(values)
    assert found is not None
    assert (found.formats, found.other, found.share) == (formats, other, 1.0)


@pytest.mark.parametrize("values", [["ada", "bo"], ["1", "2", "3"], ["99999999"], [], ["2026-03-01", "soon"]])
def test_what_is_no_time(values):
    assert written_times(values) is None


@pytest.mark.parametrize(
    ("values", "decimal", "currencies"),
    [
        (["1.5", "-2", "1e3"], None, {}),
        (["1.234,50 €", "99,00 €"], ",", {"€": 2}),
        (["£1,234.50", "£7"], ".", {"£": 2}),
        (["$ 12.5"], None, {"$": 1}),
        (["EUR 5", "USD 7"], None, {"EUR": 1, "USD": 1}),
        (["0,5", "12,75"], ",", {}),
    ],
)
def test_numbers_as_people_write_them(values, decimal, currencies):
    found = written_numbers(values)
    assert found is not None
    assert (found.decimal, found.currencies) == (decimal, currencies)


def test_a_comma_that_may_be_either_is_a_doubt():
    found = written_numbers(["1,234", "5"])
    assert found is not None
    assert (found.decimal, found.doubt.split(";")[0]) == (".", "thousands or three decimals")


@pytest.mark.parametrize("values", [["ada"], ["A-12"], ["2026-03-01"], []])
def test_what_is_no_number(values):
    assert written_numbers(values) is None
