"""Chromium for tests of what people see: the text of a page after its scripts ran, and a picture of it.

Pictures are made where `POWERML_SCREENSHOTS` names a folder for them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 40_000  # of the page's own clock, which runs ahead where nothing happens


def seen(address, name, *, width=2200, height=1200):
    """The page's text after Chromium has run it; kept as NAME.png where pictures are kept."""
    window = f"--window-size={width},{height}"
    if folder := os.environ.get("POWERML_SCREENSHOTS"):
        place = Path(folder, f"{name}.png").resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        _chromium(window, f"--screenshot={place}", address)
        assert place.stat().st_size > 10_000, f"{place}: nothing to see"
    return _chromium(window, "--dump-dom", address)


def _chromium(*words):
    command = [
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        f"--virtual-time-budget={PATIENCE_MS}",
    ]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=True, timeout=600).stdout
