"""Resampling by account: bootstrap of sums, ratios and AUROC, and permutation of outcomes within month.

Accounts are drawn, not rows, because rows of one account share their fate. A replicate is a vector of counts (how
often each account was drawn), so all of them together are a matrix, and every statistic is a matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.statistics.scores import midranks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

_CHUNK = 8_000_000  # numbers held at once


@dataclass(frozen=True, eq=False)
class AccountBootstrap:
    """The same draws of accounts for every statistic asked of it, so that differences are paired.

    `codes`: account number of each row (0 to accounts-1). Statistics come back with one value per replicate.
    """

    codes: np.ndarray
    repeats: int
    seed: int

    @classmethod
    def of(cls, groups: ArrayLike, *, repeats: int = 1000, seed: int = 0) -> AccountBootstrap:
        """Over the accounts named in `groups`, one name per row."""
        return cls(np.unique(np.asarray(groups), return_inverse=True)[1], repeats, seed)

    @cached_property
    def accounts(self) -> int:
        """How many accounts there are."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0

    def _draw(self) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(self.seed)
        size = max(1, _CHUNK // max(self.accounts, 1))
        for start in range(0, self.repeats, size):
            b = min(size, self.repeats - start)
            drawn = rng.integers(0, self.accounts, (b, self.accounts), dtype=np.int64)
            drawn += np.arange(b)[:, None] * self.accounts
            counts = np.bincount(drawn.ravel(), minlength=b * self.accounts)
            yield counts.reshape(b, self.accounts).astype(np.float32)

    @cached_property
    def _kept(self) -> tuple[np.ndarray, ...] | None:
        return tuple(self._draw()) if self.repeats * self.accounts <= 4 * _CHUNK else None

    def weights(self) -> Iterator[np.ndarray]:
        """Counts of accounts, replicates x accounts, in chunks of replicates; the same at every call."""
        yield from self._draw() if self._kept is None else self._kept

    def sums(self, rows: ArrayLike) -> np.ndarray:
        """Sums over the drawn rows of `rows` (n, or n x m): replicates, or replicates x m."""
        rows = np.asarray(rows, dtype=float)
        columns = rows.reshape(len(rows), -1)
        totals = np.stack([np.bincount(self.codes, weights=c, minlength=self.accounts) for c in columns.T], axis=1)
        drawn = np.concatenate([chunk @ totals for chunk in self.weights()])
        return drawn[:, 0] if rows.ndim == 1 else drawn

    def means(self, rows: ArrayLike) -> np.ndarray:
        """Means over the drawn rows, shaped as `sums`."""
        rows = np.asarray(rows, dtype=float)
        both = self.sums(np.column_stack([rows.reshape(len(rows), -1), np.ones(len(rows))]))
        means = both[:, :-1] / both[:, -1:]
        of_each: np.ndarray = means[:, 0] if rows.ndim == 1 else means
        return of_each

    def auroc(self, y: ArrayLike, s: ArrayLike) -> np.ndarray:
        """AUROC of `s` for `y` in every replicate; nan where a replicate has one class only."""
        right, pairs = self.pairs(y, s)
        with np.errstate(invalid="ignore"):
            share: np.ndarray = right / pairs
            return share

    def concordance(self, k: ArrayLike, s: ArrayLike) -> np.ndarray:
        """Concordance of `s` with outcome codes `k` (see `scores.concordance`) in every replicate."""
        k, s = np.asarray(k), np.asarray(s, dtype=float)
        kinds = np.unique(k)
        right, pairs = np.zeros(self.repeats), np.zeros(self.repeats)
        for i, low in enumerate(kinds):
            for high in kinds[i + 1 :]:
                more = self.pairs(k == high, s, among=(k == low) | (k == high))
                right, pairs = right + more[0], pairs + more[1]
        with np.errstate(invalid="ignore"):
            return right / pairs

    def pairs(self, y: ArrayLike, s: ArrayLike, *, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Per replicate: event-other pairs in which the event has the higher `s` (ties half), and all such pairs."""
        right, pairs = [np.zeros(0)], [np.zeros(0)]
        for steps in self._steps(y, s, among):
            events, others = steps.events.sum(axis=0), steps.others
            right.append((steps.events * (others - steps.above - 0.5 * steps.equal)).sum(axis=0))
            pairs.append(events * others)
        return np.concatenate(right), np.concatenate(pairs)

    def average_precision(self, y: ArrayLike, s: ArrayLike) -> np.ndarray:
        """Average precision in every replicate (see `scores.average_precision`)."""
        found = [np.zeros(0)]
        for steps in self._steps(y, s, None):
            reached = steps.events.cumsum(axis=0)
            with np.errstate(invalid="ignore", divide="ignore"):
                precision = np.nan_to_num(reached / (reached + steps.above + steps.equal))
                found.append((steps.events * precision).sum(axis=0) / reached[-1])
        return np.concatenate(found)

    def recall_at(self, y: ArrayLike, s: ArrayLike, share: float = 0.1) -> np.ndarray:
        """Recall at the top `share` of the rows drawn, in every replicate (see `scores.recall_at`)."""
        found = [np.zeros(0)]
        for steps in self._steps(y, s, None):
            reached = steps.events.cumsum(axis=0)
            before, size = reached - steps.events + steps.above, steps.events + steps.equal
            with np.errstate(invalid="ignore", divide="ignore"):
                taken = np.clip((share * (reached[-1] + steps.others) - before) / size, 0, 1)
                found.append((steps.events * np.nan_to_num(taken)).sum(axis=0) / reached[-1])
        return np.concatenate(found)

    def _steps(self, y: ArrayLike, s: ArrayLike, among: np.ndarray | None) -> Iterator[_Steps]:
        """The rows drawn, counted at the distinct scores of the events, in chunks of replicates.

        Rows are bucketed between those scores, so a replicate costs one pass over the rows that are there.
        """
        from scipy.sparse import csr_matrix  # imported late: scipy is slow to load

        y, s = np.asarray(y, dtype=bool), np.asarray(s, dtype=float)
        rows = np.ones(len(y), dtype=bool) if among is None else among
        event, other = y & rows, ~y & rows
        edges, at = np.unique(-s[event], return_inverse=True)  # highest score first
        m = len(edges)
        # an other row is in bucket 2j (above edge j, below edge j-1) or 2j+1 (equal to edge j)
        place = np.searchsorted(edges, -s[other], side="left")
        equal = (place < m) & (edges[np.minimum(place, m - 1)] == -s[other]) if m else np.zeros(len(place), dtype=bool)
        bucket = 2 * place + equal

        def table(where: np.ndarray, buckets: np.ndarray, height: int) -> Any:
            ones = np.ones(len(buckets), dtype=np.float32)
            return csr_matrix((ones, (buckets, self.codes[where])), shape=(height, self.accounts))

        events, others = table(event, at, max(m, 1)), table(other, bucket, 2 * max(m, 1) + 1)
        step = max(1, _CHUNK // (2 * m + 1))
        for chunk in self.weights():
            for start in range(0, len(chunk), step):
                drawn = np.ascontiguousarray(chunk[start : start + step].T)
                counts = (others @ drawn).astype(float)
                reached = counts.cumsum(axis=0)
                yield _Steps((events @ drawn).astype(float), reached[0:-1:2], counts[1::2], reached[-1])


@dataclass(frozen=True, eq=False)
class _Steps:
    """Per distinct score of the events (highest first) and replicate: events, other rows above, other rows equal.

    `others`: all other rows of the replicate.
    """

    events: np.ndarray
    above: np.ndarray
    equal: np.ndarray
    others: np.ndarray


def interval(replicates: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap replicates, nan replicates left out; nan where none is left."""
    kept = replicates[~np.isnan(replicates)]
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class PermutationTest:
    """How often shuffled outcomes were ranked at least as well: `exceeded` of `shuffles`, with the p value."""

    p_value: float
    exceeded: int
    shuffles: int


def permutation_of_ranks(
    gains: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    times: ArrayLike,
    *,
    shuffles: int = 999,
    alpha: float = 0.01,
    variance_factor: float = 1.0,
    seed: int = 0,
) -> list[PermutationTest]:
    """Does each column of `scores` rank the same column of `gains` better than outcomes shuffled between accounts?

    `gains` (n x m): 0/1 outcomes, or their midranks; `scores` (n x m): what should rise with them.
    Each shuffle puts all accounts in one random ring; within every month each account takes the outcomes of the next
    account in the ring that is present then. So months keep their outcomes, an account's months stay together (an
    outcome seen by three snapshots stays one), and score and outcome are cut apart. The statistic is the correlation
    of gains and midranks of the score, which for 0/1 gains orders as the AUROC does. Where accounts differ in rows,
    the next account's outcomes are repeated or cut to fit. A `variance_factor` above 1 spreads what shuffling gives by
    its root (see `verdict.CROSS_FITTED`). One-sided; stops as soon as no p value can come down to
    `alpha` (Besag & Clifford 1991).
    """
    gains, scores = np.asarray(gains, dtype=float), np.asarray(scores, dtype=float)
    names, account = np.unique(np.asarray(groups), return_inverse=True)
    months = np.unique(np.asarray(times), return_inverse=True)[1]
    order = np.lexsort((np.arange(len(gains)), account, months))
    gains, account, months = gains[order], account[order], months[order]
    centred = np.column_stack([midranks(column) for column in scores[order].T]) - (len(gains) + 1) / 2
    first = np.flatnonzero(np.r_[True, (np.diff(account) != 0) | (np.diff(months) != 0)])
    sizes = np.diff(np.r_[first, len(gains)])
    within = np.arange(len(gains)) - np.repeat(first, sizes)
    single = bool((sizes == 1).all())
    blocks = np.full((months[-1] + 1, len(names)), -1)  # where an account's rows of a month are, -1 = absent
    blocks[months[first], account[first]] = np.arange(len(first))

    def statistics(taken: np.ndarray) -> np.ndarray:
        spread = np.sqrt(((taken - taken.mean(axis=0)) ** 2).sum(axis=0))
        with np.errstate(invalid="ignore", divide="ignore"):
            found: np.ndarray = np.nan_to_num((taken * centred).sum(axis=0) / spread)
            return found

    observed = statistics(gains) - 1e-9
    rows = np.bincount(months)[:, None]
    mean_gain, mean_rank = (
        np.stack([np.bincount(months, weights=column) for column in part.T], axis=1) / rows for part in (gains, centred)
    )
    spread = np.sqrt(((gains - gains.mean(axis=0)) ** 2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        # what is between months is the same in every shuffle
        between = np.nan_to_num((rows * mean_gain * mean_rank).sum(axis=0) / spread)
    wider = np.sqrt(variance_factor)
    rng = np.random.default_rng(seed)
    enough = int(alpha * (shuffles + 1))  # this many exceedances and p stays above alpha
    exceeded = np.zeros(gains.shape[1], dtype=int)
    source = np.empty(len(first), dtype=np.int64)
    done = 0
    while done < shuffles and exceeded.min() < enough:
        turn = rng.permutation(len(names))
        for block in blocks:
            ring = block[turn]
            ring = ring[ring >= 0]
            source[ring] = np.roll(ring, -1)
        if single:
            taken = gains[source]
        else:
            giver = np.repeat(source, sizes)
            taken = gains[first[giver] + within % sizes[giver]]
        exceeded += between + wider * (statistics(taken) - between) >= observed
        done += 1
    return [PermutationTest((1 + int(e)) / (1 + done), int(e), done) for e in exceeded]
