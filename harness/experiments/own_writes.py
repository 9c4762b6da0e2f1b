"""Reads of own writes on a replica, on the primary alone, and on both."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.own_writes import SCENARIO
from targets.known import KNOWN_TARGETS

EXPERIMENT = Experiment(
    name="own-writes",
    question="Does a client that reads from a replica find what it has just written?",
    subjects=tuple(standard_subject(KNOWN_TARGETS[name]) for name in ("sync-pool", "rw-split", "rw-split-sticky")),
    scenarios=(SCENARIO,),
    control="sync-pool",
    in_quick=False,  # a replica takes a while to make, and this is half of what its statement is about
)
