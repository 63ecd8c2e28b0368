import pytest

from powerml.config.composite import CompositeSpec
from powerml.config.reading import load
from powerml.errors import ConfigError

SET = """\
name: mine
kind: composite
params: {{max_features: {features}}}
dimensions:
  depth:
    weight: {depth}
    terms:
      - {{metric: distinct_features_30d, weight: {weight}, full_at: {full_at}}}
      - {{metric: limit_utilisation, weight: 0.3, at_least: 0.8{more}}}
  tenure:
    weight: 0.5
    terms: [{{metric: active_week_ratio, weight: 1}}]
"""


def written(tmp_path, *, features="vocabulary", depth=0.5, weight=0.7, full_at="max_features", more=""):
    path = tmp_path / "set.yaml"
    path.write_text(SET.format(features=features, depth=depth, weight=weight, full_at=full_at, more=more))
    return path


def test_the_form_of_the_specification_reads(tmp_path):
    spec = load(CompositeSpec, written(tmp_path))
    assert spec.metrics == ("distinct_features_30d", "limit_utilisation", "active_week_ratio")
    assert spec.params == {"max_features": "vocabulary"}
    assert spec.dimensions["depth"].terms[0].missing == "renormalise"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"depth": 0.6}, r"the weights of the dimensions sum to 1\.1; make them sum to 1"),
        ({"weight": 0.6}, r"dimensions\.depth: the weights of its terms sum to 0\.9; make them sum to 1"),
        ({"full_at": "max_feature"}, r"'full_at' names 'max_feature', which 'params' does not declare"),
        ({"full_at": 0}, r"full_at"),
        ({"features": "many"}, r"params\.max_features"),
        ({"more": ", full_at: 7"}, r"has both 'full_at' and 'at_least'; keep one"),
        ({"more": ", missing: 1.5"}, r"missing"),
        ({"more": ", wieght: 1"}, r"unknown key; did you mean 'weight'"),
    ],
)
def test_a_mistake_names_the_fix(tmp_path, changed, words):
    with pytest.raises(ConfigError, match=words):
        load(CompositeSpec, written(tmp_path, **changed))


def test_a_metric_stands_once_in_a_dimension(tmp_path):
    path = tmp_path / "set.yaml"
    path.write_text(
        "name: mine\nkind: composite\ndimensions:\n"
        "  a: {weight: 1, terms: [{metric: x, weight: 0.5}, {metric: x, weight: 0.5}]}\n"
    )
    with pytest.raises(ConfigError, match="'x' stands in two terms; add their weights in one"):
        load(CompositeSpec, path)
