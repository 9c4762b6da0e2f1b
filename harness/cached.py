"""The folder for what is made once and serves every run and report after it."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """In the user's caches, and perhaps not there yet. POOLSTORM_CACHE names another place for all of it."""
    given = os.environ.get("POOLSTORM_CACHE")
    return Path(given) if given else platformdirs.user_cache_path("poolstorm")
