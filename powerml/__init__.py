"""powerml: product usage into calibrated 0-100 scores that predict outcomes."""

__version__ = "0.1.0"
