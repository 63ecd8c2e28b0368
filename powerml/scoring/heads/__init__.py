"""Heads: classifiers of one yes/no outcome on metrics, from simple (weights, card) to complex (trees, stack)."""
