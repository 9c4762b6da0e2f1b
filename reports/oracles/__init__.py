"""Oracles: what must hold whatever was offered and whatever was broken, one a file; a file is found by itself.

Pure: recorded histories and readings in, judgements out. Where there is too little to go by, or what there is
contradicts itself, the verdict is unknown and never passed.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence

from reports.files import reason_of
from reports.oracles.cases import BROKEN, ORACLES, PASSED, UNKNOWN, Case, Judgement
from reports.summary import OracleResult

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")

__all__ = ["Case", "Judgement", "judge", "judge_all"]

_WORST_FIRST = (BROKEN, UNKNOWN, PASSED)


def judge(case: Case) -> Mapping[str, Judgement]:
    """What each oracle says of one trial. One that fails says unknown, and takes no other down."""
    said = {}
    for name, oracle in ORACLES.items():
        try:
            said[name] = oracle(case)
        except Exception as error:
            reason = f"the oracle could not be asked ({type(error).__name__}: {reason_of(error)})"
            said[name] = Judgement(UNKNOWN, reason)
    return said


def judge_all(cases: Sequence[Case]) -> tuple[OracleResult, ...]:
    """What each says of several trials of one target under one scenario: the first of the worst speaks."""
    if not cases:
        return ()
    judged = [(case.trial.record.spec.id, judge(case)) for case in cases]
    results = []
    for name in ORACLES:
        told = [(trial_id, said[name]) for trial_id, said in judged]
        trial_id, worst = min(told, key=lambda one: _WORST_FIRST.index(one[1].verdict))
        where = "" if len(cases) == 1 or worst.verdict is PASSED else f"{trial_id}: "
        results.append(
            OracleResult(
                oracle=name,
                verdict=worst.verdict,
                said=f"{where}{worst.said}",
                evidence=sum(one.evidence for _, one in told),
                figures=worst.figures,
            )
        )
    return tuple(results)
