"""The life of a request, with a pool and without, over a ladder of latencies and with each way to log in."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.records import Login
from harness.subject import login_ladder
from scenarios.request_life import SCENARIO

LADDER = login_ladder()

EXPERIMENT = Experiment(
    name="request-life",
    question="What do taking, using and returning a connection cost, and opening one, by distance and login?",
    subjects=LADDER,
    scenarios=(SCENARIO,),
    control="sync-pool-scram",
    quick_share=0.5,
    quick_subjects=tuple(subject.name for subject in LADDER if subject.login is Login.SCRAM),
)
