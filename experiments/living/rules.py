"""Does the alert scorecard find rules that tell something, and none on products where nothing does?

    python experiments/living/rules.py null [PRODUCTS]         # preset `null`: use and outcomes have nothing to do
    python experiments/living/rules.py validation [PRODUCTS]   # preset `validation`: falling use comes before churn

Each product is simulated, then judged as `powerml alerts --judge` does it, by document D's card. Writes a row per
product and rule into `results/rules_PRESET.csv`; the last line counts what was said to tell something.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))
from powerml.config.project import load_project
from powerml.simulation import write_product
from powerml.statistics.intervals import wilson
from powerml.workflows.alert_card import judge_alerts

HERE = Path(__file__).parent
FIRST_SEED = 2100
SIZES = {"null": (500, 14), "validation": (2000, 24)}  # users, months


def judged(preset: str, seed: int) -> pd.DataFrame:
    """The scorecard of one product."""
    users, months = SIZES[preset]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "product")
        write_product(folder, preset, users=users, months=months, seed=seed)
        card = judge_alerts(load_project(folder / "powerml.yaml"))
    return card.rules.assign(seed=seed, nights=card.nights)


def study(preset: str, products: int) -> pd.DataFrame:
    """All products, one after another; what is there already is not made again."""
    target = HERE / "results" / f"rules_{preset}.csv"
    found = [pd.read_csv(target)] if target.is_file() else []
    done = set(found[0]["seed"]) if found else set()
    for seed in range(FIRST_SEED, FIRST_SEED + products):
        if seed in done:
            continue
        found.append(judged(preset, seed))
        pd.concat(found, ignore_index=True).round(4).to_csv(target, index=False)
        print(found[-1].drop(columns="seed").round(2).to_string(index=False), flush=True)
    return pd.concat(found, ignore_index=True)


if __name__ == "__main__":
    chosen = sys.argv[1]
    table = study(chosen, int(sys.argv[2]) if len(sys.argv) > 2 else 40)
    judgeable = table[table["verdict"] != "cannot tell"]
    tells = int(table["verdict"].eq("tells").sum())
    low, high = wilson(tells, len(table))
    print(
        f"{chosen}: {table['seed'].nunique()} products, {len(table)} rules judged, {tells} said to tell something "
        f"({100 * tells / len(table):.1f} %, {100 * low:.1f} to {100 * high:.1f} %); {len(judgeable)} with a verdict"
    )
    print(table.groupby("alert")[["lift", "low", "lead_days"]].median().round(2).to_string())
