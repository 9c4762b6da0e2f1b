"""What an app answers before the load and after it, on the paths that are read: is it still the same?"""

from __future__ import annotations

import hashlib

from harness.http_reader import Answer, HttpReader
from harness.load.messages import LoadAccount
from harness.records import PathAnswer, TrialRecord
from harness.scene import Witness
from harness.subject import Subject

PATIENCE_S = 5.0
OVERALL_S = 20.0


class AnswersWitness(Witness):
    """Asks twice before the load, so that what changes by itself, as a time does, is held against nobody."""

    _before: dict[str, tuple[Answer, Answer]]
    _found: tuple[PathAnswer, ...] = ()

    @classmethod
    def is_for(cls, subject: Subject) -> bool:
        """Ours are asked for what their contract promises."""
        return not subject.launch.is_ours

    def before(self) -> None:
        first, again = self._ask(), self._ask()
        self._before = {path: (first[path], again[path]) for path in self.scene.paths}

    def after(self, account: LoadAccount) -> None:  # noqa: ARG002
        now = self._ask()
        self._found = tuple(
            path_answer(path, *self._before[path], now[path]) for path in self.scene.paths if path in now
        )

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"answers": self._found})

    def _ask(self) -> dict[str, Answer]:
        with HttpReader(self.scene.url, PATIENCE_S, OVERALL_S) as reader:
            return {path: reader.ask("GET", path) for path in self.scene.paths}


def path_answer(path: str, first: Answer, again: Answer, after: Answer) -> PathAnswer:
    """How the answers of a path compare; nothing of their content is kept."""
    steady = not first.error and (first.status, _digest(first)) == (again.status, _digest(again))
    same = _digest(first) == _digest(after) if steady and not after.error else None
    return PathAnswer(
        path=path, status_before=first.status, status_after=after.status, same_body=same, error=after.error
    )


def _digest(answer: Answer) -> bytes:
    return hashlib.sha256(answer.content).digest()
