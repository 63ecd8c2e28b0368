"""Outside -> canonical tables: files and queries read, checked, mapped, bad rows set aside and counted."""

from powerml.sources.loading import Loaded, TooManyBadRows, open_sources, write_quarantine

__all__ = ["Loaded", "TooManyBadRows", "open_sources", "write_quarantine"]
