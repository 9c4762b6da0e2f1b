"""What a fault is: settings, inject, heal, and proof of both; and the list of all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from harness.probe import Probe, Reach
from scenarios.model import Scalar


class FaultyProxy(Protocol):
    """What a fault needs of the proxy between target and PostgreSQL."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    def add_toxic(
        self,
        type: str,  # noqa: A002  (Toxiproxy's own word)
        stream: Literal["upstream", "downstream"],
        attributes: Mapping[str, Scalar],
        name: str | None = None,
        toxicity: float = 1.0,
    ) -> object: ...

    def remove_toxic(self, name: str) -> None: ...

    def disable(self) -> None: ...

    def enable(self) -> None: ...


class FaultSettings(BaseModel):
    """Base of a fault's settings: frozen, and a setting that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(ABC):
    """One way to break the link. A subclass is registered by being defined, and ships with its healing."""

    kind: ClassVar[str]
    teaches: ClassVar[str]
    Settings: ClassVar[type[FaultSettings]] = FaultSettings

    def __init_subclass__(cls) -> None:
        FAULTS[cls.kind] = cls

    def __init__(self, settings: Mapping[str, Scalar]) -> None:
        """Raises pydantic.ValidationError where a setting is unknown or out of range."""
        self.settings = self.Settings.model_validate(dict(settings))

    @abstractmethod
    def inject(self, proxy: FaultyProxy) -> None:
        """Break the link; returns when the proxy has confirmed it."""

    @abstractmethod
    def heal(self, proxy: FaultyProxy) -> None:
        """Undo `inject`; returns when the proxy has confirmed it."""

    @abstractmethod
    def is_shown_by(self, seen: Probe) -> bool:
        """Whether a probe through the broken link saw what this fault does."""

    def is_over_by(self, seen: Probe) -> bool:
        """Whether a probe through the healed link saw no more of it."""
        return seen.reach is Reach.ANSWERED

    def describe(self) -> str:
        """What is done, in a few words for people."""
        return self.kind.replace("-", " ")


FAULTS: dict[str, type[Fault]] = {}
