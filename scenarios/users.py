"""What a user does: the behaviours behind every scenario, as ordinary Locust users.

Import this only under Locust (`scenarios.model.under_locust`). Each task sends exactly one request, so that
the harness can also run a task as a single arrival of an open workload.
"""

from __future__ import annotations

import json as jsons  # `json` is a parameter, as in Locust's clients
import random
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, ClassVar, Literal

from locust import User, constant, constant_throughput
from locust.env import Environment
from locust.exception import ResponseError, StopTest

from scenarios.bookkeeping import Bookkeeping
from scenarios.http_client import HttpClient, Response
from scenarios.loads import list_whole_users, read_hot_user, report, slow_statement
from scenarios.model import Behaviour
from scenarios.slow import ask_far, ask_slow
from scenarios.tasks import (
    SEEDED_USERS,
    Followed,
    create_user,
    follow,
    hold,
    hold_long,
    list_users,
    read_user,
    transfer,
    transfer_among_few,
    visit,
)
from scenarios.troubles import (
    bad_input,
    bad_statement,
    hang_up,
    idle,
    idle_after_statement,
    overdraw,
    raised,
    read_nobody,
    taken_address,
)

Action = Literal["write", "read"]


Judge = Callable[[Response], str]
"""Says in a word what is wrong with a success, such as `wrong-balance`; nothing where it is right."""


class Session:
    """A user's `client`: sends requests and fires Locust's request event for each, as Locust's own clients do."""

    def __init__(self, user: PoolUser, http: HttpClient) -> None:
        self._user, self._http = user, http
        self._fire: Callable[..., None] = user.environment.events.request.fire

    def get(
        self,
        path: str,
        *,
        name: str,
        judge: Judge | None = None,
        hang_up_after_s: float | None = None,
        looks_for: str | None = None,
        seen: Callable[[Response], bool | None] | None = None,
    ) -> Response:
        """Read. `judge` looks at a success; `hang_up_after_s` is how long this request is waited for, instead of
        the usual time. `looks_for` is the token of an own write, and `seen` tells from the answer whether it is
        there, or None where the answer does not tell.
        """
        return self._request("GET", path, name, None, looks_for, judge, hang_up_after_s, seen)

    def post(self, path: str, *, json: Any, name: str, token: str | None = None) -> Response:
        """Write a JSON document; `token` names the write, so that a history of writes can tell it from others."""
        return self._request("POST", path, name, jsons.dumps(json).encode(), token)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._http.close()

    def _request(
        self,
        method: str,
        path: str,
        name: str,
        body: bytes | None,
        token: str | None = None,
        judge: Judge | None = None,
        hang_up_after_s: float | None = None,
        seen: Callable[[Response], bool | None] | None = None,
    ) -> Response:
        context = self._user.context(token, "read" if method == "GET" else "write")
        response = self._http.send(method, path, body, hang_up_after_s)
        if seen is not None and response.status_code:
            context["seen"] = seen(response)
        error = response.error
        if error is None and response.status_code >= 400:
            error = ResponseError(f"HTTP {response.status_code}")
        elif error is None and judge is not None and (wrong := judge(response)):
            context["wrong"] = wrong
            error = ResponseError(wrong)
        self._fire(
            request_type=method,
            name=name,
            response_time=(response.received_ns - response.sent_ns) / 1e6,
            response_length=len(response.content),
            response=response,
            context=context,
            exception=error,
            url=path,
        )
        return response


