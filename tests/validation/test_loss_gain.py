import re

import pytest

from powerml.validation.comparison import compare
from powerml.validation.loss_gain import log_loss_gain
from powerml.validation.verdict import Rival
from tests.validation.test_comparison import world


@pytest.mark.parametrize("answer", ["better", "worse", "cannot tell"])
@pytest.mark.parametrize("gain", [-0.1239, 0.1239])
def test_the_size_of_a_difference_has_no_sign(answer, gain):
    said = Rival("the card", answer, gain, gain - 0.2, gain + 0.2).sentence
    assert f"log loss {'higher' if gain < 0 else 'lower'} by 0.1239, -0.0761 to 0.3239" in said


def test_nothing_has_no_sign_either():
    assert log_loss_gain(-1e-9, -0.00001, 0.0) == "log loss higher by 0.0000, 0.0000 to 0.0000"


def test_a_comparison_that_cannot_tell_says_whose_log_loss_is_higher():
    y, true, blurred, groups = world(1, accounts=40)
    said = compare(y, {"true": true, "blurred": blurred}, groups=groups, repeats=200).sentences[0]
    assert re.search(r"cannot tell them apart \(log loss of blurred (lower|higher) by \d", said)
