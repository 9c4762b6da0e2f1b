"""What a rule on a statement is, and the list of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.claims.base import Figure, RulingVerdict, Turn
from reports.claims.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: the verdict, one sentence of what was seen, and what it rests on."""

    verdict: RulingVerdict
    said: str
    condition: str = ""
    figures: tuple[Figure, ...] = ()
    turns: tuple[Turn, ...] = ()


Rule = Callable[[Evidence], Found]
RULES: dict[str, Rule] = {}
"""By statement; filled as the modules of `reports.claims.rulings` are imported."""


def rules_on(statement: str) -> Callable[[Rule], Rule]:
    """Register the function as the rule on a statement of `reports.claims.statements`."""

    def register(rule: Rule) -> Rule:
        RULES[statement] = rule
        return rule

    return register
