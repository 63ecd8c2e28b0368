"""A weight set as a table to read beside its document: one row per line of the card, with the document's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.base import Source
from powerml.config.card_lines import Line, cited

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from powerml.config.weight_set import WeightSetSpec

CARD_COLUMNS = ("part", "when", "gives", "quote", "reading", "document", "section")


def card_table(spec: WeightSetSpec) -> pd.DataFrame:
    """One row per line of the card: `part`, `when`, `gives`, `quote`, `reading`, `document`, `section`.

    `when` reads from the top: the first line of a part that holds gives its points. Texts are empty where silent.

    >>> from powerml.config.weights import read_weights
    >>> card_table(read_weights("engagement")).loc[0, ["part", "when", "gives"]].tolist()
    ['frequency', 'active_days_per_week_28d from 5', '15 points']
    """
    lines = [*_noted(list(spec.lines()), spec.side_notes), *_common(spec)]
    rows = [(part, when, gives, s.quote, s.reading, s.document, s.section) for part, when, gives, s in lines]
    return pd.DataFrame(rows, columns=list(CARD_COLUMNS)).fillna("").astype(str)


def _noted(lines: list[Line], notes: Mapping[str, Source]) -> Iterator[Line]:
    """The lines with the set's notes beside the numbers they are about, or in lines of their own."""
    open_ = dict(notes)
    for part, when, gives, source in lines:
        yield part, when, gives, open_.pop(part) if part in open_ and source == Source() else source
    for part, source in open_.items():
        yield part, "", "", source


def _common(spec: WeightSetSpec) -> Iterator[Line]:
    for metric, source in spec.exceptions.items():
        yield "exception", f"more of {metric}", "may score less", source
    if spec.bands is not None:
        around = spec.bands.source or Source()
        for band in spec.bands.bands:
            yield "band", f"from {band.from_:g}", band.name, cited(band, around)
            around = around.model_copy(update={"reading": None})
