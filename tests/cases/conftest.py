"""Cases are run as commands."""

from __future__ import annotations

from tests.cli.conftest import powerml

__all__ = ["powerml"]
