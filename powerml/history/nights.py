"""One entry of the history: which scorer said what of whom, at which date, made from what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

from powerml.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

MadeBy = Literal["night", "backfill"]
Speaks = Literal["main", "beside"]
NIGHT_FORMAT = 1


@dataclass(frozen=True)
class Night:
    """A scores table of one date by one version of one model or weight set, and where it came from.

    `role`: `main` is what lists, alerts and the page speak of (the champion, or the set named instead), `beside` what
    they also read (document A's composite, C's signals). `revision` counts from 1: the same date and version made from
    other data. `digest` stands for snapshot and scorer together, `scorer` for the scorer alone: two nights are
    comparable where theirs are the same. `bands`: the ladder, (lower edge, name), highest first. `baseline`: what
    reasons start from. `shares`: band to share of those scored. `untold`: outcomes of which its version was
    found to tell nothing. `outcomes_until`: the day to which the outcomes that it learned from reach.
    """

    as_of: date
    model: str
    model_version: str
    revision: int
    made_by: MadeBy
    role: Speaks
    kind: str
    id_column: str
    band_column: str
    digest: str
    scorer: str
    snapshot_file: str
    made_at: str
    bands: tuple[tuple[float, str], ...]
    baseline: float | None = None
    entities: int = 0
    scored: int = 0
    mean_score: float | None = None
    shares: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    outcomes_until: str | None = None

    @property
    def shown(self) -> str:
        """Date, name and version in a sentence."""
        return f"{self.as_of} by {self.model}@{self.model_version}"

    @property
    def stem(self) -> str:
        """The part of its files' names that tells it from others of the same date."""
        return f"{quote(self.model, safe=' ')}@{quote(self.model_version, safe=' ')}-r{self.revision}"

    @property
    def scores_file(self) -> str:
        """The name of its scores table, beside `snapshot_file`."""
        return f"scores-{self.stem}.parquet"

    @property
    def file(self) -> str:
        """The name of the file that says it is there: it is written last."""
        return f"night-{self.stem}.json"

    def to_json(self) -> str:
        """As the history keeps it."""
        told = asdict(self) | {"format": NIGHT_FORMAT, "as_of": self.as_of.isoformat()}
        return json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, file: Path | str) -> Self:
        """The inverse of `to_json`; raises DataError for what this version cannot read."""
        try:
            told: dict[str, Any] = json.loads(text)
            if told.pop("format") != NIGHT_FORMAT:
                raise ValueError("another format")
            return cls(
                **told
                | {
                    "as_of": date.fromisoformat(told["as_of"]),
                    "bands": tuple((float(edge), str(name)) for edge, name in told["bands"]),
                    "remarks": tuple(told["remarks"]),
                    "untold": tuple(told.get("untold", ())),
                }
            )
        except (KeyError, TypeError, ValueError):
            raise DataError.in_file(
                file, "is no night of this version", "remove it; the night can be made again"
            ) from None

    def row(self) -> dict[str, Any]:
        """Its row in the table of nights."""
        plain = ("model", "model_version", "revision", "made_by", "entities", "mean_score")
        shares = {name: self.shares.get(name, 0.0) for _, name in self.bands}
        return {"as_of": self.as_of, **{name: getattr(self, name) for name in plain}, **shares}
