"""One HTML file that holds everything and loads nothing: figures, charts and the script that draws them.

A Content-Security-Policy in the file forbids the network, and every script but the two that are named by hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from reports.compare import Comparison
from reports.formats import Format
from reports.summary import Summary
from reports.view import view_comparison, view_report
from reports.view.circumstances import first_facts
from reports.view.numbers import plural

if TYPE_CHECKING:
    import jinja2

    from reports.formats._figures import Figure


def render(summary: Summary) -> str:
    """The report of one run as a whole HTML document; the same for the same summary."""
    from reports import charts
    from reports.formats._figures import scenario_figures

    view = view_report(summary)
    sections = [(scenario, scenario_figures(view.run, scenario)) for scenario in view.scenarios]
    return page(
        "report.html.j2",
        figures=[figure for _, figures in sections for figure in figures],
        view=view,
        run=view.run,
        sections=sections,
        colours=charts.target_colours(view.run.targets),
    )


def render_comparison(comparison: Comparison) -> str:
    """Two runs side by side as a whole HTML document."""
    from reports import charts
    from reports.formats._figures import compared_figure

    view = view_comparison(comparison)
    targets = tuple(dict.fromkeys(name for _, run in view.runs for name in run.targets))
    sections = [(one, compared_figure(one.phases, targets, one.anchor)) for one in view.scenarios]
    return page(
        "comparison.html.j2",
        figures=[figure for _, figure in sections if figure is not None],
        view=view,
        sections=sections,
        colours=charts.target_colours(targets),
    )


FORMAT = Format(name="html", suffix=".html", render=render, render_comparison=render_comparison)


def page(template: str, figures: Iterable[Figure], **context: Any) -> str:
    """The template in its frame. The page says which scripts may run, so their text must not change afterwards."""
    from reports import charts

    specs = {figure.id: figure.spec for figure in figures}
    scripts = [charts.javascript(), _asset("report.js")] if specs else []
    return (
        _templates()
        .get_template(template)
        .render(
            **context,
            policy=_policy(scripts),
            css=_asset("report.css"),
            scripts=scripts,
            specs=_json({"themes": charts.themes(), "axisWidth": charts.AXIS_WIDTH, "figures": specs}),
        )
    )


@cache
def _templates() -> jinja2.Environment:
    """All templates, compiled once in a process."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports.formats", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plural"] = plural
    environment.filters["facts"] = first_facts
    return environment


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
