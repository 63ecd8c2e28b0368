"""Outside -> canonical tables: files and queries read, checked, mapped, bad rows set aside and counted."""

from powerml.sources.loaded import Loaded
from powerml.sources.loading import TooManyBadRows, open_sources, write_quarantine

__all__ = ["Loaded", "TooManyBadRows", "open_sources", "write_quarantine"]
