"""When a Session takes its connection, and whether closing it in a finally block gives that back."""

from __future__ import annotations

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios import idle_sessions, troubled
from targets.tutorial.registry import TUTORIAL

SUBJECT = standard_subject(TUTORIAL["get-db"])

EXPERIMENT = Experiment(
    name="sessions",
    question="When does a session take a connection, and does it always come back?",
    subjects=(SUBJECT,),
    scenarios=(idle_sessions.SCENARIO, troubled.SCENARIO),
    control=SUBJECT.name,
    quick_share=0.5,
)
