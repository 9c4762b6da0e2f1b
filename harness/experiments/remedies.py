"""The remedies for an exhausted pool, side by side, under each reason for which it is exhausted."""

from __future__ import annotations

from dataclasses import replace

from harness.experiments.base import Experiment
from harness.subject import Subject, standard_subject
from scenarios.remedies import MORE_THREADS, SCENARIO
from targets.registry import TWENTY_PLUS_THIRTY
from targets.tutorial.registry import TUTORIAL

CONTROL = standard_subject(TUTORIAL["ten-plus-twenty"])
WITH_THREADS = "twenty-plus-forty-threads"


def _sized(name: str, title: str, **settings: int) -> Subject:
    """The control with another size."""
    changed = TWENTY_PLUS_THIRTY.model_copy(update=settings)
    return replace(CONTROL, name=name, title=title, settings=changed)


SUBJECTS = (
    CONTROL,
    _sized("twenty-plus-forty", "20+40", max_overflow=40),
    _sized(WITH_THREADS, f"20+40 with {MORE_THREADS} threads", max_overflow=40, threadpool_tokens=MORE_THREADS),
    _sized("twenty-plus-thirty", "20+30, as recommended"),
    standard_subject(TUTORIAL["fewer-columns"]),
    standard_subject(TUTORIAL["cached-reads"]),
)

EXPERIMENT = Experiment(
    name="remedies",
    question="Which remedy cures which reason for exhaustion, and is the recommended pool the best?",
    subjects=SUBJECTS,
    scenarios=(SCENARIO,),
    control=CONTROL.name,
    quick_share=0.75,
    quick_subjects=tuple(subject.name for subject in SUBJECTS if subject.name != WITH_THREADS),
)
