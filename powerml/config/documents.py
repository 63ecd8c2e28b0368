"""What the documents print and the product refers to again and again: document D's ladder and its band table.

Both stand in `configs/` with the document's words beside them, and are read once.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from powerml.config import shipped
from powerml.config.bands import BandsSpec
from powerml.config.claims import load_claims
from powerml.config.reading import load
from powerml.tables import OUTCOMES

if TYPE_CHECKING:
    from powerml.config.claims import BandClaim

DOCUMENTED_CARD = "engagement"
"""Document D's card: it stands in where there are too few events to fit, and is a rival in every verdict."""


@cache
def ladder() -> BandsSpec:
    """Document D's bands: the ladder of every calibrated score.

    >>> ladder().edges
    (90.0, 70.0, 50.0, 30.0, 0.0)
    """
    bands: BandsSpec = load(BandsSpec, shipped.find("bands", DOCUMENTED_CARD))
    return bands


@cache
def documented_band_table() -> tuple[BandClaim, ...]:
    """Document D's own table: outcome rates by band, lowest first. A reference, never a target."""
    return load_claims(shipped.find("claims", DOCUMENTED_CARD)).bands


@cache
def documented_mix() -> dict[str, float]:
    """The mix of outcomes in that table, rounded to a tenth of a per cent as it is quoted.

    >>> documented_mix()
    {'churn': 0.221, 'stay': 0.585, 'expand': 0.194}
    """
    bands = documented_band_table()
    total = sum(band.n for band in bands)
    return {name: round(sum(band.n * getattr(band, name) for band in bands) / total, 3) for name in OUTCOMES}
