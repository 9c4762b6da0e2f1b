"""Sessions that an error leaves open, in four forms, beside the two that close them."""

from __future__ import annotations

from dataclasses import replace

from harness.experiments.base import Experiment
from harness.records import Place, Side
from harness.subject import standard_subject
from scenarios.raised import SCENARIO
from targets.tutorial.registry import TUTORIAL

PAIR = "leak"
BROKEN = ("no-finally", "no-finally-tracked", "no-finally-uncollected", "returned-session")
CURED = ("get-db", "with-session")

EXPERIMENT = Experiment(
    name="leak",
    question="Does an error leak a connection where nothing closes the session, and until none is left?",
    subjects=tuple(
        replace(standard_subject(TUTORIAL[name]), place=Place(pair=PAIR, side=side, position=position))
        for position, (name, side) in enumerate(
            (*((name, Side.BROKEN) for name in BROKEN), *((name, Side.CURED) for name in CURED)), 1
        )
    ),
    scenarios=(SCENARIO,),
    control="get-db",
    quick_share=0.5,
)
