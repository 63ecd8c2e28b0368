"""`powerml audit`: reads a claim file, shipped or one's own, and checks it."""

from __future__ import annotations

from pathlib import Path

from powerml.config.claims import load_claims
from powerml.config.shipped import find
from powerml.validation.claims import Audit, audit_claims


def audit(name_or_path: str, *, base: Path | None = None) -> Audit:
    """Audits the claim file of that shipped name (or one in `base`/configs/claims) or path.

    Raises UsageError where there is no such file, ConfigError with every problem of a broken one.
    """
    is_path = name_or_path.endswith((".yaml", ".yml", ".json"))
    return audit_claims(load_claims(find("claims", name_or_path, None if is_path else base)))
