"""The one place that writes report files: all of them rendered first, then each replaced in one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import RunDirectoryError, unknown_name
from harness.files import write_atomically
from reports.compare import Comparison
from reports.formats import Format, formats
from reports.summary import Summary


def write_summary(summary: Summary, folder: Path, names: Iterable[str] | None = None) -> tuple[Path, ...]:
    """Write the report into `folder` (made if need be) in the named formats, or in all that are kept as files.

    By default that is report.html, summary.json and summary.md; returns their paths. Raises RunDirectoryError
    for an unknown format or where a file cannot be written.
    """
    chosen = _chosen(names)
    texts = {f"{item.stem}{item.suffix}": item.render(summary) for item in chosen}
    return write_texts(folder, texts)


def write_comparison(comparison: Comparison, folder: Path, names: Iterable[str] | None = None) -> tuple[Path, ...]:
    """The same for a comparison: comparison.html, comparison.json and comparison.md."""
    texts = {f"comparison{item.suffix}": item.render_comparison(comparison) for item in _chosen(names)}
    return write_texts(folder, texts)


def _chosen(names: Iterable[str] | None) -> list[Format]:
    known = formats()
    if names is None:
        return [item for item in known.values() if item.written]
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name not in known:
            raise RunDirectoryError(unknown_name("report format", name, known))
    return [known[name] for name in chosen]


def write_texts(folder: Path, texts: Mapping[str, str]) -> tuple[Path, ...]:
    """Rendered texts by their files' names, into a folder that is made if need be; returns their paths.

    Raises RunDirectoryError where one cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_atomically(folder / name, text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RunDirectoryError(
            f"report cannot be written to {folder} ({reason}); name another folder with --output"
        ) from error
    return tuple(folder / name for name in texts)
