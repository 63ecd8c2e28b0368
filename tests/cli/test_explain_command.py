import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli.explain import _shown_reasons, command
from powerml.errors import UsageError

GOLDEN = str(Path(__file__).parents[1] / "golden" / "metrics.csv")


def run(*words):
    done = CliRunner().invoke(command, [*words, "-c", "no-such-project.yaml"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_why_and_the_nearest_way_up():
    shown = run("u00001", "--weights", "engagement", "--metrics", GOLDEN)
    assert "u00001: 42.0, At Risk (engagement@1)" in shown
    assert "Why: 0 + contributions = 42" in shown
    assert "Nearest way the rule knows from At Risk to Stable (from 50): errors_per_session_30d below 5" in shown
    assert "no promise" in shown


def test_a_column_that_says_nothing_is_left_out():
    whole = pd.DataFrame(
        {"metric": ["logins"], "branch": [None], "said": ["3"], "usual": [""], "contribution": [1.0], "with": [()]}
    )
    assert sorted(_shown_reasons(SimpleNamespace(reasons=whole))) == ["contribution", "metric", "value"]


def test_json_adds_up():
    told = json.loads(run("u00001", "--weights", "activity", "--metrics", GOLDEN, "--set", "full_scale=50", "--json"))
    total = told["baseline"] + sum(reason["contribution"] for reason in told["reasons"])
    assert total == pytest.approx(told["scores"]["score"], abs=1e-9)
    assert told["model"] == "activity@1+full_scale=50"
    assert told["next_band"]["moves"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("u1", "--weights", "a", "--model", "b"), "--model and --weights exclude each other"),
        (("u1", "--set", "a=1"), "--set changes a weight set; name it with --weights"),
        (("u1", "--metrics", GOLDEN), "--metrics needs --weights"),
    ],
)
def test_options_that_exclude_each_other(words, message):
    with pytest.raises(UsageError, match=message):
        run(*words)
