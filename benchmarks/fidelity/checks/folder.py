"""A run folder grows with time, and not with the number of requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.fidelity.base import Bench, Check, Figure, Outcome
from benchmarks.fidelity.generators import open_scenario, run_load, static_server
from benchmarks.fidelity.statistics import Estimate
from harness.records import LATENCY_FILE

SLOW_PER_S = 100
FAST_PER_S = 1000


@dataclass(frozen=True, slots=True)
class Size:
    """What one trial left: bytes of the histogram log, and of all files."""

    requests: int
    log_bytes: int
    all_bytes: int

    @classmethod
    def of(cls, folder: Path, requests: int) -> Size:
        sizes = {file.name: file.stat().st_size for file in folder.iterdir() if file.is_file()}
        return cls(requests, sizes[LATENCY_FILE], sum(sizes.values()))


def judge(slow: Size, fast: Size, longer: Size) -> tuple[Figure, ...]:
    """`fast` is as long as `slow` at ten times the rate, `longer` as fast as `slow` and twice as long."""
    return (
        Figure(
            f"{LATENCY_FILE} at ten times the rate",
            Estimate.exact(fast.log_bytes / slow.log_bytes),
            "times as large",
            at_most=2.0,
            bound="less than 2",
        ),
        Figure("folder at ten times the rate", Estimate.exact(fast.all_bytes / slow.all_bytes), "times as large"),
        Figure(f"{LATENCY_FILE} in twice the time", Estimate.exact(longer.log_bytes / slow.log_bytes),
               "times as large"),
        Figure("requests at ten times the rate", Estimate.exact(fast.requests / slow.requests), "times as many"),
        Figure(f"{LATENCY_FILE} at ten times the rate", Estimate.exact(fast.log_bytes / 1024), "KiB"),
        Figure(f"bytes for each request in {LATENCY_FILE}, at ten times the rate",
               Estimate.exact(fast.log_bytes / fast.requests), "bytes"),
    )  # fmt: skip


def run(bench: Bench) -> Outcome:
    duration_s = bench.choose(15, 5)
    sizes = []
    with static_server(bench) as server:
        for rate_per_s, length_s in (
            (SLOW_PER_S, duration_s),
            (FAST_PER_S, duration_s),
            (SLOW_PER_S, 2 * duration_s),
        ):
            bench.say(f"{rate_per_s} requests/s for {length_s:g} s")
            recorded = run_load(bench, open_scenario(rate_per_s, length_s, warmup_s=0.1), server.url)
            sizes.append(Size.of(recorded.folder, recorded.count()))
    return Outcome(judge(*sizes))


CHECK = Check(
    name="run-folder",
    title="Size of a run folder",
    claim="A run folder grows with time and not with the number of requests.",
    method=(
        f"Two trials of equal length against a static server, at {SLOW_PER_S} and {FAST_PER_S} requests/s, and a "
        f"third at {SLOW_PER_S} requests/s that is twice as long: the sizes of what they wrote. A histogram of "
        "ten times as many requests has more counters that are not zero, so that its size cannot be quite the "
        "same."
    ),
    run=run,
)
