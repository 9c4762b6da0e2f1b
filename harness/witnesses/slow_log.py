"""A target's own log of slow statements, read once the target has ended: what it has of each operation."""

from __future__ import annotations

from collections import Counter

from harness.errors import TrialFailedError
from harness.records import SlowLogged, TrialRecord
from harness.scene import Witness
from harness.subject import Capability
from targets.tutorial.slow_statements import REPORT

LONGEST_LINE = 10_000
MOST_MARKS = 100_000
"""Marked lines; a log of more is not a trial's."""


class SlowLogWitness(Witness):
    """Counts the marked lines, and the marks among them."""

    needs = Capability.SLOW_LOG
    _found: tuple[SlowLogged, ...] = ()

    def ended(self) -> None:
        lines: Counter[str] = Counter()
        tokens: dict[str, set[str]] = {}
        try:
            with self.scene.log_path.open(encoding="utf-8", errors="replace") as log:
                while line := log.readline(LONGEST_LINE):
                    if mark := REPORT.match(line):
                        operation, token = mark.groups()
                        lines[operation] += 1
                        tokens.setdefault(operation, set()).add(token)
                        if lines.total() > MOST_MARKS:
                            raise TrialFailedError(f"the slow-query log has more than {MOST_MARKS:,} lines")
        except OSError as error:
            raise TrialFailedError(f"the target's log cannot be read: {error.strerror}") from error
        self._found = tuple(
            SlowLogged(operation=name, lines=count, statements=len(tokens[name]))
            for name, count in sorted(lines.items())
        )

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"slow_log": self._found})
