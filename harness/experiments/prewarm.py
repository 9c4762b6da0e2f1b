"""The first requests to a pool that is cold, warmed by one statement, and warmed to its size."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.first_requests import SCENARIO
from targets.tutorial.registry import TUTORIAL

EXPERIMENT = Experiment(
    name="prewarm",
    question="Which connects does opening connections at the start spare the first requests?",
    subjects=tuple(standard_subject(TUTORIAL[name]) for name in ("cold-start", "single-select", "prewarmed")),
    scenarios=(SCENARIO,),
    control="cold-start",
)
