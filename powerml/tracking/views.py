"""Two views of a project's runs in the MLflow UI, opened by a link: the table as it is read, and the scorers compared.

MLflow keeps a shared view as a tag of the experiment, `mlflow.sharedViewState.KEY`: the state of its page as JSON. We
write it before the UI is opened, so that whoever opens it sees what matters without knowing where to click.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from powerml.tracking.limits import OTHER
from powerml.tracking.store import Store, writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mlflow.entities import Run

SHARED = "mlflow.sharedViewState."
TABLE, COMPARISON = "powerml-table", "powerml-comparison"
SHOWN_COLUMNS = (
    "tags.`powerml.verdict`",
    "tags.`powerml.kind`",
    "metrics.`skill/overall`",
    "metrics.`churn/auroc`",
    "metrics.`expand/auroc`",
    "metrics.`skill/log_loss`",
    "metrics.`calibration/churn_slope`",
)
"""What the table of runs shows: verdict, kind, skill, AUROC of churn and expansion, log loss, slope."""
BESIDE = ("skill/overall", "churn/auroc", "expand/auroc")
"""The three metrics on the right of the comparison."""
TRAINING = {"workflowType": "machine_learning"}
"""The UI's training view; without a word it is the one for language models, with judges and prompts."""
AXES = 9
"""So many weights, those that differ most, can be read on one screen."""
_WEIGHT = "weight/"


@dataclass(frozen=True)
class Views:
    """The links, relative to the server: the table of runs, and the newest session's scorers compared.

    `comparison` is None where fewer than two scorers can be told apart by a weight.
    """

    table: str
    comparison: str | None


def prepare_views(store: Store, project: str) -> Views | None:
    """Writes both views; None where the project has no run yet."""
    with writing(store) as client:
        experiment = client.get_experiment_by_name(project)
        if experiment is None:
            return None
        number = str(experiment.experiment_id)
        parents = client.search_runs(
            [number], "tags.`powerml.verdict` != '' and tags.`powerml.model` != ''", order_by=["start_time DESC"]
        )
        sessions = [run for run in parents if "mlflow.parentRunId" not in run.data.tags]
        client.set_experiment_tag(number, f"{SHARED}{TABLE}", json.dumps(_state("tags.`powerml.kind` != ''")))
        table = _link(number, TABLE)
        if not sessions:
            return Views(table, None)
        newest = sessions[0].info.run_id
        runs = client.search_runs([number], f"tags.`mlflow.parentRunId` = '{newest}'")
        weights, beside = differing_weights(runs), _known(runs, BESIDE)
        if len(runs) < 2 or not weights:
            return Views(table, None)
        state = _comparison_state(newest, weights, beside)
        client.set_experiment_tag(number, f"{SHARED}{COMPARISON}", json.dumps(state))
        return Views(table, _link(number, COMPARISON, compareRunsMode="CHART"))


def differing_weights(runs: Iterable[Run]) -> list[str]:
    """The weights (`weight/METRIC`) in which runs differ most, each on every run, the largest difference first."""
    held = [run.data.metrics for run in runs]
    everywhere = set.intersection(*({k for k in one if k.startswith(_WEIGHT)} for one in held)) if held else set()
    spread = {
        key: max(one[key] for one in held) - min(one[key] for one in held)
        for key in everywhere
        if key != f"{_WEIGHT}{OTHER}"
    }
    ranked = sorted((key for key, far in spread.items() if far > 0), key=lambda key: (-spread[key], key))
    return ranked[:AXES]


def _known(runs: Iterable[Run], metrics: Sequence[str]) -> list[str]:
    """Those of the metrics that every run has: the picture drops a run that lacks an axis."""
    held = [set(run.data.metrics) for run in runs]
    return [name for name in metrics if all(name in one for one in held)]


def _link(experiment: str, key: str, **more: str) -> str:
    asked = {"viewStateShareKey": key, **TRAINING, **more}
    return f"/#/experiments/{experiment}/runs?{urlencode(asked)}"


def _state(where: str) -> dict[str, Any]:
    """The page with our columns; by skill, for by time the UI hides scorers below their session."""
    return {
        "searchFilter": where,
        "orderByKey": "metrics.`skill/overall`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(SHOWN_COLUMNS),
        "runsHiddenMode": "FIRST_20_RUNS",
    }


def _comparison_state(session: str, weights: Sequence[str], beside: Sequence[str]) -> dict[str, Any]:
    """One chart of parallel coordinates: a line per scorer over its weights and what came of them."""
    chart = {
        "uuid": "powerml-weights",
        "type": "PARALLEL",
        "displayName": "Weights (share of the score, %) and how well the score predicts",
        "runsCountToCompare": 20,
        "metricSectionId": "powerml",
        "deleted": False,
        "isGenerated": False,
        "selectedParams": [],
        "selectedMetrics": [*weights, *beside],
        "showAllRuns": True,
    }
    section = {
        "uuid": "powerml",
        "name": "Scorers of the newest session",
        "display": True,
        "isReordered": False,
        "columns": 1,
        "cardHeight": 480,
    }
    return {
        **_state(f"tags.`mlflow.parentRunId` = '{session}'"),
        "compareRunCharts": [chart],
        "compareRunSections": [section],
        "isAccordionReordered": True,
    }
