"""The users of a locustfile as a crowd: Locust's own in closed phases, prepared ones for arrivals."""

from __future__ import annotations

import logging
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
import locust
import locust.log
from locust import FastHttpUser, LoadTestShape, User
from locust.env import Environment
from locust.exception import StopTest, StopUser
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, STATE_STOPPED

from harness.load import messages
from harness.load.arrivals import Share
from harness.load.crowd import CrowdError, Errand
from harness.load.outside.composition import Weighted, composition
from harness.load.outside.here import stay_here
from harness.load.outside.loading import LocustfileError, load, task_sets
from harness.load.outside.names import Names
from harness.load.outside.prepared import PreparedUser, PreparedUsers
from harness.load.outside.recording import FLOW, Recording
from harness.load.outside.surroundings import allow_many_files, listen_to_logging
from harness.load.outside.troubles import Troubles
from harness.load.samples import Arrival, Samples
from harness.locustfile import Locustfile
from harness.records import Outcome
from scenarios.model import WITH_A_SHAPE, Phase

PREPARED_WITHIN_S = 20.0
FAREWELL_S = 1.0
"""For on_stop of those who waited for arrivals, and for the file's listeners of the end, each."""
ON_START = "on_start"
ON_START_FAILED = "on-start-failed"


class LocustfileUsers:
    """A `harness.load.crowd.Crowd` of a user's locustfile.

    All that the file can see of Locust is there: the environment with its events, options and runner. But who
    begins and ends when is decided here, and not by the runner, but for a shape.
    """

    def __init__(self, order: messages.LoadOrder, file: Locustfile, samples: Samples, share: Share) -> None:
        self._troubles = Troubles()
        listen_to_logging()
        allow_many_files()
        try:
            loaded = load(file)
        except LocustfileError as error:
            raise CrowdError(f"the locustfile {error}") from error
        stay_here(self._troubles.elsewhere)
        random.seed(f"{order.seed}/{share.index}")  # tasks are drawn, and files draw, from Python's own
        self._samples, self._share = samples, share
        self._rng = random.Random(f"{order.seed}/{share.index}")
        self._classes = [Weighted(one, one.weight, one.fixed_count) for one in loaded.user_classes]
        self._spawned = 0
        self._there: Counter[str] = Counter()  # closed users, by class, as they were last asked for
        self._recording = Recording(samples, Names(len(order.scenario.phases)), order.scenario.request_timeout_s)
        self._recording.watch_clients()
        for user_class in loaded.user_classes:
            self._dress(user_class, order.host, order.scenario.request_timeout_s)
        self._shaped = any(phase.behaviour == WITH_A_SHAPE for phase in order.scenario.phases)
        shape = _SharedShape(loaded.shape, share) if self._shaped and loaded.shape else None
        if shape is not None:
            self._classes = _shared(self._classes, share)
        self._environment = self._open(order, loaded.options, file, shape)
        self._prepared = self._prepare_some(order)

    def _dress(self, user_class: type[User], host: str, timeout_s: float) -> None:
        user_class.host = host
        if issubclass(user_class, FastHttpUser):  # a time of its own is kept
            for name in ("network_timeout", "connection_timeout"):
                if getattr(user_class, name) == getattr(FastHttpUser, name):
                    setattr(user_class, name, timeout_s)
        holders: list[Any] = [user_class, *task_sets(user_class)]
        for holder in holders:
            holder.on_stop = _while_leaving(holder.on_stop, self._recording)

    def _open(
        self, order: messages.LoadOrder, options: Any, file: Locustfile, shape: LoadTestShape | None
    ) -> Environment:
        """Locust's environment and runner, as the file would have them; its listeners hear of them."""
        options.host = order.host
        environment = Environment(
            user_classes=[entry.item for entry in self._classes],
            events=locust.events,
            host=order.host,
            shape_class=shape,
            parsed_options=options,
            locustfile=file.path.name,
            parsed_locustfiles=[str(file.path)],
        )
        environment.stop_timeout = order.scenario.drain_s
        self._runner = environment.create_local_runner()
        self._runner.spawn_users = self._spawn  # type: ignore[assignment, method-assign]
        events: Any = environment.events
        # First: a listener of the file's may end the user, and later ones then hear nothing.
        events.request._handlers.insert(0, self._recording.on_request)
        events.user_error.add_listener(self._on_user_error)
        locust.log.unhandled_greenlet_exception = False
        events.init.fire(environment=environment, runner=self._runner, web_ui=None)
        if locust.log.unhandled_greenlet_exception:
            raise CrowdError("a listener of the locustfile's to init raises an exception; see load.log")
        if not self._shaped:  # there the runner tells them
            events.test_start.fire(environment=environment)
            self._runner.update_state(STATE_RUNNING)
        return environment

    def _prepare_some(self, order: messages.LoadOrder) -> PreparedUsers | None:
        """Users for arrivals, where there will be some."""
        open_phases = [phase.arrivals for phase in order.scenario.phases if phase.arrivals]
        if not open_phases:
            return None
        rate_per_s = max(max(one.rate_per_s, one.to_rate_per_s or 0.0) for one in open_phases) / self._share.count
        prepared = PreparedUsers(
            [(entry.item, entry.weight or 1.0) for entry in self._classes], rate_per_s, self._prepare
        )
        if prepared.fill(PREPARED_WITHIN_S) == 0:
            raise CrowdError(
                self._troubles.nobody() or f"{ON_START} of every user takes over {PREPARED_WITHIN_S:g} s"
            )
        return prepared

    @property
    def users(self) -> int:
        """Closed users that are there."""
        return self._runner.user_count

    def enter(self, phase: Phase) -> None:
        """The phase's closed users begin, by weight and each worker its share; further ones end."""
        self._require_somebody()
        if phase.behaviour == WITH_A_SHAPE:
            if self._classes:  # else all are of fixed numbers, and others' share
                self._runner.start_shape()
        elif phase.users is not None:
            whole = composition(self._classes, phase.users)
            mine = whole[self._share.index :: self._share.count]
            self._have(Counter(user_class.__name__ for user_class in mine))
        else:
            self._have(Counter())
            assert self._prepared is not None
            self._prepared.keep()

    def _have(self, wanted: Counter[str]) -> None:
        more, less = wanted - self._there, self._there - wanted
        self._there = wanted
        self._spawn(dict(more))
        if less:  # on the side, as users end what they do
            gevent.spawn(self._runner.stop_users, dict(less))

    def _spawn(self, counts: dict[str, int], wait: bool = False) -> list[User]:  # noqa: ARG002
        """In place of the runner's, in which a user that cannot be made ends all spawning."""
        if self._runner.state in (STATE_INIT, STATE_STOPPED):
            self._runner.update_state(STATE_SPAWNING)
        begun = []
        for name, number in counts.items():
            for _ in range(number):
                now_ns = time.monotonic_ns() - self._samples.origin_ns
                self._spawned += 1
                try:
                    user = self._runner.user_classes_by_name[name](self._environment)
                except Exception as error:
                    self._not_begun(error, now_ns)
                    continue
                self._recording.closed[user] = now_ns
                user.start(self._runner.user_greenlets)
                begun.append(user)
        return begun

    def errand(self, phase: Phase) -> Errand:  # noqa: ARG002
        """One task of a user of some class, drawn by weight."""
        weights = [entry.weight or 1.0 for entry in self._classes]
        (user_class,) = self._rng.choices([entry.item for entry in self._classes], weights)
        return Errand(f"task:{user_class.__name__}"[:80], partial(self._run_one, user_class))

    def _run_one(self, user_class: type[User]) -> None:
        arrival = self._samples.current_arrival()
        assert arrival is not None
        assert self._prepared is not None
        user = self._prepared.take(user_class) or self._prepare_for(user_class, arrival)
        if user is None:
            return
        self._recording.running[user.user] = arrival
        try:
            user.run_one(arrival)
        except (StopUser, StopTest):
            user.go()
            arrival.silent = True
            return
        except Exception as error:
            told: Any = self._environment.events.user_error
            told.fire(user_instance=user.place, exception=error, tb=error.__traceback__)
            logging.getLogger("locust.user.task").error("%s\n%s", error, traceback.format_exc())
        else:
            arrival.silent = True
            self._troubles.silent += not arrival.begun
        self._prepared.add(user_class, user)

    def _prepare_for(self, user_class: type[User], arrival: Arrival) -> PreparedUser | None:
        """A user for an arrival that found none; that it waits for one is a part of its response time."""
        try:
            with self._samples.aside():
                user = self._prepare(user_class)
        except Exception:
            arrival.operation, arrival.kind = ON_START, ON_START_FAILED
            return None
        waited_ns = time.monotonic_ns() - self._samples.origin_ns - arrival.intended_ns
        if waited_ns > 0:
            arrival.unprepared = True
            self._troubles.waited(waited_ns)
        return user

    def _prepare(self, user_class: type[User]) -> PreparedUser:
        self._spawned += 1
        now_ns = time.monotonic_ns() - self._samples.origin_ns
        try:
            user = PreparedUser(user_class, self._environment)
            user.begin()
        except Exception as error:
            self._not_begun(error, now_ns, is_counted=self._samples.current_arrival() is not None)
            raise
        return user

    def _on_user_error(self, user_instance: Any, exception: Exception, **_: Any) -> None:
        """Locust's event: of a user's own on_start it bears the user, of a task the set that has it."""
        if isinstance(user_instance, User):
            self._not_begun(exception, self._recording.closed.get(user_instance, 0))
        elif not isinstance(exception, FLOW):
            self._troubles.task_failed(exception)

    def _not_begun(self, error: Exception, since_ns: int, *, is_counted: bool = False) -> None:
        if isinstance(error, FLOW):
            return
        self._troubles.not_begun(error)
        logging.getLogger("poolstorm.load").error("a user could not be started", exc_info=error)
        if self._samples.origin_ns and since_ns >= 0 and not is_counted:
            self._samples.add_whole(ON_START, Outcome.FAILED, ON_START_FAILED, since_ns)

    def _require_somebody(self) -> None:
        if self._spawned and self._troubles.not_begun_count >= self._spawned:
            raise CrowdError(self._troubles.nobody())

    def leave(self, within_s: float) -> None:
        """Closed users end their task and have their on_stop, as long as there is time."""
        self._environment.stop_timeout = within_s
        deadline_s = time.monotonic() + within_s
        if self._shaped:
            self._runner.stop()
        else:
            self._runner.stop_users(dict(self._runner.user_classes_count))
        self._recording.wait_for_leaving(max(0.1, deadline_s - time.monotonic()))

    def close(self) -> list[str]:
        """The others have theirs, the file's listeners hear of the end, and what went wrong is told."""
        if self._prepared is not None:
            self._prepared.close(FAREWELL_S)
        events = self._environment.events
        farewells: list[Callable[[], None]] = [
            partial(events.quitting.fire, environment=self._environment, reverse=True),
            partial(events.quit.fire, exit_code=0),
        ]
        if not self._shaped:
            farewells.insert(0, partial(events.test_stop.fire, environment=self._environment))
        token = self._recording.leaving.set(True)
        for fire in farewells:
            with gevent.Timeout(FAREWELL_S, False), suppress(*FLOW):
                fire()
        self._recording.leaving.reset(token)
        self._require_somebody()
        return self._troubles.told(self._spawned) + self._recording.told()


class _SharedShape(LoadTestShape):
    """A worker's share of the file's shape."""

    def __init__(self, shape: LoadTestShape, share: Share) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._shape, self._share = shape, share

    def reset_time(self) -> None:
        self._shape.runner = self.runner
        self._shape.reset_time()  # type: ignore[no-untyped-call]

    def tick(self) -> Any:
        tick = self._shape.tick()
        if tick is None:
            return None
        users, rate, *classes = tick
        return (self._share.of_number(int(users)), max(rate / self._share.count, 0.01), *classes)


def _shared(classes: list[Weighted[type[User]]], share: Share) -> list[Weighted[type[User]]]:
    """Each with its share of a fixed number, as Locust's runner reads it; none where that is nothing."""
    for entry in classes:
        entry.item.fixed_count = share.of_number(entry.fixed_count)
    return [entry for entry in classes if entry.item.fixed_count or not entry.fixed_count]


def _while_leaving(on_stop: Any, recording: Recording) -> Any:
    def leave(holder: Any) -> None:
        recording.let_go(partial(on_stop, holder))

    return leave
