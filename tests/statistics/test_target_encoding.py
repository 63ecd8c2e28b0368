import numpy as np
import pandas as pd

from powerml.statistics.target_encoding import ENCODING_PULL, numeric_view


def rows():
    return pd.DataFrame(
        {
            "plan": ["free", "free", "pro", "pro", None],
            "days": ["1", "2", "3", "4", "5"],
            "label": ["churn", "churn", "stay", "stay", "churn"],
        }
    )


def test_a_text_stands_at_the_mean_outcome_of_its_rows_drawn_to_the_mean():
    mean = 40.0  # two of five stayed
    view = numeric_view(rows(), ["plan", "days"], learned_from=rows(), texts=["plan"])
    free, pro = ENCODING_PULL * mean / (2 + ENCODING_PULL), (200 + ENCODING_PULL * mean) / (2 + ENCODING_PULL)
    assert np.allclose(view["plan"], [free, free, pro, pro, np.nan], equal_nan=True)
    assert view["days"].tolist() == [1, 2, 3, 4, 5]


def test_an_unknown_text_stands_at_the_mean_and_no_label_of_the_rows_is_read():
    other = pd.DataFrame({"plan": ["vip", "pro"]})
    view = numeric_view(other, ["plan"], learned_from=rows(), texts=["plan"])
    assert view["plan"].tolist() == [40.0, (200 + ENCODING_PULL * 40) / (2 + ENCODING_PULL)]
