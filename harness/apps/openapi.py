"""Which paths of an app may be read without harm and without knowing more: from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import TrialFailedError
from harness.http_reader import HttpReader, UnusableAnswerError

DOCUMENT = "/openapi.json"
MOST_PATHS = 20
PATIENCE_S = 10.0
_WITHOUT = "name paths to read with --get"


def readable_paths(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Paths with a GET that needs no parameter, in the document's order; none where it is no such document."""
    paths = document.get("paths")
    if not isinstance(paths, Mapping):
        return ()
    found = []
    for path, item in paths.items():
        if not (isinstance(path, str) and path.startswith("/") and isinstance(item, Mapping)) or "{" in path:
            continue
        operation = item.get("get")
        if isinstance(operation, Mapping) and not _needs(item) and not _needs(operation):
            found.append(path)
    return tuple(found)


def _needs(told: Mapping[str, Any]) -> bool:
    parameters = told.get("parameters")
    if not isinstance(parameters, list):
        return False
    return any(isinstance(parameter, Mapping) and parameter.get("required") is True for parameter in parameters)


def paths_of(url: str) -> tuple[str, ...]:
    """Those of a running app that answer a GET with a success. Raises TrialFailedError where there is none."""
    with HttpReader(url, PATIENCE_S, PATIENCE_S) as reader:
        try:
            named = readable_paths(reader.ask("GET", DOCUMENT).document())
        except UnusableAnswerError as error:
            raise TrialFailedError(f"the app has no {DOCUMENT} ({error}); {_WITHOUT}") from error
        found = tuple(path for path in named[:MOST_PATHS] if 200 <= reader.ask("GET", path).status < 300)
    if not found:
        raise TrialFailedError(
            f"none of the {len(named)} paths that the app's {DOCUMENT} offers for reading answers with a success; "
            f"{_WITHOUT}"
        )
    return found
