"""Ids that may stand in the store: the same person always gets the same word, and nobody without the key gets back."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

from powerml.errors import StoreError
from powerml.writing import not_readable, private_folder, write_new

KEY_BYTES = 32
KEY_FILE = "pseudonym.key"
PSEUDONYM = re.compile(r"e-[0-9a-f]{16}")
_FIX = "put a copy of it back, or remove it, and everybody gets a new pseudonym from now on"


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
    """The project's own pseudonyms; the random key is made on first use in `folder`, readable by its owner only.

    Raises StoreError for a key that is empty, cut short or no key: another one would give everybody another word.
    """
    path = folder / KEY_FILE
    if not path.exists():
        write_new(private_folder(folder) / KEY_FILE, secrets.token_bytes(KEY_BYTES).hex() + "\n", private=True)
    try:
        told = path.read_text(encoding="ascii").strip()
        key = bytes.fromhex(told)
    except PermissionError as error:  # the key is well, so nothing is to be put in its place
        raise StoreError(str(not_readable(path, error, _FIX))) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no row of hexadecimal digits"
        raise StoreError(f"{path}: cannot be used ({why}); {_FIX}") from None
    if len(key) != KEY_BYTES:
        cut = "is empty" if not told else f"holds {len(told)} of {2 * KEY_BYTES} digits"
        raise StoreError(f"{path}: cannot be used ({cut}); {_FIX}")
    return Pseudonyms(key)
