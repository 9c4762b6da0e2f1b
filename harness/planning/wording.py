"""What pydantic found, in the words of a person who writes plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from harness.errors import shown, unknown_name
from scenarios.model import NAME_PATTERN

_KEY = "[key]"  # pydantic's own word for a key that is wrong, at the end of its place


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that a validation found, in one line: where, what, and for a field the nearest name."""
    # A misspelt field is also a missing one; the misspelling is what helps.
    problem = min(error.errors(include_url=False), key=lambda candidate: candidate["type"] != "extra_forbidden")
    location = [part for part in problem["loc"] if part != _KEY]
    if problem["type"] == "extra_forbidden":
        *path, name = location
        known = _fields_at(model, path)
        line = unknown_name("field", str(name), known) if known else f"unknown field {shown(name)}; remove it"
        return f"{_spelt(path)}: {line}" if path else line
    message = problem["msg"].removeprefix("Value error, ")
    if problem.get("ctx", {}).get("pattern") == NAME_PATTERN:
        message = "a name has small letters and digits, in words joined by hyphens"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    given = problem.get("input")
    told = f", not {shown(given)}" if isinstance(given, (int, float, str)) else ""
    return f"{_spelt(location)}: {message}{told}{more}" if location else f"{message}{more}"


def _spelt(location: Iterable[int | str]) -> str:
    return ".".join(str(part)[:40] for part in location)


def _fields_at(model: type[BaseModel], path: Iterable[Any]) -> list[str]:
    """Field names that are known at a place in a document validated by `model`."""
    schema: dict[str, Any] = TypeAdapter(model).json_schema()
    definitions = schema.get("$defs", {})
    node: dict[str, Any] = schema
    for part in path:
        node = _resolve(node, definitions)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            patterns = iter(node.get("patternProperties", {}).values())
            node = node.get("properties", {}).get(part) or node.get("additionalProperties") or next(patterns, {})
    return sorted(_resolve(node, definitions).get("properties", {}))


def _resolve(node: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Follow references, and of alternatives take the one that is an object or a list."""
    while True:
        if "$ref" in node:
            node = definitions[node["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in node:
            node = next((option for option in node["anyOf"] if option.get("type") != "null"), {})
        else:
            return node
