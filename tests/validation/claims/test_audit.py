"""The audit of the shipped claim files, to the digits of the specification, and of made-up ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.claims import ClaimsSpec, load_claims
from powerml.config.shipped import find, names
from powerml.validation.claims.audit import audit_claims


def shipped(name):
    return audit_claims(load_claims(find("claims", name)))


def checks(audit, code):
    return [check for check in audit.checks if check.code == code]


def one(audit, code):
    (check,) = checks(audit, code)
    return check


@pytest.fixture(scope="module")
def engagement():
    return shipped("engagement")


@pytest.fixture(scope="module")
def segments():
    return shipped("power_user_rule")


def test_labelled_users_are_fewer_than_scored_ones(engagement):
    """523 + 11,847 + 1,630 = 14,000."""
    check = one(engagement, "scored_and_labelled")
    assert (check.verdict, check.figures) == ("contradiction", {"scored": 15000, "labelled": 14000})


def test_the_accuracy_is_below_that_of_saying_stay(engagement):
    """11,847 / 14,000 = 0.8462; (0.84 - 0.8462) / (1 - 0.8462) = -0.04."""
    check = one(engagement, "accuracy_over_majority")
    assert check.verdict == "contradiction"
    assert check.figures["majority"] == pytest.approx(0.846, abs=5e-4)
    assert check.figures["skill"] == pytest.approx(-0.04, abs=5e-3)
    assert "84.6 %" in check.implied


@pytest.mark.parametrize(("outcome", "labelled", "implied"), [("churn", 0.037, 0.221), ("expand", 0.116, 0.194)])
def test_the_band_table_implies_other_base_rates(engagement, outcome, labelled, implied):
    """Churn: 0.71 x 1847 + 0.38 x 3210 + 0.11 x 6423 + 0.03 x 2820 + 0 x 700 = 3322.3 of 15,000."""
    check = one(engagement, f"base_rate_{outcome}")
    assert check.verdict == "contradiction"
    assert round(check.figures["labelled"], 3) == labelled
    assert round(check.figures["band_table"], 3) == implied


def test_the_rule_on_its_own_band_table(engagement):
    """Right: 0.71 x 1847 + 0.54 x 3210 + 0.79 x 6423 + 0.46 x 2820 + 0.88 x 700 = 10,032 of 15,000."""
    check = one(engagement, "rule_accuracy")
    assert check.verdict == "contradiction"
    assert {name: round(value, 3) for name, value in check.figures.items()} == {
        "accuracy": 0.669,
        "majority": 0.585,
        "best_per_band": 0.678,
    }


@pytest.mark.parametrize(("outcome", "auroc"), [("churn", 0.824), ("expand", 0.792)])
def test_the_auroc_that_the_bands_imply(engagement, outcome, auroc):
    assert round(one(engagement, f"ranking_{outcome}").figures["auroc"], 3) == auroc


@pytest.mark.parametrize(
    ("metric", "claimed", "largest", "verdict"),
    [
        # churn at 3.74 %: overall 0.0374 x 0.73 + 0.9626 x 0.21 = 22.9 %; sqrt(.0374 x .7706 / (.9626 x .2294)) = .361
        ("declining usage", 0.71, 0.361, "contradiction"),
        ("abandoned workflows", 0.47, 0.396, "contradiction"),
        ("power feature adoption", 0.79, 0.466, "contradiction"),
        ("usage at tier limits", 0.71, 0.725, "consistent"),
    ],
)
def test_binary_correlations_and_the_largest_possible(engagement, metric, claimed, largest, verdict):
    (check,) = (c for c in checks(engagement, "correlation_attainable") if c.claimed.startswith(metric))
    assert (check.figures["claimed"], round(check.figures["largest"], 3), check.verdict) == (claimed, largest, verdict)


def test_correlations_of_numbers_cannot_be_checked(engagement):
    told = [c for c in checks(engagement, "correlation_attainable") if "standard_deviation" in c.figures]
    assert len(told) == 6
    assert {c.verdict for c in told} == {"cannot be checked"}


def test_ten_of_fifteen_metrics_are_named(engagement):
    check = one(engagement, "metrics_named")
    assert (check.verdict, check.implied[:12]) == ("cannot be checked", "10 of the 15")
    listed = load_claims(find("claims", "engagement")).associations
    assert sum(a.correlation > 0.45 for a in listed) == check.figures["named"]


def test_seventy_is_in_two_classes_and_thirty_in_one(engagement):
    told = {c.figures["edge"]: c.verdict for c in checks(engagement, "edge_in_one_class")}
    assert told == {30: "consistent", 70: "contradiction"}


def test_the_share_of_single_users_is_two_shares(engagement):
    """(0.2215 - 0.11) / (0.42 - 0.11) = 0.36 by churn; (0.1936 - 0.38) / (0.03 - 0.38) = 0.53 by expansion."""
    check = one(engagement, "subgroup_share")
    assert check.verdict == "contradiction"
    assert round(check.figures["table_churn"], 2) == 0.36
    assert round(check.figures["table_expand"], 2) == 0.53
    assert check.figures["labelled_churn"] < 0
    assert "no possible share" in check.implied


def test_eleven_times_holds_at_the_tables_base_rate_only(engagement):
    check = one(engagement, "times_the_rate")
    assert check.verdict == "contradiction"
    assert (round(check.figures["table"], 1), round(check.figures["labelled"], 1)) == (11.1, 13.3)


def test_the_revenue_of_power_users_is_a_multiple_of_the_casual_ones(segments):
    """Average: (450 x 8400 + 720 x 4200 + 1350 x 2800 + 480 x 1800) / 3000 = 3,816."""
    check = checks(segments, "multiple")[0]
    assert check.verdict == "contradiction"
    assert round(check.figures["average"], 1) == 2.2
    assert round(check.figures["Casual Users"], 1) == 4.7
    assert "holds against Casual Users" in check.implied


def test_retention_cannot_be_three_times_the_average(segments):
    """Average churn (13.5 + 57.6 + 202.5 + 168) / 3000 = 0.147; 1 / 0.853 = 1.17."""
    check = checks(segments, "multiple")[1]
    assert check.verdict == "contradiction"
    assert round(check.figures["at_most"], 2) == 1.17
    assert "0.853" in check.implied


def test_ten_times_the_churn_is_within_rounding(segments):
    """35 / 3 is 11.7, but 34.5 / 3.5 = 9.9."""
    assert checks(segments, "multiple")[2].verdict == "consistent"


def test_accounts_cannot_be_checked_by_a_table_of_users(segments):
    check = checks(segments, "multiple")[3]
    assert check.verdict == "cannot be checked"
    assert "33.3 %" in check.implied


def test_power_users_bring_a_third_of_the_revenue(segments):
    check = checks(segments, "concentration")[0]
    assert round(check.figures["revenue"], 2) == 0.33
    assert round(check.figures["expansions"], 2) == 0.40
    assert check.verdict == "cannot be checked"


def test_the_cohort_of_the_gain_is_thirty_users_for_a_year(segments):
    """126,000 / (8,400 - 4,200)."""
    assert one(segments, "gain").figures["users_for_a_year"] == pytest.approx(30)


def test_the_tiers_and_the_worked_example():
    audit = shipped("power_user")
    assert one(audit, "worked_example").figures["score"] == pytest.approx(78.4)
    assert one(audit, "worked_example").verdict == "consistent"
    assert one(audit, "example_percentile").figures == pytest.approx({"low": 80, "high": 95, "claimed": 94})
    assert one(audit, "tier_shares").verdict == "cannot be checked"
    assert not audit.contradictions


def test_the_concentration_of_key_actions():
    """At the mild end 15 % make 50 %: (50 / 15) / (50 / 85) = 5.7; at the other 10 % make 80 %: 8 / (2 / 9) = 36."""
    audit = shipped("power_user_signals")
    figures = one(audit, "concentration").figures
    assert figures["times_the_rest_low"] == pytest.approx(5.67, abs=0.01)
    assert figures["times_the_rest_high"] == pytest.approx(36)
    assert figures["gini_at_least"] == pytest.approx(0.35)
    assert one(audit, "power_segment").verdict == "consistent"


def test_every_shipped_number_says_where_it_stands():
    for path in names("claims").values():
        for check in audit_claims(load_claims(path)).checks:
            assert check.sources, (path.stem, check.code)
            assert all(source.section and (source.quote or source.reading) for source in check.sources)


BANDS = [
    {"name": "Low", "from": 0, "n": 100, "churn": 0.6, "stay": 0.3, "expand": 0.1},
    {"name": "High", "from": 50, "n": 100, "churn": 0.1, "stay": 0.3, "expand": 0.6},
]


def spec(**claims):
    return ClaimsSpec.model_validate({"document": "made up", **claims})


def test_an_honest_card_is_consistent_but_for_its_edge():
    """Right 60 + 60 of 200 = 60 %, and every stated figure follows from the table."""
    audit = audit_claims(
        spec(
            scored=200,
            outcomes={"churn": 70, "stay": 60, "expand": 70},
            accuracy=0.6,
            rule={"churn_below": 50, "expand_above": 50},
            bands=BANDS,
        )
    )
    edge = one(audit, "edge_in_one_class")
    assert edge.verdict == "contradiction"  # the rule leaves exactly 50 to stay, the band takes it
    rest = [check for check in audit.checks if check is not edge]
    assert {check.verdict for check in rest} == {"consistent"}
    assert len(rest) == 9


def test_a_table_that_leaves_users_out_is_told_and_not_used():
    audit = audit_claims(spec(scored=300, bands=BANDS, accuracy=0.6, rule={"churn_below": 50, "expand_above": 50}))
    assert one(audit, "bands_hold_everybody").verdict == "contradiction"
    assert not checks(audit, "rule_accuracy")
    assert one(audit, "accuracy_over_majority").verdict == "cannot be checked"


def test_rates_that_do_not_add_up_are_told():
    bands = [BANDS[0], BANDS[1] | {"expand": 0.7}]
    check = one(audit_claims(spec(bands=bands)), "band_table_adds_up")
    assert check.verdict == "contradiction"
    assert "High's rates add up to 110.0 %" in check.implied


def test_more_named_than_kept_is_a_contradiction():
    assert (
        one(audit_claims(spec(metrics={"tested": 9, "kept": 3, "named": 4})), "metrics_named").verdict
        == "contradiction"
    )


def test_an_association_without_base_rates_cannot_be_checked():
    claim = {"metric": "x", "outcome": "churn", "share_in": 0.5, "share_out": 0.1, "correlation": 0.4}
    check = one(audit_claims(spec(associations=[claim])), "correlation_attainable")
    assert check.verdict == "cannot be checked"
    assert "no base rate" in check.implied


def test_tiers_that_hold_more_than_everybody():
    tiers = [{"name": "Top", "from": 50, "share": 0.7}, {"name": "Rest", "from": 0, "share": 0.5}]
    assert one(audit_claims(spec(tiers=tiers)), "tier_shares").verdict == "contradiction"


def test_a_wrong_example_is_a_contradiction():
    example = {"weights": {"a": 0.5, "b": 0.5}, "dimensions": {"a": 10, "b": 30}, "score": 21}
    assert one(audit_claims(spec(example=example)), "worked_example").verdict == "contradiction"


@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_counts_taken_from_the_table_itself_are_never_contradicted(n1, n2, rates):
    """Labels counted from the bands agree with the bands' base rates, up to rounding."""
    (c1, e1, c2, e2) = (round(r / 2, 2) for r in rates)
    bands = [
        {"name": "a", "from": 0, "n": n1, "churn": c1, "stay": 1 - c1 - e1, "expand": e1},
        {"name": "b", "from": 50, "n": n2, "churn": c2, "stay": 1 - c2 - e2, "expand": e2},
    ]
    bands = [{k: min(max(v, 0), 1) if k in ("churn", "stay", "expand") else v for k, v in b.items()} for b in bands]
    churn, expand = round(n1 * c1 + n2 * c2), round(n1 * e1 + n2 * e2)
    outcomes = {"churn": churn, "stay": n1 + n2 - churn - expand, "expand": expand}
    total = n1 + n2
    audit = audit_claims(spec(scored=total, outcomes=outcomes, bands=bands))
    if total >= 200:  # a rounded head then weighs less than the rounding of the rates
        assert {check.code for check in audit.contradictions} <= {"ranking_churn", "ranking_expand"}
    for check in audit.checks:
        if check.code.startswith("ranking"):
            assert 0 <= check.figures["auroc"] <= 1
            assert check.verdict == ("consistent" if check.figures["auroc"] > 0.5 else "contradiction")
