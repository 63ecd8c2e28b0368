import numpy as np
import pandas as pd
import pytest

from powerml.statistics.logistic import sigmoid
from powerml.validation.held_rows import HeldRows, Said
from powerml.validation.verdict import CROSS_FITTED, verdict

BASE = {"churn": 0.1, "stay": 0.8, "expand": 0.1}


def world(seed, effect, *, n=2000, months=1):
    """Accounts whose latent x drives churn down and expansion up; x is also what the model sees."""
    rng = np.random.default_rng(seed)
    x = np.tile(rng.normal(size=n), months)
    c, e = sigmoid(-2.3 - effect * x), sigmoid(-2.2 + effect * x)
    u = np.tile(rng.random(n), months)
    y = np.select([u < c, u < c + (1 - c) * e], ["churn", "expand"], "stay")
    p = pd.DataFrame({"p_churn": c, "p_stay": (1 - c) * (1 - e), "p_expand": (1 - c) * e})
    times = np.repeat(pd.date_range("2025-01-01", periods=months, freq="QS"), n)
    return y, p, {"groups": np.tile(np.arange(n), months), "times": times}


def judge(y, p, keys, **options):
    kept = {name: options.pop(name) for name in ("horizon_days", "variance_factor") if name in options}
    held = HeldRows(np.asarray(y), keys["groups"], np.asarray(keys["times"]), **kept)
    said = Said(p, options.pop("base", BASE), options.pop("score", None))
    return verdict(held, said, repeats=300, **options)


