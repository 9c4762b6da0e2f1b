"""The JavaScript that draws specifications in a page, made once and then kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
from functools import cache
from importlib import metadata
from pathlib import Path

from harness.cached import cache_folder

_SNIPPET = "window.vegaEmbed = vegaEmbed;"


@cache
def javascript() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script that needs no network; about 0.9 MB.

    Making it takes 1 s, so it is kept; a cache that cannot be read or written only costs that second.
    """
    path = cached_bundle()
    kept = _read(path)
    if kept is not None:
        return kept
    script = _made()
    _keep(path, script)
    return script


def cached_bundle() -> Path:
    """Where the script is kept: one file for each version of vl-convert and each snippet of ours."""
    snippet = hashlib.sha256(_SNIPPET.encode()).hexdigest()[:8]
    return cache_folder() / f"vega-{metadata.version('vl-convert-python')}-{snippet}.js"


def _made() -> str:
    import vl_convert

    return str(vl_convert.javascript_bundle(_SNIPPET)).replace("</script", "<\\/script")


def _digest(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()


def _read(path: Path) -> str | None:
    """The script after its first line, if that line is the script's digest; else the file is of no use."""
    try:
        text = path.read_bytes().decode()  # as bytes: line ends stay as they are
    except (OSError, UnicodeError):
        return None
    head, _, script = text.partition("\n")
    return script if head == f"// {_digest(script)}" else None


def _keep(path: Path, script: str) -> None:
    """Put the whole file in place, or leave nothing: two processes may do so at the same time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(f"// {_digest(script)}\n{script}".encode())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
