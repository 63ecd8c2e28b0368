"""Do the verdict's words mean what they say? Repeated on made-up data whose truth is known.

    python experiments/studies/validation_studies/studies.py --repeats 200 \\
        -o experiments/studies/validation_studies/results.csv

One row per study and question: what was asked for, what was found, n, and the 95 % Wilson interval of the found rate.
CI runs the same code with three repeats (tests/validation/test_studies.py).
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.config.weights import read_weights
from powerml.screening.correlation import CorrelationScreen, ScreenWarning
from powerml.screening.report import screen_report
from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.intervals import wilson, wilson_by_account
from powerml.statistics.logistic import sigmoid
from powerml.statistics.scores import calibration_line, log_loss_rows
from powerml.validation.comparison import compare
from powerml.validation.held_rows import HeldRows, Said
from powerml.validation.reliability import calibration
from powerml.validation.review.answers import review
from powerml.validation.review.proposal import proposal
from powerml.validation.verdict import CROSS_FITTED, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from powerml.config.weight_set import WeightSetSpec

ROWS, METRICS, RATE = 2000, 20, 0.10


def default_model(seed: int = 0) -> Any:
    """A logistic regression on normalised ranks, nulls at the median with a flag: quick, and it uses weak metrics."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        QuantileTransformer(n_quantiles=50, output_distribution="normal", random_state=seed),
        LogisticRegression(C=0.1, max_iter=500),
    )


def flat_table(seed: int, effect: float) -> tuple[pd.DataFrame, np.ndarray]:
    """2,000 accounts, 20 metrics, 10 % churn; the first metric is `effect` spreads higher for churners."""
    rng = np.random.default_rng(seed)
    churn = np.zeros(ROWS, dtype=bool)
    churn[rng.permutation(ROWS)[: int(RATE * ROWS)]] = True
    x = rng.normal(size=(ROWS, METRICS))
    x[:, 0] += effect * churn
    return pd.DataFrame(x, columns=[f"m{i}" for i in range(METRICS)]), np.where(churn, "churn", "stay")


