"""Ids that may stand in the store: the same person always gets the same word, and nobody without the key gets back."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Pseudonyms:
    """Keyed pseudonyms (HMAC-SHA256, 64 bits shown).

    >>> names = Pseudonyms(b"a key")
    >>> names.of("ada") == names.of("ada"), names.of("ada") == Pseudonyms(b"another").of("ada")
    (True, False)
    """

    key: bytes = field(repr=False)

    def of(self, id_: object) -> str:
        """The pseudonym of one id."""
        return "e-" + hmac.new(self.key, str(id_).encode(), hashlib.sha256).hexdigest()[:16]

    def all(self, ids: Iterable[object]) -> list[str]:
        """The pseudonyms of many ids, in their order."""
        return [self.of(id_) for id_ in ids]


def load_pseudonyms(folder: Path) -> Pseudonyms:
    """The project's own pseudonyms; the random key is made on first use in `folder`, readable by its owner only."""
    path = folder / "pseudonym.key"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Pseudonyms(bytes.fromhex(path.read_text().strip()))
    key = secrets.token_bytes(32)
    with os.fdopen(handle, "w") as file:
        file.write(key.hex() + "\n")
    return Pseudonyms(key)
