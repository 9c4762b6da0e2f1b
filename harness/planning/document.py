"""A plan file as data: read whole, within bounds, whatever lies at its path."""

from __future__ import annotations

import math
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import PlanError, is_printable, shown

MOST_BYTES = 500_000
MOST_LEVELS = 12
"""How deep tables and lists may lie in one another; a setting of a fault lies at 8."""
MOST_KEY_PARTS = 16
MOST_MEMBERS = 20_000
"""Of one table or list; each may be something to complain about, which takes time."""
LONGEST_TEXT = 2000
MOST_64_BITS = 2**63 - 1

# tomllib's time grows with the square of a dotted key's parts.
_ENDLESS_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){%d}""" % MOST_KEY_PARTS  # noqa: UP031
)

Document = Mapping[str, Any]


def read_document(path: Path) -> Document:
    """The document in a TOML file of UTF-8, with or without a byte order mark.

    Raises PlanError, in one line, for what cannot be read, is no regular file, too large or not TOML.
    """
    where = f"plan {path}"
    try:
        text = _read(path, where).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanError(f"{where} is not UTF-8 (at byte {error.start}); save it as UTF-8") from error
    if _ENDLESS_KEY.search(text):
        raise PlanError(f"{where} has a key of more than {MOST_KEY_PARTS} parts; shorten it")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise PlanError(f"{where} has lists or tables too deep in one another; {MOST_LEVELS} levels do") from error
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{where} is not valid TOML: {error}; mend that place") from error
    except ValueError as error:  # an integer or a date that Python cannot hold
        raise PlanError(f"{where} has a number or a date that is out of bounds; correct it") from error


def check_document(document: Document, where: str) -> None:
    """Raises PlanError for what no plan may hold anywhere: numbers without an end, text that moves a cursor."""
    for place, value, levels in _walk(document):
        problem = "lies too deep in lists or tables" if levels > MOST_LEVELS else _problem_of(value)
        if problem:
            raise PlanError(f"plan {where}: {_spelt(place)}: {problem}")


def _read(path: Path, where: str) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PlanError(f"{where} is no regular file; save the plan in one")
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PlanError(f"{where} cannot be read: {reason}; check its name") from error
    if len(content) > MOST_BYTES:
        raise PlanError(f"{where} is larger than {MOST_BYTES // 1000} kB; is it a plan?")
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever may write to a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _walk(document: Document) -> Iterator[tuple[tuple[str, ...], object, int]]:
    """Every value and every key, with its place and depth; without recursion, as the depth is not known yet."""
    pending: list[tuple[tuple[str, ...], object, int]] = [((), document, 0)]
    while pending:
        place, value, levels = pending.pop()
        yield place, value, levels
        if levels > MOST_LEVELS:
            continue
        if isinstance(value, Mapping):
            for key, member in value.items():
                yield (*place, str(key)), str(key), levels
                pending.append(((*place, str(key)), member, levels + 1))
        elif isinstance(value, list | tuple):
            pending.extend(((*place, str(number)), member, levels + 1) for number, member in enumerate(value))


def _problem_of(value: object) -> str:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            return f"a text of {len(value):,} characters; shorten it to {LONGEST_TEXT:,} at most"
        return "" if is_printable(value) else f"{shown(value)} holds a control character; remove it"
    if isinstance(value, Mapping | list | tuple) and len(value) > MOST_MEMBERS:
        return f"{len(value):,} entries are too many; {MOST_MEMBERS:,} at most"
    if isinstance(value, int) and abs(value) > MOST_64_BITS:
        return f"{shown(value)} is out of bounds; correct it"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no number to plan with; give a finite one"
    return ""


def _spelt(place: tuple[str, ...]) -> str:
    return ".".join(part[:40] for part in place) or "the document"
