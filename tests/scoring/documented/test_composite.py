import numpy as np
import pandas as pd
import pytest

from powerml.config.composite import CompositeSpec
from powerml.errors import UsageError
from powerml.scoring.documented.composite import CompositeScorer
from powerml.scoring.load import load_weights
from tests.scoring.sets import GOLDEN, scorer

NULL = float("nan")


def two(missing="renormalise"):
    return CompositeScorer(
        CompositeSpec.model_validate(
            {
                "name": "mine",
                "kind": "composite",
                "dimensions": {
                    "use": {
                        "weight": 0.75,
                        "terms": [
                            {"metric": "a", "weight": 0.4, "full_at": 10, "missing": missing},
                            {"metric": "b", "weight": 0.6, "at_least": 0.8},
                        ],
                    },
                    "mood": {"weight": 0.25, "terms": [{"metric": "c", "weight": 1}]},
                },
            }
        )
    )


def test_a_missing_input_spreads_its_weight_over_its_dimension():
    table = pd.DataFrame({"a": [NULL], "b": [0.9], "c": [0.5]})
    scored = two().score_table(table)
    assert scored["use_score"].item() == 100  # b alone, full
    assert scored["score"].item() == 87.5  # 0.75 x 100 + 0.25 x 50
    assert scored["coverage"].item() == pytest.approx(0.7)  # 0.75 x 0.6 + 0.25
    assert two().contributions(table).values.iloc[0].tolist() == [0, 75, 12.5]


def test_a_dimension_without_inputs_spreads_over_the_dimensions():
    table = pd.DataFrame({"a": [5.0], "b": [0.1], "c": [NULL]})
    scored = two().score_table(table)
    assert np.isnan(scored["mood_score"].item())
    assert scored["score"].item() == pytest.approx(20)  # 0.4 x 5 / 10, nothing else
    assert two().contributions(table).scores.item() == pytest.approx(20)


@pytest.mark.parametrize(("missing", "expected"), [("zero", 0.0), (0.5, 15.0), ("renormalise", 0.0)])
def test_missing_as_declared(missing, expected):
    """0.5 fills half of a term of 0.75 x 0.4 = 30 points."""
    table = pd.DataFrame({"a": [NULL], "b": [0.0], "c": [0.0]})
    assert two(missing).predict_score(table).item() == pytest.approx(expected)


def test_nothing_known_is_0_with_no_coverage():
    scored = two().score_table(pd.DataFrame({"a": [NULL], "b": [NULL], "c": [NULL]}))
    assert (scored["score"].item(), scored["coverage"].item()) == (0, 0)


def test_ratios_are_clipped_at_both_ends():
    scored = two().score_table(pd.DataFrame({"a": [-5.0, 99.0], "b": [0.0, 0.0], "c": [-1.0, 7.0]}))
    assert scored["use_score"].tolist() == [0, 40]
    assert scored["mood_score"].tolist() == [0, 100]


class TestParameters:
    def test_an_open_parameter_says_how_to_give_it(self):
        with pytest.raises(
            UsageError, match="needs max_features, which is counted from a project's vocabulary; without"
        ):
            load_weights("power_user").predict_score(GOLDEN)

    def test_the_vocabulary_counts_what_is_open(self):
        counted = load_weights("power_user", vocabulary={"features": 20, "advanced": 5})
        np.testing.assert_array_equal(counted.predict_score(GOLDEN), scorer("power_user").predict_score(GOLDEN))
        assert counted.version == 1

    def test_a_product_without_advanced_features_leaves_that_input_out(self):
        none = load_weights("power_user", vocabulary={"features": 20, "advanced": 0})
        scored = none.score_table(GOLDEN)
        unknown = scorer("power_user").score_table(GOLDEN.assign(advanced_features_30d=NULL))
        np.testing.assert_allclose(scored["score"], unknown["score"], rtol=0, atol=1e-12)

    def test_combine_names_an_unknown_dimension(self):
        with pytest.raises(UsageError, match="power_user has no dimension 'dept'; it has depth, tenure"):
            load_weights("power_user").combine({"dept": 80})
