"""What twelve monthly snapshots cost beside two ways people make them: a range join in SQL, and Featuretools.

python experiments/benchmarks/snapshot_peers.py [--events 3] [--few 0.25] [--featuretools-python PATH] [--repeats 3]

Same files, same cutoffs, same metrics, and the values compared. The range join makes every metric over events that the
catalogue declares (windows, changes, "ever") after taking out repeats of an `event_id`, as ours does. Featuretools
makes the dozen that it expresses too, of fewer events, and is not asked about repeats; it wants its own environment
(featuretools, pyarrow, pandas < 3). Time is taken within each process, without starting Python.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from powerml.config.metrics import MetricSpec, catalogue

sys.path.insert(0, str(Path(__file__).parent))
from snapshot_cost import generate

CUTOFFS = [f"{2025 + m // 12}-{m % 12 + 1:02}-01" for m in range(1, 13)]
FEATURETOOLS = [
    "events_30d", "active_days_30d", "distinct_features_30d", "feature_categories_30d", "key_actions_30d",
    "content_created_30d", "reports_generated_30d", "feature_requests_90d", "days_since_last_active",
    "teammates_invited", "referrals", "active_days_per_week_28d",
]  # fmt: skip

OURS = """
import json, sys, time
from datetime import date
from powerml.config.project import load_project
from powerml.workflows.project import open_project
folder, names, cutoffs, out = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
wall, cpu = time.perf_counter(), time.process_time()
opened = open_project(load_project(folder + "/all/powerml.json"), cache=False)
opened.metrics = {name: opened.metrics[name] for name in names}
frame = opened.build([date.fromisoformat(day) for day in cutoffs]).frame
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
frame[["as_of", "user_id", *names]].to_parquet(out)
print(json.dumps({"wall": wall, "cpu": cpu, "rows": len(frame)}))
"""

RANGE_JOIN = """
import json, sys, time
import duckdb
folder, sql, out = sys.argv[1], sys.argv[2], sys.argv[4]
wall, cpu = time.perf_counter(), time.process_time()
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
con.execute(f"create view events as select * from '{folder}/all/events.parquet'")
for statement in json.loads(sql):
    con.execute(statement)
frame = con.execute("select * from made order by as_of, user_id").df()
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
frame.to_parquet(out)
print(json.dumps({"wall": wall, "cpu": cpu, "rows": len(frame)}))
"""

FEATURETOOLS_RUN = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import featuretools as ft
import pandas as pd
folder, vocabulary, cutoffs, out = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
wall, cpu = time.perf_counter(), time.process_time()
events = pd.read_parquet(folder + "/all/events.parquet")
events["day"] = events["time"].dt.floor("D").astype(str).astype("category")
events["feature"] = events["event"].map(lambda name: vocabulary[name]["feature"]).astype("category")
events["category"] = events["event"].map(lambda name: vocabulary[name]["category"]).astype("category")
events["role"] = events["event"].map(lambda name: (vocabulary[name]["roles"] or ["none"])[0]).astype("category")
users = pd.DataFrame({"user_id": events["user_id"].unique()})
first = events.groupby("user_id")["time"].min()
kinds = {"day": "Categorical", "feature": "Categorical", "category": "Categorical", "role": "Categorical"}
es = ft.EntitySet("product")
es.add_dataframe(dataframe_name="users", dataframe=users, index="user_id")
es.add_dataframe(
    dataframe_name="events", dataframe=events.drop(columns="event"), index="event_id", time_index="time",
    logical_types=kinds,
)
es.add_relationship("users", "user_id", "events", "user_id")
es.add_interesting_values(dataframe_name="events", values={
    "role": ["key_action", "content_created", "report", "feature_request", "invite", "referral"]})
grid = pd.MultiIndex.from_product([users["user_id"], pd.to_datetime(cutoffs)], names=["user_id", "time"])
grid = grid.to_frame(index=False)
grid = grid[grid["time"].to_numpy() > first.loc[grid["user_id"]].to_numpy()]
def features(window, aggregates, where, chosen):
    made = ft.dfs(entityset=es, target_dataframe_name="users", agg_primitives=aggregates, where_primitives=where,
                  trans_primitives=[], cutoff_time=grid, training_window=window, include_cutoff_time=False,
                  max_depth=1, cutoff_time_in_index=True)[0]
    made = made.reset_index()
    return made.rename(columns=chosen)[["user_id", "time", *chosen.values()]]
month = features("30 days", ["count", "num_unique"], ["count"], {
    "COUNT(events)": "events_30d", "NUM_UNIQUE(events.day)": "active_days_30d",
    "NUM_UNIQUE(events.feature)": "distinct_features_30d", "NUM_UNIQUE(events.category)": "feature_categories_30d",
    "COUNT(events WHERE role = key_action)": "key_actions_30d",
    "COUNT(events WHERE role = content_created)": "content_created_30d",
    "COUNT(events WHERE role = report)": "reports_generated_30d"})
four_weeks = features("28 days", ["num_unique"], [], {"NUM_UNIQUE(events.day)": "active_days_per_week_28d"})
requests = {"COUNT(events WHERE role = feature_request)": "feature_requests_90d"}
quarter = features("90 days", ["count"], ["count"], requests)
ever = features(None, ["count", "time_since_last"], ["count"], {
    "COUNT(events WHERE role = invite)": "teammates_invited", "COUNT(events WHERE role = referral)": "referrals",
    "TIME_SINCE_LAST(events.time)": "days_since_last_active"})
frame = month.merge(four_weeks).merge(quarter).merge(ever).rename(columns={"time": "as_of"})
frame["active_days_per_week_28d"] /= 4
frame["days_since_last_active"] /= 86400
counts = list(frame.columns.difference(["user_id", "as_of", "days_since_last_active"]))
frame[counts] = frame[counts].astype("float64").fillna(0)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
frame.sort_values(["as_of", "user_id"], ignore_index=True).to_parquet(out)
print(json.dumps({"wall": wall, "cpu": cpu, "rows": len(frame)}))
"""


