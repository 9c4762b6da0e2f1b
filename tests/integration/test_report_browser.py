"""The report in a real browser: every chart drawn, a silent console, no sideways scrolling."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from reports.compare import compare
from reports.formats import html
from tests.unit.reports_html.page import Page
from tests.unit.reports_html.trusted_summary import trusted_summary

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)
# The outer page reads the inner one; a window cannot be made narrower than 500 pixels, a frame can.
FRAME = """<!doctype html><title>frame</title><body>
<iframe id="inner" src="{name}" width="{width}" height="3000"></iframe>
<script>
function look() {{
  const page = document.getElementById("inner").contentDocument;
  const plots = [...page.querySelectorAll(".plot")];
  const drawn = plots.filter((plot) => plot.dataset.drawn);
  if (!plots.length || drawn.length < plots.length) return setTimeout(look, 100);  // a frame starts out blank
  const root = page.documentElement;
  const drawing = (plot) => plot.querySelector("svg")?.getBoundingClientRect().width ?? 0;
  const wide = plots.filter((plot) => drawing(plot) > plot.clientWidth + 1);
  document.body.insertAdjacentHTML("beforeend", `<p id="found" data-scroll-width="${{root.scrollWidth}}"
    data-client-width="${{root.clientWidth}}" data-wide="${{wide.map((plot) => plot.id)}}"></p>`);
}}
look();
</script>
"""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH (looked for {', '.join(BROWSERS)})"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    first, second = trusted_summary(), trusted_summary(repetitions=2)
    folder.joinpath("report.html").write_text(html.render(first), encoding="utf-8")
    folder.joinpath("comparison.html").write_text(html.render_comparison(compare(first, second)), encoding="utf-8")
    return folder


def _browse(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The page's document after its scripts ran, and what the browser's console said."""
    assert BROWSER is not None
    # The clock is virtual: it runs while there is work, so the budget is no waiting time.
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --enable-logging=stderr --allow-file-access-from-files "
        "--virtual-time-budget=60000 --window-size=1280,2000 --dump-dom"
    )
    done = subprocess.run(
        [BROWSER, *options.split(), f"--user-data-dir={profile}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_every_chart_is_drawn_and_the_console_stays_silent(pages: Path, tmp_path: Path, name: str) -> None:
    expected = list(Page(pages.joinpath(name).read_text(encoding="utf-8")).chart_data()["figures"])
    document, console = _browse(pages / name, tmp_path)
    assert [] == console
    drawn = dict(re.findall(r'<div class="plot[^"]*" id="([^"]+)"[^>]*? data-drawn="(\w+)"', document))
    assert dict.fromkeys(expected, "yes") == drawn
    assert len(expected) == document.count('class="marks"')
    assert "could not be drawn" not in unescape(re.sub(r"<script.*?</script>", "", document, flags=re.S))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_the_page_never_scrolls_sideways(pages: Path, tmp_path: Path, name: str, width: int) -> None:
    frame = pages / f"frame-{width}-{name}"
    frame.write_text(FRAME.format(name=name, width=width), encoding="utf-8")
    document, console = _browse(frame, tmp_path)
    assert [] == console
    found = re.search(r'data-scroll-width="(\d+)"\s+data-client-width="(\d+)"\s+data-wide="([^"]*)"', document)
    assert found is not None, "the charts were not all drawn"
    scroll_width, client_width, wide = found.groups()
    assert "" == wide
    assert int(scroll_width) <= int(client_width) <= width
