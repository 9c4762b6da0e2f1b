"""Compiling the report of a large run: how long, and how much memory?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.statistics import median_estimate
from benchmarks.fidelity.synthetic import Shape, write_run

AT_MOST_S = 5.0
AT_MOST_MB = 300.0
TIMEOUT_S = 120.0
FAST = Shape(trials=12, duration_s=167, rate_per_s=5_000)
LONG = Shape(trials=12, duration_s=834, rate_per_s=1_000)
QUICK = Shape(trials=12, duration_s=20, rate_per_s=5_000)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One run of `poolstorm report`: seconds from start to end of the process, and its most memory."""

    wall_s: float
    peak_mb: float


def judge(compiled: Mapping[Shape, Sequence[Compiled]]) -> tuple[Figure, ...]:
    """Both bounds for every shape."""
    figures = []
    for shape, runs in compiled.items():
        what = (
            f"{shape.requests / 1e6:.1f} million requests in {shape.trials} trials of {shape.duration_s} s "
            f"at {shape.rate_per_s:,}/s"
        )
        wall, peak = (
            median_estimate(values) for values in zip(*((r.wall_s, r.peak_mb) for r in runs), strict=True)
        )
        figures.append(Figure(f"{what}: time", wall, "s", at_most=AT_MOST_S))
        figures.append(Figure(f"{what}: most memory", peak, "MB", at_most=AT_MOST_MB))
    return tuple(figures)


def compile_report(bench: Bench, run: Path) -> Compiled:
    """`poolstorm report` in a process of its own. Raises NotMeasuredError where it fails or hangs."""
    log_path = bench.folder / "report.log"
    command = [sys.executable, "-c", "from harness.cli import main; main()", "report", str(run)]
    began_s = time.monotonic()
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    ended, status, usage = 0, 0, None
    try:
        while not ended and time.monotonic() - began_s < TIMEOUT_S:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0.005)
        wall_s = time.monotonic() - began_s
    finally:
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)  # so that nobody waits for it again
        else:
            process.kill()
            process.wait()
    if usage is None or process.returncode != 0:
        last = log_path.read_text(errors="replace").strip().splitlines()[-1:]
        raise NotMeasuredError(f"poolstorm report ended with {process.returncode}: {' '.join(last)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Compiled(wall_s, usage.ru_maxrss * unit / 1e6)


def run(bench: Bench) -> Outcome:
    shapes = (QUICK,) if bench.quick else (FAST, LONG)
    compiled = {}
    for shape in shapes:
        bench.say(f"writing a run of {shape.requests:,} requests")
        folder = write_run(bench.folder / f"run-{shape.rate_per_s}", shape, seed=bench.rng.randrange(2**31))
        compiled[shape] = [compile_report(bench, folder) for _ in range(bench.rounds(3, 1))]
        shutil.rmtree(folder)
    return Outcome(judge(compiled))


CHECK = Check(
    name="report",
    title="Compiling a large report",
    claim="Compiling a report of a run of 10 million recorded requests takes at most 5 s and 300 MB.",
    method=(
        "Run folders are written through the run format's codecs, with drawn latencies, Server-Timing's parts and "
        "every gauge; `poolstorm report` compiles them in a process of its own. As a folder grows with time and "
        f"not with requests, so does this; so ten million requests are spread in two ways: at {FAST.rate_per_s:,} "
        f"requests/s, and at {LONG.rate_per_s:,}, which has to last five times as long."
    ),
    run=run,
)
