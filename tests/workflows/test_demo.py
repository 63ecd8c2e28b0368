import json

import pandas as pd
import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.errors import PowermlError, UsageError
from powerml.workflows.demo import check_place

pytestmark = pytest.mark.slow


def run(*arguments):
    return CliRunner().invoke(root, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A small demo's folder and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "here"
    return folder, run("demo", "--users", "150", "--out", folder)


def test_it_ends_with_verdict_bands_top_and_where_to_look(shown):
    folder, done = shown
    assert done.exit_code == 0, done.output
    places = [done.stdout.index(words) for words in ("Verdict on ", "Bands of ", "Top 10 of 2026-01-01", "powerml ui")]
    assert places == sorted(places)
    assert str(folder / "scores.csv") in done.stdout
    assert str(folder / "report.html") in done.stdout
    assert "powerml night --from 2025-11-01 --to 2025-12-30 -c " in done.stdout
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<section id=") == 17
    assert "Verdict on " in page
    assert "Since 2025-12-25 (a week before) " in page
    assert (folder / "truth").is_dir()


def test_all_it_wrote_lies_in_its_folder(shown):
    folder, _ = shown
    assert [path.name for path in folder.parent.iterdir()] == ["here"]
    scores = pd.read_csv(folder / "scores.csv")
    assert {"as_of", "user_id", "status", "score", "percentile", "reasons", "model_version"} <= set(scores)


def test_its_store_is_small(shown):
    folder, _ = shown
    files = [path for path in (folder / ".powerml").rglob("*") if path.is_file()]
    assert len(files) <= 300
    assert sum(path.stat().st_size for path in files) < 12_000_000


def test_a_folder_with_something_in_it_is_refused(shown, tmp_path):
    folder, _ = shown
    done = run("demo", "--users", "150", "--out", folder)
    assert isinstance(done.exception, PowermlError)
    assert str(done.exception).endswith(
        "is there already and not empty; name another folder with --out, or give --force"
    )
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="was not made by 'powerml demo', so --force does not remove it"):
        check_place(tmp_path, force=True)
    assert (tmp_path / "thesis.txt").exists()
    with pytest.raises(UsageError, match="is a file; name another folder"):
        check_place(tmp_path / "thesis.txt", force=True)


@pytest.mark.slow
def test_force_replaces_an_earlier_demo_and_json_says_the_same(shown, tmp_path):
    folder = tmp_path / "earlier"
    (folder / "truth").mkdir(parents=True)
    (folder / "powerml.yaml").write_text("project: earlier\n")
    done = run("demo", "--users", "150", "--out", folder, "--force", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["sentences"][0] in shown[1].stdout  # the same seed, the same verdict
    assert said["version"] == 1
    assert len(said["top"]) == 10
    assert "project: validation" in (folder / "powerml.yaml").read_text()
