"""Charts: one Vega-Lite specification per chart, the same for HTML, SVG and PNG.

A specification is a plain dict, validated by Altair. It leaves ink and paper to `theme.themed`, and the width of
its panels to whoever draws it: `convert` for files, the page's own script in a browser.

Charts that are made anew each time need Altair, which takes 0.3 s to load: they are imported from their own
modules, `compared`, `exhaustion` and `round_trips`, where one is to be drawn.
"""

from reports.charts.breakdown import RETURN, BreakdownRow, breakdown_chart
from reports.charts.bundle import javascript
from reports.charts.convert import AXIS_WIDTH, png, svg
from reports.charts.dots import dots_chart
from reports.charts.theme import Spec, target_colours, themed, themes
from reports.charts.timeline import Frame, frame_of, timeline_chart

__all__ = [
    "AXIS_WIDTH",
    "RETURN",
    "BreakdownRow",
    "Frame",
    "Spec",
    "breakdown_chart",
    "dots_chart",
    "frame_of",
    "javascript",
    "png",
    "svg",
    "target_colours",
    "themed",
    "themes",
    "timeline_chart",
]
