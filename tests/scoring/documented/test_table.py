import pytest

from powerml.scoring.documented.table import CARD_COLUMNS, card_table
from tests.scoring.sets import SETS, scorer


@pytest.mark.parametrize("name", SETS)
def test_every_part_stands_on_the_card(name):
    made = scorer(name, fitted=False)
    card = made.table()
    assert tuple(card.columns) == CARD_COLUMNS
    assert {part.removesuffix("_score") for part in made.parts} <= set(card["part"])
    assert not card.isna().any().any()


def test_the_lines_read_as_the_document_does():
    card = card_table(scorer("engagement", fitted=False).card)
    recency = card[card["part"] == "recency"]
    assert recency[["when", "gives", "quote"]].to_numpy().tolist() == [
        ["days_since_last_active from 30", "0 points", "No activity 30+ days: 0 points"],
        ["days_since_last_active from 7", "2 points", "Used in past 30 days: 2 points"],
        ["days_since_last_active from 3", "4 points", "Used in past 7 days: 4 points"],
        ["days_since_last_active from 1", "7 points", "Used in past 3 days: 7 points"],
        ["else", "10 points", "Used today: 10 points"],
        ["days_since_last_active null", "0 points", ""],
    ]
    assert set(recency["document"].iloc[:-1]) == {"003_937c1dc49c782a1e"}


def test_a_note_stands_beside_its_number():
    card = card_table(scorer("activity", fitted=False).card).set_index("part")
    assert card.loc["full_scale", "gives"] == "auto"
    assert "around 62" in card.loc["full_scale", "quote"]