def out_of_fold(x: pd.DataFrame, y: np.ndarray, *, seed: int, screened: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Probabilities and training base rates of every row, from a model that did not see its account."""
    fold = np.random.default_rng(seed).permutation(len(y)) % 5  # even folds; every row is an account
    p, base = np.empty(len(y)), np.empty(len(y))
    for k in range(5):
        train, test = fold != k, fold == k
        kept = np.ones(x.shape[1], dtype=bool)
        if screened:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ScreenWarning)
                kept = CorrelationScreen().fit(x[train], y[train]).kept_
        model = default_model(seed).fit(x.loc[train, kept].to_numpy(), y[train] == "churn")
        p[test] = model.predict_proba(x.loc[test, kept].to_numpy())[:, 1]
        base[test] = (y[train] == "churn").mean()
    return pd.DataFrame({"p_churn": p, "p_stay": 1 - p}), pd.DataFrame({"churn": base, "stay": 1 - base})


def word(seed: int, *, effect: float, screened: bool, factor: float = CROSS_FITTED) -> str:
    """The verdict of one seed."""
    x, y = flat_table(seed, effect)
    p, base = out_of_fold(x, y, seed=seed, screened=screened)
    once = pd.Timestamp("2026-01-01")
    held = HeldRows(y, np.arange(ROWS), np.full(ROWS, once), variance_factor=factor)
    found = verdict(held, Said(p, base), seed=seed)
    assert found.word == found.outcomes[0].verdict  # two outcomes: overall is churn
    return found.word


def noise(repeats: int) -> list[dict[str, object]]:
    """How often skill or ranking is claimed where there is none."""
    rows = []
    for screened in (False, True):
        words = [word(seed, effect=0.0, screened=screened) for seed in range(repeats)]
        claims = sum(w in ("skill", "ranks only") for w in words)
        name = "after the screen" if screened else "all 20 metrics"
        rows.append(found("noise", f"claims on pure noise, {name}", "at most 6 %", claims, repeats))
        words = [word(seed, effect=0.0, screened=screened, factor=1.0) for seed in range(repeats)]
        claims = sum(w in ("skill", "ranks only") for w in words)
        rows.append(found("noise", f"the same without the factor for crossed folds, {name}", "", claims, repeats))
    return rows


def real_columns(number: int) -> pd.DataFrame:
    """Measurements of real things, as scikit-learn ships them: tumours, patients, wines, handwritten digits."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

    loaders = (load_breast_cancer, load_diabetes, load_wine, load_digits)
    return loaders[number % len(loaders)](as_frame=True).data


def shuffled(seed: int) -> str:
    """The verdict where real columns are set against outcomes of 30 % that were shuffled."""
    x = real_columns(seed).reset_index(drop=True)
    rng = np.random.default_rng([seed, 2])
    y = np.where(rng.permutation(len(x)) < 0.3 * len(x), "churn", "stay")
    p, base = out_of_fold(x, y, seed=seed, screened=False)
    held = HeldRows(y, np.arange(len(x)), np.full(len(x), pd.Timestamp("2026-01-01")), variance_factor=CROSS_FITTED)
    return verdict(held, Said(p, base), seed=seed).word


def level(seed: int) -> str:
    """The verdict on a score that ranks nothing, but whose level is nearer to what came than the training rate is."""
    rng = np.random.default_rng([seed, 3])
    came, trained = rng.uniform(0.05, 0.4), rng.uniform(0.02, 0.5)
    y = np.where(rng.random(ROWS) < came, "churn", "stay")
    c = np.clip(came * np.exp(0.1 * rng.normal(size=ROWS)), 0.001, 0.999)
    held = HeldRows(y, np.arange(ROWS), np.full(ROWS, pd.Timestamp("2026-01-01")))
    said = Said(pd.DataFrame({"p_churn": c, "p_stay": 1 - c}), {"churn": trained, "stay": 1 - trained})
    return verdict(held, said, seed=seed).word


def no_signal(repeats: int) -> list[dict[str, object]]:
    """How often skill is claimed where there is nothing: made-up and real columns, and a level that happens to fit."""
    half = repeats // 2
    words = [word(seed, effect=0.0, screened=False) for seed in range(repeats - half)]
    words += [shuffled(seed) for seed in range(half)]
    by_level = [level(seed) for seed in range(repeats)]
    return [
        found(
            "no signal", "skill claimed on noise, half of it real columns", "at most 5 %", words.count("skill"), repeats
        ),
        found("no signal", "skill claimed for a level that fits better", "never", by_level.count("skill"), repeats),
    ]


def power(repeats: int) -> list[dict[str, object]]:
    """How often a metric of true AUROC .65 among 19 noise metrics is seen: .65 is an effect of 0.545 spreads."""
    rows = []
    for screened in (False, True):
        words = [word(seed, effect=0.545, screened=screened) for seed in range(repeats)]
        name = "after the screen" if screened else "all 20 metrics"
        seen = sum(w in ("skill", "ranks only") for w in words)
        rows.append(found("power", f"AUROC .65 at least ranks, {name}", "at least 90 %", seen, repeats))
        rows.append(found("power", f"AUROC .65 called skill, {name}", "", sum(w == "skill" for w in words), repeats))
    return rows


def comparisons(repeats: int) -> list[dict[str, object]]:
    """A scorer against itself, against an equally good one, and against a worse one."""
    same = twins = lesser = wrong = 0
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=ROWS)
        y = np.where(rng.random(ROWS) < sigmoid(-2.6 + truth), "churn", "stay")

        def said(noise_spread: float, rng=rng, truth=truth) -> pd.DataFrame:
            # what a calibrated model says that sees the truth through noise of that spread
            seen = truth + noise_spread * rng.normal(size=ROWS)
            shrink = 1 / (1 + noise_spread**2)
            c = sigmoid((-2.6 + shrink * seen) / np.sqrt(1 + np.pi / 8 * (1 - shrink)))
            return pd.DataFrame({"p_churn": c, "p_stay": 1 - c})

        groups = np.arange(ROWS)
        good = said(0.5)
        same += answered(y, good, good.copy(), groups, seed) != "cannot tell"
        twins += answered(y, good, said(0.5), groups, seed) != "cannot tell"
        answer = answered(y, said(1.5), good, groups, seed)
        lesser += answer == "better"
        wrong += answer == "worse"
    return [
        found("comparison", "a scorer called different from itself", "never", same, repeats),
        found("comparison", "two equally good scorers called different", "about 5 %", twins, repeats),
        found("comparison", "planted gain found (AUROC .73 against .64, 2,000 rows)", "", lesser, repeats),
        found("comparison", "planted gain called a loss", "never", wrong, repeats),
    ]


