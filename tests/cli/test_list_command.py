"""`powerml list`: flags."""

from typing import get_args

import pandas as pd

from powerml.cli.list import TEAMS, points_reached
from powerml.config.bands import Team


def test_the_teams_of_the_flag_are_those_of_lists():
    assert get_args(Team) == TEAMS


def test_a_score_below_an_edge_is_not_shown_as_the_edge():
    shown = points_reached(pd.Series([69.96, 69.5, 70.0, 70 - 1e-12, None], dtype=float))
    assert shown.tolist()[:4] == [69, 69, 70, 70]
    assert shown.isna().tolist() == [False] * 4 + [True]
