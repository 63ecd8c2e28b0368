import json

import pytest
from click.testing import CliRunner

from powerml.cli.weights import command
from powerml.errors import UsageError


def run(*words):
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_card_prints_every_number_beside_its_quote():
    shown = run("show", "engagement")
    assert "engagement@1" in shown
    assert "Daily usage: 15 points" in shown
    assert "Multi-year contract discussions" in shown


def test_json_for_machines():
    assert [entry["name"] for entry in json.loads(run("--json"))][:2] == ["activity", "engagement"]
    card = json.loads(run("show", "power_user", "--json"))
    assert card["weights"]["dimensions"]["depth"]["weight"] == 0.3


@pytest.mark.parametrize("words", [("diff", "engagement", "MINE"), ("--diff", "engagement", "MINE")])
def test_two_sets_side_by_side(tmp_path, words):
    mine = tmp_path / "mine.yaml"
    run("copy", "engagement", str(mine))
    mine.write_text(mine.read_text().replace("points: 12,", "points: 11,"))
    shown = run(*[str(mine) if word == "MINE" else word for word in words])
    assert "parts.frequency.steps.1.points" in shown
    assert "1 setting differs" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shwo", "engagement"), "no such action; did you mean 'show'"),
        (("show",), "powerml weights show: expected NAME"),
        (("diff", "a"), "powerml weights diff: expected A B"),
        (("show", "engagment"), "no weights named 'engagment'; did you mean 'engagement'"),
    ],
)
def test_a_call_that_makes_no_sense(words, message):
    with pytest.raises(UsageError, match=message):
        run(*words)
