"""`train` on simulated products whose truth is known: a planted leak, no signal at all, and a product that changes."""

import re

import pytest

from powerml.config.experiment import load_experiment
from powerml.config.project import load_project
from powerml.simulation import write_product
from powerml.tracking.store import Store, connected
from powerml.workflows.train import train

pytestmark = pytest.mark.slow  # a stage of its own in .ci/run

LEAK, HONEST = "ledger_balance_30d", "success_pulse_30d"  # what the preset plants


def session(folder, preset, *, users=600, months=15, extra=""):
    write_product(folder, preset, users=users, months=months, seed=7)
    (folder / "quick.yaml").write_text(f"scorers: [{{fit: logistic}}]\nseed: 7\n{extra}")
    return train(load_project(folder / "powerml.yaml"), load_experiment(folder / "quick.yaml"))


@pytest.fixture(scope="module")
def leak(tmp_path_factory):
    return session(tmp_path_factory.mktemp("leak") / "product", "leak")


def test_the_planted_leak_is_named_first_and_left_out(leak):
    assert leak.sentences[0].startswith(f"Suspected leak, left out of fits: {LEAK}: AUROC 0.")
    assert leak.sentences[1] == leak.headline
    assert not any(s.startswith("Suspected leak") and HONEST in s for s in leak.sentences)
    assert LEAK not in leak.model.scorer.metrics_
    assert HONEST in leak.model.scorer.metrics_


def test_the_verdict_is_given_both_ways_in_words_table_and_runs(leak):
    (told,) = [s for s in leak.sentences if s.startswith("logistic both ways: ")]
    without, with_it = re.findall(
        rf"(?:without|with) {LEAK}: skill: log loss is lower than the base rate's by ([\d.]+) %", told
    )
    assert float(with_it) > float(without)
    assert leak.scorers["scorer"].tolist() == ["logistic", "logistic with suspects"]
    with connected(Store(leak.data.project.state)) as client:
        runs = {name: client.get_run(run.run_id).data for name, run in leak.session.scorers.items()}
    assert runs["logistic"].tags["powerml.screen"].endswith(f"suspected leaks left out: {LEAK}")
    assert "suspected leaks" not in runs["logistic with suspects"].tags["powerml.screen"]
    assert runs["logistic with suspects"].metrics["skill/overall"] > runs["logistic"].metrics["skill/overall"]
    assert runs["logistic"].metrics[f"weight/{LEAK}"] == 0 < runs["logistic with suspects"].metrics[f"weight/{LEAK}"]


def test_the_challenger_is_the_scorer_without_the_leak(leak):
    assert leak.challenger == "logistic"


def test_early_warning_and_months_are_in_the_run_under_stable_names(leak):
    with connected(Store(leak.data.project.state)) as client:
        figures = client.get_run(leak.session.scorers["logistic"].run_id).data.metrics
    for days in (30, 60, 90):
        at = figures[f"churn/auroc_{days}d_earlier"]
        low, high = (figures[f"time/churn_auroc_{days}d_earlier_{end}"] for end in ("low", "high"))
        assert low < at < high
        assert f"time/churn_auroc_{days}d_earlier" not in figures  # no number twice
    assert figures["churn/auroc_30d_earlier"] > figures["churn/auroc_90d_earlier"]
    assert leak.tables["months"]["as_of"].nunique() == 3


def test_a_leak_kept_by_force_is_named_and_the_verdict_without_it_stands_beside(tmp_path):
    extra = f"screen: {{force_keep: [{LEAK}]}}\n"
    kept = session(tmp_path / "product", "leak", extra=extra)
    assert kept.sentences[0].startswith(f"Suspected leak, kept by force_keep: {LEAK}: ")
    assert LEAK in kept.model.scorer.metrics_
    assert kept.scorers["scorer"].tolist() == ["logistic", "logistic without suspects"]
    assert any(s.startswith("logistic both ways: without") for s in kept.sentences)


def test_where_there_is_no_signal_no_skill_is_claimed(tmp_path):
    null = session(tmp_path / "product", "null")
    assert null.word in ("no skill", "cannot tell")
    assert null.champion is None
    assert not any(s.startswith("Suspected leak") for s in null.sentences)


def test_a_product_that_changes_is_seen_month_by_month(tmp_path):
    drift = session(tmp_path / "product", "drift")
    told = "\n".join(drift.sentences)
    assert re.search(
        r"Worst month for churn: 2024-\d\d-01, AUROC 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\), against 0\.\d{3} in", told
    )
    assert re.search(r"Drift: \d+ of \d+ metrics stand elsewhere at the last 3 cutoffs than before, farthest ", told)
    assert drift.tables["months"]["as_of"].nunique() == 3
    with connected(Store(drift.data.project.state)) as client:
        run = drift.session.scorers["logistic"].run_id
        assert len(client.get_metric_history(run, "time/churn_auroc")) == 3
        assert client.get_run(run).data.metrics["time/drift_shown"] >= 1


def test_call_lists_are_of_accounts_that_can_still_churn(leak):
    latest = leak.data.latest
    rows = latest[latest["enough_history"] & latest["label"].ne("ineligible")]
    p = leak.model.probabilities(rows)["p_churn"].groupby(rows["account_id"].fillna("user " + rows["user_id"])).mean()
    calls = leak.tables["calls"].set_index(["capacity", "list"])
    assert set(calls.index.get_level_values("capacity")) == {10, 20, 50}
    assert calls.loc[(10, "as asked"), "cut"] == pytest.approx(p.nlargest(10).iloc[-1])
    assert calls.loc[(10, "as asked"), "expected"] == pytest.approx(p.nlargest(10).sum())
    assert calls.loc[(10, "as asked"), "held_out"].count(", ") == 2
