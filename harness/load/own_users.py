"""Our own behaviours as a crowd: Locust's users and runner, one HTTP client for all arrivals of a behaviour."""

from __future__ import annotations

import random
from functools import partial
from itertools import count
from typing import Any

from locust.env import Environment
from locust.event import EventHook
from locust.exception import StopUser

from harness.load import messages
from harness.load.arrivals import Share
from harness.load.crowd import Errand
from harness.load.samples import Samples
from harness.records import Action
from scenarios.model import Behaviour, Phase
from scenarios.users import BEHAVIOURS, PoolUser, Visitor


class OwnUsers:
    """A `harness.load.crowd.Crowd` of `scenarios.users`."""

    def __init__(self, order: messages.LoadOrder, samples: Samples, share: Share) -> None:
        self._share = share
        self._rng = random.Random(f"{order.seed}/{share.index}")
        self._closed_behaviour: Behaviour | None = None
        numbers = count(share.index, share.count)
        classes = {phase.behaviour: BEHAVIOURS[phase.behaviour] for phase in order.scenario.phases}
        for user_class in classes.values():
            user_class.rng = self._rng
            user_class.host = order.host
            user_class.timeout_s = order.scenario.request_timeout_s
            user_class.annotate = _annotator(samples)
            user_class.before_send = samples.await_due
            user_class.numbers = numbers
        if order.paths:
            Visitor.paths = order.paths
        self._environment = Environment(user_classes=list(classes.values()), host=order.host)
        self._environment.stop_timeout = order.scenario.drain_s
        self._runner = self._environment.create_local_runner()
        # A new event, without the runner's listener: its statistics would be kept for nobody.
        self._environment.events.request = EventHook()  # type: ignore[no-untyped-call]
        self._environment.events.request.add_listener(samples.end)  # type: ignore[no-untyped-call]
        self._open_users = {name: user_class(self._environment) for name, user_class in classes.items()}

    @property
    def users(self) -> int:
        """Closed users that are there."""
        return self._runner.user_count

    def enter(self, phase: Phase) -> None:
        """Closed users of the phase begin; those of another behaviour, or before an open phase, end."""
        if phase.users is None or phase.behaviour != self._closed_behaviour:
            self._end_closed_users()
        if phase.users is not None:
            self._closed_behaviour = phase.behaviour
            users = self._share.of_number(phase.users)
            user_class = BEHAVIOURS[phase.behaviour]
            self._runner.start(users, spawn_rate=max(1, users), user_classes=[user_class])

    def errand(self, phase: Phase) -> Errand:
        """One of the behaviour's tasks."""
        user = self._open_users[phase.behaviour]
        task: Any = self._rng.choice(user.tasks)
        return Errand(task.__name__, partial(task, user))

    def leave(self, within_s: float) -> None:
        """Closed users end their request, and go."""
        self._environment.stop_timeout = within_s
        if self._runner.user_count:
            self._runner.stop()

    def close(self) -> list[str]:
        """There is nothing to tell."""
        return []

    def _end_closed_users(self) -> None:
        """Locust counts users, whatever they do: for it those that ended by themselves are still there, too."""
        if self._closed_behaviour is not None:
            self._runner.stop()
            self._closed_behaviour = None


def _annotator(samples: Samples) -> Any:
    """What `PoolUser.context` calls as each request is about to be sent."""

    def annotate(user: PoolUser, token: str | None, action: Action) -> dict[str, Any]:
        arrival = samples.current_arrival()
        if arrival is not None:
            return samples.begin(arrival.operation, token, action)
        now = samples.closed_behaviour()
        if samples.closing or now is None or type(user) is not BEHAVIOURS[now]:  # of a phase that is over
            raise StopUser
        operation = getattr(user.tasks[0], "__name__", "any") if len(user.tasks) == 1 else "any"
        return samples.begin(operation, token, action)

    return annotate
