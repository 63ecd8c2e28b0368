"""Draws the README's picture from what `powerml demo` really printed: python experiments/demo/draw.py < demo.log"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 162


def main() -> None:
    """Reads the demo's output on stdin and writes demo.svg beside this file."""
    lines = [line.rstrip() for line in sys.stdin.read().splitlines()]
    kept: list[str] = []
    people = 0
    for line in lines:
        people += bool(re.match(r" u\d+", line))
        if people > 4 and not line.startswith(("Registered", "Scores", "Runs", "The truth")):
            continue
        if line or (kept and kept[-1]):
            kept.append(line)
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in ["$ powerml demo", *kept]:
        style = "bold cyan" if line.startswith(("$", "Verdict")) else ""
        console.print(Text(line, style=style), soft_wrap=False)
    svg = console.export_svg(title="powerml demo")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no fonts from elsewhere
    Path(__file__).with_name("demo.svg").write_text(svg)


if __name__ == "__main__":
    main()
