"""What analysis, comparison and every format write alike."""

from __future__ import annotations


def seconds(value: float) -> str:
    """A length of time as planned, to the millisecond: `5`, `0.923`, `3600`."""
    return f"{round(value, 3):g}"
