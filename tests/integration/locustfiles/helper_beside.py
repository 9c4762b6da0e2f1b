"""Imported by the file beside it, as parts of a larger locustfile are."""

from __future__ import annotations

import random


def any_page() -> int:
    return random.randint(1, 5)
