"""Every notebook runs from top to bottom, as it stands, and is kept with what it said."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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


def test_there_are_notebooks():
    assert NOTEBOOKS
