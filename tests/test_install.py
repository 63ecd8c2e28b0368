"""The shipped declarations are found from a wheel, an editable install and a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import powerml
from powerml.config.shipped import configs

ROOT = Path(__file__).parents[1]
PROGRAM = """
import json
import powerml
from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.config.shipped import configs, find, names
from powerml.config.reading import read_document
print(json.dumps({
    "package": powerml.__file__,
    "version": powerml.__version__,
    "configs": str(configs()),
    "metrics": list(catalogue()),
    "weights": read_document(find("weights", "engagement")).data["name"],
    "entity": load_project(find("projects", "crm6")).entity,
    "kinds": {kind: list(names(kind)) for kind in ("weights", "metrics", "bands", "projects", "claims")},
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def seen(cwd: Path, **environment: str) -> dict:
    """What a fresh process finds."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=cwd, capture_output=True, text=True, check=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    return json.loads(ran.stdout)


def test_a_wheel_carries_its_declarations(wheel, tmp_path):
    target = tmp_path / "installed"
    alone = ["--no-deps", "--no-index", "--no-compile", "--target", str(target)]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *alone, str(wheel)], check=True, capture_output=True
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = seen(elsewhere, PYTHONPATH=str(target))
    assert Path(found["package"]).is_relative_to(target)
    assert Path(found["configs"]).is_relative_to(target)
    assert len(found["metrics"]) == 60
    assert found["weights"] == "engagement"
    assert found["entity"] == "account"
    in_checkout = {kind: sorted(p.stem for p in (ROOT / "configs" / kind).glob("*.yaml")) for kind in found["kinds"]}
    assert found["kinds"] == in_checkout


def test_a_wheel_holds_the_package_its_declarations_and_no_more(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tops == {"powerml", f"powerml-{declared['version']}.dist-info"}
    assert {"powerml/_configs/metrics/catalogue.yaml", "powerml/py.typed"} <= set(names)
    entry = next(name for name in names if name.endswith("entry_points.txt"))
    assert "powerml = powerml.cli:main" in zipfile.ZipFile(wheel).read(entry).decode()


def test_a_checkout_reads_the_one_home(tmp_path):
    found = seen(tmp_path, PYTHONPATH=str(ROOT))
    assert found["configs"] == str(ROOT / "configs")
    assert Path(powerml.__file__).is_relative_to(ROOT)
    assert configs() == ROOT / "configs"
    assert not (ROOT / "powerml" / "_configs").exists()  # a copy would hide the home


def test_the_version_is_said_once(tmp_path):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert seen(tmp_path)["version"] == declared
