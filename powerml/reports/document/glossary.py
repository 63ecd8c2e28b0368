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
    "bin": "Rows of like predictions, least first.",
    "sign": "Of r: whether more goes with the outcome (1) or against it (-1).",
    "log loss": "Mean surprise in nats per held-out row; lower is better.",
    "note": "What must be known of this line.",
    "rank": "Place in the order that the list names.",
    "skill_low": "Lower end of the 95 % interval of the skill, by account.",
    "hindsight": "How much is saved against the best constant, known only afterwards.",
    "rate": "How often the outcome came.",
    "predicted": "Mean probability that was said.",
    "observed": "How often it came.",
    "reference": "The same loss of always saying the base rate.",
    "loss": "Mean over held-out rows; lower is better.",
    "p_value": "Chance of so high an AUROC by luck, by permuting accounts.",
    "intercept": "Of the calibration line; 0 where the level is right.",
    "days": "Days before the cutoff, or days of 30.",
    "auroc_at_cutoff": "AUROC of the score of the cutoff itself.",
    "from": "Lower end.",
    "to": "Upper end, not included.",
    "score_before": "Score at the earlier night, by the same scorer.",
    "score_after": "Score at this night.",
    "change": "Later minus earlier.",
    "points": "Mean points of the score against the usual of all who are scored.",
    "months_before": "Months before the day they left.",
    "document": "What the document prints; a reference, never a target.",
    "share_percent": "Part of the score's weight, in per cent.",
    "mrr_to_gain": "p_expand times mrr.",
    "capacity": "Accounts called in one go.",
    "cut": "The probability at which the list ends.",
    "expected": "Sum of the probabilities said.",
    "share_caught": "Of all to whom it came, those on the list.",
    "held_out": "What came on held-out cutoffs.",
    "users": "How many people.",
    "top": "The share of users who do most.",
    "expected_low": "Lower end of what the document claims.",
    "expected_high": "Upper end of what the document claims.",
    "revenue_per_year": "Mean money per person and year, an account's shared out over its people.",
    "within_days": "Days from their beginning, local days.",
    "activated": "How many did a first key action within so many days.",
    "power_users": "How many by document B's rule; in a comparison their mean.",
    "others": "Mean of all others.",
    "contribution": "Points of the score.",
    "before": "At the earlier night.",
    "after": "At this night.",
    "from_movers": "The part of the change that is due to who came and went.",
    "filled": "Part of the rows where it is known.",
    "mean": "Mean over the rows where it is known.",
    "difference": "Mean of those with the outcome minus mean of the others.",
    "r_natural": "Pearson's r at the rates that came.",
    "r_natural_max": "The largest r that a yes/no outcome this rare allows.",
    "r_bal": "Pearson's r with both outcomes weighted to one half.",
    "spearman_bal": "Rank correlation with both outcomes weighted to one half.",
    "correlation_ratio": "Share of the variance explained by groups of the metric, whatever the shape.",
    "sign_stability": "Part of the snapshots in which r has the same sign.",
    "spearman_with_kept": "Largest rank correlation with another kept metric.",
    "share_null": "Part of the rows where it is not known.",
    "median_user": "Median of all who are scored.",
    "top_decile": "Mean of the tenth with the highest scores.",
    "times": "The first over the second.",
    "people": "How many people used it within 30 days.",
    "of": "How many are in the segment.",
    "fired": "How often the rule rang.",
    "came": "After how many rings the outcome came.",
    "base_rate": "How often the outcome came to everybody.",
    "lead_days": "Median days from the ring to the outcome.",
    "share_warned": "Of all to whom it came, those of whom it had rung.",
    "nrr": "Money a horizon later over money then, of those who paid.",
    "n_paying": "Accounts that paid.",
    "n_labelled": "Rows with a known outcome.",
    "n_power_users": "Of how many power users it is known.",
    "n others": "Rows behind the others.",
    "known": "Rows with a known outcome.",
    "verdict": "By held-out rows: skill, ranks only, no skill, cannot tell.",
}
_RATES = {
    "rate_": "Observed share with this outcome.",
    "low_": "Lower end of the 95 % interval, by account.",
    "high_": "Upper end of the 95 % interval, by account.",
    "predicted_": "Mean probability that was said.",
    "document_": "What the document prints; a reference, never a target.",
    "n_": "How often it came.",
    "p_": "Probability within the horizon.",
    "mean_": "Mean of the rows with this outcome.",
    "auroc_": "AUROC for this outcome; 0.5 is a coin.",
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
    for end, words in (("_low", "Lower end of the 95 % interval, by account."),
                       ("_high", "Upper end of the 95 % interval, by account.")):  # fmt: skip
        if name.endswith(end):
            return words
    return next((words for start, words in _RATES.items() if name.startswith(start)), "")
