"""How a path is called in a record, for whoever puts a load on it and whoever asks it once."""

from __future__ import annotations

import re

LONGEST_OPERATION = 80
_NO_NAME = re.compile(r"[^A-Za-z0-9_./~-]")


def operation_of(path: str) -> str:
    """A path as the name of an operation: without its query, and without what separates names in a record."""
    return _NO_NAME.sub("_", path.partition("?")[0])[:LONGEST_OPERATION]
