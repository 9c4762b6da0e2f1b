"""The folder for what is made once and serves every run and report after it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from harness.files import write_atomically


def cache_folder() -> Path:
    """In the user's caches, and perhaps not there yet. POOLSTORM_CACHE names another place for all of it."""
    given = os.environ.get("POOLSTORM_CACHE")
    return Path(given) if given else platformdirs.user_cache_path("poolstorm")


def made_once(path: Path, make: Callable[[], str]) -> str:
    """The text that is kept at `path`, or else made, and kept there.

    Only a text that follows its own digest, in the first line, is taken for whole. A cache that cannot be read or
    written costs no more than the making.
    """
    text = _kept(path)
    if text is None:
        text = make()
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, f"{_first_line(text)}\n{text}")
    return text


def _kept(path: Path) -> str | None:
    try:
        whole = path.read_bytes().decode()  # as bytes: line ends stay as they are
    except (OSError, UnicodeError):
        return None
    head, _, text = whole.partition("\n")
    return text if head == _first_line(text) else None


def _first_line(text: str) -> str:
    return f"// {_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
