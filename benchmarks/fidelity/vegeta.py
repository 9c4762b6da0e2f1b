"""The independent generator: vegeta, an open-loop one, built once from its pinned Go module and kept."""

from __future__ import annotations

import csv
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fidelity.base import Bench, NotMeasuredError
from harness.cached import cache_folder
from harness.environment.children import child_environment
from harness.environment.toxiproxy_binary import Go, find_go, go_environment

VERSION = "12.13.0"
MODULE = f"github.com/tsenart/vegeta/v12@v{VERSION}"
BUILD_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Hit:
    """One request as vegeta logged it: when it was sent (wall clock), and what it took until the body was read."""

    sequence: int
    sent_ns: int
    latency_ns: int
    status: int


def find_or_build(bench: Bench) -> Path:
    """The program, from the cache beside Toxiproxy's or built. Raises NotMeasuredError where it cannot be had."""
    folder = cache_folder() / f"vegeta-{VERSION}"
    program = folder / "vegeta"
    if os.access(program, os.X_OK):
        return program
    go = find_go()
    if go is None:
        raise NotMeasuredError("there is no vegeta and no Go to build it with; install Go")
    bench.say(f"building vegeta {VERSION} (once, about 20 s)")
    folder.mkdir(parents=True, exist_ok=True)
    scratch = bench.leash.temporary_folder(folder)
    _build(bench, go, scratch)
    (scratch / "vegeta").replace(program)
    return program


def _build(bench: Bench, go: Go, scratch: Path) -> None:
    own = {
        "GOBIN": str(scratch),
        "GOTMPDIR": str(scratch),
        "GOFLAGS": "-mod=mod",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    child = bench.leash.start(
        [go.program, "install", MODULE],
        env=go_environment(go, own),
        log_path=scratch / "build.log",
        name="the build of vegeta",
        cwd=scratch,
    )
    try:
        child.popen.wait(BUILD_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise NotMeasuredError(f"building vegeta took over {BUILD_TIMEOUT_S:g} s") from None
    finally:
        child.stop()
    if child.popen.returncode != 0:
        raise NotMeasuredError(f"vegeta cannot be built: {child.end_description()}")


def attack(
    bench: Bench, program: Path, *, host: str, paths: Sequence[str], rate_per_s: int, duration_s: float
) -> list[Hit]:
    """Requests at a constant rate, going round the list of paths. Raises NotMeasuredError where vegeta fails."""
    targets, results = bench.folder / "targets.txt", bench.folder / "hits.bin"
    targets.write_text("".join(f"GET {host}{path}\n" for path in paths), encoding="ascii")
    child = bench.leash.start(
        [
            *(str(program), "attack", f"-rate={rate_per_s}/1s", f"-duration={duration_s:g}s"),
            *(f"-targets={targets}", f"-output={results}", "-timeout=10s"),
        ],
        env=child_environment(),
        log_path=bench.folder / "vegeta.log",
        name="vegeta",
    )
    try:
        child.popen.wait(duration_s + 30)
    except subprocess.TimeoutExpired:
        raise NotMeasuredError("vegeta did not come to its end") from None
    finally:
        child.stop()
    if child.popen.returncode != 0:
        raise NotMeasuredError(child.end_description())
    log = subprocess.run(
        [program, "encode", "-to=csv", str(results)],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return parse_hits(log.stdout)


def parse_hits(log: str) -> list[Hit]:
    """vegeta's CSV (time, status, latency, bytes out, bytes in, error, body, name, sequence, ...) by sequence."""
    hits = [
        Hit(sequence=int(row[8]), sent_ns=int(row[0]), latency_ns=int(row[2]), status=int(row[1]))
        for row in csv.reader(log.splitlines())
    ]
    return sorted(hits, key=lambda hit: hit.sequence)


def response_times_ns(hits: Sequence[Hit], rate_per_s: float) -> list[int]:
    """From the moment at which each request was due, taking the hit least late for the one that was on time.

    vegeta's own latency begins with the actual send.
    """
    if not hits:
        return []
    gap_ns = 1e9 / rate_per_s
    lateness = [hit.sent_ns - round(hit.sequence * gap_ns) for hit in hits]
    origin_ns = min(lateness)
    return [hit.latency_ns + late - origin_ns for hit, late in zip(hits, lateness, strict=True)]


def settle() -> None:
    """A breath between rounds, so that one's closing connections do not disturb the next."""
    time.sleep(0.3)
