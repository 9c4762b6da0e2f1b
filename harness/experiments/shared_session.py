"""One session for all requests beside one for each, with the same transfer."""

from __future__ import annotations

from dataclasses import replace

from harness.experiments.base import Experiment
from harness.records import Place, Side
from harness.subject import standard_subject
from scenarios.bookkeepers import SCENARIO
from targets.tutorial.registry import TUTORIAL

PAIR = "session"
BROKEN = replace(
    standard_subject(TUTORIAL["shared-session"]), place=Place(pair=PAIR, side=Side.BROKEN, position=1)
)
CURED = replace(standard_subject(TUTORIAL["orm-transfer"]), place=Place(pair=PAIR, side=Side.CURED, position=2))

EXPERIMENT = Experiment(
    name="shared-session",
    question="Are answers wrong where all requests share one session?",
    subjects=(BROKEN, CURED),
    scenarios=(SCENARIO,),
    control=CURED.name,
    quick_share=0.5,
)
