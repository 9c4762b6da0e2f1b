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
    """In the user's caches, and perhaps not there yet. POOLSTORM_CACHE names another place for all of it.

    An absolute path, as it is handed to programs that run elsewhere. Whoever has no home has it at the root, as
    containers do for users whom they do not know: a folder called `~` would be made in the working directory.
    """
    given = os.environ.get("POOLSTORM_CACHE")
    folder = Path(given) if given else _users_caches()
    try:
        return folder.absolute()
    except FileNotFoundError:  # the working directory has gone, and nothing can be kept there
        return folder


def _users_caches() -> Path:
    homeless = Path("/.cache/poolstorm")
    try:
        folder = platformdirs.user_cache_path("poolstorm")
    except RuntimeError:  # newer versions; older ones leave the `~` as it is
        return homeless
    return homeless if folder.parts[0] == "~" else folder


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
