"""What the probe costs an app: the same app with it on its path, and without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.checks.instrumentation import PAIRS, PAUSE_S, PLAIN_APP, TARGET, cost, medians_in_turn
from benchmarks.fidelity.target import serving
from harness.environment.stack import StackOptions, running_stack
from harness.inside.channel import Channel


def judge(probed_ms: Sequence[float], plain_ms: Sequence[float]) -> tuple[Figure, ...]:
    """How much longer the median request takes; one median a round of each."""
    return cost("with the probe", probed_ms, "without", plain_ms)


def run(bench: Bench) -> Outcome:
    folder = Path(bench.folder) / "probe"
    folder.mkdir()
    with (
        running_stack(StackOptions(), bench.say) as stack,
        serving(bench, stack, TARGET, app=PLAIN_APP, probed_in=folder) as probed,
        serving(bench, stack, TARGET, app=PLAIN_APP) as plain,
    ):
        found = medians_in_turn(bench, {"probed": probed.url, "plain": plain.url})
        if not Channel(folder).read()["STATEMENTS"]:
            raise NotMeasuredError("the probe counted no statement")
    return Outcome(judge(found["probed"], found["plain"]))


CHECK = Check(
    name="probe",
    title="What the probe costs an app",
    claim="An app's p50 with the probe on its path is within 5 % of its p50 without.",
    method=(
        f"{TARGET}'s routes and pool without any instrumentation of their own, twice, once with the probe, both "
        "running behind Toxiproxy throughout. A client reads one user from each in every pair of requests, in "
        f"random order, {PAUSE_S * 1e3:g} ms after the answer before. The figure is the median over rounds of "
        f"{PAIRS} pairs of the ratio of the medians within a round."
    ),
    run=run,
)
