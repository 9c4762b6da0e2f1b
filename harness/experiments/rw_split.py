"""What a replica relieves the primary of, and who is still answered when one of the two is gone."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.rw_split import SCENARIO
from targets.known import KNOWN_TARGETS

EXPERIMENT = Experiment(
    name="rw-split",
    question="How much does a replica relieve the primary, and what do clients see when one is gone?",
    subjects=tuple(standard_subject(KNOWN_TARGETS[name]) for name in ("sync-pool", "rw-split")),
    scenarios=(SCENARIO,),
    control="sync-pool",
    in_quick=False,
)
