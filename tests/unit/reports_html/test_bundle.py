from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.charts import bundle


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the script is kept in this test, with no script in memory; what makes it counts its calls."""
    monkeypatch.setenv("POOLSTORM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bundle, "_made", _Maker())
    bundle.javascript.cache_clear()
    yield bundle.cached_bundle()
    bundle.javascript.cache_clear()


class _Maker:
    """In the place of what takes a second: a script of two lines, with text beyond ASCII."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        return "first line é\r\nsecond line\n"


def _again() -> str:
    bundle.javascript.cache_clear()  # as in another process
    return bundle.javascript()


def _calls() -> int:
    maker: object = bundle._made
    assert isinstance(maker, _Maker)
    return maker.calls


def test_the_script_is_made_once_and_then_read(cached: Path) -> None:
    first = bundle.javascript()
    assert first == _again() == "first line é\r\nsecond line\n"
    assert 1 == _calls()
    assert [cached.name] == [path.name for path in cached.parent.iterdir()]


@pytest.mark.parametrize(
    "damage",
    [b"", b"// 0\nfirst line\n", b"\xff\xfe", "first line é\r\nsecond line\n".encode()],
    ids=["empty", "another digest", "no text", "no digest"],
)
def test_a_damaged_cache_is_made_anew(cached: Path, damage: bytes) -> None:
    whole = bundle.javascript()
    cached.write_bytes(damage)
    assert whole == _again()
    assert whole == _again()
    assert 2 == _calls()


def test_a_script_that_was_cut_short_is_not_used(cached: Path) -> None:
    whole = bundle.javascript()
    cached.write_bytes(cached.read_bytes()[:-5])
    assert whole == _again()


def test_a_cache_that_cannot_be_written_is_no_error(
    cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("in the way")
    monkeypatch.setenv("POOLSTORM_CACHE", str(occupied))
    assert "first line é\r\nsecond line\n" == bundle.javascript() == _again()
    assert "in the way" == occupied.read_text()


def test_each_version_of_the_library_has_a_script_of_its_own(
    cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"99.0 of {name}")
    assert cached != bundle.cached_bundle()
    assert cached.parent == bundle.cached_bundle().parent
