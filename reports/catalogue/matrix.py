"""A catalogue's folder -> the matrix: each failure brought out, its broken app named, its cured one not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from harness.errors import RunDirectoryError
from harness.records import CATALOGUE_FILE, CATALOGUE_FORMAT, CatalogueRecord, Side
from reports.analyse import usable_trials
from reports.analysis.folding import Observed
from reports.catalogue.signs import brought_out
from reports.diagnosis.diagnose import diagnose
from reports.diagnosis.rules import RULES
from reports.documents import read_document
from reports.files import DamageError
from reports.read import read_run
from reports.summary import Result
from scenarios.failures import Failure, failures


class Naming(Result):
    """What was named on an app in each of its usable trials: `right` of `trials`, and the wrong names it got."""

    trials: int
    right: int
    wrong: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Every trial right, and there is one."""
        return 0 < self.trials == self.right and not self.wrong


class RowResult(Result):
    """One failure. `broken` and `cured` with the probe, the others without; None where nothing was measured, and
    `why` says why.
    """

    id: str
    title: str
    shown: bool = False
    sign: str = ""
    broken: Naming | None = None
    cured: Naming | None = None
    broken_unprobed: Naming | None = None
    cured_unprobed: Naming | None = None
    still_fails: bool = True
    why: str = ""

    @property
    def is_right(self) -> bool:
        """In both columns, with the probe."""
        return bool(self.broken and self.cured and self.broken.holds and self.cured.holds)

    @property
    def is_right_unprobed(self) -> bool:
        """Likewise without."""
        broken, cured = self.broken_unprobed, self.cured_unprobed
        return bool(broken and cured and broken.holds and cured.holds)


class CatalogueReport(Result):
    """All rows in alphabetical order."""

    catalogue_id: str
    created_at: datetime
    poolstorm_version: str
    state: str
    reason: str = ""
    repetitions: int
    rows: tuple[RowResult, ...]


def read_catalogue(folder: Path) -> CatalogueReport:
    """Judge all that was measured. Raises RunDirectoryError where the folder is none of a catalogue's."""
    try:
        record = read_document(folder / CATALOGUE_FILE, CATALOGUE_FORMAT, CatalogueRecord)
    except FileNotFoundError:
        raise RunDirectoryError(
            f"{folder} has no {CATALOGUE_FILE}; name a folder that `poolstorm catalogue` wrote"
        ) from None
    except DamageError as error:
        raise RunDirectoryError(f"{folder}: {error}; {error.mend}") from error
    known = failures()
    rows = [_row(folder, known[name]) for name in record.planned if name in known]
    rows += [RowResult(id=name, title=_title(name), why=why) for name, why in record.skipped.items()]
    return CatalogueReport(
        catalogue_id=record.catalogue_id,
        created_at=record.created_at,
        poolstorm_version=record.poolstorm_version,
        state=record.state.value,
        reason=record.reason,
        repetitions=record.repetitions,
        rows=tuple(sorted(rows, key=lambda row: row.id)),
    )


def _row(folder: Path, failure: Failure) -> RowResult:
    try:
        found = usable_trials(read_run(folder / failure.id))
    except RunDirectoryError as error:
        return RowResult(id=failure.id, title=_title(failure.id), why=str(error))
    return judged(failure, {target: trials for (_, target), trials in found.items()})


def judged(failure: Failure, trials: Mapping[str, Sequence[Observed]]) -> RowResult:
    """A row from the usable trials of both its apps, by their side."""
    broken, cured = trials.get(Side.BROKEN.value, ()), trials.get(Side.CURED.value, ())
    if not broken or not cured:
        lacking = Side.CURED.value if broken else Side.BROKEN.value
        return RowResult(id=failure.id, title=_title(failure.id), why=f"no usable trial of the {lacking} app")
    shown, sign = brought_out(failure.sign, broken, cured)
    right = frozenset({failure.id}) if failure.still_fails else frozenset()
    return RowResult(
        id=failure.id,
        title=_title(failure.id),
        shown=shown,
        sign=sign,
        still_fails=failure.still_fails,
        broken=_naming(broken, right, failure.also, probed=True),
        cured=_naming(cured, frozenset(), failure.remains, probed=True),
        broken_unprobed=_naming(broken, right, failure.also, probed=False),
        cured_unprobed=_naming(cured, frozenset(), failure.remains, probed=False),
    )


def _naming(
    trials: Sequence[Observed], needed: frozenset[str], allowed: frozenset[str], *, probed: bool
) -> Naming:
    right, wrong = 0, set[str]()
    for one in trials:
        named = {finding.id for finding in diagnose([one], probed=probed).findings}
        wrong |= named - needed - allowed
        right += needed <= named and not named - needed - allowed
    return Naming(trials=len(trials), right=right, wrong=tuple(sorted(wrong)))


def _title(name: str) -> str:
    return next((rule.title for rule in RULES if rule.id == name), name)
