"""`python -m benchmarks.gate.regressions [NAME ...]`: gate each, and write down which were caught.

What was gated already is left as it came, so a run may be broken off and taken up again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gate.regressions.document import document
from benchmarks.gate.regressions.gates import Outcome, gated
from benchmarks.gate.regressions.model import EditError
from benchmarks.gate.regressions.registry import REGRESSIONS
from benchmarks.gate.regressions.trees import ROOT
from harness.errors import PoolstormError
from harness.interrupts import heed_interrupts

OUTCOMES = Path(__file__).with_name("outcomes")
PAGE = ROOT / "docs/gating-regressions.md"


def main(words: Sequence[str]) -> int:
    """Exit code 1 where a gate could not be carried out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate.regressions", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="those to gate; default: all")
    parser.add_argument("--output", type=Path, default=Path("runs/regressions"), help="folder for the gates' own")
    parser.add_argument("--again", action="store_true", help="those too that were gated already")
    parser.add_argument("--only", choices=("counts", "invariants", "clocks"), help="what is read from these")
    parser.add_argument("--list", action="store_true", help="list them and stop")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.names if name not in REGRESSIONS]:
        parser.error(f"{', '.join(unknown)}: there is no such regression; --list names them")
    chosen = [
        one
        for name, one in REGRESSIONS.items()
        if (not asked.names or name in asked.names) and asked.only in (None, one.rests_on)
    ]
    if asked.list:
        print(*(f"{one.name:26} {one.rests_on:11} {one.kind}" for one in chosen), sep="\n")  # noqa: T201
        return 0
    heed_interrupts()
    failures = 0
    for one in chosen:
        if not asked.again and (OUTCOMES / f"{one.name}.json").exists():
            continue
        folder = asked.output / one.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            found = gated(one, folder)
        except (PoolstormError, EditError, OSError) as error:
            print(f"{one.name}: {error}", file=sys.stderr)  # noqa: T201
            failures += 1
            continue
        keep(found)
        told = ", ".join(found.told_by) or found.said
        print(f"{one.name}: {found.verdict} in {found.minutes:g} min, by {told}", flush=True)  # noqa: T201
    return 1 if failures else 0


def kept() -> dict[str, Outcome]:
    """What came of each so far."""
    found = (Outcome.model_validate_json(path.read_text()) for path in sorted(OUTCOMES.glob("*.json")))
    return {one.name: one for one in found}


def keep(found: Outcome) -> None:
    """Write it down, and the page anew."""
    OUTCOMES.mkdir(exist_ok=True)
    whole = found.after(kept().get(found.name))
    (OUTCOMES / f"{found.name}.json").write_text(whole.model_dump_json(indent=2) + "\n")
    PAGE.write_text(document(REGRESSIONS, kept()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
