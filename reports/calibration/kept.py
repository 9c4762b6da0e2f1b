"""A gate that was judged, as a calibration keeps it: what its test was given, and what it said. Some kB."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from harness.errors import RunDirectoryError
from harness.records import FORMAT_VERSION, GATES_DIR, Record
from harness.records.base import Count, Whole
from reports.files import DamageError, content, reason_of
from reports.gate import model
from reports.gate.model import Breach, Limited, Measured, Pair, Phase, Stretch
from reports.gate.report import GateReport

GATE_FORMAT = "poolstorm-calibration-gate"
MOST_BYTES = 4_000_000
MOST_UNPACKED = 64_000_000


class KeptPhase(Record):
    """One phase on one side."""

    scenario: str
    phase: str
    seen: Phase


class KeptSlot(Record):
    """One side of a pair."""

    configuration: str
    position: Count = 0
    steal_share: float | None = None
    phases: tuple[KeptPhase, ...] = ()
    breaches: tuple[Breach, ...] = ()
    crashed: bool = False
    lost: str = ""


class KeptPair(Record):
    """Both sides."""

    number: Count
    target: str
    base: KeptSlot
    head: KeptSlot


class KeptGate(Record):
    """All that a later version needs to judge the gate anew, and how it was judged."""

    format: Literal["poolstorm-calibration-gate"] = "poolstorm-calibration-gate"
    version: Whole = FORMAT_VERSION
    number: Count
    look: str  # `reports.gate.looks.Look`, as the report has it
    pairs_planned: Count
    seed: Count
    fidelity_ms: float
    poolstorm_revision: str | None = None
    postgres: str = ""
    took_s: float | None = None  # all of it, from building its sides; None where it went on after it was killed
    pairs: tuple[KeptPair, ...]
    broken_before: str = ""  # why there are none: what was wrong with the head
    head: str = ""
    limits: tuple[Limited, ...] = ()
    report: GateReport

    def measured(self) -> Measured:
        """What the test was given."""
        return Measured(
            pairs_planned=self.pairs_planned,
            pairs=tuple(Pair(pair.number, pair.target, _slot(pair.base), _slot(pair.head)) for pair in self.pairs),
            seed=self.seed,
            fidelity_ms=self.fidelity_ms,
            broken_before=self.broken_before,
            head=self.head,
            limits=self.limits,
        )


def kept_gate(number: int, seen: Measured, report: GateReport, revision: str | None, postgres: str) -> KeptGate:
    """A gate to be kept."""
    return KeptGate(
        number=number,
        look=report.result.look,
        pairs_planned=seen.pairs_planned,
        seed=seen.seed,
        fidelity_ms=seen.fidelity_ms,
        poolstorm_revision=revision,
        postgres=postgres,
        pairs=tuple(
            KeptPair(number=pair.number, target=pair.target, base=_kept(pair.base), head=_kept(pair.head))
            for pair in seen.pairs
        ),
        broken_before=seen.broken_before,
        head=seen.head,
        limits=seen.limits,
        report=report,
    )


def gate_path(folder: Path, number: int) -> Path:
    """Where a calibration's folder keeps a gate."""
    return folder / GATES_DIR / f"{number:04d}.json.gz"


def packed(kept: KeptGate) -> bytes:
    """As a file; equal gates make equal files."""
    return gzip.compress(kept.model_dump_json().encode(), mtime=0)


def read_gate(path: Path) -> KeptGate:
    """Raises RunDirectoryError, with what to do, where it is damaged, foreign or of a newer version."""
    mend = "restore it, or remove it to have that gate run again"
    try:
        text = _unpacked(content(path, MOST_BYTES))
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("format") != GATE_FORMAT:
            raise RunDirectoryError(f"{path} is no gate of a calibration; {mend}")
        version = document.get("version")
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise RunDirectoryError(
                f"{path} was written by a newer poolstorm (format {version}); upgrade poolstorm"
            )
        return KeptGate.model_validate_json(text, extra="ignore")
    except (DamageError, ValidationError, ValueError, EOFError, OSError, zlib.error, RecursionError) as error:
        raise RunDirectoryError(f"{path} is damaged ({reason_of(error)}); {mend}") from error


def _unpacked(data: bytes) -> bytes:
    """Of a bounded size, whatever it says itself."""
    unpacking = zlib.decompressobj(wbits=31)
    text = unpacking.decompress(data, MOST_UNPACKED)
    if not unpacking.eof:
        raise ValueError("cut off, or too large")
    return text


def _kept(slot: model.Slot) -> KeptSlot:
    return KeptSlot(
        configuration=slot.configuration,
        position=slot.position,
        steal_share=slot.steal_share,
        phases=tuple(
            KeptPhase(scenario=stretch.scenario, phase=stretch.phase, seen=phase)
            for stretch, phase in slot.phases.items()
        ),
        breaches=slot.breaches,
        crashed=slot.crashed,
        lost=slot.lost,
    )


def _slot(kept: KeptSlot) -> model.Slot:
    return model.Slot(
        configuration=kept.configuration,
        position=kept.position,
        steal_share=kept.steal_share,
        phases={Stretch(one.scenario, one.phase): one.seen for one in kept.phases},
        breaches=kept.breaches,
        crashed=kept.crashed,
        lost=kept.lost,
    )
