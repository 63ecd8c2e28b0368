import numpy as np
import pytest

from powerml.statistics.bootstrap import AccountBootstrap, interval, permutation_of_ranks
from powerml.statistics.scores import auroc, average_precision, concordance, midranks, recall_at


@pytest.fixture
def panel():
    """60 accounts, up to 6 rows each, with ties in the score."""
    rng = np.random.default_rng(4)
    groups = rng.integers(0, 60, 240)
    k = rng.integers(0, 3, 240)
    return groups, k, np.round(rng.normal(size=240) + 0.5 * k, 1)


def drawn_rows(bootstrap):
    """The slow way: per replicate, the positions of the rows drawn, account by account."""
    for counts in np.concatenate(list(bootstrap.weights())).astype(int):
        yield np.concatenate([np.tile(np.flatnonzero(bootstrap.codes == a), c) for a, c in enumerate(counts) if c])


def test_every_statistic_is_that_of_the_rows_drawn(panel):
    groups, k, s = panel
    bootstrap = AccountBootstrap.of(groups, repeats=25, seed=1)
    rows = list(drawn_rows(bootstrap))
    assert bootstrap.auroc(k == 0, -s) == pytest.approx([auroc(k[r] == 0, -s[r]) for r in rows])
    assert bootstrap.concordance(k, s) == pytest.approx([concordance(k[r], s[r]) for r in rows])
    assert bootstrap.average_precision(k == 2, s) == pytest.approx([average_precision(k[r] == 2, s[r]) for r in rows])
    assert bootstrap.recall_at(k == 2, s, 0.2) == pytest.approx([recall_at(k[r] == 2, s[r], 0.2) for r in rows])
    assert bootstrap.sums(s) == pytest.approx([s[r].sum() for r in rows])
    both = np.column_stack([s, s**2])
    assert bootstrap.means(both) == pytest.approx(np.array([both[r].mean(axis=0) for r in rows]))


def test_each_replicate_draws_as_many_accounts_as_there_are(panel):
    bootstrap = AccountBootstrap.of(panel[0], repeats=40, seed=2)
    counts = np.concatenate(list(bootstrap.weights()))
    assert counts.shape == (40, bootstrap.accounts)
    assert (counts.sum(axis=1) == bootstrap.accounts).all()
    assert len(np.unique(counts, axis=0)) == 40


def test_chunks_do_not_change_the_draws(panel, monkeypatch):
    whole = AccountBootstrap.of(panel[0], repeats=30, seed=3)
    expected = whole.sums(panel[2]), whole.auroc(panel[1] == 0, panel[2])
    monkeypatch.setattr("powerml.statistics.bootstrap._CHUNK", 4 * whole.accounts)
    small = AccountBootstrap.of(panel[0], repeats=30, seed=3)
    assert small.sums(panel[2]) == pytest.approx(expected[0])
    assert small.auroc(panel[1] == 0, panel[2]) == pytest.approx(expected[1])


def test_intervals_are_wider_when_rows_repeat():
    rng = np.random.default_rng(0)
    once = rng.normal(size=200)
    rows = np.repeat(once, 6)
    by_account = interval(AccountBootstrap.of(np.repeat(np.arange(200), 6), seed=1).means(rows))
    by_row = interval(AccountBootstrap.of(np.arange(1200), seed=1).means(rows))
    wide, narrow = np.ptp(by_account), np.ptp(by_row)
    assert wide / narrow == pytest.approx(np.sqrt(6), rel=0.1)
    assert wide == pytest.approx(2 * 1.96 * once.std() / np.sqrt(200), rel=0.1)


def test_one_class_gives_nan_not_an_error():
    bootstrap = AccountBootstrap.of([1, 2, 3], repeats=5)
    assert np.isnan(bootstrap.auroc([0, 0, 0], [1, 2, 3])).all()
    assert np.isnan(bootstrap.average_precision([0, 0, 0], [1, 2, 3])).all()
    assert np.isnan(bootstrap.recall_at([0, 0, 0], [1, 2, 3])).all()
    assert np.isnan(bootstrap.auroc([1, 1, 1], [1, 2, 3])).all()
    assert np.isnan(interval(bootstrap.auroc([0, 0, 0], [1, 2, 3]))).all()


def planted(seed, effect, *, months=3, accounts=300):
    """Accounts seen in several months, whose score and outcome persist over them."""
    rng = np.random.default_rng(seed)
    s = rng.normal(size=accounts)
    y = rng.random(accounts) < 1 / (1 + np.exp(2 - effect * s))
    groups, times = np.tile(np.arange(accounts), months), np.repeat(np.arange(months), accounts)
    present = rng.random(accounts * months) < 0.9
    return [a[present] for a in (np.tile(y, months), np.tile(s, months), groups, times)]


def p_value(y, s, groups, times, **options):
    return permutation_of_ranks(y[:, None], s[:, None], groups, times, **options)[0].p_value


def test_a_planted_signal_is_found():
    assert all(p_value(*planted(seed, 1.2), seed=seed) <= 0.01 for seed in range(3))


def test_noise_that_persists_over_months_gives_level_p_values():
    """Shuffling each month by itself would call 3 copies of one outcome three, and p values of 0.05 far too often."""
    p = np.array([p_value(*planted(seed, 0.0), shuffles=99, alpha=1, seed=seed) for seed in range(120)])
    assert 0.0 <= (p <= 0.1).mean() <= 0.19  # 10 % expected, standard error 2.7 %
    assert 0.4 < p.mean() < 0.6


def test_several_rows_of_an_account_and_several_columns():
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(80), rng.integers(1, 6, 80))
    level = rng.normal(size=80)[groups]
    y = rng.random(len(groups)) < 1 / (1 + np.exp(-2 * level))
    good, bad = permutation_of_ranks(
        np.column_stack([y, midranks(y)]),
        np.column_stack([level, rng.normal(size=80)[groups]]),
        groups,
        np.zeros(len(groups)),
        seed=1,
    )
    assert good.p_value == pytest.approx(0.001)
    assert bad.p_value > 0.01


def test_it_stops_early_where_the_answer_cannot_change():
    y, s, groups, times = planted(1, 0.0)
    early = permutation_of_ranks(y[:, None], s[:, None], groups, times, seed=3)[0]
    assert early.exceeded == 10
    assert early.shuffles < 999
    assert early.p_value > 0.01


def test_a_constant_score_beats_nothing():
    y, s, groups, times = planted(2, 1.0)
    assert p_value(y, np.zeros_like(s), groups, times) == 1.0


def test_a_variance_factor_asks_for_more():
    y, s, groups, times = planted(1, 0.4)
    plain = p_value(y, s, groups, times, alpha=1, seed=1)
    assert plain < p_value(y, s, groups, times, alpha=1, variance_factor=2.0, seed=1) < 0.5


def test_differences_between_months_are_no_ranking():
    """Scores and outcomes that both rise from month to month, with nothing inside a month."""
    rng = np.random.default_rng(0)
    times, groups = np.repeat(np.arange(4), 300), np.tile(np.arange(300), 4)
    y, s = rng.random(1200) < 0.1 + 0.2 * times, times + rng.normal(size=1200)
    assert auroc(y, s) > 0.6
    assert p_value(y, s, groups, times, seed=1) > 0.01
    assert p_value(y, s, groups, times, variance_factor=2.0, seed=1) > 0.01
