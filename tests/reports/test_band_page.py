import numpy as np
import pandas as pd
import pytest

from powerml.reports.band_page import band_page, band_table
from powerml.validation.band_report import band_report


@pytest.fixture(scope="module")
def report():
    """Two bands: of 40 low scores 30 churned, of 40 high ones 4, and one row in a band between."""
    score = np.repeat([10.0, 90.0, 50.0], [40, 40, 1])
    labels = np.repeat(["churn", "stay", "churn", "stay", "expand"], [30, 10, 4, 36, 1])
    document = pd.DataFrame(
        {"band": ["High", "Low"], "churn": [0.03, 0.71], "stay": [0.9, 0.2], "expand": [0.07, 0.09]}
    )
    return band_report(score, labels, bands={70: "High", 40: "Middle", 0: "Low"}, reference=document)


def test_rates_stand_with_their_intervals_beside_the_document_s(report):
    shown = band_table(report).set_index("band")
    assert shown.loc["Low", "churn"] == "75 % (60-86)"  # Wilson, 30 of 40
    assert shown.loc["High", "churn"] == "10 % (4-23)"
    assert shown.loc["Low", "document: churn"] == "71 %"
    assert shown.loc["Middle", "document: churn"] == ""
    assert shown.loc["Middle", "note"] == "insufficient"
    assert list(shown["n"]) == [40, 1, 40]


def test_the_page_begins_with_the_verdict(report):
    whole = band_page("Bands of engagement", report, verdict=["Overall: skill.", "Churn: skill."], notes=["A proxy."])
    places = [whole.index(words) for words in ("Overall: skill.", "A proxy.", report.sentences[0], "75 % (60-86)")]
    assert places == sorted(places)
    assert "<th>note</th>" in whole  # of the band with one row


def test_a_note_that_no_band_has_is_no_column():
    score, labels = np.repeat([10.0, 90.0], 40), np.repeat(["churn", "stay", "stay"], [30, 10, 40])
    report = band_report(score, labels, bands={50: "High", 0: "Low"})
    assert "<th>note</th>" not in band_page("Bands", report, verdict=["Overall: skill."]).split("All numbers")[0]
