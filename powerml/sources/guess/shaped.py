"""Exports of known services among the files: they need no mapping, only to be named with what lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powerml.sources.guess.draft import Draft, Entry
from powerml.sources.shapes.reading import recognised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.sources.guess.look import TableLook

_BESIDE = {
    ("posthog", "events"): {"persons": "users"},
    ("segment", "events"): {"identifies": "users", "groups": "accounts"},
    ("segment", "users"): {"groups": "accounts"},
}


def known_shapes(draft: Draft, looks: Sequence[TableLook]) -> list[TableLook]:
    """Enters the exports of known services; gives the tables of files that are taken."""
    found: dict[tuple[str, str], TableLook] = {}
    for look in sorted(looks, key=lambda look: -look.rows):
        own = [column for column, seen in look.columns.items() if not seen.in_folders]
        if (shape := recognised(own)) and not any(t == shape[1] for _, t in found):
            found[shape] = look
    for (service, table), look in found.items():
        said: dict[str, Any] = {"name": service}
        for kind, other in _BESIDE.get((service, table), {}).items():
            if (service, other) in found:
                patterns = found[service, other].patterns
                said[kind] = patterns[0] if len(patterns) == 1 else list(patterns)
        entry = Entry(look, {}, keys={"shape": said if len(said) > 1 else service})
        if look.encoding:
            entry.keys["encoding"] = look.encoding
        draft.entries[table] = entry
        draft.sure.append(f"{table} ({look.rows:,} rows of {look.title}): an export of {service}")
        if service == "stripe":
            _billing(draft, look)
    return list(found.values())


def _billing(draft: Draft, look: TableLook) -> None:
    entry = draft.entries["subscriptions"]
    said: dict[str, Any] = {"name": "stripe"}
    if "currency" in look.columns and len(kinds := look.column("currency").samples) > 1:
        said["currency"] = kinds[0].lower()
        draft.needed.append(f"subscriptions.shape: items are in {', '.join(kinds)}; only {kinds[0].lower()} counts")
    if discounts := [c for c in look.columns if "discount" in c.lower() or "percent_off" in c.lower()]:
        said_of = f"{discounts[0]!r} is not taken off; write 'discount: {discounts[0]}' if it is a share in percent"
        draft.needed.append(f"subscriptions.shape: {said_of}")
    entry.keys["shape"] = said if len(said) > 1 else "stripe"
