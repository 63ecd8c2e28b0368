import pytest

from powerml.bands.ladder import assign
from powerml.bands.multiples import rate_bands


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.05, 0.25, 0.3, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("good", [True, False])
def test_a_score_lies_in_the_band_of_its_multiple(rate, good):
    bands = rate_bands(rate, good=good)
    times = [0.25, 0.75, 1.5, 3.0, 6.0]
    chances = [t * rate for t in times if 0 < t * rate < 1]
    found = [str(b) for b in assign([100 * p if good else 100 * (1 - p) for p in chances], bands)]
    names = bands.names[::-1] if good else bands.names  # rarest first
    assert found == list(names[: len(found)])


def test_rare_outcomes_have_all_bands_and_a_certain_one_has_two():
    assert len(rate_bands(0.05, good=True).names) == 5
    assert rate_bands(1.0, good=True).names == ("half the usual and more", "below half the usual")
    assert rate_bands(0.0, good=False).names == ("all",)
