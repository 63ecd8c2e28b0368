"""What all verbs share: dates, settings, and where output goes."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli.common import DATE, Output, command, settings
from powerml.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_date_and_what_is_none():
    assert DATE.convert("2026-04-01", None, None) == date(2026, 4, 1)
    assert DATE.convert(date(2026, 4, 1), None, None) == date(2026, 4, 1)
    for wrong in ("2026-13-01", "01.04.2026", "today"):
        with pytest.raises(click.BadParameter, match="is not a date; use YYYY-MM-DD, like 2026-04-01"):
            DATE.convert(wrong, None, None)


def test_settings():
    assert settings(("max_features=20", " full_scale =1.5")) == {"max_features": 20, "full_scale": 1.5}
    assert settings(()) == {}
    for wrong in ("max_features", "max_features=many", "=", "a=", "a=nan", "a=inf", "a=-inf"):
        with pytest.raises(UsageError, match="expected name=number, like --set max_features=20"):
            settings((wrong,))


@command("greet")
@click.option("--name", default="Ada")
def greet(name: str, config: Path, out: Output) -> None:
    """Says hello."""
    out.note("thinking")
    out.say(f"hello {name}")
    out.table(pd.DataFrame({"n": [1.5, np.nan], "who": ["[b]ada", None], "on": pd.to_datetime(["2026-04-01", None])}))
    out.result(
        {
            "config": config,
            "n": np.float64(1.5),
            "on": date(2026, 4, 1),
            "rows": pd.DataFrame({"a": [1, np.nan], "t": pd.to_datetime(["2026-04-01", None])}),
            "who": "Zoë",
        }
    )


def test_people_read_stdout():
    ran = CliRunner().invoke(greet, ["--name", "Ben"])
    assert ran.exit_code == 0
    assert "hello Ben" in ran.stdout
    assert "1.5" in ran.stdout
    assert "[b]ada" in ran.stdout  # not taken for markup
    assert "2026-04-01" in ran.stdout
    assert "nan" not in ran.stdout.lower()
    assert ran.stderr == "thinking\n"


def test_machines_read_one_json_value_on_stdout_and_all_else_goes_to_stderr():
    ran = CliRunner().invoke(greet, ["--json", "-c", "p.yaml"])
    assert json.loads(ran.stdout) == {
        "config": "p.yaml", "n": 1.5, "on": "2026-04-01", "who": "Zoë",
        "rows": [{"a": 1.0, "t": "2026-04-01T00:00:00.000"}, {"a": None, "t": None}],
    }  # fmt: skip
    assert ran.stderr == "thinking\nhello Ada\n"


def test_quiet_says_nothing():
    ran = CliRunner().invoke(greet, ["--quiet"])
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "")


def test_what_is_no_json_is_not_made_up():
    with pytest.raises(TypeError, match="not JSON"):
        Output(as_json=True, quiet=False).result({"it": object()})


def test_progress_is_silent_in_a_pipe(capsys):
    with Output(as_json=False, quiet=False).progress() as note:
        note("reading events")
    assert capsys.readouterr() == ("", "")


def test_a_very_long_name_does_not_fill_the_screen(capsys):
    out = Output(as_json=False, quiet=False)
    out.table(pd.DataFrame({"who": ["L" * 10_000, "L" * 600]}))
    assert capsys.readouterr().out.count("L") == 599 + 600
    Output(as_json=True, quiet=False).result({"rows": pd.DataFrame({"who": ["L" * 10_000]})})
    assert capsys.readouterr().out.count("L") == 10_000
