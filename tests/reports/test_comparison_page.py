import pandas as pd

from powerml.reports.comparison_page import comparison_page

MEASURES = pd.DataFrame(
    [(s, m, v, v - 0.1, v + 0.1, 90, 40) for s, m, v in (("a", "log_loss", 0.7), ("a", "auroc_churn", 0.8),
                                                         ("b", "log_loss", 0.6), ("b", "auroc_churn", 0.9))],
    columns=["scorer", "measure", "value", "low", "high", "n", "accounts"],
)  # fmt: skip
PAIRS = pd.DataFrame({"first": ["a"], "second": ["b"], "measure": ["log_loss"], "gain": [0.1], "answer": ["better"]})
MOVES = pd.DataFrame({"from": ["High", "High"], "to": ["High", "Low"], "n": [5, 3]})
TOP = pd.DataFrame({"id": ["ada"], "end": ["highest"], "change": ["enters"]})
SHARES = {"a": {"logins_30d": 100.0, "mrr": 0.0}, "b": {"logins_30d": 40.0, "mrr": 60.0}}


def test_the_verdict_the_picture_and_the_tables_stand_on_one_page():
    said = ["On 90 rows:", "b is better than a (log loss lower by 0.1)."]
    page = comparison_page(["a", "b"], said, SHARES, MEASURES, PAIRS, {"a against b": (MOVES, TOP)})
    assert '<p class="verdict"><bdi>b is better than a' in page
    for key in ("scorers", "measures", "pairs", "moves a against b", "top a against b"):
        assert f'data-table="{key}"' in page
    for axis in ("logins_30d", "mrr", "log loss", "auroc churn"):
        assert f'"axis": "{axis}"' in page
    assert "ada" in page


def test_without_outcomes_it_says_what_is_missing():
    page = comparison_page(["a", "b"], ["No outcomes were held out."], SHARES, None, None, {})
    assert "No outcome could be held out" in page
    assert 'data-table="measures"' not in page
