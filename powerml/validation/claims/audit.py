"""The claim auditor: a published scorecard held against what its own numbers imply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.shown import Shown
from powerml.validation.claims.card import card_checks
from powerml.validation.claims.metrics import metric_checks
from powerml.validation.claims.seen import seen_checks
from powerml.validation.claims.segments import segment_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from powerml.config.claims import ClaimsSpec
    from powerml.validation.claims.check import Check


@dataclass(frozen=True)
class Audit(Shown):
    """All checks of one document, in the order of its claims."""

    document: str
    checks: tuple[Check, ...]

    @property
    def contradictions(self) -> tuple[Check, ...]:
        """The checks in which two of the document's numbers cannot both be right."""
        return tuple(check for check in self.checks if check.verdict == "contradiction")

    def frame(self) -> pd.DataFrame:
        """One row per check: `code`, `verdict`, `claimed`, `implied`, `figures` (dict), `section`, `quote`."""
        names = ["code", "verdict", "claimed", "implied", "figures", "section", "quote"]
        return pd.DataFrame([[getattr(check, name) for name in names] for check in self.checks], columns=names)

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield f"{self.document}: {len(self.checks)} checks, {len(self.contradictions)} contradictions"
        yield self.frame().drop(columns="figures")


def audit_claims(claims: ClaimsSpec, seen: pd.DataFrame | None = None, *, seed: int = 0) -> Audit:
    """Every check that the claim file has numbers for; what the file does not print is not checked.

    `seen`: users of one's own, with `score` or the metrics that the claims name, to hold shares of tiers and
    concentration against. `seed`: of the bootstrap of their accounts.
    """
    checks = [*card_checks(claims), *metric_checks(claims), *segment_checks(claims)]
    if seen is not None:
        checks += seen_checks(claims, seen, seed=seed)
    return Audit(claims.document, tuple(checks))
