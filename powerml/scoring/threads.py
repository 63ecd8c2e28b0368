"""Fits run on one thread of linear algebra, so that a model does not depend on how many the machine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of products are added in one order inside, whatever the number of cores."""
    with _controller().limit(limits=1):
        yield
