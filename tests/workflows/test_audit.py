import json

import pytest
from click.testing import CliRunner

from powerml.cli.audit import command
from powerml.errors import ConfigError, UsageError
from powerml.workflows.audit import audit

CLAIMS = "document: made up\noutcomes: {churn: 10, stay: 80, expand: 10}\naccuracy: 0.9\n"


def run(*arguments):
    return CliRunner().invoke(command, list(arguments))


def test_a_shipped_name_and_a_path_are_found(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(CLAIMS, encoding="utf-8")
    assert audit("engagement").document == "003_937c1dc49c782a1e"
    assert audit(str(path)).document == "made up"


def test_a_file_of_the_project_is_found_by_name(tmp_path):
    folder = tmp_path / "configs" / "claims"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(CLAIMS, encoding="utf-8")
    assert audit("mine", base=tmp_path).document == "made up"


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(UsageError, match="no claims named 'engagment'; did you mean 'engagement'"):
        audit("engagment")


def test_contradictions_exit_with_one_and_are_shown():
    result = run("engagement")
    assert result.exit_code == 1
    assert "84.6 %" in result.stdout
    assert "24 checks: 11 contradictions, 6 consistent, 7 cannot be checked" in result.stdout


def test_no_contradiction_exits_with_zero(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(CLAIMS, encoding="utf-8")
    result = run(str(path))
    assert (result.exit_code, "1 check: 0 contradictions" in result.stdout) == (0, True)


def test_json_stands_alone_on_stdout():
    result = run("power_user_rule", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["contradictions"] == 2
    assert {"code", "verdict", "claimed", "implied", "figures", "section", "quote"} == set(told["checks"][0])
    assert "2 contradictions" in result.stderr


def test_quiet_says_nothing_but_keeps_the_status():
    result = run("engagement", "--quiet")
    assert (result.exit_code, result.output) == (1, "")


def test_a_broken_file_is_a_user_error(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("document: x\naccuracy: 84\n", encoding="utf-8")
    assert isinstance(run(str(path)).exception, ConfigError)


def test_figures_without_an_end_are_valid_json(tmp_path):
    """Nobody without the metric expands: the ratio is infinite, which JSON does not know."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "document: x\noutcomes: {churn: 10, stay: 80, expand: 10}\nassociations:\n"
        "- {metric: m, outcome: expand, share_in: 1, share_out: 0.2, correlation: 0.4, times_the_rate: 5}\n",
        encoding="utf-8",
    )
    (check,) = (c for c in json.loads(run(str(path), "--json").stdout)["checks"] if c["code"] == "times_the_rate")
    assert check["figures"] == {"claimed": 5, "labelled": None}


def test_tiers_are_held_against_ones_own_scores(tmp_path):
    """30 of 100 reach 80 where 5 % are claimed."""
    path = tmp_path / "scores.csv"
    rows = [f"u{i},{90 if i < 30 else 65 if i < 45 else 10}" for i in range(100)]
    path.write_text("user_id,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
    result = run("power_user", "--table", str(path))
    assert result.exit_code == 1
    assert "among yours 30.0 % (n = 100" in result.stdout


def test_concentration_is_held_against_ones_own_actions(tmp_path):
    path = tmp_path / "metrics.csv"
    rows = [f"u{i},{70 if i < 10 else 5}" for i in range(100)]
    path.write_text("user_id,key_actions_30d\n" + "\n".join(rows) + "\n", encoding="utf-8")
    result = run("power_user_signals", "--table", str(path))
    assert result.exit_code == 0, result.stdout
    assert "the top 10 % make 61 %" in result.stdout  # 700 of 1,150


def test_a_table_is_of_no_use_to_claims_without_shares(tmp_path):
    with pytest.raises(UsageError, match="engagement claims no shares of tiers or of a metric; leave --table out"):
        audit("engagement", table=tmp_path / "any.csv")
