"""Made `customers.csv`: a simulated product's snapshots as somebody's own table, with names and texts of its own.

python experiments/08_ready_made_table/make.py
"""

import tempfile
from datetime import date
from pathlib import Path

from powerml import simulate, snapshot

NAMES = {
    "as_of": "month", "account_id": "account", "user_id": "person", "logins_30d": "logins", "reports_generated_30d":
    "reports", "active_days_30d": "days active", "distinct_features_30d": "features used", "seats": "seats",
    "tickets_unresolved": "open tickets", "errors_per_session_30d": "errors per visit",
    "limit_utilisation": "share of limit", "nps_latest": "nps", "days_since_core_feature": "days since core",
}  # fmt: skip
QUARTERS = [date(2024, 4, 1), date(2024, 7, 1), date(2024, 10, 1), date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1)]

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        project = simulate("validation", users=500, months=22, seed=99, folder=Path(folder, "product"))
        rows = snapshot(project, QUARTERS, labels=True).frame
    rows = rows[rows["label"].isin(["churn", "stay", "expand"])]
    table = rows[list(NAMES)].rename(columns=NAMES).round(3)
    table["plan"] = rows["seats"].map(lambda n: "team" if n > 5 else "small team" if n > 1 else "single")
    table["churned"] = rows["label"].eq("churn").map({True: "yes", False: "no"})
    table.to_csv(Path(__file__).with_name("customers.csv"), index=False)
    print(table.describe(include="all").T)
