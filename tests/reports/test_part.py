import pandas as pd

from powerml.reports.part import Part, ends, nothing, share


def test_a_table_is_read_where_it_has_a_title_and_rows():
    rows = pd.DataFrame({"a": [1]})
    assert Part("x", table=rows).for_reading is None
    assert Part("x", table=rows, title="X").for_reading is rows
    assert Part("x", table=rows.iloc[:0], title="X").for_reading is None
    shown = pd.DataFrame({"a": ["one"]})
    assert Part("x", table=rows, title="X", shown=shown).for_reading is shown


def test_what_does_not_apply_says_why():
    part = nothing("early_warning", "there is one cutoff")
    assert part.not_applicable == "there is one cutoff"
    assert not part.has_table
    assert part.sentences == ()


def test_nothing_is_printed_of_what_is_not_known():
    nan = float("nan")
    assert ends(nan, nan, nan) == share(nan, nan, nan) == ""
