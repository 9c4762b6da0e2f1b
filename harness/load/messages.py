"""What harness, load process and recorder say to one another, line by line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from harness.locustfile import Locustfile
from harness.records import Action, Closing, GeneratorReading, Mark, Outcome
from scenarios.model import Scenario

LONGEST_TIMING = 600
"""More of a Server-Timing header is not handed on; the recorder refuses less than this already."""


class Message(BaseModel):
    """Base of all messages: one JSON object a line."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoadOrder(Message):
    """First line to the load process: what to do. `samples_fd` is the recorder's pipe, inherited.

    With `record_writes` every request that bears a token, or looks for one, is handed over one by one as well.
    `paths` are what visitors of an app read; a `locustfile` brings users of its own.
    """

    scenario: Scenario
    host: str
    seed: int
    samples_fd: int
    record_writes: bool = False
    paths: tuple[str, ...] = ()
    locustfile: Locustfile | None = None


class StartOrder(Message):
    """Second line: go. The origin is a reading of the monotonic clock, a little in the future."""

    origin_ns: int


class Ready(Message):
    event: Literal["ready"] = "ready"
    locust: str


class Refused(Message):
    """A worker of several cannot begin, for a reason that is for the user."""

    event: Literal["refused"] = "refused"
    reason: str


class Marked(Message):
    event: Literal["mark"] = "mark"
    mark: Mark


class Gauged(Message):
    event: Literal["reading"] = "reading"
    reading: GeneratorReading


class Recorded(Message):
    """The recorder's last word: what it wrote. `failure` says why that is not all, empty where it is."""

    requests: dict[Outcome, int] = Field(default_factory=dict)  # response times, each counted once
    writes: int = 0  # lines of the history
    writes_dropped: int = 0  # beyond the most that a history holds
    failure: str = ""


class Done(Message):
    """The load is over and every sample has been handed to the recorder.

    By the law of the load `started` is all of `requests` and `under_way`, and `recorded` is `requests`
    (`harness.load.account`).
    """

    event: Literal["done"] = "done"
    started: int
    completed: int
    not_started: int
    aborted: int
    acknowledged_transfers: int
    cpu_s: float  # of the load processes, wherever they run, from the first request to the last answer
    workers_lost: int = 0
    under_way: int = 0  # begun, and neither ended nor given up
    requests: dict[Outcome, int] = Field(default_factory=dict)  # that ended, as the generator counted them
    recorded: dict[Outcome, int] = Field(default_factory=dict)  # as the recorder counted them
    writes: int = 0
    writes_dropped: int = 0
    failure: str = ""  # why not everything was recorded
    notes: tuple[str, ...] = ()  # what a reader should know of the load

    def with_recorded(self, recorded: Recorded) -> Done:
        """The same, with what the recorder told."""
        return self.model_copy(
            update={
                "recorded": recorded.requests,
                "writes": recorded.writes,
                "writes_dropped": recorded.writes_dropped,
                "failure": "; ".join(filter(None, (self.failure, recorded.failure))),
            }
        )

    def closing(self) -> Closing:
        """What a trial's record is closed with; its streams are the folder's affair."""
        return Closing(
            requests=self.recorded,
            started=self.started,
            not_started=self.not_started,
            under_way=self.under_way,
            writes_dropped=self.writes_dropped,
        )


LoadAccount = Done
Event = Annotated[Ready | Refused | Marked | Gauged | Done, Field(discriminator="event")]
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


SEEN: Mapping[bool | None, str] = {True: "seen", False: "missed", None: "-"}


def history_line(
    action: Action, number: int, sent_ns: int, answered_ns: int | None, token: str, seen: bool | None = None
) -> str:
    """One write of the series `number`, or one read that looked for it: its token, and times from the origin in
    nanoseconds.
    """
    answered = "-" if answered_ns is None else answered_ns
    return f"{action} {number} {sent_ns} {answered} {SEEN[seen]} {json.dumps(token)}\n"


def keep_standard_output() -> Callable[[Message], None]:
    """What tells whoever started this process; all else that goes to standard output goes to standard error from
    now on, since others' code prints.
    """
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(event: Message) -> None:
        kept.write(event.model_dump_json().encode() + b"\n")
        kept.flush()

    return tell


def to_standard_output(event: Message) -> None:
    """Tell whoever started this process."""
    sys.stdout.buffer.write(event.model_dump_json().encode() + b"\n")  # UTF-8 whatever the locale
    sys.stdout.flush()
