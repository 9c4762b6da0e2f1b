"""A rising ladder of users who each hold a connection of 10+20, in threads and in coroutines."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.exhaustion import SCENARIO
from targets.registry import TARGETS

EXPERIMENT = Experiment(
    name="exhaustion",
    question="What does a request get that finds all connections in use, and when?",
    subjects=tuple(standard_subject(TARGETS[name]) for name in ("sync-pool", "async-pool")),
    scenarios=(SCENARIO,),
    control="sync-pool",
    quick_subjects=("sync-pool",),
)
