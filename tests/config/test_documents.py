"""What the documents print is read from `configs/` and nowhere written a second time."""

import re
from pathlib import Path

import pytest

import powerml
from powerml.config import documents
from powerml.config.base import Source
from powerml.config.card_lines import cited, points_words, without_reading
from powerml.config.groups import Group
from powerml.config.heads import HEADS, complexity
from powerml.scoring.heads.registry import head_class

PACKAGE = Path(powerml.__file__).parent


def test_the_ladder_is_the_one_of_the_table():
    bands, table = documents.ladder().bands, documents.documented_band_table()
    assert [band.name for band in bands] == [band.name for band in reversed(table)]
    assert all(band.churn + band.stay + band.expand == pytest.approx(1, abs=0.011) for band in table)


def test_the_mix_is_the_table_s():
    table = documents.documented_band_table()
    total = sum(band.n for band in table)
    mix = documents.documented_mix()
    assert mix["churn"] == pytest.approx(sum(band.n * band.churn for band in table) / total, abs=0.0005)
    assert sum(mix.values()) == pytest.approx(1, abs=0.002)


def test_no_module_writes_the_ladder_again():
    edges = re.compile(r"90(\.0)?,\s*70(\.0)?,\s*50(\.0)?,\s*30(\.0)?")
    again = [p.name for p in PACKAGE.rglob("*.py") if p.name != "documents.py" and edges.search(p.read_text())]
    assert again == []


@pytest.mark.parametrize("name", HEADS)
def test_every_head_of_the_table_is_a_class_of_that_kind(name):
    assert head_class(name).kind == name
    assert complexity(name) == list(HEADS).index(name)


def test_a_line_cites_the_document_of_what_it_stands_in():
    class Step:
        source, quote, reading = None, "at least 20 days", None

    said = cited(Step(), Source(document="D", section="Scoring", quote="the part", reading="per calendar day"))
    assert (said.document, said.section, said.quote) == ("D", "Scoring", "at least 20 days")
    assert without_reading(said, None).reading is None
    assert points_words(-1) == "-1 point"


def test_a_branch_has_an_owner_and_a_positive_threshold():
    assert Group(owner="cs").alert_below == 1.0
    with pytest.raises(ValueError, match="greater than 0"):
        Group(owner="cs", alert_below=0)
