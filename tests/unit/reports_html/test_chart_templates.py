"""The chart templates that are shipped are what Altair makes, and a page of such charts is drawn without it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

import reports.charts.drawn
from reports.charts import templates
from tests.unit.reports_html.trusted_summary import trusted_summary

NAMES: tuple[templates.Name, ...] = get_args(templates.Name)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_what_altair_makes(name: templates.Name, pytestconfig: pytest.Config) -> None:
    path = Path(reports.charts.drawn.__path__[0]) / f"{name}.json"
    made = json.dumps(import_module(f"reports.charts.drawn.{name}").template(), indent=1) + "\n"
    if pytestconfig.getoption("--update-golden"):
        path.write_text(made, encoding="utf-8")
        templates.template.cache_clear()

    assert made == path.read_text(encoding="utf-8"), f"{path} differs; look, then run pytest --update-golden"
    assert json.loads(made) == templates.template(name)


def test_pages_are_drawn_without_altair(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(trusted_summary().model_dump_json())
    program = (
        "import sys; from pathlib import Path\n"
        "from reports.compare import compare; from reports.formats import html\n"
        "from reports.summary import Summary\n"
        "summary = Summary.model_validate_json(Path(sys.argv[1]).read_text())\n"
        "page = html.render(summary) + html.render_comparison(compare(summary, summary))\n"
        "for name in ('-time-1', '-trips-1', '-parts-1', '-checked-out', '-dots', '-moved'): assert name in page\n"
        "print('altair' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "summary.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert "False" == done.stdout.strip()
