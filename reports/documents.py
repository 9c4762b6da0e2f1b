"""manifest.json and trial.json: of a known format and version, under their own seal, and read with leniency."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.records import FORMAT_VERSION, seal_of
from reports.files import DamageError, content, reason_of
from scenarios.model import AS_RECORDED

OLDEST_VERSION = 1
SEALED_SINCE = 2
MOST_BYTES = 16_000_000

_Document = TypeVar("_Document", bound=BaseModel)


def read_document(path: Path, expected_format: str, model: type[_Document]) -> _Document:
    """One document. Fields that are not known are ignored at every level.

    Raises DamageError where it cannot be read, is foreign, of a newer version, or not what its seal says.
    """
    name = path.name
    text = content(path, MOST_BYTES)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamageError(f"{name} is damaged ({reason_of(error)})") from error
    if not isinstance(document, dict) or document.get("format") != expected_format:
        raise DamageError(
            f"{name} is not poolstorm's (format is not {expected_format!r})", "name another run folder"
        )
    _require_version(name, document)
    _require_seal(name, document)
    try:
        return model.model_validate_json(text, extra="ignore", context=AS_RECORDED)
    except (ValidationError, RecursionError) as error:
        raise DamageError(f"{name} is damaged ({reason_of(error)})") from error


def _require_version(name: str, document: Mapping[str, Any]) -> None:
    version = document.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < OLDEST_VERSION:
        raise DamageError(f"{name} has no known format version ({str(version)[:20]!r})")
    if version > FORMAT_VERSION:
        raise DamageError(
            f"{name} was written by a newer poolstorm (format {version}, this one reads up to {FORMAT_VERSION})",
            "upgrade poolstorm",
        )


def _require_seal(name: str, document: Mapping[str, Any]) -> None:
    """A seal is verified wherever there is one; the first format had none, and no closing either."""
    version, seal = document["version"], document.get("seal")
    if version < SEALED_SINCE and (seal is not None or document.get("closing") is not None):
        raise DamageError(f"{name} is damaged (format {version} has neither seal nor closing)")
    if version >= SEALED_SINCE:
        if not isinstance(seal, str):
            raise DamageError(f"{name} is damaged (its seal is missing)")
        if seal != seal_of(document):
            raise DamageError(f"{name} is damaged (its content is not what its seal says)")
