"""Money where tellers meet and where connections are cut: the tutorial's transfer, and one that locks its rows."""

from __future__ import annotations

from dataclasses import replace

from harness.experiments.base import Experiment
from harness.records import Place, Side
from harness.subject import standard_subject
from scenarios import cut_transfers, tellers
from targets.registry import TARGETS
from targets.tutorial.registry import TUTORIAL

PAIR = "transfer"
BROKEN = replace(standard_subject(TUTORIAL["orm-transfer"]), place=Place(pair=PAIR, side=Side.BROKEN, position=1))
CURED = replace(standard_subject(TARGETS["sync-pool"]), place=Place(pair=PAIR, side=Side.CURED, position=2))

EXPERIMENT = Experiment(
    name="transfers",
    question="Does the tutorial's transfer keep the sum of the money where transfers meet?",
    subjects=(BROKEN, CURED),
    scenarios=(tellers.SCENARIO, cut_transfers.SCENARIO),
    control=CURED.name,
)
