"""What `auto` of another checkout (e1dc94a) says, `screen: off`; run by `products.py` with PYTHONPATH set to it.

    PYTHONPATH=CHECKOUT python old_auto.py ROWS.parquet OTHERS.parquet SAID.parquet

Trained on all labelled rows of a product and all metrics, as that version trains it; written are its probabilities for
the rows of `OTHERS.parquet`, and CPU seconds. Names are those of e1dc94a, so nothing here knows of later ones.
"""

from __future__ import annotations

import sys
import time

import pandas as pd
from powerml.workflows.candidates import fit_on
from powerml.workflows.training_data import Rows

from powerml.config.metrics import catalogue
from powerml.scoring.outcome import NestedOutcomeModel

GRACE_DAYS = 30
NOT_METRICS = ("as_of", "user_id", "account_id", "enough_history", "active", "label", "treated")


def main() -> None:
    mine, others, target = sys.argv[1:]
    frame = pd.read_parquet(mine)
    metrics = [name for name in frame if name not in NOT_METRICS]
    begun = time.process_time()
    model = NestedOutcomeModel(
        "auto",
        metrics=metrics,
        outcomes=("churn", "stay", "expand"),
        directions={name: spec.direction for name, spec in catalogue().items()},
        seed=0,
        name="auto",
    )
    model = fit_on(model, frame[metrics], Rows(frame, "user_id", 90), grace_days=GRACE_DAYS)
    said = model.predict_proba_outcomes(pd.read_parquet(others))
    said.reset_index(drop=True).assign(cpu_seconds=time.process_time() - begun).to_parquet(target)


if __name__ == "__main__":
    main()
