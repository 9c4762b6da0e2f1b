"""One HTML file that holds everything and loads nothing: figures, charts and the script that draws them.

A Content-Security-Policy in the file forbids the network, and every script but the two that are named by hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from importlib import resources
from typing import TYPE_CHECKING, Any

from reports.compare import Comparison
from reports.formats import Format, _html_compared, _html_overview
from reports.summary import Summary

if TYPE_CHECKING:
    from reports.formats._html_charts import Figure


def render(summary: Summary) -> str:
    """The report of one run as a whole HTML document; the same for the same summary."""
    from reports import charts
    from reports.formats._html_charts import scenario_figures

    sections = [
        (
            _html_overview.anchor(number),
            scenario,
            scenario_figures(summary, scenario, _html_overview.anchor(number)),
        )
        for number, scenario in enumerate(summary.scenarios, 1)
    ]
    return _page(
        "report.html.j2",
        figures=[figure for *_, figures in sections for figure in figures],
        summary=summary,
        sections=sections,
        colours=charts.target_colours(summary.run.targets),
    )


def render_comparison(comparison: Comparison) -> str:
    """Two runs side by side as a whole HTML document."""
    from reports import charts
    from reports.formats._html_charts import compared_figure

    targets = tuple(dict.fromkeys([*comparison.a.targets, *comparison.b.targets]))
    sections = [
        (anchor, name, _html_compared.by_phase(rows), compared_figure(rows, targets, anchor))
        for anchor, name, rows in _html_compared.compared_sections(comparison)
    ]
    return _page(
        "comparison.html.j2",
        figures=[figure for *_, figure in sections if figure is not None],
        comparison=comparison,
        sections=sections,
        colours=charts.target_colours(targets),
    )


FORMAT = Format(name="html", suffix=".html", render=render, render_comparison=render_comparison)


def _page(template: str, figures: Iterable[Figure], **context: Any) -> str:
    """The template in its frame. The page says which scripts may run, so their text must not change afterwards."""
    from reports import charts
    from reports.formats._templating import templates

    specs = {figure.id: figure.spec for figure in figures}
    scripts = [charts.javascript(), _asset("report.js")] if specs else []
    return (
        templates()
        .get_template(template)
        .render(
            **context,
            policy=_policy(scripts),
            css=_asset("report.css"),
            scripts=scripts,
            specs=_json({"themes": charts.themes(), "axisWidth": charts.AXIS_WIDTH, "figures": specs}),
        )
    )


def _policy(scripts: Iterable[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(value: object) -> str:
    """JSON that may stand in a script element whatever names it holds."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _asset(name: str) -> str:
    return resources.files("reports.formats.templates").joinpath(name).read_text(encoding="utf-8")
