"""A server without room for another connection."""

from __future__ import annotations

from contextlib import ExitStack, closing

import psycopg2
from pydantic import Field

from harness.environment.limits import limit_met
from harness.environment.parts import Fillable
from harness.faults.base import Fault, FaultSettings, Proof

TOO_MANY = ", then there are too many"


class ExhaustConnectionsSettings(FaultSettings):
    """How many connections are left free when the others are taken."""

    leave: int = Field(default=0, ge=0, le=50)


class ExhaustConnections(Fault):
    """Sessions of ours take all connections that the server has free at that moment, but for `leave`.

    Those that the subject holds it keeps; what it closes it may not get again. Opening them all takes a second or
    so, as long as the server needs to let so many in. It is proved by asking for one
    connection more than was left, which for that moment takes these away.
    """

    kind = "exhaust-connections"
    teaches = "no new connection is to be had (53300): whoever holds some goes on, whoever opens them does not"
    needs = Fillable
    Settings = ExhaustConnectionsSettings
    settings: ExhaustConnectionsSettings

    _held = 0

    def inject(self, part: Fillable) -> None:
        self._held = part.fill(self.settings.leave)

    def heal(self, part: Fillable) -> None:
        part.empty()

    def prove(self, part: Fillable, patience_s: float) -> Proof:  # noqa: ARG002
        had, end = self._had(part)
        return Proof(end == TOO_MANY, f"{self._held} sessions held; {had} more to be had{end}")

    def prove_healed(self, part: Fillable, patience_s: float) -> Proof:  # noqa: ARG002
        had, end = self._had(part)
        return Proof(had > self.settings.leave, f"{had} connections to be had{end}")

    def _had(self, part: Fillable) -> tuple[int, str]:
        """How many connections were to be had, one more than are left at most, and why not another one."""
        with ExitStack() as sessions:
            for had in range(self.settings.leave + 1):
                try:
                    sessions.enter_context(closing(part.outside_session()))
                except psycopg2.OperationalError as error:
                    return had, ", and no other" if limit_met(str(error)) is None else TOO_MANY
        return self.settings.leave + 1, ""

    def describe(self) -> str:
        left = f" but {self.settings.leave}" if self.settings.leave else ""
        return f"all connections{left} taken"
