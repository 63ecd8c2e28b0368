"""How the columns of a page's tables were made, in words that stand over their headings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.config.metrics import catalogue

if TYPE_CHECKING:
    from powerml.config.metrics import MetricSpec

_WORDS = {
    "score": "0 to 100: among those who score S the outcome (0 churned, 60 stayed, 100 expanded) averages S.",
    "band": "The stretch of the ladder that the score lies in.",
    "tier": "The stretch of the ladder that the score lies in.",
    "p_churn": "Probability of leaving within the horizon.",
    "p_expand": "Probability of paying more within the horizon.",
    "churn_lift": "p_churn over the base rate of the rows that the model learned from.",
    "mrr": "Money per month of the whole account.",
    "mrr_at_risk": "p_churn times mrr: the money per month expected to be lost.",
    "because": "What moved this score most, against the usual; all reasons add up to the score.",
    "n": "How many rows stand behind this line.",
    "rows": "Held-out rows: people or accounts times cutoffs.",
    "events": "How often the outcome came among them.",
    "accounts": "How many accounts these rows are of; intervals are by account.",
    "low": "Lower end of the 95 % interval, by account.",
    "high": "Upper end of the 95 % interval, by account.",
    "auroc": "Chance that one who had the outcome was ranked before one who had not; 0.5 is a coin.",
    "skill": "How much of the log loss of the base rate is saved; 0 knows nothing.",
    "log_loss": "Mean surprise in nats per row; lower is better.",
    "slope": "Of the calibration line; 1 where probabilities spread as outcomes do.",
    "observed_expected": "Outcomes that came over those that were said; 1 where the level is right.",
    "share": "Part of all who are scored.",
    "expected_share": "Part that the document expects; a number to compare with, not a quota.",
    "change_7d": "Points of the score since a week before, by the same scorer.",
    "change_30d": "Points of the score since a month before, by the same scorer.",
    "mean_score": "Mean score of the rows.",
    "mean_outcome": "Mean of 0 churned, 60 stayed, 100 expanded.",
    "percentile": "Rank among those the scorer takes its ranks from.",
    "lift": "Rate here over the rate of all.",
    "verdict": "By held-out rows: skill, ranks only, no skill, cannot tell.",
}
_RATES = {
    "rate_": "Observed share with this outcome.",
    "low_": "Lower end of the 95 % interval, by account.",
    "high_": "Upper end of the 95 % interval, by account.",
    "predicted_": "Mean probability that was said.",
    "document_": "What the document prints; a reference, never a target.",
    "n_": "How often it came.",
}


def window_words(spec: MetricSpec) -> str:
    """The window of a metric, empty where it has none of its own.

    >>> window_words(catalogue()["events_30d"])
    'within 30 days'
    """
    if spec.window_days is None:
        return ""
    older, newer = spec.window_days
    return f"{older} to {newer} days before" if newer else f"within {older} days"


def about_column(name: str) -> str:
    """What is known of a column by its name: empty for one that says itself what it is."""
    if name in _WORDS:
        return _WORDS[name]
    if name in (known := catalogue()):
        spec = known[name]
        window = window_words(spec)
        return f"Metric, in {spec.unit}{f', {window}' if window else ''}."
    return next((words for start, words in _RATES.items() if name.startswith(start)), "")
