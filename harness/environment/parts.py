"""What a trial stands on: named parts, each with the capabilities that it has. Faults and samplers go by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, runtime_checkable

from psycopg2.extensions import connection

from harness.errors import TrialFailedError
from harness.probe import Probe
from scenarios.model import PRIMARY_LINK, REPLICA_LINK, REPLICATION_LINK, Scalar

PRIMARY = "primary"
REPLICA = "replica"
APP = "app"

Stream = Literal["upstream", "downstream"]


@runtime_checkable
class Part(Protocol):
    """Anything with a name; its process, where it is ours, is `pid`."""

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int | None: ...


@runtime_checkable
class Link(Protocol):
    """A connection between two parts with a proxy in it, at `host` and `port`."""

    @property
    def name(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    def add_toxic(
        self,
        toxic_type: str,
        stream: Stream,
        attributes: Mapping[str, Scalar],
        name: str | None = None,
        toxicity: float = 1.0,
    ) -> object: ...

    def remove_toxic(self, name: str) -> None: ...

    def disable(self) -> None: ...

    def enable(self) -> None: ...


@runtime_checkable
class Restartable(Protocol):
    """Can be stopped and started again; `start` returns when it answers, and `probe` asks it past every proxy."""

    def stop(self) -> None: ...

    def start(self) -> None: ...

    def probe(self, patience_s: float) -> Probe: ...


@runtime_checkable
class Pausable(Protocol):
    """Can be made to stand still, with all its sockets open, and to go on; `probe` asks it past every proxy."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def probe(self, patience_s: float) -> Probe: ...


@runtime_checkable
class Terminable(Protocol):
    """Can end the sessions that a trial has with it, and one of ours beside them.

    `outside_session` opens such a one, past every proxy and in another database than the trial's, here and below.
    """

    def terminate(self, *, idle_only: bool, ours: int | None = None) -> int: ...

    def outside_session(self) -> connection: ...


@runtime_checkable
class Sessions(Protocol):
    """Has the trial's database, in which sessions of ours can be opened past every proxy.

    Each is for one transaction, which is not taken for the subject's. A patient one may wait for long.
    """

    def open_session(self, *, patient: bool = False) -> connection: ...


@runtime_checkable
class Demotable(Protocol):
    """Can be made to refuse what writes, in sessions that there are as well, and to take it again."""

    def demote(self) -> None: ...

    def promote(self) -> None: ...

    def outside_session(self) -> connection: ...


@runtime_checkable
class Fillable(Protocol):
    """Can have its room for connections used up by sessions of ours; `fill` tells how many there are."""

    def fill(self, leave: int) -> int: ...

    def empty(self) -> None: ...

    def outside_session(self) -> connection: ...


ABILITIES: Mapping[type, str] = {
    Link: "carry a toxic",
    Restartable: "be stopped and started again",
    Pausable: "be made to stand still",
    Terminable: "have its sessions ended",
    Sessions: "be locked",
    Demotable: "be made read-only",
    Fillable: "have its connections used up",
}
"""What a part that has the capability can do, in words for people."""

_Capability = TypeVar("_Capability")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one trial, by name."""

    by_name: Mapping[str, object]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def require(self, name: str, capability: type[_Capability]) -> _Capability:
        """The part of that name. Raises TrialFailedError where there is none, or it cannot do what is asked."""
        part = self.by_name.get(name)
        if part is None:
            raise TrialFailedError(f"there is no part {name!r}; there are {', '.join(sorted(self.by_name))}")
        if not isinstance(part, capability):
            raise TrialFailedError(
                f"the part {name!r} cannot {ABILITIES[capability]} here, as it belongs to someone else; "
                "leave out what was given in its place"
            )
        return part


KNOWN_PARTS: Mapping[str, tuple[type, ...]] = {
    PRIMARY_LINK: (Link,),
    PRIMARY: (Restartable, Pausable, Terminable, Sessions, Demotable, Fillable),
    REPLICA_LINK: (Link,),
    REPLICATION_LINK: (Link,),
    REPLICA: (Restartable, Pausable, Terminable),
}
"""What plans may name, and what such a part can do at best: on a server that was given, sessions can be ended and
opened, and nothing else.
"""

BROUGHT_BY: Mapping[str, str] = {REPLICA: REPLICA, REPLICA_LINK: REPLICA, REPLICATION_LINK: REPLICA}
"""Parts that are there only where a subject of the plan needs what brings them (`Subject.needs_parts`)."""
