"""How well anybody could do: from the true hazards, and from the observed metrics with more rows than anybody has."""

from __future__ import annotations

import numpy as np
import pandas as pd

from powerml.simulation.effects import ripe
from powerml.statistics.scores import auroc, log_loss_rows, skill

JUDGED_OUTCOMES = ("churn", "expand")
_NOT_METRICS = ("as_of", "user_id", "account_id", "enough_history", "active", "label", "treated")


def truth_skill(labels: pd.DataFrame) -> pd.DataFrame:
    """Skill of the true 90-day probabilities of `truth/labels`: the bound that no model passes.

    One row per outcome: `outcome`, `n`, `events`, `rate`, `mean_probability` (the truth is calibrated, so both agree),
    `auroc`, `log_loss` and `log_loss_skill` over the rate. Rows are accounts, not users.
    """
    known = labels[labels["label"].isin(("churn", "stay", "expand"))]
    happened = {outcome: (known["label"] == outcome).to_numpy() for outcome in JUDGED_OUTCOMES}
    return pd.DataFrame([_skill(name, happened[name], known[f"p_{name}"].to_numpy()) for name in JUDGED_OUTCOMES])


def oracle_observed(snapshot: pd.DataFrame, *, seed: int = 7, folds: int = 5, max_rows: int = 100_000) -> pd.DataFrame:
    """Skill of a large-sample model on the observed metrics of a labelled snapshot frame, out of account-wise folds.

    What can be known from the metrics at all, as opposed to from the latent state: feed it a simulation of many more
    users than the product under study. Beyond `max_rows` a random share of accounts is used. Columns as `truth_skill`;
    rows are those of the frame (users).
    """
    from lightgbm import LGBMClassifier

    rows = ripe(snapshot)
    columns = [name for name in rows.columns if name not in _NOT_METRICS]
    group = "account_id" if "account_id" in rows else "user_id"
    _, account = np.unique(rows[group].astype(str).to_numpy(), return_inverse=True)
    place = np.random.default_rng(seed).permutation(account.max() + 1)[account]
    kept = place < np.ceil((account.max() + 1) * min(max_rows / len(rows), 1.0))
    rows, fold = rows[kept], place[kept] % folds
    x = rows[columns].astype(float)
    table = []
    for outcome in JUDGED_OUTCOMES:
        happened = (rows["label"] == outcome).to_numpy()
        p = np.full(len(rows), np.nan)
        for out in range(folds):
            model = LGBMClassifier(
                n_estimators=150,
                learning_rate=0.05,
                num_leaves=24,
                min_child_samples=60,
                subsample=0.8,
                subsample_freq=1,
                colsample_bytree=0.6,
                random_state=seed,
                deterministic=True,
                n_jobs=1,
                verbose=-1,
            )
            model.fit(x[fold != out], happened[fold != out])
            p[fold == out] = np.asarray(model.predict_proba(x[fold == out]))[:, 1]
        table.append(_skill(outcome, happened, p))
    return pd.DataFrame(table)


def _skill(outcome: str, happened: np.ndarray, p: np.ndarray) -> dict[str, object]:
    rate = float(happened.mean()) if len(happened) else float("nan")
    loss = float(log_loss_rows(happened, p).mean())
    return {
        "outcome": outcome,
        "n": len(p),
        "events": int(happened.sum()),
        "rate": rate,
        "mean_probability": float(p.mean()),
        "auroc": auroc(happened, p),
        "log_loss": loss,
        "log_loss_skill": float(skill(loss, log_loss_rows(happened, np.full(len(p), rate)).mean())),
    }