def expressible(spec: MetricSpec) -> bool:
    """Whether a metric is one aggregate over events that joins them to its cutoff by range."""
    plain = spec.table == "events" and spec.measure in ("count", "days", "distinct", "days_since_last")
    return bool(
        plain and not spec.ratio and spec.minus is None and spec.empty is None
        and dict(spec.where).get("role") != ("login",) and set(spec.where) <= {"role", "tier", "depth", "feature"}
    )  # fmt: skip


def statements(specs: list[MetricSpec], vocabulary: dict[str, dict]) -> list[str]:
    """The range join as SQL: events with what the vocabulary says of them, the cutoffs, one wide aggregate."""
    words = pd.DataFrame(
        [
            {"event": name, "feature": m["feature"], "category": m["category"], "tier": m["tier"], "depth": m["depth"],
             "roles": m["roles"]}
            for name, m in vocabulary.items()
        ]
    )  # fmt: skip
    rows = ", ".join(
        f"('{w.event}', '{w.feature}', '{w.category}', '{w.tier}', '{w.depth}', {list(w.roles)}::varchar[])"
        for w in words.itertuples()
    )
    cutoffs = ", ".join(f"(timestamp '{day}')" for day in CUTOFFS)
    columns = ",\n".join(f"{_aggregate(spec)} as {spec.name}" for spec in specs)
    return [
        f"create temp table words as select * from (values {rows}) t(event, feature, category, tier, depth, roles)",
        f"create temp table cutoffs as select * from (values {cutoffs}) t(as_of)",
        # repeats of an event_id count once: the first copy
        """create temp table once as select user_id, event, time from events
            qualify row_number() over (partition by event_id order by time) = 1""",
        "create temp table people as select user_id, min(time) as created from once group by user_id",
        f"""create temp table made as
            select c.as_of, e.user_id, {columns}
            from once e join words w using (event) join people p using (user_id) join cutoffs c on e.time < c.as_of
            group by c.as_of, e.user_id, p.created""",
    ]