def test_a_true_model_has_skill():
    y, p, keys = world(0, 1.0)
    found = judge(y, p, keys)
    assert found.word == "skill"
    assert [o.verdict for o in found.outcomes] == ["skill", "skill"]
    assert found.overall.skill_low < found.overall.skill < found.overall.skill_high
    churn = found.outcomes[0]
    assert churn.events == (y == "churn").sum()
    assert churn.auroc_low < churn.auroc < churn.auroc_high
    assert f"{churn.events:,} events in 2,000 rows of 2,000 accounts" in churn.sentence
    assert list(found.table()["outcome"]) == ["overall", "churn", "expand"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_has_none(seed):
    y, _, keys = world(seed, 0.0)
    _, p, _ = world(seed + 100, 1.0)  # confident, about other people
    found = judge(y, p, keys)
    assert {found.word, *(o.verdict for o in found.outcomes)} == {"no skill"}
    assert found.overall.skill < 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_right_order_with_wrong_probabilities_ranks_only(seed):
    y, p, keys = world(seed, 0.8)
    extreme = p.pow(4).div(p.pow(4).sum(axis=1), axis=0)
    found = judge(y, extreme, keys)
    assert found.outcomes[0].verdict == "ranks only"
    assert "beats shuffled outcomes" in found.outcomes[0].sentence


def test_under_fifty_events_nobody_can_tell():
    y, p, keys = world(4, 1.5, n=150)
    found = judge(y, p, keys)
    assert found.word == "cannot tell"
    assert "50 events are needed" in found.sentence


def test_repeated_snapshots_of_one_event_do_not_make_fifty():
    """Four quarters of the same 200 accounts with the same outcome, windows of a year: each event counts once."""
    y, p, keys = world(5, 1.0, n=200, months=4)
    once = (y[:200] == "churn").sum()
    assert once < 50 < (y == "churn").sum()
    found = judge(y, p, keys, horizon_days=365)
    assert found.outcomes[0].events == once
    assert found.outcomes[0].verdict == "cannot tell"


def test_skill_by_hand():
    # base rate 1/2 costs ln 2 = 0.6931 a row; saying 0.8 of what came costs ln 1.25 = 0.2231: skill 1 - 0.3219
    y = np.array(["churn", "stay"] * 60)
    p = pd.DataFrame({"p_churn": np.where(y == "churn", 0.8, 0.2)}).assign(p_stay=lambda f: 1 - f.p_churn)
    found = judge(
        y, p, {"groups": np.arange(120), "times": np.zeros(120, "datetime64[D]")}, base={"churn": 1, "stay": 1}
    )
    assert found.overall.skill == pytest.approx(1 - 0.22314 / 0.69315, abs=1e-4)
    assert found.overall.auroc == 1.0
    assert len(found.outcomes) == 1  # with two outcomes churn alone is judged


def test_against_rivals():
    y, p, keys = world(6, 1.0)
    flat = pd.DataFrame({f"p_{o}": np.full(len(y), share) for o, share in BASE.items()})
    nearly = 0.999 * p + 0.001 * flat
    found = judge(y, p, keys, rivals={"the base rate": flat, "itself": p.copy(), "its twin": nearly})
    assert [r.answer for r in found.rivals][:2] == ["better", "cannot tell"]
    assert found.rivals[1].gain == 0
    assert "better than the base rate" in found.sentence
    assert judge(y, flat, keys, rivals={"the model": p}).rivals[0].answer == "worse"


def test_the_row_order_changes_no_verdict():
    y, p, keys = world(7, 0.6)
    turn = np.random.default_rng(0).permutation(len(y))
    shuffled = {k: np.asarray(v)[turn] for k, v in keys.items()}
    a, b = judge(y, p, keys), judge(y[turn], p.iloc[turn], shuffled)
    pd.testing.assert_frame_equal(a.table(), b.table())


def test_cross_fitted_rows_are_worth_half():
    y, p, keys = world(8, 0.6)
    plain, crossed = judge(y, p, keys).overall, judge(y, p, keys, variance_factor=CROSS_FITTED).overall
    assert crossed.skill == plain.skill
    assert crossed.skill - crossed.skill_low == pytest.approx(2**0.5 * (plain.skill - plain.skill_low))
    assert crossed.auroc_high - crossed.auroc == pytest.approx(2**0.5 * (plain.auroc_high - plain.auroc))


def test_a_rival_that_is_better_has_the_lower_log_loss():
    from powerml.validation.verdict import Rival

    worse = Rival("the documented card", "worse", -0.18, -0.25, -0.11)
    assert worse.sentence == "worse than the documented card (log loss higher by 0.1800, 0.1100 to 0.2500)"
    better = Rival("the best single metric (x)", "better", 0.18, 0.11, 0.25)
    assert better.sentence == "better than the best single metric (x) (log loss lower by 0.1800, 0.1100 to 0.2500)"


def test_below_fifty_events_no_rival_is_better_or_worse():
    """Two accounts with thirty rows each: as in a comparison, their bootstrap is surer than it should be."""
    y = np.repeat(["churn", "stay"], 30)
    flat = pd.DataFrame({"p_churn": np.full(60, 0.5), "p_stay": np.full(60, 0.5)})
    worse = pd.DataFrame({"p_churn": np.full(60, 0.7), "p_stay": np.full(60, 0.3)})
    keys = {"groups": np.tile(["a", "b"], 30), "times": np.full(60, np.datetime64("2026-01-01", "s"))}
    found = judge(y, flat, keys, base={"churn": 0.5, "stay": 0.5}, rivals={"the card": worse})
    assert found.word == "cannot tell"
    assert found.rivals[0].low > 0
    assert found.rivals[0].answer == "cannot tell"
    assert "50 events are needed; too few to be told apart from the card (log loss lower by" in found.sentence


def test_skill_over_a_constant_in_hindsight_is_what_counts():
    """Twice as many leave as in training: a constant is better at it, and so is a score that knows nothing but that."""
    rng = np.random.default_rng(9)
    y = np.where(rng.random(3000) < 0.2, "churn", "stay")
    p = pd.DataFrame({"p_churn": (0.2 * rng.uniform(0.95, 1.05, 3000))}).assign(p_stay=lambda f: 1 - f.p_churn)
    keys = {"groups": np.arange(3000), "times": np.zeros(3000, "datetime64[D]")}
    found = judge(y, p, keys, base={"churn": 0.1, "stay": 0.9}).overall
    assert found.skill_low > 0
    assert found.hindsight < 0.005
    assert found.verdict == "no skill"
    assert "over the best constant in hindsight" in found.sentence


def test_hindsight_by_hand():
    # 80 of 100 stay: a constant of .2 costs -(.2 ln .2 + .8 ln .8) = .5004 a row; .1 and .9 for who is right .1054
    y = np.array(["churn"] * 20 + ["stay"] * 80)
    p = pd.DataFrame({"p_churn": np.where(y == "churn", 0.9, 0.1)}).assign(p_stay=lambda f: 1 - f.p_churn)
    keys = {"groups": np.arange(100), "times": np.zeros(100, "datetime64[D]")}
    assert judge(y, p, keys, base={"churn": 1, "stay": 1}).overall.hindsight == pytest.approx(
        1 - 0.10536 / 0.50040, abs=1e-4
    )


def test_the_size_of_skill_has_a_word():
    sizes = {}
    for effect in (0.3, 0.8, 2.0):
        y, p, keys = world(10, effect, n=6000)
        found = judge(y, p, keys).overall
        sizes[found.size] = found.hindsight
        assert f": {found.size}; AUROC" in found.sentence
    assert list(sizes) == ["slight", "fair", "strong"]
    assert sizes["slight"] < 0.05 <= sizes["fair"] < 0.20 <= sizes["strong"]


def test_a_score_upside_down_is_called_inverted():
    y, p, keys = world(11, 1.0)
    turned = pd.DataFrame({"p_churn": p["p_expand"], "p_stay": p["p_stay"], "p_expand": p["p_churn"]})
    found = judge(y, turned, keys)
    assert {found.word, *(o.verdict for o in found.outcomes)} == {"no skill"}
    assert found.overall.auroc_high < 0.5
    assert found.telling_nothing == dict.fromkeys(("overall", "churn", "expand"), "inverted")
    assert "lies below one half" in found.sentence


@pytest.mark.slow
def test_what_saves_next_to_nothing_is_no_skill_however_sure():
    """A million rows make a thousandth certain; nobody can do anything with it."""
    rng = np.random.default_rng(12)
    x = rng.normal(size=200_000)
    c = sigmoid(-2.0 + 0.06 * x)
    y = np.where(rng.random(len(x)) < c, "churn", "stay")
    p = pd.DataFrame({"p_churn": c, "p_stay": 1 - c})
    found = judge(y, p, {"groups": np.arange(len(x)), "times": np.zeros(len(x), "datetime64[D]")}).overall
    assert 0 < found.hindsight_low < found.hindsight < 0.005
    assert found.verdict == "ranks only"


def test_without_events_no_figure_is_printed():
    y, p, keys = world(13, 1.0)
    nobody = np.where(y == "expand", "stay", y)
    churn, expand = judge(nobody, p, keys).outcomes
    assert np.isnan([expand.skill, expand.hindsight, expand.auroc, expand.skill_low]).all()
    assert expand.sentence == "Expand: cannot tell: no row has it (0 events in 2,000 rows of 2,000 accounts)."
    assert churn.verdict == "skill"
    all_stay = judge(np.full(len(y), "stay"), p, keys)
    assert all_stay.word == "cannot tell"
    assert "nan" not in all_stay.sentence
