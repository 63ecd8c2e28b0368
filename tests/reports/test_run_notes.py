"""What stands on a session's run: the verdict, and where its pictures and the comparison of its scorers are."""

from __future__ import annotations

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
