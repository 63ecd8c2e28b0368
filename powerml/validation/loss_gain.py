"""A difference of log losses in words: which way it goes stands in the word, not in a sign."""

from __future__ import annotations


def log_loss_gain(gain: float, low: float, high: float, *, of: str = "", unit: str = "") -> str:
    """By how much the log loss is lower (`gain` above 0) or higher, with the ends of its interval the same way round.

    `of`: whose log loss, where the sentence does not say; `unit`: what stands after the number.

    >>> log_loss_gain(0.18, 0.11, 0.25)
    'log loss lower by 0.1800, 0.1100 to 0.2500'
    >>> log_loss_gain(-0.06, -0.16, 0.03, of="b", unit="nats a row")
    'log loss of b higher by 0.0600 nats a row, -0.0300 to 0.1600'
    """
    way = "higher" if gain < 0 else "lower"
    size, *ends = (gain, low, high) if gain >= 0 else (-gain, -high, -low)
    whose, what = f" of {of}" if of else "", f" {unit}" if unit else ""
    return f"log loss{whose} {way} by {_four(size)}{what}, {' to '.join(map(_four, ends))}"


def _four(number: float) -> str:
    """Four digits; what rounds to 0 has no sign."""
    return f"{round(number, 4) + 0.0:.4f}"
