"""A project file in the making: what each table is read from, and what was sure, guessed or is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powerml.sources.guess.look import TableLook


@dataclass
class Entry:
    """One table of the project file: source, columns by canonical name (None: not to be read), further keys.

    `comments` holds what is said beside a column or key, by its name; `look` is the table of files behind it.
    """

    look: TableLook
    columns: dict[str, str | None]
    query: str | None = None
    keys: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def declared(self) -> dict[str, Any]:
        """The entry as the project file says it; columns of canonical name need no mention."""
        source: dict[str, Any] = {"query": self.query}
        if (place := self.look.database) is not None:
            source = {"database": place.database, "table": None if self.query else place.table, "query": self.query}
        elif self.query is None:
            files = self.look.patterns
            source = {"files": files[0] if len(files) == 1 else list(files)}
        columns = {c: s for c, s in self.columns.items() if s != c}
        if self.query is not None:
            columns = {c: s for c, s in columns.items() if s is None}
        found = {**source, "columns": columns or None, **self.keys, "ignored": list(self.ignored) or None}
        return {key: value for key, value in found.items() if value is not None}


@dataclass
class Draft:
    """What `init` found: entries by table, settings of the project, and sentences for the person.

    `settings` are keys of the project file with what is said beside them.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    settings: dict[str, tuple[Any, str]] = field(default_factory=dict)
    sure: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    needed: list[str] = field(default_factory=list)

    def declared(self) -> dict[str, Any]:
        """The project file as plain data."""
        tables = {table: entry.declared() for table, entry in self.entries.items()}
        return {key: value for key, (value, _) in self.settings.items()} | {"tables": tables}

    def guess(self, table: str, about: str, said: str, *, otherwise: str = "") -> None:
        """Notes a guess beside a column or key of a table and in the list for the person."""
        beside = f"{said}{f'; or {otherwise}' if otherwise else ''}"
        self.entries[table].comments[about] = f"guess: {beside}"
        self.guessed.append(f"{table}.{about}: {beside}")

    def unsay(self, table: str, about: str) -> None:
        """Takes back what was guessed of a column or key."""
        self.entries[table].comments.pop(about, None)
        self.guessed[:] = [said for said in self.guessed if not said.startswith(f"{table}.{about}: ")]
