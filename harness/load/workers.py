"""How many processes generate the load, and where they meet."""

from __future__ import annotations

from dataclasses import dataclass

from harness.environment.ports import HOST, require_free

NO_LOAD = 3
"""Exit code of a worker that was sent home without a load, or found no master to give it one."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many load processes share the load: `local` ones started here, `attached` ones expected from elsewhere.

    One local worker and none attached is a single process, without Locust's master. `host` is the address of
    this machine at which all of them reach the master and the targets; the master listens on `port`, where 0 is
    any free one, which attached workers could not know.
    """

    local: int = 1
    attached: int = 0
    host: str = HOST
    port: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.local + self.attached

    def require_address(self) -> None:
        """Raises EnvironmentSetupError, with what to do, where attached workers could not connect."""
        if self.attached:
            require_free(self.host, self.port)


SINGLE = Workers()
