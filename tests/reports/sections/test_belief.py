"""The page's section of the last list."""

from types import SimpleNamespace

import pandas as pd
import pytest

from powerml.reports.document.blocks import PageTable
from powerml.reports.sections.belief import backtest_section
from powerml.training.last_list import MOST_MISSED


@pytest.mark.parametrize(("kept", "said"), [(7, "Missed (7)"), (MOST_MISSED, "Missed (the first 60)")])
def test_the_missed_of_whom_the_first_are_kept_are_not_called_all(kept, said):
    listed = pd.DataFrame({"rank": range(kept), "user_id": [f"u{n}" for n in range(kept)], "result": "missed"})
    facts = SimpleNamespace(
        said=lambda _name: ("129 of the 147 who churned were missed.",),
        kept_table=lambda _name: listed,
        id_column="user_id",
        ids={f"u{n}": f"u{n}" for n in range(kept)},
    )
    tables = [block for block in backtest_section(facts).blocks if isinstance(block, PageTable)]
    assert [table.title for table in tables] == ["Hits (0)", "False alarms (0)", said]
