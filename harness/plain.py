"""Foreign text made fit to be shown: names in a run folder, reasons, paths, whatever somebody else wrote."""

from __future__ import annotations

import codecs
import unicodedata

ERRORS = "poolstorm-plain"
"""For `errors=` of a stream: what its encoding does not know is spelt in ASCII."""

_SPELT = {
    "–": "-",
    "—": "-",
    "−": "-",
    "±": "+-",
    "×": "x",
    "·": ".",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "→": "->",
    "µ": "u",
    "μ": "u",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "•": "*",
    "✓": "+",
    "✗": "x",
}


def plain(text: str) -> str:
    """The text on one line, without anything that steers a terminal or reorders what it shows.

    Controls, escape sequences' first characters, line ends, and marks of direction become spaces.
    """
    return "".join(char if char.isprintable() else " " for char in text)


def in_ascii(text: str) -> str:
    """Every character that is not ASCII spelt in ASCII, or `?`: `±` becomes `+-`, `é` becomes `e`."""
    return "".join(char if char.isascii() else _ascii(char) for char in text)


def _ascii(char: str) -> str:
    spelt = _SPELT.get(char) or unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return spelt or "?"


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


codecs.register_error(ERRORS, _spell)
