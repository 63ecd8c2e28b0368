from datetime import UTC, datetime

from powerml.tracking.held_out_words import untold, untold_sentences
from powerml.tracking.registry import OUTCOME_VERDICT, VERDICT, Version


def version(**words):
    tags = {VERDICT: "skill", **{f"{OUTCOME_VERDICT}{outcome}": word for outcome, word in words.items()}}
    return Version("house", 3, "run", "source", tags, (), datetime(2026, 1, 1, tzinfo=UTC))


def test_outcomes_without_skill_are_named():
    told = version(churn="skill", expand="inverted")
    assert untold(told) == {"expand": "inverted"}
    (sentence,) = untold_sentences(told)
    assert sentence == (
        "expand: inverted on held-out rows when house version 3 was trained; build no list on p_expand."
    )


def test_ranks_and_too_few_events_are_not_marked():
    assert untold(version(churn="ranks only", expand="cannot tell")) == {}
