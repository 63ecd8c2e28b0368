"""A session small enough for tests: documented scorers on the golden metrics, logged without any training."""

import functools
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from powerml.calibration.links import PlattLink
from powerml.scoring.documented.load import load_weights
from powerml.scoring.explain.shares import native_params, weight_shares
from powerml.scoring.model import ScoringModel
from powerml.tracking.pseudonyms import load_pseudonyms
from powerml.tracking.runs import Attachments, ScorerRun, SessionRun, log_session
from powerml.tracking.store import Store, connected

ROWS = pd.read_csv(Path(__file__).parents[1] / "golden" / "metrics.csv", dtype={"user_id": str})
METRICS = list(ROWS.columns[1:])
LINK = PlattLink((-0.05, 1.0), (0.04, -2.0))


def model(name, *, link=None, **params):
    scorer = load_weights(name, params=params).fit(ROWS)
    rates = None if link is None else {"churn": 0.25, "stay": 0.5, "expand": 0.25}
    return ScoringModel(scorer, link=link, base_rates=rates).with_reference(ROWS)


def scorer_run(scoring_model, names):
    top = ROWS.head(3)
    ranking = pd.DataFrame({"rank": [1, 2, 3], "entity": names.all(top["user_id"]), "score": [3.0, 2.0, 1.0]})
    return ScorerRun(
        model=scoring_model,
        shares=weight_shares(scoring_model.scorer, ROWS, METRICS),
        native=native_params(scoring_model.scorer),
        metrics={"skill/overall": 0.2, "churn/auroc": 0.8, "calibration/churn_slope": float("nan")},
        by_cutoff={"time/churn_auroc": [0.7, 0.9]},
        ranking=ranking,
        example=ROWS.head(2),
        tags={"powerml.verdict": "skill"},
        attachments=Attachments(texts={"bands/report.html": "<p>bands</p>"}, tables={"bands/report.csv": ranking}),
    )


def log_small(folder, *models):
    """A store in `folder` with one session of the given models; gives the store and what was logged."""
    store = Store(folder / ".powerml")
    store.folder.mkdir()
    shutil.copy(_empty_database(), store.folder / "mlflow.db")
    names = load_pseudonyms(store.folder)
    session = SessionRun("session", {"powerml.config": "c", "powerml.data": "d", "powerml.code": "e"}, {"seed": 7})
    runs = [scorer_run(one, names) for one in models]
    return store, log_session(store, "golden", session=session, scorers=runs)


@functools.cache
def _empty_database():
    """The file of a store without runs, made once: MLflow takes two seconds to make one."""
    store = Store(Path(tempfile.mkdtemp(), ".powerml"))
    with connected(store) as client:
        client.search_experiments()
    return store.folder / "mlflow.db"
