"""Puts `tests/` on the path, so that any test may import what tests share."""
