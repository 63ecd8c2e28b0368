"""What a registered version was found to tell nothing about, so that no output is silent on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.tracking.registry import OUTCOME_VERDICT

if TYPE_CHECKING:
    from powerml.tracking.registry import Version

TELLING_NOTHING = ("no skill", "inverted")


def untold(version: Version) -> dict[str, str]:
    """The outcomes whose held-out verdict was `no skill` or `inverted`, with that word."""
    told = {k[len(OUTCOME_VERDICT) :]: v for k, v in version.tags.items() if k.startswith(OUTCOME_VERDICT)}
    return {outcome: word for outcome, word in told.items() if word in TELLING_NOTHING}


def untold_sentences(version: Version) -> tuple[str, ...]:
    """A sentence for each such outcome."""
    return tuple(
        f"{outcome}: {word} on held-out rows when {version.shown} was trained; build no list on p_{outcome}."
        for outcome, word in untold(version).items()
    )
