"""Threads, more threads, coroutines, and coroutines that execute synchronously, on a pool wide enough for all."""

from __future__ import annotations

from dataclasses import replace

from harness.experiments.base import Experiment
from harness.subject import standard_subject
from scenarios.concurrency import MANY, SCENARIO
from targets.registry import TARGETS
from targets.tutorial.registry import TUTORIAL

THREADS = standard_subject(TARGETS["sync-pool"])
MORE_THREADS = replace(
    THREADS, name="sync-pool-threads", settings=THREADS.settings.model_copy(update={"threadpool_tokens": MANY})
)

EXPERIMENT = Experiment(
    name="concurrency",
    question="How many requests are served at once, and for how many threads?",
    subjects=(
        THREADS,
        MORE_THREADS,
        standard_subject(TARGETS["async-pool"]),
        standard_subject(TUTORIAL["async-def-sync"]),
    ),
    scenarios=(SCENARIO,),
    control=THREADS.name,
)
