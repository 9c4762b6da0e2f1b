"""What is in a locustfile: told by a process of its own, since importing one may do anything."""

from __future__ import annotations

# In this order: the one sets how gevent works, the other has it patch the standard library.
import harness.load.event_loop  # noqa: F401

# isort: split
import locust  # noqa: F401

# isort: split
import os
import sys
import time
from pathlib import Path

from locust import LoadTestShape
from locust.env import Environment

from harness.errors import plain_line
from harness.load.outside.loading import Loaded, LocustfileError, client_of, load
from harness.locustfile import Found, FoundClass, FoundShape, Locustfile

MOST_TICKS = 24 * 3600
"""Seconds of a shape that are stepped through."""
STEPPING_S = 5.0
"""How long that may take."""
MOST_USERS = 10_000


def inspect(file: Locustfile) -> Found:
    """What is in it, or what is wrong with it."""
    try:
        loaded = load(file)
        return Found(
            user_classes=tuple(
                FoundClass(
                    name=user_class.__name__,
                    client=client_of(user_class),
                    weight=user_class.weight,
                    fixed_count=user_class.fixed_count,
                )
                for user_class in loaded.user_classes
            ),
            tags=tuple(sorted(loaded.tags)),
            shape=_stepped(loaded),
        )
    except LocustfileError as error:
        return Found(problem=str(error))


def _stepped(loaded: Loaded) -> FoundShape | None:
    """Its shape, asked second by second as Locust will; one that cannot be asked before has no known length."""
    shape = loaded.shape
    if shape is None:
        return None
    environment = Environment(user_classes=list(loaded.user_classes), parsed_options=loaded.options)
    shape.runner = environment.create_local_runner()
    name, most_users, second, remark = type(shape).__name__, 0, 0, ""
    deadline_s = time.monotonic() + STEPPING_S
    length_s: float | None = None
    for second in range(MOST_TICKS):
        _set_time(shape, second, most_users)
        try:
            tick = shape.tick()
        except Exception as error:
            remark = (
                f"its tick() cannot be asked beforehand ({type(error).__name__}: {plain_line(str(error), 100)})"
            )
            break
        if tick is None:
            length_s = float(second)
            break
        most_users = max(most_users, _users(name, tick))
        if time.monotonic() > deadline_s:
            remark = f"{second} s of it took longer than {STEPPING_S:g} s to ask for"
            break
    if length_s == 0:
        raise LocustfileError(f"its {name} ends at once; have tick() give users for a while")
    return FoundShape(name=name, length_s=length_s, most_users=most_users, remark=remark)


def _set_time(shape: LoadTestShape, second: int, users: int) -> None:
    shape.start_time = time.perf_counter() - second
    shape.get_run_time = lambda: float(second)  # type: ignore[method-assign]
    shape.get_current_user_count = lambda: users  # type: ignore[method-assign]


def _users(name: str, tick: object) -> int:
    if not isinstance(tick, tuple | list) or len(tick) not in (2, 3) or not isinstance(tick[0], int | float):
        raise LocustfileError(
            f"its {name}.tick() gives {plain_line(repr(tick), 60)}, not (users, spawn rate) or None"
        )
    if tick[0] > MOST_USERS:
        raise LocustfileError(f"its {name} asks for {tick[0]:,} users; {MOST_USERS:,} at most")
    return int(tick[0])


def main() -> None:
    """`python -m harness.load.outside.inspection ORDER RESULT`: JSON to the file RESULT, whatever is printed."""
    order, result = sys.argv[1:]
    found = inspect(Locustfile.model_validate_json(order))
    Path(result).write_text(found.model_dump_json(), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # whatever threads the file has begun


if __name__ == "__main__":
    main()
