"""How often the data are looked at, and what each look may spend of the error that is allowed."""

from __future__ import annotations

from enum import Enum

ALPHA = 0.002
"""One-sided, for every metric, route, scenario and target of an invocation together."""
PASS_LEVEL = 0.01
"""One-sided, for each metric: how often one that lost as much as its limit may pass."""


class Look(Enum):
    """One look at all pairs, or a first that ends the gate where it can and a final one; they share the error."""

    ONLY = 1.0
    FIRST = 0.3
    FINAL = 0.7

    @property
    def alpha(self) -> float:
        """Spent by this look on alarms: 0.2 %, or 0.06 % and 0.14 %."""
        return self.value * ALPHA

    @property
    def pass_level(self) -> float:
        """Spent by this look on passing: 1 %, or 0.3 % and 0.7 %."""
        return self.value * PASS_LEVEL
