"""Witnesses: what is asked before and after a trial, one a file, each chosen by what the subject can do."""

from __future__ import annotations

from harness.scene import Scene, Witness
from harness.witnesses.answers import AnswersWitness
from harness.witnesses.bank import BankWitness
from harness.witnesses.conformance import ConformanceWitness
from harness.witnesses.costs import CostsWitness
from harness.witnesses.limits import LimitsWitness
from harness.witnesses.pool import PoolWitness
from harness.witnesses.processor import ProcessorWitness
from harness.witnesses.sessions import SessionsWitness
from harness.witnesses.settings import SettingsWitness
from harness.witnesses.slow_log import SlowLogWitness
from harness.witnesses.stillness import StillnessWitness
from harness.witnesses.totals import TotalsWitness
from harness.witnesses.transactions import TransactionsWitness

__all__ = ["WITNESSES", "witnesses_of"]

WITNESSES: tuple[type[Witness], ...] = (
    TransactionsWitness,
    TotalsWitness,
    LimitsWitness,
    ConformanceWitness,
    CostsWitness,
    BankWitness,
    SettingsWitness,
    SessionsWitness,
    PoolWitness,
    AnswersWitness,
    ProcessorWitness,
    SlowLogWitness,
    StillnessWitness,
)
"""In the order of asking before the load. While it drains and after it they are asked the other way round: so no
suite counts into the money or the processor time of the load."""


def witnesses_of(scene: Scene) -> tuple[Witness, ...]:
    """Those that the subject has what they need for."""
    return tuple(kind(scene) for kind in WITNESSES if kind.is_for(scene.subject))
