"""The pool's gauges at health routes of each kind, while the load rises beyond the pool, and in a burst."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.monitoring import SCENARIO
from targets.known import KNOWN_TARGETS

EXPERIMENT = Experiment(
    name="monitoring",
    question="Which health route shows exhaustion before a request is refused or overdue?",
    subjects=tuple(
        standard_subject(KNOWN_TARGETS[name])
        for name in ("sync-pool", "async-pool", "health-in-thread", "health-with-session", "async-def-sync")
    ),
    scenarios=(SCENARIO,),
    control="sync-pool",
    quick_subjects=("sync-pool", "async-def-sync"),
    in_quick=False,  # a service that stands still takes half a minute to be asked for what it will not tell
)
