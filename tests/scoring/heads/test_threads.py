import threading

import pytest
from threadpoolctl import threadpool_info

from powerml.scoring.heads.threads import one_thread, side_by_side


def threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_linear_algebra_has_one_thread_inside_and_its_own_number_again_after():
    import numpy  # noqa: F401  loads the pool that is limited

    before = threads()
    with one_thread():
        assert set(threads()) <= {1}
        with one_thread():
            assert set(threads()) <= {1}
        assert set(threads()) <= {1}
    assert threads() == before


def test_works_side_by_side_answer_in_their_order_and_raise_what_they_raise(monkeypatch):
    monkeypatch.setattr("powerml.scoring.heads.threads.cores", lambda: 2)
    meet = threading.Barrier(2, timeout=20)  # each waits for the other: they do run at once

    def met(name: str) -> str:
        meet.wait()
        return name

    assert side_by_side([lambda: met("a"), lambda: met("b")]) == ["a", "b"]
    assert side_by_side([]) == []
    with pytest.raises(ZeroDivisionError):
        side_by_side([lambda: 1, lambda: 1 // 0])


def test_one_core_works_in_a_loop(monkeypatch):
    monkeypatch.setattr("powerml.scoring.heads.threads.cores", lambda: 1)
    me = threading.get_ident()
    assert side_by_side([threading.get_ident, threading.get_ident]) == [me, me]


def test_side_by_side_gives_linear_algebra_its_threads_back():
    before = threads()
    assert all(set(inside) <= {1} for inside in side_by_side([threads, threads, threads]))
    assert threads() == before
