"""The baseline as a file: read with care, as it may come from anywhere, and written so that it can be reviewed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import BaselineError, is_printable, plain_line
from harness.files import write_atomically
from reports.baseline.model import BASELINE_FORMAT, BASELINE_VERSION, Baseline
from reports.files import DamageError, content, reason_of

MOST_BYTES = 8_000_000
_RESTORE = "restore it from version control, or remove it and write a new one: poolstorm baseline write RUN"
_CONFLICT = b"<<<<<<< "


def read_baseline(path: Path) -> Baseline:
    """Raises BaselineError, in one line, for a file that is missing, foreign, damaged or of a newer poolstorm."""
    if not is_there(path):
        raise BaselineError(plain_line(f"there is no baseline {path}; write one: poolstorm baseline write RUN"))
    try:
        text = content(path, MOST_BYTES)
    except DamageError as error:
        raise BaselineError(plain_line(f"baseline {path}: {error}; name another with --file")) from error
    if any(line.startswith(_CONFLICT) for line in text.splitlines()):
        raise BaselineError(plain_line(f"baseline {path} holds a merge conflict; resolve it first"))
    return _parsed(text, path)


def is_there(path: Path) -> bool:
    """Whether there is anything at its place. Raises BaselineError where that cannot be told."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise BaselineError(
            plain_line(f"baseline {path} cannot be read ({reason_of(error)}); mend its permissions")
        ) from error
    return True


def _parsed(text: bytes, path: Path) -> Baseline:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(document, dict) or document.get("format") != BASELINE_FORMAT:
        raise BaselineError(
            plain_line(f"{path} is no baseline (its format is not {BASELINE_FORMAT!r}); name another with --file")
        )
    version = document.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise _damaged(path, ValueError("it has no known version"))
    if version > BASELINE_VERSION:
        raise BaselineError(
            plain_line(
                f"baseline {path} was written by a newer poolstorm (version {version}, this one reads up to "
                f"{BASELINE_VERSION}); upgrade poolstorm"
            )
        )
    try:
        found = Baseline.model_validate_json(text)
        _require_printable(document)
    except (ValidationError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    return found


def _damaged(path: Path, error: Exception) -> BaselineError:
    return BaselineError(plain_line(f"baseline {path} is damaged ({reason_of(error)}); {_RESTORE}"))


def _require_printable(value: object) -> None:
    """Nothing that would move a cursor when it is shown."""
    if isinstance(value, str):
        if not is_printable(value):
            raise ValueError("a text has control characters")
    elif isinstance(value, dict):
        for key, member in value.items():
            _require_printable(key)
            _require_printable(member)
    elif isinstance(value, list):
        for member in value:
            _require_printable(member)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Replace the file in one step. Raises BaselineError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text_of(baseline))
    except (OSError, ValueError) as error:
        raise BaselineError(
            plain_line(f"baseline {path} cannot be written ({reason_of(error)}); name another with --file")
        ) from error


def text_of(baseline: Baseline) -> str:
    """JSON with sorted keys and a line for each finding, job and acceptance, so that a diff shows what changed."""
    document: Mapping[str, Any] = baseline.model_dump(mode="json", exclude_none=False)
    parts = [f"  {_line(name)}: {_member(value)}" for name, value in sorted(document.items())]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _member(value: object) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"    {_line(one)}" for one in value) + "\n  ]"
    return _line(value)


def _line(value: object) -> str:
    return json.dumps(_short(value), sort_keys=True, ensure_ascii=False, allow_nan=False)


def _short(value: object) -> object:
    """Whole numbers without a point, and nothing where there is nothing to say."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _short(member) for name, member in value.items() if member is not None and member != ""}
    return [_short(member) for member in value] if isinstance(value, list) else value
