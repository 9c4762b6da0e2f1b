"""What a hand-made regression is: a base, one small change to it, and where the gate ought to see that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

FEWEST_PAIRS = (11, 11)
"""The fewest that can fail: enough for what is counted, or is seen in each pair."""
USUAL_PAIRS = (12, 20)
"""The gate's own, for what has to be told from noise."""


class EditError(Exception):
    """A change that does not fit what it changes."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`before`, which the file holds just once, becomes `after`. Without `before` the file is new."""

    path: str
    before: str
    after: str

    def apply(self, folder: Path) -> None:
        """Raises EditError where the file is not as the change takes it to be."""
        path = folder / self.path
        if not self.before:
            if path.exists():
                raise EditError(f"{self.path} is there already")
            path.write_text(self.after)
            return
        text = path.read_text()
        if text.count(self.before) != 1:
            raise EditError(f"{self.path} holds {text.count(self.before)} times {self.before!r}")
        path.write_text(text.replace(self.before, self.after))


Pool = Mapping[str, int | float | bool]


@dataclass(frozen=True)
class OfTarget:
    """A standard target under other settings, another target in its place, or with its code (`targets/`) changed.

    The databases of both sides are `latency_ms` away.
    """

    base: str
    head: str | None = None
    base_pool: Pool = field(default_factory=dict)
    head_pool: Pool = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    latency_ms: int = 0


@dataclass(frozen=True)
class OfShop:
    """examples/shop in a repository of two commits: `edits` are the second, `prepared` belongs to both.

    The load is the shop's own locustfile, or reads of the `paths`. `env` is both sides'.
    """

    edits: tuple[Edit, ...]
    prepared: tuple[Edit, ...] = ()
    paths: tuple[str, ...] = ()
    rate_per_s: float = 20.0
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Regression:
    """`expected` are the metrics, or the breaches, of which one at least ought to tell it.

    `rests_on` says what that is read from: what is counted or must hold needs no quiet machine, times do.
    """

    name: str
    kind: str  # a phrase: what the user did
    change: OfTarget | OfShop
    scenario: str
    expected: tuple[str, ...]
    rests_on: Literal["counts", "invariants", "clocks"]
    pairs: tuple[int, int] = FEWEST_PAIRS
