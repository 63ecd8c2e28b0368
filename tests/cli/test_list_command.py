"""`powerml list`: flags."""

from typing import get_args

from powerml.cli.list import TEAMS
from powerml.config.bands import Team


def test_the_teams_of_the_flag_are_those_of_lists():
    assert get_args(Team) == TEAMS
