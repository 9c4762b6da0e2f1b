"""A log of slow statements by listeners around cursor execution, and one that hears of errors as well."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.slow_statements import SCENARIO
from targets.tutorial.registry import TUTORIAL

EXPERIMENT = Experiment(
    name="slow-queries",
    question="Which statements of more than 100 ms does a listener report, and which others?",
    subjects=tuple(standard_subject(TUTORIAL[name]) for name in ("slow-query-log", "slow-query-log-errors")),
    scenarios=(SCENARIO,),
    control="slow-query-log-errors",
)
