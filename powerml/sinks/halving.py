"""Batches: one that is not taken is halved until the row is found that nobody takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.sinks.http import RowRefused, ServiceDown, ServiceError, Unaccepted
from powerml.sinks.plans import UNACCEPTED_IN_A_ROW, most_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from powerml.history.sent import SentRow, SentState, SinkLedger
    from powerml.sinks.plans import Applied, Write

NO_SUCH_PLACE = (404, 405, 410)


def send_halving(
    batch: Sequence[Write],
    post: Callable[[Sequence[Write]], object],
    marked: Callable[[Sequence[Write], SentState], list[SentRow]],
    ledger: SinkLedger,
    done: Applied,
    *,
    shown: str,
    planned: int,
    now: Callable[[], datetime],
) -> list[Write]:
    """Sends a batch with `post`; gives what of it was taken, which is in the ledger as `sent` by then.

    `marked` makes the ledger's rows of writes, `planned` is how many the whole plan has. What is refused alone is set
    aside; where nothing at all is taken the service is to blame, and nobody is. Raises ServiceError where it is down.
    """
    ledger.write(marked(batch, "in flight"), now=now())
    try:
        post(batch)
    except (RowRefused, Unaccepted) as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            return [
                write
                for half in (batch[:middle], batch[middle:])
                for write in send_halving(half, post, marked, ledger, done, shown=shown, planned=planned, now=now)
            ]
        _alone(batch[0], error, ledger, done, shown=shown, planned=planned, now=now)
        return []
    except ServiceError as error:
        unclear = isinstance(error, ServiceDown) and error.unclear
        ledger.write(marked(batch, "unknown" if unclear else "waiting"), now=now())
        raise
    ledger.write(marked(batch, "sent"), now=now())
    done.written, done.unaccepted = done.written + len(batch), 0
    return list(batch)


def _alone(
    write: Write,
    error: RowRefused | Unaccepted,
    ledger: SinkLedger,
    done: Applied,
    *,
    shown: str,
    planned: int,
    now: Callable[[], datetime],
) -> None:
    """One row was not taken: it is set aside, unless it is no worse than all others."""
    refused = isinstance(error, RowRefused)
    why = f"{shown} {error}" if refused else str(error)
    done.set_aside(write, why, ledger, now=now())
    done.unaccepted += not refused
    nobody = not done.written and len(done.aside) >= most_refused(planned)
    if nobody or (isinstance(error, RowRefused) and error.status in NO_SUCH_PLACE):
        done.give_back(ledger, now=now())
        raise ServiceDown(f"{why}, whatever is sent", unclear=False) from None
    if done.unaccepted >= UNACCEPTED_IN_A_ROW:
        done.give_back(ledger, now=now())
        raise ServiceDown(f"{why}, one time after another", unclear=True) from None
