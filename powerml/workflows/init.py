"""`powerml init`: a project file and a vocabulary from a person's own files; nothing is overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from powerml.config.project import ProjectSpec, bare_project, draft_project
from powerml.errors import UsageError
from powerml.progress import Note, silent
from powerml.snapshots.vocabulary import event_kinds
from powerml.sources.guess.compose import compose
from powerml.sources.guess.contracts import plans_by_price
from powerml.sources.guess.databases import DUCKDB_ENDINGS, look_at_duckdb, look_at_server
from powerml.sources.guess.look import as_told, look_at_files
from powerml.sources.guess.meanings import meanings
from powerml.sources.guess.page import project_page, vocabulary_page
from powerml.sources.guess.trial import event_names, settle
from powerml.sources.loading import connect, open_sources
from powerml.writing import write_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from powerml.sources.guess.draft import Draft
    from powerml.sources.guess.meanings import EventName

VOCABULARY = "vocabulary.yaml"


@dataclass(frozen=True)
class Begun:
    """What `init` wrote and found: files, sentences by how sure it was, loads (rows per table), event names."""

    files: tuple[Path, Path]
    sure: tuple[str, ...]
    guessed: tuple[str, ...]
    needed: tuple[str, ...]
    loads: pd.DataFrame
    names: tuple[EventName, ...]


def init(
    paths: Sequence[Path],
    target: Path,
    *,
    database: str | None = None,
    now: datetime | None = None,
    note: Note = silent,
) -> Begun:
    """Writes `target` and a vocabulary beside it; raises UsageError where one of them is there already.

    `database` is the environment variable with the address of a PostgreSQL server, in place of `paths`.
    """
    words = target.parent / VOCABULARY
    for file, other in ((target, "file"), (words, "folder's file")):  # the vocabulary's name is fixed
        if file.exists():
            raise UsageError(
                f"{file}: is there already and is not overwritten; name another {other} with -o, or remove it"
            )
    base = target.resolve().parent
    if not base.is_dir():
        raise UsageError(f"{base}: no such folder; make it first")
    name = base.name or "project"
    cache = base / ".powerml" / "cache" / "unpacked"
    con = connect(bare_project(base, name=name))
    note("looking at the files" if database is None else "looking at the tables")
    if database is not None:
        looks, left = look_at_server(con, database)
    else:
        files = [path for path in paths if path.suffix.lower() in DUCKDB_ENDINGS and path.is_file()]
        looks, left = look_at_files(con, [path for path in paths if path not in files], base, cache)
        for file in files:
            looks += look_at_duckdb(con, file, as_told(file, base), len(looks))
    note("finding which table is which")
    draft = compose(con, looks)
    con.close()
    note("trying it on the data")
    loaded = settle(draft, lambda d: _project(d, base, name), now or datetime.now(UTC))
    plans_by_price(draft, loaded)
    entity = draft.settings["entity"][0]
    names, users = event_names(loaded, entity) if "events" in loaded.tables else ([], 0)
    draft.needed += [*left, *loaded.problems]
    if not any("login" in meaning.get("roles", ()) for meaning in meanings(names, users).values()):
        draft.guessed.append("vocabulary: no event looks like a login, so the first of each session stands for one")
    _write(target, words, draft, names, users)
    report = loaded.report
    loaded.con.close()
    return Begun((target, words), tuple(draft.sure), tuple(draft.guessed), tuple(draft.needed), report, tuple(names))


def _project(draft: Draft, base: Path, name: str) -> ProjectSpec:
    return draft_project({"project": name, "vocabulary": {}, **draft.declared()}, base)


def _write(target: Path, words: Path, draft: Draft, names: Sequence[EventName], users: int) -> None:
    name = target.resolve().parent.name or "project"
    vocabulary = vocabulary_page(names, meanings(names, users), draft.settings["entity"][0])
    if not write_new(words, vocabulary):
        raise UsageError(f"{words}: was made by another run meanwhile; remove it, or take it as it is")
    if not write_new(target, project_page(draft, name, VOCABULARY)):
        words.unlink()
        raise UsageError(f"{target}: was made by another run meanwhile; remove it, or take it as it is")


def no_longer_fits(project: ProjectSpec, *, now: datetime | None = None, note: Note = silent) -> tuple[str, ...]:
    """What in the data a project file does not speak of: new event names, columns and plans; names that are gone."""
    note("reading")
    loaded = open_sources(project, now=now or datetime.now(UTC), lenient=True)
    found = list(loaded.problems)
    if "events" in loaded.tables:
        kinds = loaded.con.execute("SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY event").df()
        meant = event_kinds(kinds[["event"]], project.meanings)
        counts = dict(zip(kinds["event"], kinds["n"], strict=True))
        found += [f"events: new name {event!r} ({counts[event]:,} events)" for event in meant.unmapped()]
        found += [f"vocabulary: no event is called {rule!r} any more" for rule in meant.idle()]
    for table, columns in loaded.unused.items():
        found += [f"{table}: new column {column!r}" for column in columns]
    if "plan" in loaded.columns.get("subscriptions", ()):
        plans = loaded.con.execute(
            "SELECT plan, count(*) FROM subscriptions WHERE plan IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
        known = set(project.plans)
        found += [f"subscriptions: new plan {plan!r} ({n:,} rows)" for plan, n in plans.fetchall() if plan not in known]
    loaded.con.close()
    return tuple(found)
