"""The JavaScript that draws specifications in a page, made once and then kept in the user's cache folder."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from pathlib import Path

from harness.cached import cache_folder, made_once

_SNIPPET = "window.vegaEmbed = vegaEmbed;"


@cache
def javascript() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script that needs no network; about 0.9 MB.

    Making it takes 1 s, so it is kept; a cache that cannot be read or written only costs that second.
    """
    return made_once(cached_bundle(), _made)


def cached_bundle() -> Path:
    """Where the script is kept: one file for each version of vl-convert."""
    return cache_folder() / f"vega-embed-{metadata.version('vl-convert-python')}.js"


def _made() -> str:
    import vl_convert

    return str(vl_convert.javascript_bundle(_SNIPPET)).replace("</script", "<\\/script")
