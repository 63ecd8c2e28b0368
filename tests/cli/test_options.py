import pytest


@pytest.mark.parametrize(
    "order", [("--model", "m@1", "--weights", "activity"), ("--weights", "activity", "--model", "m@1")]
)
def test_a_model_and_a_weight_set_exclude_each_other(powerml, order):
    ran = powerml("backtest", "--as-of", "2026-01-01", *order)
    assert ran.status == 2
    assert "--model and --weights exclude each other; give one of them" in ran.err


@pytest.mark.parametrize(
    "verb",
    [("backtest", "--as-of", "2026-01-01"), ("screen",), ("validate", "--scores", "s.csv", "--labels", "l.csv")],
)
def test_a_file_that_cannot_be_written_is_refused_before_any_work(powerml, verb):
    """There is no project here, and no scores: the target is looked at first."""
    ran = powerml(*verb, "-o", "list.xlsx")
    assert ran.status == 2
    assert "list.xlsx: cannot tell the format; end the name in .parquet or .csv" in ran.err


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize("verb", [("screen", "--threshold"), ("review", "read", "sheet.csv", "--step")])
def test_no_option_takes_a_number_that_is_not_finite(powerml, verb, number):
    """Not a number lies in every range, for no comparison with it is false."""
    ran = powerml(*verb, number)
    assert ran.status == 2
    assert verb[-1] in ran.err
    assert "not a finite number" in ran.err or "not in the range" in ran.err
