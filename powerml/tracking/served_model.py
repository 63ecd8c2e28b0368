"""What MLflow runs when it serves a registered scorer: snapshot columns in, scoring columns out.

MLflow copies this file into the model ("models from code") and executes it beside the package in `code_paths`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class ServedModel(PythonModel):
    """The pyfunc face of a ScoringModel."""

    def load_context(self, context: Any) -> None:
        """Reads the scorer's data: JSON, never a pickle."""
        from powerml.scoring.model import ScoringModel

        self.model = ScoringModel.from_dict(json.loads(Path(context.artifacts["model"]).read_text(encoding="utf-8")))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row of scoring columns per row of metrics."""
        return self.model.score(model_input)


set_model(ServedModel())
