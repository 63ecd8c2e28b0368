"""What a session keeps for the page beside its parts: the last list, the programme's tables, all that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from powerml.training.last_list import last_list, last_model
from powerml.training.programme_tables import programme_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from powerml.reports.part import Part
    from powerml.training.session import Session

WORDS = "told.json"
LAST_LIST = "last_list"
PROGRAMME = "programme"


def kept_tables(
    session: Session, pseudonyms: Callable[[Iterable[object]], list[str]]
) -> tuple[dict[str, pd.DataFrame], str]:
    """Tables by their paths, ids as pseudonyms; and the sentence of the last list, empty where there is none."""
    data = session.data
    scorer = session.models[session.best.name].scorer
    made = programme_tables(data, lambda rows: np.asarray(scorer.predict_score(rows), dtype=float))
    tables = {f"{PROGRAMME}/{name}.csv": table for name, table in made.items()}
    if session.its is None:
        return tables, ""
    listed, told = last_list(session.its, data)
    if len(listed):
        id_column = data.labelled.id_column
        tables[f"{LAST_LIST}.csv"] = listed.assign(**{id_column: pseudonyms(listed[id_column])})
    return tables, told


def kept_model(session: Session) -> dict[str, Any] | None:
    """The scorer that made the last list, see `last_model`; None where there is no list."""
    made = None if session.its is None else last_model(session.its, session.data, session.split)
    return None if made is None else {"scorer": session.best.name, **made}


def kept_words(parts: Sequence[Part], last_list_told: str) -> dict[str, Any]:
    """All sentences by the names of their parts, and why a part does not apply."""
    told: dict[str, Any] = {part.code: list(part.sentences) for part in parts}
    absent = {part.code: part.not_applicable for part in parts if part.not_applicable}
    return {"sentences": {**told, LAST_LIST: [last_list_told] if last_list_told else []}, "not_applicable": absent}
