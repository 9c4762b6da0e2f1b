"""Report files are put in place whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from reports.compare import compare
from reports.formats import formats
from reports.summary import Summary
from reports.write import write_comparison, write_summary


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_named_formats_are_written(example: Summary, tmp_path: Path) -> None:
    paths = write_summary(example, tmp_path / "new" / "folder", ["json", "markdown"])

    assert paths == (tmp_path / "new" / "folder" / "summary.json", tmp_path / "new" / "folder" / "summary.md")
    assert paths[1].read_text(encoding="utf-8") == formats()["markdown"].render(example)
    assert names_in(tmp_path / "new" / "folder") == ["summary.json", "summary.md"]


def test_by_default_every_format_that_is_kept_is_written(example: Summary, tmp_path: Path) -> None:
    write_summary(example, tmp_path)

    assert names_in(tmp_path) == ["report.html", "summary.json", "summary.md"]


def test_comparison_files(example: Summary, tmp_path: Path) -> None:
    write_comparison(compare(example, example), tmp_path, ["json", "markdown"])

    assert names_in(tmp_path) == ["comparison.json", "comparison.md"]


def test_older_report_is_replaced(example: Summary, tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("old")

    write_summary(example, tmp_path, ["markdown"])

    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("# Pool report")


def test_unknown_format_names_the_nearest_and_writes_nothing(example: Summary, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="did you mean 'markdown'"):
        write_summary(example, tmp_path / "out", ["json", "markdwon"])

    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written_is_one_line(example: Summary, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(RunDirectoryError, match="name another folder with --output") as caught:
        write_summary(example, tmp_path / "file", ["json"])

    assert "\n" not in str(caught.value)


def test_failed_replacement_leaves_nothing_behind(example: Summary, tmp_path: Path) -> None:
    (tmp_path / "summary.md" / "in-the-way").mkdir(parents=True)  # a folder cannot be replaced by a file

    with pytest.raises(RunDirectoryError):
        write_summary(example, tmp_path, ["markdown"])

    assert names_in(tmp_path) == ["summary.md"]
