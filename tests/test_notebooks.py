"""Every notebook runs from top to bottom, as it stands, and is kept with what it said."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

MOST_BYTES = 60_000
QUESTIONS = {
    "bring_your_own_data",
    "compare_weight_sets_in_mlflow",
    "documented_card_against_fitted",
    "does_70_mean_70",
    "score_a_new_snapshot",
    "score_one_user_by_hand",
    "were_the_documents_right",
    "which_metrics_predict",
}
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    kept = [cell.get("outputs", []) for cell in notebook.cells]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell, before in zip(notebook.cells, kept, strict=True):
        now = cell.get("outputs", [])
        assert bool(now) == bool(before), cell.source
        assert not [out for out in now if out.get("name") == "stderr"], cell.source
    assert not any(tmp_path.iterdir())  # what it writes goes to a folder of its own


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_asks_one_question_and_names_no_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source.startswith("# ")
    assert "?" in notebook.cells[0].source.splitlines()[0]
    text = path.read_text()
    assert not [word for word in ("/tmp", "/home", "/root", "/Users") if word in text]
    code = [line for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert not [line for line in code if line.startswith(("def ", "class "))]  # no logic of its own
    assert not [line for line in code if "subprocess" in line or "powerml." in line]  # public names are enough


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_lean_with_a_picture(path):
    notebook = nbformat.read(path, as_version=4)
    assert path.stat().st_size < MOST_BYTES
    assert not [cell for cell in notebook.cells if cell.metadata]  # no times of the machine it ran on
    kinds = {kind for cell in notebook.cells for out in cell.get("outputs", []) for kind in out.get("data", {})}
    assert "image/svg+xml" in kinds
    assert kinds <= {"text/plain", "text/html", "image/svg+xml"}


def test_every_question_has_its_notebook():
    assert {path.stem for path in NOTEBOOKS} == QUESTIONS
    linked = set(re.findall(r"\]\((\w+)\.ipynb\)", (NOTEBOOKS[0].parent / "README.md").read_text()))
    assert linked == QUESTIONS
