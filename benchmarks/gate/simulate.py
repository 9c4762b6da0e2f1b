"""Print how often the gate is wrong, finds +10 % and does not decide.

`python -m benchmarks.gate.simulate [GATES [TEXT]]`: 1,000 gates a line, and only lines whose name has the text.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from benchmarks.gate.trials import Tally, bounds, run
from benchmarks.gate.world import World, calm, sigma_of
from reports.gate.size import pairs_needed
from reports.gate.verdicts import Verdict

GATES = 1_000
METRICS = 26
PLANTED = 1.10
_HEAD = """| world | sigma_D | pairs | family | regressed | inconclusive | passed |
|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table. `power` is what the formula is asked for; with `pairs` that is the budget."""

    name: str
    world: World
    power: float = 0.95
    pairs: int | None = None
    first_share: float | None = None  # of the pairs, for a gate of two looks

    def run(self, gates: int, seed: int) -> str:
        """The table's line."""
        sigma = sigma_of(self.world)
        pairs = self.pairs or pairs_needed(sigma, METRICS, power=self.power)
        first = None if self.first_share is None else round(pairs * self.first_share)
        return _line(self.name, sigma, run(self.world, pairs, gates, seed, first))


def cases() -> list[Case]:
    """Null gates first, then planted ones. One route of five is what finds a single metric's power."""
    noisy = {per_cent: World(per_cent / 100) for per_cent in (3, 6, 12)}
    three = replace(noisy[3], shift=PLANTED)
    made = [Case(f"null, {noise} % noise, 16 pairs", world, pairs=16) for noise, world in noisy.items()]
    made += [Case(f"null, {noise} % noise", world) for noise, world in noisy.items()]
    made.append(Case("null, 3 % noise, two looks", noisy[3], first_share=0.6))
    made += [Case(f"+10 %, {noise} % noise", replace(world, shift=PLANTED)) for noise, world in noisy.items()]
    made.append(Case("+10 %, 3 % noise, two looks", three, first_share=0.6))
    made.append(Case("+10 %, 3 % noise, 99 % asked", three, power=0.99))
    made.append(
        Case("+10 % on one route, 3 % noise, 99 % asked", replace(three, shifted_route="GET /2"), power=0.99)
    )
    for sigma in (0.04, 0.06, 0.10):
        made.append(Case(f"null, sigma {sigma:.2f}", calm(sigma)))
        made.append(Case(f"+10 %, sigma {sigma:.2f}", calm(sigma, PLANTED)))
        made.append(
            Case(f"+10 % on one route, sigma {sigma:.2f}", replace(calm(sigma, PLANTED), shifted_route="GET /2"))
        )
    return made


def _line(name: str, sigma: float, tally: Tally) -> str:
    regressed, undecided = (_share(count, tally.gates) for count in (tally.regressed, tally.undecided))
    passed = tally.verdicts[Verdict.PASS] + tally.verdicts[Verdict.IMPROVED]
    return f"| {name} | {sigma:.3f} | {tally.pairs:.0f} | {tally.family} | {regressed} | {undecided} | {passed} |"


def _share(count: int, of: int) -> str:
    low, high = bounds(count, of)
    return f"{count} ({100 * low:.2f}–{100 * high:.2f} %)"


def main(gates: int, text: str) -> None:
    """Print the table as it grows."""
    print(f"{gates:,} gates a line; bounds of 95 % by Clopper and Pearson\n\n{_HEAD}")  # noqa: T201
    for seed, case in enumerate(cases(), 1):
        if text in case.name:
            print(case.run(gates, seed), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else GATES, sys.argv[2] if len(sys.argv) > 2 else "")
