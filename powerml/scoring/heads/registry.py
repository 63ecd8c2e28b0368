"""Heads by name: made for a set of columns, or read back from what they wrote."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from powerml.config.heads import HEADS
from powerml.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.scoring.heads.base import Head

HEAD_NAMES: tuple[str, ...] = tuple(HEADS)

WRITTEN: dict[str, str] = {**HEADS, "prior": "powerml.scoring.heads.prior:PriorLinkHead"}
"""Heads that may stand in a written model: those of experiments, and the link that stands in for them."""


def make_head(
    name: str, *, categorical: tuple[int, ...], signs: tuple[int, ...], sign: int, options: Mapping[str, Any]
) -> Head:
    """An unfitted head for columns whose declared effect on the outcome is `signs` (-1, 0, 1 per column).

    `sign` says whether the outcome falls (-1) or rises (1) with how well things go.

    Raises UsageError for an unknown name or option.
    """
    if name not in HEAD_NAMES:
        raise UsageError(
            f"no head named {name!r}{did_you_mean(name, HEAD_NAMES) or '; there are ' + ', '.join(HEAD_NAMES)}"
        )
    kind = head_class(name)
    known = kind().get_params(deep=False)
    offered = {"categorical": categorical, "signs": signs, "sign": sign}
    for option in options:
        if option not in known or option in offered:
            choices = [each for each in known if each not in offered]
            hint = did_you_mean(option, choices) or f"; there are {', '.join(choices) or 'none'}"
            raise UsageError(f"head {name} has no option {option!r}{hint}")
    return kind(**{key: value for key, value in offered.items() if key in known}, **options)


def head_from_dict(written: dict[str, Any]) -> Head:
    """The fitted head that `Head.to_dict` wrote."""
    return head_class(written["kind"]).from_dict(written)


def head_class(name: str) -> type[Head]:
    """The class of a head, imported when it is asked for."""
    module, wanted = WRITTEN[name].split(":")
    found: type[Head] = getattr(importlib.import_module(module), wanted)
    return found
