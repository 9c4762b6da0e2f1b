"""The tutorial's own timeout of 30 s, in a load long enough to meet it."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.exhaustion_30s import SCENARIO
from targets.registry import TARGETS

EXPERIMENT = Experiment(
    name="exhaustion-30s",
    question="Is a request that finds no connection refused after 30 s?",
    subjects=(standard_subject(TARGETS["sync-pool"]),),
    scenarios=(SCENARIO,),
    control="sync-pool",
    repetitions=2,
    in_quick=False,
)
