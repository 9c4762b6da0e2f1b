"""What a fault is: settings, inject, heal, and proof of both, against a part; and the list of all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from scenarios.model import Scalar


class FaultSettings(BaseModel):
    """Base of a fault's settings: frozen; a setting that is not known or of another type is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a probe saw what it was to see, and what it saw, such as `answered in 10.4 ms`."""

    shown: bool
    seen: str


class Fault(ABC):
    """One way to break a part. A concrete subclass is registered by being defined, and ships with its healing.

    `needs` is the capability, a protocol of `harness.environment.parts`, that the part must have. What is
    `momentary` is over as soon as it was injected: its healing has nothing to undo. `prove` may be called from
    another thread than the rest, and while it heals.
    """

    kind: ClassVar[str]
    teaches: ClassVar[str]
    needs: ClassVar[type]
    momentary: ClassVar[bool] = False
    Settings: ClassVar[type[FaultSettings]] = FaultSettings

    def __init_subclass__(cls) -> None:
        if "kind" in vars(cls):
            FAULTS[cls.kind] = cls

    def __init__(self, settings: Mapping[str, Scalar]) -> None:
        """Raises pydantic.ValidationError where a setting is unknown or out of range."""
        self.settings = self.Settings.model_validate(dict(settings))

    @abstractmethod
    def inject(self, part: Any) -> None:
        """Break the part, which has what the fault `needs`; returns when that is confirmed."""

    @abstractmethod
    def heal(self, part: Any) -> None:
        """Undo `inject`; returns when that is confirmed."""

    @abstractmethod
    def prove(self, part: Any, patience_s: float) -> Proof:
        """Look once, for so long at most, whether the broken part shows what this fault does."""

    @abstractmethod
    def prove_healed(self, part: Any, patience_s: float) -> Proof:
        """Likewise whether the healed part shows no more of it."""

    def describe(self) -> str:
        """What is done, in a few words for people."""
        return self.kind.replace("-", " ")


FAULTS: dict[str, type[Fault]] = {}
