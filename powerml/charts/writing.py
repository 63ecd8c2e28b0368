"""A chart as SVG, PNG or JSON, and the script by which a page draws it: made here, without network or display."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from powerml.writing import private_folder, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from powerml.charts.theme import AnyChart

VEGA_LITE = "6.4"  # what Altair 6 writes


def svg(chart: AnyChart) -> str:
    """The chart as an SVG picture."""
    import vl_convert

    return vl_convert.vegalite_to_svg(specification(chart), vl_version=VEGA_LITE, allowed_base_urls=[])


def png(chart: AnyChart, *, scale: float = 2) -> bytes:
    """The chart as a PNG picture, `scale` pixels to each of its points."""
    import vl_convert

    return vl_convert.vegalite_to_png(specification(chart), vl_version=VEGA_LITE, scale=scale, allowed_base_urls=[])


def specification(chart: AnyChart) -> dict[str, Any]:
    """The chart as Vega-Lite, data included."""
    made: dict[str, Any] = chart.to_dict(validate=False)
    return made


def specification_text(chart: AnyChart) -> str:
    """The chart as Vega-Lite in JSON."""
    return json.dumps(specification(chart), ensure_ascii=False)


@cache
def javascript(kept_in: Path | None = None) -> str:
    """The one script that a page needs to draw charts: Vega, Vega-Lite and Vega-Embed, 0.9 MB, nothing fetched.

    Bundling it takes seconds: in a folder it is kept, by the versions that it is made of, and read the next time.
    """
    import vl_convert

    kept = None if kept_in is None else kept_in / f"vega-lite-{VEGA_LITE}-{version('vl-convert-python')}.js"
    if kept is not None and kept.is_file():
        return kept.read_text(encoding="utf-8")
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    if kept is not None:
        private_folder(kept.parent)
        write_whole(kept, script, private=True)
    return script
