"""Scores -> bands: a ladder of inclusive lower edges, read from the top; a score has exactly one band."""
