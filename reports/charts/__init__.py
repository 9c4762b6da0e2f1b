"""Charts: one Vega-Lite specification per chart, the same for HTML, SVG and PNG.

A specification is a plain dict. It leaves ink and paper to `theme.themed`, and the width of
its panels to whoever draws it: `convert` for files, the page's own script in a browser.

Each is a template, made with Altair and shipped as JSON, that is filled with data here: see `templates`.
"""

from reports.charts.breakdown import RETURN, BreakdownRow, breakdown_chart
from reports.charts.bundle import javascript
from reports.charts.compared import compared_chart
from reports.charts.convert import AXIS_WIDTH, png, svg
from reports.charts.dots import dots_chart
from reports.charts.exhaustion import exhaustion_charts
from reports.charts.round_trips import round_trips_chart
from reports.charts.theme import Spec, target_colours, themed, themes
from reports.charts.timeline import Frame, frame_of, timeline_chart

__all__ = [
    "AXIS_WIDTH",
    "RETURN",
    "BreakdownRow",
    "Frame",
    "Spec",
    "breakdown_chart",
    "compared_chart",
    "dots_chart",
    "exhaustion_charts",
    "frame_of",
    "javascript",
    "png",
    "round_trips_chart",
    "svg",
    "target_colours",
    "themed",
    "themes",
    "timeline_chart",
]
