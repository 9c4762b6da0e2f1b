"""The checks, one a file, in the order in which they are run and shown."""

from benchmarks.fidelity.base import Check
from benchmarks.fidelity.checks import (
    endurance,
    fault_timing,
    folder,
    freeze,
    instrumentation,
    locustfile,
    loopback,
    pooled,
    probe,
    recording,
    report,
    round_trips,
)

CHECKS: tuple[Check, ...] = (
    loopback.CHECK,
    pooled.CHECK,
    locustfile.CHECK,
    freeze.CHECK,
    recording.CHECK,
    instrumentation.CHECK,
    probe.CHECK,
    round_trips.CHECK,
    fault_timing.CHECK,
    folder.CHECK,
    report.CHECK,
    endurance.CHECK,
)
