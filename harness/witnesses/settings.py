"""The pool's settings as the target itself reports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.errors import TrialFailedError
from harness.http_reader import HttpReader, UnusableAnswerError
from harness.records import TrialRecord
from harness.scene import Witness
from harness.subject import Capability
from scenarios.model import Scalar

PATIENCE_S = 5.0
MOST_SETTINGS = 100
LONGEST_SETTING = 200


class SettingsWitness(Witness):
    """`GET /settings`: what is under `pool`, and the number of threads. Asked before the load: they do not
    change.
    """

    needs = Capability.SETTINGS

    def before(self) -> None:
        with HttpReader(self.scene.url, PATIENCE_S) as reader:
            try:
                document = reader.ask("GET", "/settings").document()
            except UnusableAnswerError as error:
                raise TrialFailedError(f"the target gave no proper answer to /settings: {error}") from error
        pool = document.get("pool")
        self._settings = dict(_scalars(pool if isinstance(pool, dict) else {}))
        self._settings.update(_scalars({key: document[key] for key in ("threadpool_tokens",) if key in document}))

    def tell(self, record: TrialRecord) -> TrialRecord:
        return record.model_copy(update={"target": self.scene.subject.info(self._settings)})


def _scalars(reported: Mapping[str, object]) -> Iterator[tuple[str, Scalar | None]]:
    """What can be recorded of it: numbers, words and nothings, not too many and not too long."""
    for name, value in list(reported.items())[:MOST_SETTINGS]:
        if len(name) <= LONGEST_SETTING and (value is None or isinstance(value, (bool, int, float, str))):
            yield name, value[:LONGEST_SETTING] if isinstance(value, str) else value
