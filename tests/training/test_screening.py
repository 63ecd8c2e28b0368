import numpy as np
import pandas as pd

from powerml.screening.auto import AutoScreen
from powerml.screening.correlation import CorrelationScreen
from powerml.training.rows import Rows
from powerml.training.screening import LeakProbe, Screening
from powerml.validation.leak_probe import values_earlier


def rows(n=400, seed=7):
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(n) < 0.5, "churn", "stay")
    strong = np.where(label == "churn", 2.0, 0.0) + rng.normal(size=n)
    frame = pd.DataFrame(
        {"account_id": [f"a{i}" for i in range(n)], "as_of": pd.Timestamp("2026-01-01"), "label": label}
    )
    return Rows(frame.assign(strong=strong, noise=rng.normal(size=n), leak=strong), "account_id", 90)


def test_the_rule_keeps_what_reaches_the_threshold():
    screening = Screening(CorrelationScreen(0.45, min_keep=1))
    assert screening.keep(rows(), ["noise", "strong"]) == ["strong"]
    assert screening.tag == "|r| >= 0.45, balanced"


def test_auto_leaves_the_choice_to_the_heads():
    rule = CorrelationScreen(None, force_drop=("leak",))
    screening = Screening(rule, auto=AutoScreen())
    assert screening.keep(rows(), ["noise", "strong", "leak"]) == ["noise", "strong"]
    assert screening.tag == "auto"
    off = screening.without_rule()
    assert (off.rule, off.auto) == (None, None)
    assert off.keep(rows(), ["noise", "strong"]) == ["noise", "strong"]


def test_a_documented_set_takes_part_where_all_it_reads_may_be_read():
    auto = Screening(CorrelationScreen(None, force_drop=("noise",)), {"leak": "perfect"}, auto=AutoScreen())
    assert auto.allows(rows(), ["strong"], ["strong"])
    assert not auto.allows(rows(), ["strong", "noise"], ["strong"])
    assert not auto.allows(rows(), ["strong", "leak"], ["strong"])
    hard = Screening(CorrelationScreen(0.45, min_keep=1))
    assert hard.allows(rows(), ["strong"], ["strong"])
    assert not hard.allows(rows(), ["strong", "noise"], ["strong"])


def test_without_a_rule_everything_is_kept_but_suspected_leaks():
    screening = Screening(None, {"leak": "perfect"})
    assert screening.keep(rows(), ["noise", "strong", "leak"]) == ["noise", "strong"]
    assert screening.tag == "off; suspected leaks left out: leak"


def test_a_suspected_leak_is_not_offered_to_the_rule():
    screening = Screening(CorrelationScreen(0.45, min_keep=1), {"leak": "perfect"})
    assert screening.keep(rows(), ["noise", "strong", "leak"]) == ["strong"]


def test_the_other_way_keeps_what_is_left_out_and_leaves_out_what_is_forced():
    left_out = Screening(None, leaks={"leak": "perfect"})
    assert left_out.other_way().keep(rows(), ["noise", "leak"]) == ["noise", "leak"]
    forced = Screening(None, forced={"leak": "perfect"}, force_keep=("leak",))
    assert forced.tag == "off; suspected leaks kept: leak"
    assert forced.other_way().keep(rows(), ["noise", "leak"]) == ["noise"]


def snapshots(n=300, seed=7):
    """Two monthly cutoffs of the same entities; `late` knows the second's outcome, at the second cutoff only."""
    rng = np.random.default_rng(seed)
    parts = []
    label = np.where(rng.random(n) < 0.5, "churn", "stay")
    honest = np.where(label == "churn", 2.0, 0.0) + rng.normal(size=n)
    for cutoff in ("2026-01-01", "2026-01-31"):
        late = rng.normal(size=n) + (3.0 * (label == "churn") if cutoff > "2026-01-15" else 0.0)
        parts.append(
            pd.DataFrame(
                {"account_id": [f"a{i}" for i in range(n)], "as_of": pd.Timestamp(cutoff), "label": label}
            ).assign(honest=honest + 0.1 * rng.normal(size=n), late=late, noise=rng.normal(size=n))
        )
    return pd.concat(parts, ignore_index=True)


def probe_of(frame):
    near = values_earlier(frame, ["honest", "late", "noise"], id_column="account_id")
    return LeakProbe(("honest", "late", "noise"), (), frame[["as_of", "account_id"]].join(near))


def test_a_leak_is_found_in_the_rows_at_hand_and_strength_alone_is_none():
    frame = snapshots()
    second = Rows(frame[frame["as_of"] > "2026-01-15"].reset_index(drop=True), "account_id", 90)
    screening = Screening(probe=probe_of(frame))
    assert screening.keep(second, ["honest", "late", "noise"]) == ["honest", "noise"]
    assert Screening(probe=probe_of(frame), force_keep=("late",)).keep(second, ["late"]) == ["late"]


def test_rows_without_the_leak_suspect_nobody():
    """A fold whose training rows do not show the leak keeps the metric: test rows are not looked at."""
    frame = snapshots()
    first = Rows(frame[frame["as_of"] < "2026-01-15"].reset_index(drop=True), "account_id", 90)
    assert Screening(probe=probe_of(frame)).keep(first, ["honest", "late"]) == ["honest", "late"]


def test_categories_are_not_screened():
    found = rows()
    frame = found.frame.assign(plan=np.where(found.y == "churn", "free", "pro"))
    screening = Screening(CorrelationScreen(0.45, min_keep=1), texts=("plan",))
    assert screening.keep(Rows(frame, "account_id", 90), ["noise", "strong", "plan"]) == ["strong", "plan"]


def test_a_probe_without_earlier_snapshots_knows_that_it_has_none():
    frame = snapshots()
    assert probe_of(frame).has_earlier
    assert not probe_of(frame[frame["as_of"] < "2026-01-15"].reset_index(drop=True)).has_earlier
