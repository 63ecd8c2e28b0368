"""What stands on a session's run: the verdict, and where its pictures and the comparison of its scorers are."""

from __future__ import annotations

import pandas as pd

from powerml.reports.part import Part
from powerml.reports.run_notes import session_note

RUNS = {"engagement": "aaaabbbbccccdddd", "auto": "eeeeffff00001111"}


def note(**said):
    whole = {"question": "Which?", "challenger": "auto", "own": "1234567890", "runs": RUNS, "several": True}
    return session_note("Verdict on auto: skill", (), **{**whole, **said})


def test_the_note_links_the_picture_of_all_scorers_and_the_command_that_makes_its_page():
    told = note()
    where = "get-artifact?path=scorers%2Fparallel.svg&run_uuid=1234567890"
    assert f"![Scorers side by side]({where})" in told
    assert f"[This picture by itself]({where})" in told
    assert "`powerml compare aaaabbbb eeeeffff --html compare.html`" in told
    assert told.startswith("*Which?*\n\n**Verdict on auto: skill**")


def test_one_scorer_is_compared_with_nothing():
    told = note(several=False)
    assert "compare" not in told
    assert "Outcomes by band" in told


def test_the_note_has_the_bands_in_columns_that_fit():
    bands = pd.DataFrame(
        {
            "band": ["Healthy", "At Risk"], "from": [70.0, 30.0], "n": [12, 60], "share": [0.1234, 0.8766],
            "churn": ["0 % (0-37)", "37 % (25-51)"], "document: churn": ["3 %", "38 %"],
            "mean score": [74.07, 41.2], "mean outcome": [float("nan"), 39.26], "note": ["insufficient", ""],
        }
    )  # fmt: skip
    told = session_note(
        "Verdict", [Part("bands", (), bands, "Bands", bands)], question="", challenger="", own="1", runs={},
        several=False,
    )  # fmt: skip
    assert "| band | from | n | share | churn | mean outcome | note |" in told
    assert "| Healthy | 70 | 12 | 12 % | 0 % (0-37) |  | insufficient |" in told
    assert "| At Risk | 30 | 60 | 88 % | 37 % (25-51) | 39 |  |" in told
