"""`powerml log`: sessions that a store elsewhere could not take are sent to it, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.tracking.sending import SentSession, send_kept
from powerml.tracking.store import store_of

if TYPE_CHECKING:
    from powerml.config.project import ProjectSpec


def send(project: ProjectSpec) -> tuple[str, list[SentSession]]:
    """Where the project's store is, and the sessions that it has taken now, the oldest first.

    Raises StoreError where it takes one of them not; what was sent before stays sent, the others wait.
    """
    store = store_of(project)
    return store.shown, send_kept(store)
