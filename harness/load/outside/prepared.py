"""Users who have begun and wait for an arrival: each runs one task at a time, and knows where it stands."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from inspect import isclass
from math import ceil
from typing import Any

import gevent
from gevent.pool import Pool
from locust import TaskSet, User
from locust.env import Environment
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately
from locust.user.task import LOCUST_STATE_RUNNING, DefaultTaskSet

from harness.load.outside.names import one_word
from harness.load.samples import Arrival

MOST_STEPS = 100
"""Tasks that send nothing and hand over to another, in one arrival: more go in a circle."""
AT_ONCE = 10
"""Users who are being prepared: on a service that stands still there are no more of them."""
FEWEST, MOST = 2, 100
"""Users of a class, and of all classes, that are kept ready."""
LOOK_EVERY_S = 0.02
AGAIN_AFTER_S = 0.5
"""Before another is prepared where one could not be."""
_log = logging.getLogger("poolstorm.load")


class PreparedUser:
    """A user of Locust's without its own loop: whoever has an errand calls `run_one`."""

    def __init__(self, user_class: type[User], environment: Environment) -> None:
        self.user = user_class(environment)
        self.user._state = LOCUST_STATE_RUNNING
        root = DefaultTaskSet(self.user)
        self.user._taskset_instance = root
        self._places: list[Any] = [root]  # task sets

    @property
    def place(self) -> Any:
        """The task set in which it is."""
        return self._places[-1]

    def begin(self) -> None:
        """Its on_start, and that of task sets which it would enter in any case. Raises what they raise."""
        self.user.on_start()
        tasks: Any = self.user.tasks
        while len(set(tasks)) == 1 and _is_task_set(tasks[0]) and self._enter(tasks[0]):
            tasks = self._places[-1].tasks

    def run_one(self, arrival: Arrival) -> None:
        """The next task from where it stands; further ones only as long as none has sent anything and each hands
        over to another. Raises what the task raises.
        """
        for _ in range(MOST_STEPS):
            place = self._places[-1]
            try:
                task = self._next(place)
                if _is_task_set(task):
                    self._enter(task)
                    continue
                arrival.operation = one_word(f"task:{getattr(task, '__name__', 'task')}")
                place.execute_task(task)
                return
            except InterruptTaskSet as interrupt:
                self._leave()
                if arrival.begun or not interrupt.reschedule:
                    return
            except RescheduleTaskImmediately:
                if arrival.begun:
                    return
            except RescheduleTask:
                return

    def go(self) -> None:
        """Its on_stop and those of the task sets in which it is; their errors are logged, as Locust does."""
        for place in (*reversed(self._places[1:]), self.user):
            try:
                place.on_stop()
            except Exception:
                _log.exception("on_stop")
        self._places = self._places[:1]

    @staticmethod
    def _next(place: Any) -> Any:
        return place._task_queue.popleft() if place._task_queue else place.get_next_task()

    def _enter(self, task_set: Any) -> bool:
        inner = task_set(self._places[-1])
        try:
            inner.on_start()
        except InterruptTaskSet:
            return False
        self._places.append(inner)
        return True

    def _leave(self) -> None:
        if len(self._places) > 1:
            with suppress(Exception):
                self._places[-1].on_stop()
            self._places.pop()


def _is_task_set(task: Any) -> bool:
    return isclass(task) and issubclass(task, TaskSet)


@dataclass
class _Room:
    """The users of one class who wait. `wanted` of them are kept ready."""

    wanted: int
    idle: list[PreparedUser] = field(default_factory=list)
    coming: int = 0
    not_before_s: float = 0.0


class PreparedUsers:
    """As many users as arrivals need, each for one at a time.

    `prepare` makes one and has it begin; it raises what goes wrong with that, and has counted it by then. The one
    that was used last is used next, so that few go their way through a sequence instead of all in step.
    """

    def __init__(
        self,
        shares: Sequence[tuple[type[User], float]],
        rate_per_s: float,
        prepare: Callable[[type[User]], PreparedUser],
    ) -> None:
        self._prepare = prepare
        whole = sum(share for _, share in shares)
        number = min(ceil(rate_per_s), MOST)
        self._rooms = {
            user_class: _Room(max(FEWEST, ceil(number * share / whole))) for user_class, share in shares
        }
        self._preparing = Pool(AT_ONCE)
        self._keeper: gevent.Greenlet | None = None

    def fill(self, within_s: float) -> int:
        """Prepare those that are kept ready, and tell how many there are."""
        for user_class, room in self._rooms.items():
            for _ in range(room.wanted):
                self._preparing.spawn(self._add, user_class, room)
        self._preparing.join(timeout=within_s)
        self._preparing.kill()
        return sum(len(room.idle) for room in self._rooms.values())

    def keep(self) -> None:
        """From now on prepare others as they are needed."""
        if self._keeper is None:
            self._keeper = gevent.spawn(self._keep_forever)

    def take(self, user_class: type[User]) -> PreparedUser | None:
        """One for an errand; None where none is ready."""
        idle = self._rooms[user_class].idle
        return idle.pop() if idle else None

    def add(self, user_class: type[User], user: PreparedUser) -> None:
        """One that is ready, again or for the first time."""
        self._rooms[user_class].idle.append(user)

    def close(self, within_s: float) -> None:
        """Let all go who are there."""
        if self._keeper is not None:
            self._keeper.kill()
        self._preparing.kill()
        going = Pool()
        for room in self._rooms.values():
            for user in room.idle:
                going.spawn(user.go)
            room.idle.clear()
        going.join(timeout=within_s)
        going.kill()

    def _keep_forever(self) -> None:
        while True:
            gevent.sleep(LOOK_EVERY_S)
            for user_class, room in self._rooms.items():
                missing = room.wanted - len(room.idle) - room.coming
                if missing > 0 and self._preparing.free_count() > 0 and time.monotonic() >= room.not_before_s:
                    self._preparing.spawn(self._add, user_class, room)

    def _add(self, user_class: type[User], room: _Room) -> None:
        room.coming += 1
        try:
            room.idle.append(self._prepare(user_class))
        except Exception:  # which `prepare` has counted
            room.not_before_s = time.monotonic() + AGAIN_AFTER_S
        finally:
            room.coming -= 1
