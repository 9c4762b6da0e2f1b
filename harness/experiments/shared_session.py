"""One session for all requests beside one for each, with the same transfer."""

from __future__ import annotations

from harness.experiments.base import Experiment, sides
from scenarios.bookkeepers import SCENARIO
from targets.tutorial.registry import TUTORIAL

EXPERIMENT = Experiment(
    name="shared-session",
    question="Are answers wrong where all requests share one session?",
    subjects=sides("session", [TUTORIAL["shared-session"]], [TUTORIAL["orm-transfer"]]),
    scenarios=(SCENARIO,),
    control="orm-transfer",
    quick_share=0.5,
)
