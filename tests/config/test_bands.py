import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.bands.ladder import assign
from powerml.config import shipped
from powerml.config.bands import BandsSpec
from powerml.config.reading import load
from powerml.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "bands.yaml"
    path.write_text(text)
    return path


def test_the_short_form_reads_in_any_order():
    assert BandsSpec.model_validate({0: "Rest", 70: "Healthy", 30: "At Risk"}).names == ("Healthy", "At Risk", "Rest")


def test_json_keys_are_numbers_too():
    assert BandsSpec.model_validate({"90": "Top", "0": "Rest"}).edges == (90, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{70: Healthy, 30: At Risk}", r"the lowest band starts at 30; start it at 0"),
        ("{70: Same, 0: Same}", r"a band stands twice"),
        ("{high: Healthy, 0: Rest}", r"'high' is no score; write bands like"),
        ("bands: [{from: 0, name: Low}, {from: 50, name: High}]", r"'from' must fall from band to band"),
        ("bands: [{from: 0, name: Low, playbok: {}}]", r"unknown key; did you mean 'playbook'\?"),
    ],
)
def test_a_broken_ladder_says_what_to_do(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        load(BandsSpec, write(tmp_path, text))


@pytest.mark.parametrize("name", sorted(shipped.names("bands")))
def test_every_shipped_band_carries_the_documents_words(name):
    spec = load(BandsSpec, shipped.find("bands", name))
    assert spec.source is not None
    assert all(band.quote and band.meaning for band in spec.bands)


def test_document_d_gives_every_band_its_playbook():
    """003_937c1dc49c782a1e, step 5: two teams for each of the five segments."""
    spec = load(BandsSpec, shipped.find("bands", "engagement"))
    assert {band.name: sorted(band.playbook) for band in spec.bands} == {
        "Champions": ["marketing", "sales"],
        "Healthy": ["cs", "sales"],
        "Stable": ["cs", "sales"],
        "At Risk": ["cs", "product"],
        "High Risk": ["cs", "product"],
    }


ladders = st.lists(st.floats(0.001, 100), unique=True, max_size=6).map(
    lambda edges: BandsSpec.model_validate({**{edge: f"from {edge!r}" for edge in edges}, 0: "rest"})
)


@given(ladders, st.floats(allow_nan=False))
def test_every_real_number_falls_in_exactly_one_band(bands, value):
    """A slow, obvious oracle: the bands whose edge the score reaches and whose upper neighbour's it does not."""
    shown, edges = round(value, 9), [round(edge, 9) for edge in bands.edges]
    uppers = [float("inf"), *edges[:-1]]
    lowers = [*edges[:-1], float("-inf")]
    holding = [
        name
        for name, low, high in zip(bands.names, lowers, uppers, strict=True)
        if low <= shown and (shown < high or high == float("inf"))
    ]
    if len(set(edges)) == len(edges):
        assert [assign([value], bands)[0]] == holding
