"""A session and the version that comes of it, into the project's store: at once, or kept aside until it answers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from powerml.errors import NotSent, StoreError
from powerml.tracking import database, registry
from powerml.tracking.copying import copy_runs, runs_of
from powerml.tracking.runs import LoggedRun, LoggedSession
from powerml.tracking.store import WRITING, Store, connected, experiment_id, writing
from powerml.tracking.unsent import (
    Registration,
    UnsentSession,
    draft_session,
    remove_session,
    unsent_sessions,
    write_order,
)
from powerml.writing import STATE_FOLDER, private_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SentSession:
    """A session as it stands in the store: its runs, the version that came of it, and the champion, if that it is."""

    logged: LoggedSession
    version: registry.Version
    champion: registry.Version | None


def log_and_register(
    store: Store, project: str, *, write: Callable[[Store], LoggedSession], order: Registration
) -> SentSession:
    """Writes a session with `write` and registers the version that comes of it.

    A store elsewhere gets both from a store of their own in the project's folder, after those that wait there already:
    what cannot be sent now is whole there. Raises NotSent then.
    """
    if store.is_own:
        return _register(store, write(store), order)
    with database.locked(private_folder(store.folder) / WRITING):
        with draft_session(store.folder, now=datetime.now(UTC)) as folder:
            logged = write(Store(folder / STATE_FOLDER))
            write_order(folder, project=project, logged=logged, order=order)
        try:
            return send_kept(store)[-1]
        except StoreError as error:
            raise NotSent(str(error), kept=unsent_sessions(store.folder)[-1].folder) from None


def warn_unreachable(store: Store) -> None:
    """Says before the work, where a store elsewhere does not answer, that what comes of it will be kept aside."""
    if store.is_own:
        return
    try:
        with connected(store):
            pass
    except StoreError as error:
        _LOG.warning("%s; going on: what is trained is kept aside, and 'powerml log' sends it", error)


def send_kept(store: Store) -> list[SentSession]:
    """Sends every session that waits, the oldest first, and removes what has been sent.

    What was sent half-way before is completed. Raises StoreError where the store does not take one; that one and
    those after it wait.
    """
    sent: list[SentSession] = []
    if not unsent_sessions(store.folder):
        return sent
    with database.locked(store.folder / WRITING):
        for session in unsent_sessions(store.folder):
            sent.append(_send(store, session))
            remove_session(session)
    return sent


def _send(store: Store, session: UnsentSession) -> SentSession:
    runs = runs_of(session.store)
    with writing(store) as client:
        experiment = experiment_id(client, store, session.project)
        place = copy_runs(client, experiment, runs, scratch=store.folder)
        scorers = {
            name: LoggedRun(place[run.run_id].run_id, place[run.run_id].model_uri, run.manifest)
            for name, run in session.logged.scorers.items()
        }
        return _register(store, LoggedSession(place[session.logged.run_id].run_id, scorers), session.order)


def _register(store: Store, logged: LoggedSession, order: Registration) -> SentSession:
    """The version of a session, registered where it is not yet; the champion where it becomes one."""
    run = logged.scorers[order.scorer]
    version = next((v for v in registry.registered_versions(store, order.model) if v.run_id == run.run_id), None)
    if version is None:
        version = registry.register(
            store, order.model, run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags=order.tags
        )
    if order.leads and "champion" not in registry.aliases(store, order.model):
        registry.set_alias(store, version, "champion")
    version = registry.find_version(store, order.model, str(version.number))
    return SentSession(logged, version, version if "champion" in version.aliases else None)
