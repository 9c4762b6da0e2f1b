"""Absolute limits of a scenario: what its figures must keep to on any machine and in any run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from scenarios.model import AS_RECORDED, MOST_PHASES, Declaration, Name, Number, Whole

LARGEST = 1e9

_Ms = Annotated[Number, Field(gt=0, le=LARGEST)]
_ARequest = Annotated[Number, Field(ge=0, le=LARGEST)]


class Limits(Declaration):
    """`[limits.SCENARIO]` of a plan file; None is no limit. Each holds for every target by itself.

    Latencies are of successes, from the intended send, of all routes together. These, `error_share`,
    `completed_per_s_min` and `recovery_ms` hold in each phase that is not warm-up, or in those of `phases`; the
    others over a whole trial. A limit that nothing was measured against is undecided, and never kept.
    """

    phases: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_PHASES)] | None = None
    p50_ms: _Ms | None = None
    p90_ms: _Ms | None = None
    p99_ms: _Ms | None = None
    p999_ms: _Ms | None = None
    max_ms: _Ms | None = None
    error_share: Annotated[Number, Field(ge=0, lt=1)] | None = None
    completed_per_s_min: Annotated[Number, Field(gt=0, le=LARGEST)] | None = None
    recovery_ms: _Ms | None = None
    checked_out_max: Annotated[Whole, Field(ge=0, le=100_000)] | None = None
    sessions_max: Annotated[Whole, Field(ge=0, le=100_000)] | None = None
    statements_per_request: _ARequest | None = None
    checkouts_per_request: _ARequest | None = None
    opened_per_request: _ARequest | None = None
    pings_per_request: _ARequest | None = None
    round_trips_per_request: _ARequest | None = None
    cpu_ms_per_request: _Ms | None = None

    @model_validator(mode="after")
    def _limits_something(self, info: ValidationInfo) -> Self:
        """In a record it may be a limit of a later version, which is not read."""
        if info.context != AS_RECORDED and not any(True for _ in self.given()):
            raise ValueError("there is no limit in it; write one, such as p99_ms = 250")
        return self

    @property
    def asks_for_route_costs(self) -> bool:
        """Whether each route has to be asked by itself for them."""
        return self.round_trips_per_request is not None

    def given(self) -> Iterator[tuple[str, float]]:
        """The limits that there are, by name."""
        for name, value in self:
            if name != "phases" and value is not None:
                yield name, value


LIMIT_NAMES = tuple(name for name in Limits.model_fields if name != "phases")
