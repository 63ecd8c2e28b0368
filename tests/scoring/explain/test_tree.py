import pytest

from powerml.scoring.explain.tree import branch_changes, branches, metric_tree
from tests.scoring.sets import GOLDEN, SETS, scorer


@pytest.mark.parametrize("name", SETS)
def test_every_level_of_the_tree_adds_up(name):
    made = scorer(name)
    given = made.contributions(GOLDEN)
    tree = metric_tree(given, branches(made))
    whole = tree["contribution"].iloc[0]
    limbs = tree[tree["metric"].eq("")].iloc[1:]
    leaves = tree[tree["metric"].ne("")]
    assert whole == pytest.approx(made.predict_score(GOLDEN).mean(), abs=1e-9)
    assert limbs["contribution"].sum() == pytest.approx(whole, abs=1e-9)
    assert leaves.groupby("branch")["contribution"].sum().to_dict() == pytest.approx(
        limbs.set_index("branch")["contribution"].to_dict()
    )


def test_the_owner_of_a_branch_that_pulls_the_mean_down_hears_of_it():
    made = scorer("activity")
    before = made.contributions(GOLDEN)
    after = made.contributions(GOLDEN.assign(invites_30d=0))
    moved = branch_changes(before, after, branches(made), made.card.groups).set_index("branch")
    assert moved.loc["collaboration", "owner"] == "customer success"
    assert bool(moved.loc["collaboration", "alert"])
    assert not bool(moved.loc["core_usage", "alert"])
    assert moved["change"].sum() == pytest.approx(after.scores.mean() - before.scores.mean())


def test_branches_are_dimensions_sections_and_groups():
    assert branches(scorer("power_user"))["nps_latest"] == "sentiment"
    assert branches(scorer("engagement"))["limit_utilisation"] == "expansion_signals"
    assert branches(scorer("engagement"))["tickets_unresolved"] == "unresolved_tickets"
    assert branches(scorer("activity"))["invites_30d"] == "collaboration"
