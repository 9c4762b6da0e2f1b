"""Compiled templates are kept, and never cost more than compiling them once again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest

from reports.formats import _templating

TEMPLATE = "report.html.j2"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where compiled templates are kept in this test."""
    monkeypatch.setenv("POOLSTORM_CACHE", str(tmp_path / "cache"))
    _templating.templates.cache_clear()
    yield _templating.compiled_folder()
    _templating.templates.cache_clear()


def _compiled(monkeypatch: pytest.MonkeyPatch) -> int:
    """Get the template as another process would; how many had to be compiled for that."""
    _templating.templates.cache_clear()
    environment = _templating.templates()
    generate, compiled = environment._generate, []

    def counting(*given: Any, **more: Any) -> str:
        compiled.append(given)
        return generate(*given, **more)

    monkeypatch.setattr(environment, "_generate", counting)
    assert environment.get_template(TEMPLATE).blocks
    return len(compiled)


def test_a_template_is_compiled_once(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (1, 0) == (_compiled(monkeypatch), _compiled(monkeypatch))
    assert 1 == len(list(kept.iterdir()))


@pytest.mark.parametrize("damage", [b"", b"not compiled", None], ids=["empty", "foreign", "cut short"])
def test_a_damaged_one_is_compiled_anew(kept: Path, damage: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    _compiled(monkeypatch)
    (file,) = kept.iterdir()
    file.write_bytes(file.read_bytes()[:-20] if damage is None else damage)
    assert (1, 0) == (_compiled(monkeypatch), _compiled(monkeypatch))


def test_a_folder_that_cannot_be_written_is_no_error(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert (1, 1) == (_compiled(monkeypatch), _compiled(monkeypatch))


def test_other_options_and_versions_have_a_folder_of_their_own(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jinja2, "__version__", "99.0")
    other = _templating.compiled_folder()
    monkeypatch.setitem(_templating._OPTIONS, "trim_blocks", False)
    assert 3 == len({kept, other, _templating.compiled_folder()})
