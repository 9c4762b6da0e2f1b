"""What earlier gates of the same head said: a further try of CI's is no new draw, and undoes no verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from harness.errors import RunDirectoryError
from harness.records import EarlierGate, GateRecord
from reports.files import DamageError, content, reason_of
from reports.gate.report import GateReport
from reports.gate.result import GATE_VERSION
from reports.gate.sides import side_text
from reports.gate.verdicts import Verdict, rank

GATE_JSON = "gate.json"
MOST_BYTES = 16_000_000
MOST_BESIDE = 200


def earlier_gates(
    gate: GateRecord | GateReport, folder: Path, given: Path | None = None
) -> tuple[EarlierGate, ...]:
    """Of the gate whose `folder` this is: as the file `given` has it, which may be a folder with one; else, where
    this is a further attempt of CI's, as it lies beside the folder.

    Raises RunDirectoryError for a file that is given and cannot be read, or is of another head.
    """
    if given is not None:
        report = read_gate(given / GATE_JSON if given.is_dir() else given)
        if report.head != gate.head:
            raise RunDirectoryError(
                f"--earlier {given} judged another head, {side_text(report.head)}; name one of this head, or "
                "leave it out"
            )
        return _known((report,), gate)
    if not gate.attempt or gate.attempt < 2:
        return gate.earlier
    found = [
        report
        for report in _beside(folder)
        if report.head == gate.head and report.attempt is not None and report.attempt < gate.attempt
    ]
    return _known(found, gate) or gate.earlier


def read_gate(path: Path) -> GateReport:
    """A gate.json. Raises RunDirectoryError, one line, where it is missing, damaged, foreign or newer."""
    mend = "name a gate.json that `poolstorm gate` wrote"
    try:
        document = json.loads(content(path, MOST_BYTES))
        result = document.get("result") if isinstance(document, dict) else None
        if not isinstance(result, dict) or result.get("format") != "poolstorm-gate":
            raise RunDirectoryError(f"{path} is no gate's; {mend}")
        version = result.get("version")
        if isinstance(version, int) and version > GATE_VERSION:
            raise RunDirectoryError(f"{path} was written by a newer poolstorm (gate {version}); upgrade poolstorm")
        return GateReport.model_validate(document, extra="ignore")
    except DamageError as error:
        raise RunDirectoryError(f"{path.parent}/{error}; {mend}") from error
    except (ValidationError, ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path} is damaged ({reason_of(error)}); {mend}") from error


def _beside(folder: Path) -> Iterator[GateReport]:
    """Those in the folder's parent and in its neighbours, which may hold anything."""
    parent = folder.resolve().parent
    try:
        neighbours = sorted(islice(parent.iterdir(), MOST_BESIDE))
    except OSError:
        return
    for place in (parent, *neighbours):
        if place == folder.resolve() or not (place / GATE_JSON).is_file():
            continue
        try:
            yield read_gate(place / GATE_JSON)
        except RunDirectoryError:
            continue


def _known(reports: Sequence[GateReport], gate: GateRecord | GateReport) -> tuple[EarlierGate, ...]:
    """All that they tell, of themselves and of those before them, each once and in their order."""
    found: dict[str, EarlierGate] = {}
    for report in reports:
        own = EarlierGate(
            run_id=report.run_id,
            verdict=report.result.verdict,
            attempt=report.attempt,
            same_base=report.base == gate.base,
        )
        found |= {one.run_id: one for one in (*report.earlier, own)}
    return tuple(sorted(found.values(), key=lambda one: one.attempt or 0))


def attempt_lines(attempt: int | None, earlier: Sequence[EarlierGate], verdict: Verdict) -> Iterator[str]:
    """Such as `attempt 2; attempt 1 said REGRESSED`; nothing of a first attempt."""
    own = f"attempt {attempt}" if attempt else "this gate"
    if earlier:
        said = ", ".join(map(_said, earlier))
        stands = "; another try does not undo that" if any(is_worse(one, verdict) for one in earlier) else ""
        yield f"{own}; {said}{stands}"
    elif attempt and attempt > 1:
        yield f"{own} of this job; what the one before said is not at hand (--earlier FILE)"


def is_worse(one: EarlierGate, verdict: Verdict) -> bool:
    """Whether an earlier verdict ranks before this one; a word that is not known does."""
    return one.verdict not in set(Verdict) or rank(Verdict(one.verdict)) < rank(verdict)


def _said(one: EarlierGate) -> str:
    which = f"attempt {one.attempt}" if one.attempt else f"the earlier gate {one.run_id}"
    return f"{which} said {one.verdict.upper()}{'' if one.same_base else ' against another base'}"
