"""Waiting for what was started to be ready, and starting it again where its port was taken meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from harness.environment.leash import Child
from harness.environment.ports import free_port
from harness.errors import EnvironmentSetupError

PORT_TRIES = 4
EVERY_S = 0.01
LEAST_S = 0.05
"""Less than this is too short for a question whose answer would mean anything."""
_LOG_LINES = 10

_Started = TypeVar("_Started")


class PortTakenError(EnvironmentSetupError):
    """Someone else took the port that was chosen, between the choice and its use."""


def wait_until_ready(
    child: Child,
    ask: Callable[[float], str],
    *,
    within_s: float,
    every_s: float = EVERY_S,
    port_taken: str | None = None,
    see: str = "see 'poolstorm doctor'",
) -> None:
    """Ask until the answer is empty, which means ready; any other says what was seen.

    `ask` gets the seconds that are left and takes no longer. Raises PortTakenError where the child ends and its
    log holds `port_taken`, EnvironmentSetupError where it ends otherwise or is not ready `within_s`.
    """
    deadline_s = time.monotonic() + within_s
    seen, asked = "it was never asked", False
    while child.alive():
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or (asked and left_s < LEAST_S):
            raise EnvironmentSetupError(
                f"{child.name} was not ready in {within_s:g} s ({seen}){child.last_words()}; {see}"
            )
        seen, asked = ask(left_s), True
        if not seen:
            return
        time.sleep(every_s)
    text = f"{child.name} did not start: {child.end_description()}; {see}"
    if port_taken is not None and port_taken in child.tail_of_log(_LOG_LINES):
        raise PortTakenError(text)
    raise EnvironmentSetupError(text)


def on_a_free_port(start: Callable[[int], _Started], tries: int = PORT_TRIES) -> _Started:
    """What `start` makes on a free port; on another one where it raises PortTakenError, the last time onwards."""
    for _ in range(tries - 1):
        try:
            return start(free_port())
        except PortTakenError:
            continue
    return start(free_port())
