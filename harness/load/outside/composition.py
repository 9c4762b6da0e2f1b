"""How many users of which class: Locust's rule, decided for all workers at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Weighted(NamedTuple, Generic[T]):
    """A class with its weight; of one with a `fixed_count` there are so many, whatever its weight."""

    item: T
    weight: float
    fixed_count: int = 0


def composition(classes: Sequence[Weighted[T]], number: int) -> list[T]:
    """The classes of so many users, in the order in which they come: the first of more are those of fewer.

    Those of a fixed number come first, then by weight whoever is furthest behind its share (Sainte-Lague). Where
    every class has a fixed number there may be fewer users than asked for, as under Locust.
    """
    fixed = [entry.item for entry in classes for _ in range(entry.fixed_count)][:number]
    rest = [entry for entry in classes if not entry.fixed_count and entry.weight > 0]
    return fixed + [item for item, _ in zip(_by_weight(rest), range(number - len(fixed)), strict=False)]


def _by_weight(classes: Sequence[Weighted[T]]) -> Iterator[T]:
    taken = [0] * len(classes)
    while classes:
        place = max(range(len(classes)), key=lambda at: (classes[at].weight / (2 * taken[at] + 1), -at))
        taken[place] += 1
        yield classes[place].item
