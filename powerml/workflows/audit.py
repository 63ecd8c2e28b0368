"""`powerml audit`: reads a claim file, shipped or one's own, and checks it, also against users of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.config.claims import load_claims
from powerml.config.shipped import base_of, find
from powerml.errors import UsageError
from powerml.sources.tables.metrics import read_metric_table
from powerml.validation.claims.audit import Audit, audit_claims
from powerml.validation.claims.seen import columns_to_see

if TYPE_CHECKING:
    from pathlib import Path


def audit(name_or_path: str, *, table: Path | None = None, base: Path | None = None, seed: int = 0) -> Audit:
    """Audits the claim file of that shipped name (or one in `base`/configs/claims) or path.

    `table`: scores or a snapshot, to hold shares of tiers and concentration against. Raises UsageError where there is
    no such claim file or nothing in it to hold a table against, ConfigError with every problem of a broken one.
    """
    claims = load_claims(find("claims", name_or_path, base_of(name_or_path, project=base)))
    if table is None:
        return audit_claims(claims)
    wanted = columns_to_see(claims)
    if not wanted:
        raise UsageError(f"{name_or_path} claims no shares of tiers or of a metric; leave --table out")
    read = read_metric_table(table, metrics=(*wanted, "events_30d"))
    return audit_claims(claims, read.frame, seed=seed)
