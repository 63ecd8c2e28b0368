"""What MLflow runs when it serves a registered scorer: snapshot columns in, scoring columns out.

MLflow copies this file into the model ("models from code") and executes it; the package is in the model's archive.
"""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class ServedModel(PythonModel):
    """The pyfunc face of a ScoringModel."""

    def load_context(self, context: Any) -> None:
        """Reads the scorer's data: JSON, never a pickle; with the model's own code where none is imported yet."""
        if "powerml" not in sys.modules:
            folder = tempfile.mkdtemp(prefix="powerml-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            zipfile.ZipFile(context.artifacts["code"]).extractall(folder)
            sys.path.insert(0, folder)
        from powerml.scoring.model import ScoringModel

        self.model = ScoringModel.from_dict(json.loads(Path(context.artifacts["model"]).read_text(encoding="utf-8")))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row of scoring columns per row of metrics."""
        return self.model.score(model_input)


set_model(ServedModel())
