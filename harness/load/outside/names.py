"""Names of requests in a record: the user's text made one plain word, and bounded in number. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LONGEST_NAME = 80
FEWEST_NAMES = 10
MOST_NAMES = 60
NAMES_TIMES_PHASES = 400
OTHER_NAMES = "other"
"""Under which all further names are counted."""
_NO_NAME = re.compile(r"[^A-Za-z0-9_./~:(){}\[\]<>?&=+*@!|$'-]")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)


def request_name(method: str, name: str, *, chosen: bool) -> str:
    """`GET /items/[id]` as one word, `GET:/items/[id]`. One that nobody chose is the URL, and lacks its query,
    which may be another each time.
    """
    if not chosen:
        name = _path(name)
    return one_word(f"{method}:{name}")


def one_word(text: str) -> str:
    """Text without what separates names in a record, and not too long."""
    return _NO_NAME.sub("_", text[: 2 * LONGEST_NAME])[:LONGEST_NAME] or "_"


def _path(url: str) -> str:
    if _ABSOLUTE.match(url):
        try:
            url = urlsplit(url).path or "/"
        except ValueError:
            return url
    return url.partition("?")[0].partition("#")[0]


class Names:
    """So many names as a report can show; the first to come are kept."""

    def __init__(self, phases: int) -> None:
        self._most = max(FEWEST_NAMES, min(MOST_NAMES, NAMES_TIMES_PHASES // phases))
        self._kept: set[str] = set()

    def bounded(self, name: str) -> str:
        """The name, or where there are too many `OTHER_NAMES`."""
        if name in self._kept:
            return name
        if len(self._kept) >= self._most:
            return OTHER_NAMES
        self._kept.add(name)
        return name
