"""Exports of known services: what their columns mean, whoever's data they hold, so that they need no mapping."""
