"""A chart as SVG, PNG or JSON, and the script by which a page draws it: made here, without network or display."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
def javascript() -> str:
    """The one script that a page needs to draw charts: Vega, Vega-Lite and Vega-Embed, 0.9 MB, nothing fetched."""
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    return script