def answered(y: np.ndarray, first: pd.DataFrame, second: pd.DataFrame, groups: np.ndarray, seed: int) -> str:
    return compare(y, {"a": first, "b": second}, groups=groups, seed=seed).answer("a", "b")


ACCOUNTS, USERS, SNAPSHOTS = 200, 5, 6
TRUTH_ACCOUNTS = 170_000


def panel(rng: np.random.Generator, accounts: int) -> tuple[np.ndarray, ...]:
    """Users of accounts in six snapshots: metric and outcome persist by account, by user and over time."""
    shape = (accounts, USERS, SNAPSHOTS)
    level = rng.normal(size=(accounts, 1, 1)) + 0.7 * rng.normal(size=(accounts, USERS, 1))
    x = level + 0.5 * rng.normal(size=shape)
    fate = rng.normal(size=(accounts, 1, 1)) + 0.5 * rng.normal(size=(accounts, USERS, 1))
    chance = sigmoid(-2.4 - 0.6 * x + 0.8 * fate)
    churn = rng.random(shape) < chance
    groups = np.broadcast_to(np.arange(accounts)[:, None, None], shape)
    return x.ravel(), churn.ravel(), groups.ravel()


def truths() -> dict[str, float]:
    """What the intervals should cover, from five million rows."""
    x, churn, _ = panel(np.random.default_rng(99), TRUTH_ACCOUNTS)
    p = sigmoid(-2.2 - 0.5 * x)
    middle = (x > -0.3) & (x <= 0.3)
    reference = log_loss_rows(churn, np.full(len(x), 0.13)).mean()
    one, zero = x[churn], x[~churn]
    r = (one.mean() - zero.mean()) / np.sqrt(2 * (one.var() + zero.var()) + (one.mean() - zero.mean()) ** 2)
    from sklearn.metrics import roc_auc_score

    return {
        "rate of all rows (Wilson)": churn.mean(),
        "rate of a band (Wilson)": churn[middle].mean(),
        "log-loss skill (bootstrap)": 1 - log_loss_rows(churn, p).mean() / reference,
        "AUROC (bootstrap)": roc_auc_score(churn, -x),
        "observed over expected (bootstrap)": churn.sum() / p.sum(),
        "calibration slope (sandwich)": calibration_line(churn, p)[0],
        "r_bal (bootstrap of accounts within class)": r,
    }


def coverage(repeats: int) -> list[dict[str, object]]:
    """How often nominal 95 % intervals hold the truth, with 5 users per account and 6 snapshots each."""
    true = truths()
    inside = dict.fromkeys(true, 0)
    for seed in range(repeats):
        x, churn, groups = panel(np.random.default_rng([seed, 1]), ACCOUNTS)  # other than the bootstrap's
        p = sigmoid(-2.2 - 0.5 * x)
        said = pd.DataFrame({"p_churn": p, "p_stay": 1 - p})
        y = np.where(churn, "churn", "stay")
        middle = (x > -0.3) & (x <= 0.3)
        draws = AccountBootstrap.of(groups, seed=seed)
        sums = draws.sums(np.column_stack([log_loss_rows(churn, p), log_loss_rows(churn, np.full(len(x), 0.13))]))
        line = calibration(y, said, groups=groups, seed=seed).iloc[0]
        report = screen_report(
            pd.DataFrame({"x": x}), y, groups=groups, times=np.zeros(len(x)), seed=seed,
            screen=CorrelationScreen(min_keep=0),
        ).iloc[0]  # fmt: skip
        ends = {
            "rate of all rows (Wilson)": wilson_by_account(churn, groups)[1:],
            "rate of a band (Wilson)": wilson_by_account(churn[middle], groups[middle])[1:],
            "log-loss skill (bootstrap)": interval(1 - sums[:, 0] / sums[:, 1]),
            "AUROC (bootstrap)": interval(draws.auroc(churn, -x)),
            "observed over expected (bootstrap)": (line["observed_expected_low"], line["observed_expected_high"]),
            "calibration slope (sandwich)": (line["slope_low"], line["slope_high"]),
            "r_bal (bootstrap of accounts within class)": (report["r_bal_low"], report["r_bal_high"]),
        }
        for name, (low, high) in ends.items():
            inside[name] += low <= true[name] <= high
    return [found("coverage", name, "92 to 98 %", k, repeats) for name, k in inside.items()]


