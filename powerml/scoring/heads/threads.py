"""Each fit runs on one thread, so that a model does not depend on how many the machine has; fits run side by side."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Made = TypeVar("Made")


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of products are added in one order inside, whatever the number of cores."""
    with _controller().limit(limits=1):
        yield


def side_by_side(works: Sequence[Callable[[], Made]]) -> list[Made]:
    """What each piece of work returns, in the order given; they are begun in that order, one per core.

    Every piece is on one thread of its own and shares nothing with the others, so the results are those of a loop.
    """
    workers = min(len(works), cores())
    with one_thread():  # once, around all: the limit is the process's, and the first to end would lift it for the rest
        if workers < 2:
            return [work() for work in works]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda work: work(), works))


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
