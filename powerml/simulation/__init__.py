"""A seeded product with planted truth, to learn and to judge on."""

from powerml.simulation.presets import GENERATOR_VERSION, PRESETS
from powerml.simulation.product import Manifest, Simulation, simulate, write_product

__all__ = ["GENERATOR_VERSION", "PRESETS", "Manifest", "Simulation", "simulate", "write_product"]
