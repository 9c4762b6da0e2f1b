"""What harness, load process and recorder say to one another, line by line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harness.records import GeneratorReading, Mark, Outcome
from scenarios.model import Scenario

LONGEST_TIMING = 600
"""More of a Server-Timing header is not handed on; the recorder refuses less than this already."""


class Message(BaseModel):
    """Base of all messages: one JSON object a line."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoadOrder(Message):
    """First line to the load process: what to do. `samples_fd` is the recorder's pipe, inherited."""

    scenario: Scenario
    host: str
    seed: int
    samples_fd: int


class StartOrder(Message):
    """Second line: go. The origin is a reading of the monotonic clock, a little in the future."""

    origin_ns: int


class Ready(Message):
    event: Literal["ready"] = "ready"
    locust: str


class Marked(Message):
    event: Literal["mark"] = "mark"
    mark: Mark


class Gauged(Message):
    event: Literal["reading"] = "reading"
    reading: GeneratorReading


class Done(Message):
    """The load is over and every sample has been handed to the recorder."""

    event: Literal["done"] = "done"
    started: int
    completed: int
    not_started: int
    aborted: int
    acknowledged_transfers: int
    cpu_s: float  # of the load processes, wherever they run, from the first request to the last answer
    workers_lost: int = 0


LoadAccount = Done
Event = Annotated[Ready | Marked | Gauged | Done, Field(discriminator="event")]
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def decode_event(line: str) -> Event:
    """One line from the load process. Raises pydantic.ValidationError, a ValueError."""
    return _EVENT.validate_json(line)


def series_line(number: int, operation: str, phase: str, outcome: Outcome, kind: str) -> str:
    """Tells the recorder which series a number stands for, before its first sample."""
    return f"series {number} {phase} {operation} {outcome} {kind}\n"


def sample_line(number: int, intended_ns: int, response_ns: int, service_ns: int, timing: str = "") -> str:
    """One request: intended send from the origin, response and service time, all in nanoseconds.

    `timing` is the answer's Server-Timing header as it came; it is cut to a line's word and judged by the
    recorder.
    """
    if not timing:
        return f"{number} {intended_ns} {response_ns} {service_ns}\n"
    word = "".join(timing[:LONGEST_TIMING].split()).encode("ascii", "replace").decode("ascii")
    return f"{number} {intended_ns} {response_ns} {service_ns} {word}\n"
