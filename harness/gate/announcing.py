"""How a gate is asked for in pairs, and how long these take."""

from __future__ import annotations

from harness.errors import PlanError, shown
from harness.gate.pairs import first_pairs
from harness.plan import Plan
from harness.terminal import minutes


def two_numbers(text: str) -> tuple[int, int]:
    """`12,20`, or `12` for a single look. Raises PlanError."""
    first, comma, second = text.partition(",")
    try:
        return int(first), int(second if comma else first)
    except ValueError:
        raise PlanError(f"--pairs {shown(text)}: write two whole numbers, such as 12,20") from None


def first_look(settled: Plan) -> Plan:
    """What is run for certain: the pairs of the first look."""
    assert settled.gate is not None
    return first_pairs(settled, settled.gate.pairs[0])


def announced(settled: Plan) -> str:
    """How many pairs, for how long, and how many there are to spare."""
    assert settled.gate is not None
    took = [minutes(first_pairs(settled, pairs).expected_s()) for pairs in settled.gate.pairs]
    first, last = settled.gate.pairs[0], settled.gate.pairs[-1]
    more = "" if first == last else f"; where these decide nothing {last}, about {took[-1]} in all"
    spare = settled.repetitions - last
    instead = f"; up to {spare} more in place of pairs that cannot be used" if spare else ""
    return f"{first} pairs, about {took[0]}{more}{instead}"