class Choices:
    """What tasks draw by chance. `rng` is seeded by the harness; under stock Locust it is not."""

    rng = random.Random()

    def any_user_id(self) -> int:
        """An id of a seeded user."""
        return self.rng.randint(1, SEEDED_USERS)

    def any_token(self) -> str:
        """A client token that makes a write safe to send twice."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))


class PoolUser(Choices, User):
    """Base of all behaviours. A request may take `timeout_s` as a whole."""

    abstract = True
    wait_time = constant_throughput(5)
    timeout_s = 10.0
    annotate: ClassVar[Callable[[PoolUser, str | None, Action], dict[str, Any]] | None] = (
        None  # set by the harness
    )
    before_send: ClassVar[Callable[[], None] | None] = None  # likewise: called when a request is ready to go
    numbers: ClassVar[Iterator[int]] = count()  # likewise: each is drawn once, also where workers share the load

    def __init__(self, environment: Environment) -> None:
        """Raises StopTest where no host is given, or none that can be reached over plain HTTP."""
        super().__init__(environment)
        try:
            http = HttpClient(self.host or "", timeout_s=self.timeout_s, before_send=type(self).before_send)
        except ValueError as error:
            raise StopTest(f"the host {error}") from None
        self.client = Session(self, http)

    def on_stop(self) -> None:
        """Locust calls this when the user has ended."""
        self.client.close()

    def context(self, token: str | None = None, action: Action = "write") -> dict[str, Any]:
        """What goes with each request, a write with its token and a read with that it looks for, to Locust's
        request event.
        """
        annotate = type(self).annotate
        return annotate(self, token, action) if annotate is not None else {}


class Reader(PoolUser):
    """Reads single users."""

    tasks = [read_user]  # noqa: RUF012


class Prober(Reader):
    """Reads single users one at a time, with a pause in which the connection gets back to its pool."""

    wait_time = constant(0.05)


class Teller(PoolUser):
    """Moves money."""

    tasks = [transfer]  # noqa: RUF012


class CrowdedTeller(PoolUser):
    """Moves money among few accounts, one transfer upon the other."""

    wait_time = constant(0)
    tasks = [transfer_among_few]  # noqa: RUF012


def keep_books(user: PoolUser) -> None:
    """A transfer between two accounts of one's own, a read of one of them, or of anyone's."""
    assert isinstance(user, Bookkeeper)
    user.books.next_step(user)


class Bookkeeper(PoolUser):
    """Moves money between two accounts that nobody else changes, and knows each right answer."""

    wait_time = constant(0.01)  # without a pause, requests that fail at once would be all that the generator does
    tasks = [keep_books]  # noqa: RUF012

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.books = Bookkeeping(SEEDED_USERS)


class Idler(PoolUser):
    """Has a session and does nothing with it."""

    wait_time = constant(0)
    tasks = [idle]  # noqa: RUF012


class LateIdler(PoolUser):
    """Does nothing with a session after its first statement."""

    wait_time = constant(0)
    tasks = [idle_after_statement]  # noqa: RUF012


class Raiser(PoolUser):
    """Has the endpoint raise while a connection is out."""

    tasks = [raised]  # noqa: RUF012


class Troubled(PoolUser):
    """Mostly errors, of every kind that a request can end in, and some successes between them."""

    tasks = [  # noqa: RUF012
        *(read_user, list_users, read_nobody, taken_address, overdraw),
        *(raised, bad_statement, bad_input, hang_up),
    ]


class Follower(PoolUser):
    """Moves money and looks at once for what it has written. A short pause between two requests keeps the looks
    from being over before a replica can have caught up.
    """

    wait_time = constant(0.005)
    tasks = [follow]  # noqa: RUF012

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.waiting: deque[Followed] = deque()


class SlowAsker(PoolUser):
    """Statements of known durations, one upon the other."""

    wait_time = constant(0)
    tasks = [ask_slow]  # noqa: RUF012


class FarAsker(PoolUser):
    """Short statements, one upon the other."""

    wait_time = constant(0)
    tasks = [ask_far]  # noqa: RUF012


class Mixed(PoolUser):
    """A service's ordinary day: mostly single reads, some pages, some transfers, a few new users."""

    tasks = [read_user] * 14 + [list_users] * 3 + [transfer] * 2 + [create_user]  # type: ignore[assignment]


class Holder(PoolUser):
    """Holds a connection, again and again."""

    wait_time = constant(0)
    tasks = [hold]  # noqa: RUF012


class LongHolder(PoolUser):
    """Holds a connection for longer than others wait for one."""

    wait_time = constant(0)
    tasks = [hold_long]  # noqa: RUF012


class SlowCaller(PoolUser):
    """Has the database take its time."""

    tasks = [slow_statement]  # noqa: RUF012


class Browser(PoolUser):
    """Pages through users with all that is known of them."""

    tasks = [list_whole_users]  # noqa: RUF012


class HotReader(PoolUser):
    """Reads the few users that everyone reads."""

    tasks = [read_hot_user]  # noqa: RUF012


class Reporter(PoolUser):
    """Asks for reports that the database has to compute."""

    tasks = [report]  # noqa: RUF012


class Visitor(PoolUser):
    """Reads what an app has to read."""

    paths: ClassVar[tuple[str, ...]] = ("/",)  # set by the harness
    tasks = [visit]  # noqa: RUF012


BEHAVIOURS: dict[Behaviour, type[PoolUser]] = {
    "reader": Reader,
    "prober": Prober,
    "teller": Teller,
    "crowded-teller": CrowdedTeller,
    "bookkeeper": Bookkeeper,
    "follower": Follower,
    "mixed": Mixed,
    "holder": Holder,
    "idler": Idler,
    "late-idler": LateIdler,
    "troubled": Troubled,
    "raiser": Raiser,
    "slow-asker": SlowAsker,
    "far-asker": FarAsker,
    "long-holder": LongHolder,
    "slow-caller": SlowCaller,
    "browser": Browser,
    "hot-reader": HotReader,
    "reporter": Reporter,
    "visitor": Visitor,
}
