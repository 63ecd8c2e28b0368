"""powerml: product usage into calibrated 0-100 scores that predict outcomes.

The names below are what a notebook needs, and `powerml.charts` draws its pictures; nothing else is public. They are
imported when first used, so that `import powerml` and the command stay light.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Project": ("powerml.config.project", "load_project"),
    "band_report": ("powerml.validation.band_report", "band_report"),
    "load_weights": ("powerml.scoring.load", "load_weights"),
} | {
    name: ("powerml.public", name)
    for name in ("audit", "compare", "explain", "labels", "score", "screen", "simulate", "snapshot", "train")
}

__all__ = [
    "Project",
    "audit",
    "band_report",
    "compare",
    "explain",
    "labels",
    "load_weights",
    "score",
    "screen",
    "simulate",
    "snapshot",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'powerml' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
