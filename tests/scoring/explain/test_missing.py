"""What a null is missing, of every metric of the catalogue and of those of one's own."""

import pytest

from powerml.config.metrics import MetricSpec, catalogue
from powerml.scoring.explain.missing import what_is_missing


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("csat_mean_90d", "no rated ticket in 90 days"),
        ("ticket_resolution_hours_90d", "no resolved ticket in 90 days"),
        ("days_since_core_feature", "no core feature yet"),
        ("days_since_last_active", "no event yet"),
        ("errors_per_session_30d", "no session in 30 days"),
        ("workflow_abandon_rate_30d", "no workflow started in 30 days"),
        ("core_feature_share_30d", "nothing to measure it by"),
        ("usage_change_90d", "too little use to compare"),
        ("new_categories_30d", "here for less than 60 days"),
        ("mrr", "no contract known"),
    ],
)
def test_words_of_the_catalogue(metric, words):
    assert what_is_missing(catalogue()[metric]) == words


def test_every_metric_has_words_and_none_blames_anybody():
    for spec in catalogue().values():
        assert what_is_missing(spec)
    assert what_is_missing(None) == "not known"


def test_a_window_that_ended_earlier():
    spec = MetricSpec(name="older", table="surveys", measure="mean", of="nps", window_days=(60, 30), unit="0 to 10")
    assert what_is_missing(spec) == "no survey answer 60 to 30 days back"
