"""The summary as JSON, versioned, and back."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import ValidationError

from harness.errors import RunDirectoryError
from reports.compare import COMPARISON_FORMAT, COMPARISON_VERSION, Comparison
from reports.formats import Format
from reports.summary import SUMMARY_FORMAT, SUMMARY_VERSION, Result, Summary

_Document = TypeVar("_Document", bound=Result)


def render(summary: Summary) -> str:
    """One JSON document; `parse_summary` is its inverse. docs/run-format.md describes the fields' units."""
    return summary.model_dump_json(indent=1) + "\n"


def render_comparison(comparison: Comparison) -> str:
    """One JSON document."""
    return comparison.model_dump_json(indent=1) + "\n"


def parse_summary(text: str, name: str = "summary.json") -> Summary:
    """Read what `render` wrote; `name` is for the message.

    Raises RunDirectoryError, one line, where the text is damaged, of another kind or of a newer version.
    """
    return _parse(text, name, Summary, "summary", "poolstorm report", SUMMARY_FORMAT, SUMMARY_VERSION)


def parse_comparison(text: str, name: str = "comparison.json") -> Comparison:
    """Read what `render_comparison` wrote, as `parse_summary` does."""
    return _parse(text, name, Comparison, "comparison", "poolstorm compare", COMPARISON_FORMAT, COMPARISON_VERSION)


def _parse(
    text: str, name: str, model: type[_Document], what: str, command: str, expected: str, newest: int
) -> _Document:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise RunDirectoryError(f"{name} is no JSON ({error}); write it anew with `{command}`") from error
    if not isinstance(document, dict) or document.get("format") != expected:
        raise RunDirectoryError(f"{name} is not a poolstorm {what}; name one that `{command}` wrote")
    version = document.get("version")
    if isinstance(version, int) and version > newest:
        raise RunDirectoryError(
            f"{name} was written by a newer poolstorm ({what} {version}, this one reads {newest}); "
            "upgrade poolstorm"
        )
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunDirectoryError(
            f"{name} is damaged ({place}: {first['msg']}); write it anew with `{command}`"
        ) from error


FORMAT = Format("json", ".json", render, render_comparison, stem="summary")
