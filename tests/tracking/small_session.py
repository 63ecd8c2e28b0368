"""A session small enough for tests: documented scorers on the golden metrics, logged without any training."""

import functools
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from powerml.calibration.head import HeadCalibrator
from powerml.scoring.explain.shares import native_params, weight_shares
from powerml.scoring.heads.prior import PriorLinkHead
from powerml.scoring.heads.structure import average_reasons
from powerml.scoring.load import load_weights
from powerml.scoring.model import ScoringModel
from powerml.scoring.outcome.linked import LinkedScorer, ScoreLink
from powerml.tracking.pseudonyms import load_pseudonyms
from powerml.tracking.runs import Attachments, ScorerRun, SessionRun, log_session
from powerml.tracking.store import Store, connected

ROWS = pd.read_csv(Path(__file__).parents[1] / "golden" / "metrics.csv", dtype={"user_id": str})
METRICS = list(ROWS.columns[1:])
OUTCOMES = ("churn", "stay", "expand")


def links():
    """A link of the document's number to churn and to expansion, as training leaves them."""
    lines = {"churn": (1.0, -0.05, 0.25), "expand": (-2.0, 0.04, 1 / 3)}
    return tuple(
        ScoreLink(name, PriorLinkHead.given(intercept, slope), HeadCalibrator.identity(), rate, 60, 240)
        for name, (intercept, slope, rate) in lines.items()
    )


def model(name, *, linked=False, **params):
    """A weight set alone, or as it is registered: joined to outcomes."""
    scorer = load_weights(name, params=params).fit(ROWS)
    if not linked:
        return ScoringModel(scorer).with_reference(ROWS)
    rates = {"churn": 0.25, "stay": 0.5, "expand": 0.25}
    joined = LinkedScorer(scorer, links(), OUTCOMES, 0.6, average_reasons(scorer, ROWS))
    return ScoringModel(joined, base_rates=rates).with_reference(ROWS)


def scorer_run(scoring_model, names):
    top = ROWS.head(3)
    ranking = pd.DataFrame({"rank": [1, 2, 3], "entity": names.all(top["user_id"]), "score": [3.0, 2.0, 1.0]})
    return ScorerRun(
        model=scoring_model,
        shares=weight_shares(scoring_model.scorer, METRICS),
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
    shutil.copy(empty_database(), store.folder / "mlflow.db")
    names = load_pseudonyms(store.folder)
    session = SessionRun("session", {"powerml.config": "c", "powerml.data": "d", "powerml.code": "e"}, {"seed": 7})
    runs = [scorer_run(one, names) for one in models]
    return store, log_session(store, "golden", session=session, scorers=runs)


@functools.cache
def empty_database():
    """The file of a store without runs, made once: MLflow takes two seconds to make one."""
    store = Store(Path(tempfile.mkdtemp(), ".powerml"))
    with connected(store) as client:
        client.search_experiments()
    return store.folder / "mlflow.db"
