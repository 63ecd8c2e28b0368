"""A scorer as an MLflow model: its data as JSON, the package as code, and a manifest of both; no pickle anywhere.

MLflow (serving, Spark, `mlflow.pyfunc.load_model`) runs the code that lies in the model's folder. The `powerml`
command never does: `read_model` compares the files with the manifest in the registry and reads the data with the
installed code.
"""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import re
import shutil
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import powerml
from powerml.config.fingerprints import manifest
from powerml.config.shipped import configs
from powerml.errors import StoreError
from powerml.scoring.model import ScoringModel
from powerml.tracking.store import Store, safe_part
from powerml.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DATA = "scoring_model.json"
RUN_SOURCE = "powerml"  # who runs and models are by, in MLflow's own tags
OWN_TAGS = {"mlflow.user": RUN_SOURCE, "mlflow.source.name": RUN_SOURCE, "mlflow.source.type": "LOCAL"}
SERVED = "served_model.py"
SCRATCH = ".model-"  # how the folders begin in which models are laid out
MUTABLE = ("MLmodel", "registered_model_meta")  # what MLflow itself rewrites
MANIFEST_FILE = "manifest.json"  # the list of a model's files, beside it in its run
ARCHIVE = "powerml.zip"  # the package as the model brings it along, which stands on no index
CARRIED = (".py", ".yaml", ".typed")
NEEDED = ("mlflow", "numpy", "pandas", "pydantic", "pyyaml", "scipy", "scikit-learn", "lightgbm", "click", "tzdata")


def log_model(model: ScoringModel, example: pd.DataFrame, store: Store) -> tuple[str, dict[str, str]]:
    """Logs the scorer into the active run; gives the model's address and the manifest of its files.

    `example` holds a few snapshot rows, of which only the metrics that the scorer reads are kept. What MLflow copies
    is laid out in a folder beside the store first; below the working folder, so that MLflow notes no absolute path.
    """
    import mlflow
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, Schema

    columns = [name for name in model.columns if name in example]
    if not columns:  # it gives everybody the base rate, but MLflow wants a column to look at
        columns, example = ["row"], pd.DataFrame({"row": range(1, len(example) + 1)})
    kinds = {name: "object" if name in model.text_columns else "float64" for name in columns}
    rows = example[columns].astype(kinds).reset_index(drop=True)
    inputs = Schema(
        [
            ColSpec(DataType.string, name, required=False) if kind == "object" else ColSpec(DataType.double, name)
            for name, kind in kinds.items()
        ]
    )
    outputs = infer_signature(rows, model.score(rows)).outputs
    with tempfile.TemporaryDirectory(dir=store.folder, prefix=SCRATCH) as name:
        folder = Path(os.path.relpath(name))
        data = Path(folder, DATA)
        script = shutil.copyfile(Path(__file__).with_name(SERVED), Path(folder, SERVED))
        data.write_text(json.dumps(model.to_dict(), indent=1, allow_nan=False), encoding="utf-8")
        info = mlflow.pyfunc.log_model(
            name=safe_part(model.name),
            python_model=str(script),
            artifacts={"model": str(data), "code": str(_archive(Path(folder, ARCHIVE)))},
            signature=ModelSignature(inputs=inputs, outputs=outputs),
            input_example=rows,
            pip_requirements=[f"{name}=={version(name)}" for name in NEEDED],
        )
    _without_places(info.model_uri, info.model_id)
    return info.model_uri, model_manifest(store, info.model_uri)


def _without_places(model_uri: str, model_id: str) -> None:
    """Takes out what MLflow notes of this machine: where the program and the script lay, and who ran it."""
    import mlflow
    from mlflow.artifacts import download_artifacts

    mlflow.set_logged_model_tags(model_id, OWN_TAGS)
    described = Path(download_artifacts(model_uri), "MLmodel")
    text = re.sub(r"(?m)^(\s*model_code_path: ).*/", r"\1", described.read_text(encoding="utf-8"))
    write_whole(described, text, private=True)


@contextlib.contextmanager
def fetched(store: Store, uri: str) -> Iterator[Path]:
    """The folder at an address: where it lies in the project, or a copy from elsewhere while the block runs."""
    from mlflow.artifacts import download_artifacts

    if store.is_own:
        yield _place(uri)
        return
    with tempfile.TemporaryDirectory(prefix="powerml-") as folder:
        yield Path(download_artifacts(uri, dst_path=folder)).absolute()


def _place(uri: str) -> Path:
    """Where a model of the project's own store lies.

    MLflow's download of a registered model writes its name into that folder, which one who may only read it cannot.
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository

    files = get_artifact_repository(uri)
    if isinstance(files, ModelsArtifactRepository):
        files = files.repo
    return Path(files.download_artifacts("")).absolute()  # type: ignore[no-untyped-call]


def model_manifest(store: Store, model_uri: str) -> dict[str, str]:
    """The sha256 of every file of a logged model."""
    with fetched(store, model_uri) as folder:
        return model_files(folder)


def model_files(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a model's folder but those that MLflow itself rewrites."""
    return manifest(folder, leave_out=MUTABLE)


def read_model(folder: Path, *, expected: Mapping[str, str], shown: str) -> ScoringModel:
    """The scorer in a model's folder, read with the installed code after every file agreed with the manifest.

    Raises StoreError naming the first file that was changed, added or removed.
    """
    found = model_files(folder)
    if not expected:
        raise StoreError(f"{shown}: its files, or the list of them, were changed since it was registered; train again")
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            how = "is gone" if name not in found else "was added" if name not in expected else "was changed"
            raise StoreError(
                f"{shown}: its file {name!r} {how} since it was registered, so it is not used; "
                "train again, or score with another version"
            )
    data = folder / "artifacts" / DATA
    if not data.is_file():
        raise StoreError(f"{shown}: holds no {DATA}, so powerml did not make it; name a version that powerml trained")
    return ScoringModel.from_dict(json.loads(data.read_text(encoding="utf-8")))


def share_code(folders: Sequence[Path]) -> None:
    """One file on disk for the package's archive of several models, where the same bytes lie in the folder of each.

    Each folder keeps the name, so each model stays whole by itself; a disk without such links keeps copies.
    """
    archives = [path for folder in folders if (path := folder / "artifacts" / ARCHIVE).is_file()]
    for other in archives[1:]:
        if not archives[0].samefile(other) and filecmp.cmp(archives[0], other, shallow=False):
            with contextlib.suppress(OSError):
                link = other.with_name(f".{ARCHIVE}")
                link.hardlink_to(archives[0])
                link.replace(other)


def _archive(target: Path) -> Path:
    """The package and the shipped declarations in one archive, the same bytes for the same files.

    Only sources and declarations: a project that somebody keeps among the examples stays at home.
    """
    package = Path(powerml.__file__).parent
    trees = [(package, "powerml")]
    if not configs().is_relative_to(package):
        trees.append((configs(), "configs"))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for source, name in trees:
            for path in sorted(source.rglob("*")):
                inside = path.relative_to(source)
                hidden = any(part.startswith(".") or part == "__pycache__" for part in inside.parts)
                if path.is_file() and not hidden and path.suffix in CARRIED:
                    entry = zipfile.ZipInfo(f"{name}/{inside.as_posix()}")  # of no time, so that bytes repeat
                    archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return target
