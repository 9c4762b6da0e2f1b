"""Money where tellers meet and where connections are cut: the tutorial's transfer, and one that locks its rows."""

from __future__ import annotations

from harness.experiments.base import Experiment, sides
from scenarios import cut_transfers, tellers
from targets.registry import TARGETS
from targets.tutorial.registry import TUTORIAL

EXPERIMENT = Experiment(
    name="transfers",
    question="Does the tutorial's transfer keep the sum of the money where transfers meet?",
    subjects=sides("transfer", [TUTORIAL["orm-transfer"]], [TARGETS["sync-pool"]]),
    scenarios=(tellers.SCENARIO, cut_transfers.SCENARIO),
    control="sync-pool",
)