def _aggregate(spec: MetricSpec) -> str:
    where = []
    for key, values in dict(spec.where).items():
        tests = [f"list_contains(w.roles, '{v}')" if key == "role" else f"w.{key} = '{v}'" for v in values]
        where.append(f"({' or '.join(tests)})")

    def count(window: tuple[int, int] | None) -> str:
        tests = list(where)
        if window:
            tests.append(f"e.time >= c.as_of - interval {window[0]} days")
            tests += [f"e.time < c.as_of - interval {window[1]} days"] if window[1] else []
        of = {"count": "*", "days": "distinct e.time::date", "distinct": f"distinct w.{spec.of}"}.get(spec.measure, "")
        of = "distinct e.event" if of == "distinct w.event" else of
        kept = f" filter (where {' and '.join(tests)})" if tests else ""
        if spec.measure == "days_since_last":
            return f"(epoch_us(c.as_of) - max(epoch_us(e.time)){kept}) / 86400000000"
        return f"count({of}){kept}"

    if spec.change:
        a, b = count(spec.change.from_), count(spec.change.to)
        young = f"p.created > c.as_of - interval {spec.change.from_[0]} days"
        small = f"{a} + {b} < {spec.change.min_total}"
        return f"case when {young} or {small} then null when {a} = 0 then 1.0 else ({b} - {a}) / {a}::double end"
    value = count(spec.window_days)
    if spec.per == "week" and spec.window_days:
        value = f"{value} / {(spec.window_days[0] - spec.window_days[1]) / 7}"
    return value


def run(python: str, code: str, *arguments: str) -> dict[str, float]:
    """Runs code in a fresh process; gives what it measured of itself."""
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(ours: Path, theirs: Path, names: list[str]) -> str:
    """How many values differ between two frames of the same rows."""
    a, b = pd.read_parquet(ours), pd.read_parquet(theirs)
    keys = ["as_of", "user_id"]
    b["as_of"] = b["as_of"].astype(a["as_of"].dtype)
    both = a[keys + names].merge(b[keys + names], on=keys, suffixes=("", "_b"), how="outer", indicator=True)
    if not (both["_merge"] == "both").all():
        return f"rows differ: {both['_merge'].value_counts().to_dict()}"
    wrong = {
        n: int((~np.isclose(both[n].astype(float), both[f"{n}_b"].astype(float), rtol=1e-6, equal_nan=True)).sum())
        for n in names
    }
    wrong = {n: count for n, count in wrong.items() if count}
    return f"{len(both) * len(names):,} values compared, {sum(wrong.values())} differ {wrong or ''}"


def duel(name: str, folder: Path, names: list[str], peer: tuple[str, str, str], repeats: int) -> None:
    """Ours and a peer, interleaved; prints medians and the ratio."""
    taken: dict[str, list[dict[str, float]]] = {"ours": [], name: []}
    for _ in range(repeats):
        arguments = (str(folder), json.dumps(names), json.dumps(CUTOFFS), str(folder / "ours.parquet"))
        taken["ours"].append(run(sys.executable, OURS, *arguments))
        python, code, given = peer
        taken[name].append(run(python, code, str(folder), given, json.dumps(CUTOFFS), str(folder / "peer.parquet")))
    print(compare(folder / "ours.parquet", folder / "peer.parquet", names))
    for clock in ("wall", "cpu"):
        mid = {who: statistics.median(one[clock] for one in runs) for who, runs in taken.items()}
        print(f"{name}: {clock} {mid[name]:.1f} s against {mid['ours']:.1f} s, {mid[name] / mid['ours']:.1f} x ours")


def main() -> None:
    """Runs the duels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=3, help="million events for the range join")
    parser.add_argument("--few", type=float, default=0.25, help="million events for Featuretools")
    parser.add_argument("--featuretools-python", default="")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for size, which in ((options.events, "range join"), (options.few, "featuretools")):
            if (which == "featuretools" and not options.featuretools_python) or not size:
                continue
            folder = Path(temporary) / which.replace(" ", "_")
            (folder / "all").mkdir(parents=True)
            (folder / "parts").mkdir()
            generate(folder, size)
            declared = json.loads((folder / "all" / "powerml.json").read_text())["vocabulary"]
            vocabulary = {name: {"feature": name, **meaning} for name, meaning in declared.items()}
            if which == "range join":
                specs = [spec for spec in catalogue().values() if expressible(spec)]
                names = [spec.name for spec in specs]
                peer = (sys.executable, RANGE_JOIN, json.dumps(statements(specs, vocabulary)))
            else:
                names, peer = FEATURETOOLS, (options.featuretools_python, FEATURETOOLS_RUN, json.dumps(vocabulary))
            print(f"{which}: {size} million events, {len(names)} metrics: {', '.join(names)}")
            duel(which, folder, names, peer, options.repeats)


if __name__ == "__main__":
    main()
