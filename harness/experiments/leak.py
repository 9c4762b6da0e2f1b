"""Sessions that an error leaves open, in four forms, beside the two that close them."""

from __future__ import annotations

from harness.experiments.base import Experiment, sides
from scenarios.raised import SCENARIO
from targets.tutorial.registry import TUTORIAL

BROKEN = ("no-finally", "no-finally-tracked", "no-finally-uncollected", "returned-session")
CURED = ("get-db", "with-session")

EXPERIMENT = Experiment(
    name="leak",
    question="Does an error leak a connection where nothing closes the session, and until none is left?",
    subjects=sides("leak", [TUTORIAL[name] for name in BROKEN], [TUTORIAL[name] for name in CURED]),
    scenarios=(SCENARIO,),
    control="get-db",
    quick_share=0.5,
)
