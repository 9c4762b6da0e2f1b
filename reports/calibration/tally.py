"""How the gates of a calibration ended: pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.records import CalibrationKind, GateCalibration, GateOutcome
from reports.gate.verdicts import Verdict


@dataclass(frozen=True)
class Tally:
    """`found` are false alarms of equal sides, and of a planted head the gates that found it; all else is a miss,
    an open verdict too.
    """

    planned: int
    done: int
    found: int
    verdicts: Counter[str]
    unproved: int  # gates of which what was planted was not seen to be there
    took_s: tuple[float, ...]
    shifts: tuple[float, ...]

    def of(self, verdict: Verdict) -> int:
        """Gates that ended so."""
        return self.verdicts[verdict]


def tally(calibration: GateCalibration) -> Tally:
    """Of the gates that there are."""
    outcomes, kind = calibration.outcomes, calibration.plan.kind
    return Tally(
        planned=calibration.plan.gates,
        done=len(outcomes),
        found=sum(_is_found(one, kind) for one in outcomes),
        verdicts=Counter(one.verdict for one in outcomes),
        unproved=sum(one.proved is not True for one in outcomes) if kind is CalibrationKind.POWER else 0,
        took_s=tuple(one.took_s for one in outcomes),
        shifts=tuple(one.shift for one in outcomes if one.shift is not None),
    )


def _is_found(outcome: GateOutcome, kind: CalibrationKind) -> bool:
    """What is broken is an alarm, and no proof that a planted shift was found; nor is one that was not there."""
    if kind is CalibrationKind.AA:
        return outcome.verdict in (Verdict.BROKEN, Verdict.REGRESSED)
    return outcome.verdict == Verdict.REGRESSED and outcome.proved is True
