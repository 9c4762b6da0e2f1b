"""Ten minutes of load: does the generator's memory stay where it is?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.generators import Running, open_scenario, run_load, static_server
from benchmarks.fidelity.statistics import Estimate, median

RATE_PER_S = 1000
FLAT_PERCENT = 10.0
PROCESSES = ("generator", "recorder")


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory of one process, so many seconds after the origin."""

    t_s: float
    rss_mib: float


def growth_percent(samples: Sequence[Sample], settled_s: float) -> float:
    """How far the highest memory after `settled_s` lies above that at `settled_s` (the median of three samples).

    Raises NotMeasuredError where too little was sampled to tell.
    """
    later = [sample.rss_mib for sample in samples if sample.t_s >= settled_s]
    if len(later) < 6:
        raise NotMeasuredError(f"only {len(later)} samples of memory")
    return 100 * (max(later) / median(later[:3]) - 1)


def judge(samples: dict[str, Sequence[Sample]], settled_s: float) -> tuple[Figure, ...]:
    """Growth of each process; and where it stood at the end."""
    growth = tuple(
        Figure(
            f"{name}: most memory, above that after {settled_s:g} s",
            Estimate.exact(growth_percent(samples[name], settled_s)),
            "%",
            at_most=FLAT_PERCENT,
        )
        for name in PROCESSES
    )
    ends = tuple(
        Figure(f"{name}: memory at the end", Estimate.exact(samples[name][-1].rss_mib), "MiB")
        for name in PROCESSES
    )
    return growth + ends


def run(bench: Bench) -> Outcome:
    duration_s = bench.choose(600, 60)
    settled_s = bench.choose(60, 10)
    samples: dict[str, list[Sample]] = {name: [] for name in PROCESSES}

    def watch(running: Running) -> None:
        processes = {"generator": running.generator, "recorder": running.recorder}
        told_s = -60.0
        while (t_s := (time.monotonic_ns() - running.origin_ns) / 1e9) < duration_s:
            for name, process in processes.items():
                samples[name].append(Sample(t_s, process.memory_info().rss / 2**20))
            if t_s - told_s >= 60:
                told_s = t_s
                bench.say(f"{t_s:.0f} s of {duration_s:g} s")
            time.sleep(bench.choose(5, 1))

    with static_server(bench) as server:
        recorded = run_load(bench, open_scenario(RATE_PER_S, duration_s), server.url, watch)
    requests = Figure("requests", Estimate.exact(float(recorded.count())), "")
    return Outcome((*judge(dict(samples), settled_s), requests))


CHECK = Check(
    name="endurance",
    title="Memory over ten minutes",
    claim="Generator memory stays flat (within 10 %) over ten minutes at 1,000 requests/s.",
    method=(
        "Resident memory of the load process and of the recorder, every five seconds, while open arrivals meet a "
        "static server; the first minute, in which buffers find their size, is left out."
    ),
    run=run,
)
