import pandas as pd

from powerml.reports.page import page, sentence, table

NASTY = "<img src=x onerror=alert(1)></script>"


def test_no_text_becomes_markup():
    whole = page(NASTY, sentence(NASTY), table(pd.DataFrame({NASTY: [NASTY], "n": [1]})))
    assert "<img" not in whole
    assert "</script>" not in whole
    assert whole.count("&lt;img src=x") == 5  # title, heading, sentence, column, cell


def test_a_page_asks_nothing_of_anywhere():
    whole = page("Bands", sentence("all is well"))
    assert "default-src 'none'" in whole
    assert "http://" not in whole
    assert "https://" not in whole
    assert "<script" not in whole


def test_shares_are_in_per_cent_and_nulls_empty():
    shown = table(pd.DataFrame({"share": [0.125, None], "n": [3.0, 4.5]}), shares=["share"])
    assert "<td>12.5 %</td><td>3</td>" in shown
    assert "<td></td><td>4.50</td>" in shown


def test_short_cells_stay_on_one_line_and_wide_tables_move_sideways():
    shown = table(pd.DataFrame({"churn": ["83 % (76-87)"], "why": ["a sentence that is longer than a cell should be"]}))
    assert '<td>83 % (76-87)</td><td class="long">a sentence' in shown
    assert shown.startswith('<div class="wide"><table>')
    assert "white-space:nowrap" in page("Bands", shown)
