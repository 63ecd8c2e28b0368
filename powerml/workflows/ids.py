"""`powerml ids`: pseudonyms of the store turned back into ids, where the project's key and its data are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import StoreError
from powerml.sources import open_sources
from powerml.tracking.pseudonyms import KEY_FILE, PSEUDONYM, load_pseudonyms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from powerml.config.project import ProjectSpec


@dataclass(frozen=True)
class Resolved:
    """`table`: pseudonym, what it is (user or account) and its id, in the order asked; `unknown`: nobody's here."""

    table: pd.DataFrame
    unknown: tuple[str, ...]


def resolve_ids(project: ProjectSpec, pseudonyms: Sequence[str], *, now: datetime) -> Resolved:
    """Whose pseudonyms these are, among the ids of the project's data.

    Raises StoreError where the key is not here or a word is no pseudonym.
    """
    for word in pseudonyms:
        if not PSEUDONYM.fullmatch(word):
            raise StoreError(f"{word!r} is no pseudonym; they look like e-0123456789abcdef")
    if not (project.state / KEY_FILE).is_file():
        raise StoreError(
            f"{project.state / KEY_FILE}: is not here, so no pseudonym can be turned back; ask where they were made"
        )
    key, wanted = load_pseudonyms(project.state), set(pseudonyms)
    found: dict[str, tuple[str, str]] = {}
    loaded = open_sources(project, now=now, lenient=True)
    for entity in ("user", "account"):
        for id_ in loaded.ids(f"{entity}_id"):
            if (word := key.of(id_)) in wanted:
                found.setdefault(word, (entity, id_))
    rows = [(word, *found[word]) for word in dict.fromkeys(pseudonyms) if word in found]
    table = pd.DataFrame(rows, columns=["pseudonym", "entity", "id"])
    return Resolved(table, tuple(word for word in dict.fromkeys(pseudonyms) if word not in found))