PEOPLE, TOP, ROUNDS = 400, 20, 6
WISHED = {"depth": 0.30, "tenure": 0.05, "collaboration": 0.35, "expansion": 0.15, "sentiment": 0.15}


def reviews(repeats: int) -> list[dict[str, object]]:
    """The review loop: reviewers who answer at random, and reviewers who would weigh tenure 0.05 and not 0.20.

    The latter say yes to the 30 best by their own weights, no to the rest, and name up to five of their ten best who
    are not listed. The set starts as document A's and takes six rounds of answers.
    """
    shipped = read_weights("power_user")
    at_random = proven = sooner = better = worse = 0
    agreements = []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=(PEOPLE, 1))
        levels = pd.DataFrame(sigmoid(common + rng.normal(size=(PEOPLE, 5))), columns=list(WISHED))
        groups = np.arange(PEOPLE)
        shares, order = shares_by(levels, shipped)
        listed = order[:TOP]
        answers = rng.permutation(["no"] * 5 + ["yes"] * 15)
        at_random += review(answers, shares.iloc[listed], groups=groups[listed], seed=seed).proven
        best = np.argsort(-(levels @ pd.Series(WISHED)).to_numpy(), kind="stable")
        spec, agreed = shipped, []
        for round_ in range(ROUNDS + 1):
            shares, order = shares_by(levels, spec)
            listed = order[:TOP]
            agreed.append(len(set(listed) & set(best[:TOP])))
            if round_ == ROUNDS:
                break
            missing = [who for who in best[:10] if who not in set(listed)][:5]
            answers = [*np.where(np.isin(listed, best[:30]), "yes", "no"), *["missing"] * len(missing)]
            who = [*listed, *missing]
            told = review(answers, shares.iloc[who], groups=groups[who], seed=seed)
            if round_ == 0:
                table = told.table[told.table["part"] == "tenure"]
                proven += bool((table["answer"] == "overweighted").any())
            spec = proposal(spec, told.lean) or spec
        agreements.append([agreed[0], agreed[1], agreed[-1]])
        sooner += agreed[1] > agreed[0]
        better += agreed[-1] > agreed[0]
        worse += agreed[-1] < agreed[0]
    first, second, last = np.mean(agreements, axis=0).round(1)
    of_20 = f"mean {first} of 20 at first, {second} after one round, {last} after six"
    return [
        found("review", "answers at random: any dimension called wrong", "at most 5 %", at_random, repeats),
        found("review", "tenure called overweighted by the first sheet", "", proven, repeats),
        found("review", "more of the wished top 20 after one round", "", sooner, repeats),
        found("review", "more of the wished top 20 after six rounds", "", better, repeats),
        found("review", f"fewer of the wished top 20 after six rounds ({of_20})", "", worse, repeats),
    ]


def shares_by(levels: pd.DataFrame, spec: WeightSetSpec) -> tuple[pd.DataFrame, np.ndarray]:
    """Percent of each person's score by dimension, and the people from the highest score down."""
    given = levels * pd.Series({name: dimension.weight for name, dimension in spec.dimensions.items()})
    score = given.sum(axis=1)
    return 100 * given.div(score, axis=0), np.argsort(-score.to_numpy(), kind="stable")


def found(study: str, question: str, asked: str, k: int, n: int) -> dict[str, object]:
    """One row of the results."""
    low, high = wilson(k, n)
    return {
        "study": study,
        "question": question,
        "asked": asked,
        "found": k / n,
        "k": int(k),
        "n": n,
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


STUDIES: dict[str, Callable[[int], list[dict[str, object]]]] = {
    "noise": noise,
    "no signal": no_signal,
    "power": power,
    "comparison": comparisons,
    "coverage": coverage,
    "review": reviews,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--study", choices=[*STUDIES, "all"], default="all")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results.csv")
    asked = parser.parse_args()
    rows = []
    for name, study in STUDIES.items():
        if asked.study in (name, "all"):
            started = time.process_time()
            rows += study(asked.repeats)
            print(f"{name}: {time.process_time() - started:.0f} s CPU", flush=True)
    results = pd.DataFrame(rows)
    results.to_csv(asked.output, index=False)
    print(results.to_string(index=False))


if __name__ == "__main__":
    main()
