"""Templates of charts are made once, and a page whose charts all have one is drawn without Altair."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from reports.charts import templates
from reports.charts.theme import Spec
from tests.unit.reports_html.trusted_summary import trusted_summary

NAMES: tuple[templates.Name, ...] = get_args(templates.Name)


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache folder of this test, with no template in memory."""
    monkeypatch.setenv("POOLSTORM_CACHE", str(tmp_path / "cache"))
    templates.template.cache_clear()
    yield tmp_path / "cache"
    templates.template.cache_clear()


def _again(name: templates.Name) -> Spec:
    templates.template.cache_clear()  # as in another process
    return templates.template(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_made_once_and_then_read(
    cached: Path, name: templates.Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _again(name)
    assert [templates.kept_template(name).name] == [path.name for path in cached.iterdir()]
    monkeypatch.delattr(templates, "import_module")
    assert made == _again(name)


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b"// 0\n{}"], ids=["empty", "bare", "no text", "other"])
def test_a_damaged_one_is_made_anew(cached: Path, damage: bytes) -> None:
    made, path = _again("dots"), templates.kept_template("dots")
    whole = path.read_bytes()
    path.write_bytes(damage)
    assert made == _again("dots")
    assert whole == path.read_bytes()


def test_a_cache_that_cannot_be_written_is_no_error(cached: Path) -> None:
    cached.write_text("in the way")
    assert _again("dots") == _again("dots")
    assert "in the way" == cached.read_text()


def test_a_page_without_ladders_is_drawn_without_altair(cached: Path, tmp_path: Path) -> None:
    summary = trusted_summary()
    plain = summary.model_copy(update={"scenarios": summary.scenarios[:1]})
    (tmp_path / "summary.json").write_text(plain.model_dump_json())
    program = (
        "import sys; from pathlib import Path\n"
        "from reports.formats import html; from reports.summary import Summary\n"
        "page = html.render(Summary.model_validate_json(Path(sys.argv[1]).read_text()))\n"
        "assert '-time-1' in page\n"
        "print('altair' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "summary.json")]
    loaded = [
        subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ)
        ).stdout.strip()
        for _ in range(2)
    ]
    assert ["True", "False"] == loaded
