"""Every request of a locustfile's users in our account: begun by its client, ended by Locust's event.

Locust says how long a request took, and not when it began on a clock of ours: so the clients' own methods are
watched, and with them where bytes leave and come in. docs/decisions/0017 has how exact that is.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from gevent import GreenletExit
from gevent.pool import Group
from locust import User, clients
from locust.clients import HttpSession
from locust.contrib import fasthttp
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema

from harness.load.classify import UNCLASSIFIED
from harness.load.outside.departures import PASSAGE, Passage, watch_fast, watch_usual
from harness.load.outside.judging import judge
from harness.load.outside.names import Names, request_name
from harness.load.samples import NEVER_SENT, Answered, Arrival, Samples
from harness.records import HIGHEST_NS, Outcome

CHECK_RAISED = "check-raised"
"""The kind of a success in whose with-block an exception was raised: nobody said that it was right."""
FLOW = (StopUser, StopTest, InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately)
"""Exceptions of Locust's that say where a user goes on, and not that something is wrong."""
_NO_URL = (InvalidSchema, InvalidURL, MissingSchema)
_TAG = "_poolstorm_request"
"""The attribute by which an answer knows its request."""


@dataclass(slots=True)
class Request:
    """One that a client was asked for. Times are the monotonic clock's, in ns; `ticket` is None as long as it has
    not begun, or is none of the load's.
    """

    method: str
    name: str
    is_chosen: bool  # the name was; else it is the URL
    ticket: int | None = None
    is_first: bool = False  # of an arrival
    due_ns: int = 0
    entered_ns: int = 0  # Locust's clock runs from here
    told_ms: float | None = None  # what that said, where the user may change it
    passage: Passage = field(default_factory=Passage)

    @property
    def sent_ns(self) -> int:
        """When it went to its connection; of one that did not come to that, or was not seen to, when it began."""
        return self.passage.sent_ns or self.entered_ns


_REQUEST: ContextVar[Request | None] = ContextVar("request", default=None)


class Recording:
    """Watches Locust's HTTP clients; `on_request` is the listener of its request event.

    `closed` are closed users, each with when it was begun: in a phase that has none, or at the load's end, the
    next request ends one. `running` are the arrivals that users run just now.
    `leaving` holds while users go: what they still send is sent, and not recorded.
    """

    def __init__(self, samples: Samples, names: Names, timeout_s: float) -> None:
        self._samples, self._names, self._timeout_s = samples, names, timeout_s
        self.closed: WeakKeyDictionary[User, int] = WeakKeyDictionary()
        self.running: WeakKeyDictionary[User, Arrival] = WeakKeyDictionary()
        self.leaving: ContextVar[bool] = ContextVar("leaving", default=False)
        self._going = Group()
        self._unseen: list[str] = []  # clients whose sending cannot be watched

    def watch_clients(self) -> None:
        """Put ourselves between users and clients, for good."""
        for client, name, watch in (
            (HttpSession, "HttpUser", watch_usual),
            (FastHttpSession, "FastHttpUser", watch_fast),
        ):
            is_seen = watch(self._leave)
            self._watch(client, is_seen=is_seen)
            if not is_seen:
                self._unseen.append(name)
        for block in (clients.ResponseContextManager, fasthttp.ResponseContextManager):
            self._watch_block(block)

    def told(self) -> list[str]:
        """What could not be watched, in words."""
        return [
            f"the library of {name}'s client sends in a way unknown to poolstorm: its own work is in the latencies"
            for name in self._unseen
        ]

    def let_go(self, on_stop: Callable[[], object]) -> None:
        """Run an on_stop to its end, also where its user is killed in it: in a greenlet that is not the user's.

        Raises what it raises.
        """
        failures: list[Exception] = []

        def go() -> None:
            self.leaving.set(True)
            try:
                on_stop()
            except Exception as error:
                failures.append(error)

        self._going.spawn(go).join()
        if failures:
            raise failures[0]

    def wait_for_leaving(self, within_s: float) -> None:
        """Until all who go have gone; those who take longer are ended."""
        self._going.join(timeout=within_s)
        self._going.kill()

    def _watch(self, client: Any, *, is_seen: bool) -> None:
        request, send = client.request, client._send_request_safe_mode

        @functools.wraps(request)
        def asked(session: Any, method: Any, url: Any, name: Any = None, *args: Any, **others: Any) -> Any:
            chosen = name or session.request_name
            entry = Request(str(method), str(chosen or url), bool(chosen))
            token, passage = _REQUEST.set(entry), PASSAGE.set(entry.passage)
            try:
                answer = request(session, method, url, name, *args, **others)
            except BaseException as error:
                self._broken_off(entry, error)
                raise
            finally:
                _REQUEST.reset(token)
                PASSAGE.reset(passage)
            self._returned(entry, answer)
            return answer

        @functools.wraps(send)
        def sent(session: Any, method: Any, url: Any, **others: Any) -> Any:
            entry = _REQUEST.get()
            if client is HttpSession and others.get("timeout") is None:
                others["timeout"] = self._timeout_s  # else it would wait without end
            if entry is not None:
                self._begin(entry, session.user)
                if not is_seen:
                    self._leave()
            answer = send(session, method, url, **others)
            if entry is not None and client is HttpSession and getattr(answer, "error", None) is not None:
                entry.passage.received_ns = 0  # its library closes what it gives up just as what it has read
            if entry is not None and entry.ticket is not None:
                answer.__dict__[_TAG] = entry
            return answer

        client.request, client._send_request_safe_mode = asked, sent

    def _watch_block(self, block: Any) -> None:
        """Locust says nothing of an answer whose with-block raises, and its request is over all the same."""
        leave = block.__exit__

        @functools.wraps(leave)
        def left(answer: Any, kind: Any, error: Any, trace: Any) -> Any:
            handled = leave(answer, kind, error, trace)
            entry = answer.__dict__.pop(_TAG, None)
            if error is not None and not handled and entry is not None:
                self._unjudged(entry, error)
            return handled

        block.__exit__ = left

    def _unjudged(self, entry: Request, error: BaseException) -> None:
        samples = self._samples
        known = samples.answered.get(entry.ticket) if entry.ticket is not None else None
        if entry.ticket is None or known is None:
            return
        if known.outcome is Outcome.OK and isinstance(error, Exception) and not isinstance(error, FLOW):
            known = known._replace(outcome=Outcome.FAILED, kind=CHECK_RAISED)
        samples.close(entry.ticket, samples.name_of(entry.ticket), known)

    def _begin(self, entry: Request, user: User | None) -> None:
        samples = self._samples
        entry.entered_ns = time.monotonic_ns()
        if entry.entered_ns < samples.origin_ns or not samples.origin_ns:
            return  # of listeners and of users who get ready: the load has not begun
        if self.leaving.get() and samples.closing:
            return
        if (
            user in self.closed
            and (samples.closing or samples.closed_behaviour() is None)
            and not self.leaving.get()
        ):
            raise StopUser
        if samples.current_arrival() is None and user is not None and user in self.running:
            samples.join_arrival(self.running[user])  # a greenlet of the task's own
        arrival = samples.current_arrival()
        entry.is_first = arrival is not None and not arrival.begun
        name = self._names.bounded(request_name(entry.method, entry.name, chosen=entry.is_chosen))
        entry.ticket = samples.begin(name)["ticket"]
        if entry.is_first and arrival is not None:
            entry.due_ns = samples.origin_ns + arrival.intended_ns

    def _leave(self) -> None:
        """A request is ready to go: an arrival's first one waits for its time. Others' are none of ours."""
        entry = _REQUEST.get()
        if entry is None or entry.ticket is None:
            return
        if entry.is_first and not entry.passage.sent_ns:
            self._samples.await_due()
        entry.passage.leave()

    def on_request(
        self,
        *,
        request_type: str,
        name: str,
        response_time: float | None,
        response: Any = None,
        exception: BaseException | None = None,
        **_: Any,
    ) -> None:
        """Locust's request event; of clients of the users' own it is all that is heard."""
        entry = getattr(response, "__dict__", {}).pop(_TAG, None)
        if entry is None:
            self._from_elsewhere(str(request_type), str(name), response_time, exception)
            return
        try:
            outcome, kind, timing = _seen(response, exception)
        except Exception:  # which Locust would log, and the request be lost
            outcome, kind, timing = Outcome.UNKNOWN, UNCLASSIFIED, ""
        operation = self._names.bounded(request_name(entry.method, str(name), chosen=entry.is_chosen))
        self._samples.close(entry.ticket, operation, _known(entry, outcome, kind, response_time), timing)

    def _from_elsewhere(self, method: str, name: str, took_ms: float | None, error: BaseException | None) -> None:
        samples, took_ns = self._samples, _nanoseconds(took_ms) or 0
        intended_ns = time.monotonic_ns() - samples.origin_ns - took_ns
        if not samples.origin_ns or intended_ns < 0 or (samples.closing and self.leaving.get()):
            return
        arrival = samples.current_arrival()
        if arrival is not None:
            arrival.begun = True
        outcome, kind = judge(200 if error is None else 0, None, error)
        operation = self._names.bounded(request_name(method, name, chosen=True))
        samples.add_whole(operation, outcome, kind, intended_ns, took_ns)

    def _returned(self, entry: Request, answer: Any) -> None:
        """Where the user looks at the answer first, it counts as what it says until the event comes."""
        samples = self._samples
        entry.told_ms = getattr(answer, "request_meta", {}).get("response_time")
        if entry.ticket is not None and entry.ticket in samples.under_way:
            with suppress(Exception):
                error = getattr(answer, "error", None) or _status_error(answer)
                outcome, kind, _ = _seen(answer, error)
                samples.answered[entry.ticket] = _known(entry, outcome, kind, None)

    def _broken_off(self, entry: Request, error: BaseException) -> None:
        """No event comes of a request in which something was raised that its client does not foresee."""
        if entry.ticket is None:
            return
        if isinstance(error, GreenletExit):
            self._samples.give_up(entry.ticket)
            return
        entry.passage.received_ns = 0  # it ends now
        outcome, kind = (Outcome.FAILED, NEVER_SENT) if isinstance(error, _NO_URL) else judge(0, None, error)
        self._samples.close(entry.ticket, self._samples.name_of(entry.ticket), _known(entry, outcome, kind, None))


def _known(entry: Request, outcome: Outcome, kind: str, took_ms: float | None) -> Answered:
    ended_ns = _ended_ns(entry, took_ms)
    service_ns = max(0, ended_ns - entry.sent_ns)
    late_ns = max(0, entry.sent_ns - entry.due_ns) if entry.is_first else 0
    return Answered(outcome, kind, service_ns + late_ns, service_ns)


def _ended_ns(entry: Request, took_ms: float | None) -> int:
    """A time that the user gave instead of Locust's comes first, then that of the answer's last byte. Else it is
    by Locust's clock, which ran from `entered_ns`, and by default now.
    """
    is_users = entry.told_ms is not None and took_ms is not None and took_ms != entry.told_ms
    if entry.passage.received_ns and not is_users:
        return entry.passage.received_ns
    took_ns = _nanoseconds(took_ms)
    return time.monotonic_ns() if took_ns is None else entry.entered_ns + took_ns


def _nanoseconds(took_ms: float | None) -> int | None:
    """A time as Locust tells it; None for what is none, as files may set it themselves."""
    try:
        return None if took_ms is None else round(min(max(took_ms, 0.0) * 1e6, HIGHEST_NS))
    except (TypeError, ValueError):
        return None


def _status_error(answer: Any) -> Exception | None:
    return ValueError("a status of failure") if answer.status_code >= 400 else None


def _seen(answer: Any, error: BaseException | None) -> tuple[Outcome, str, str]:
    """Outcome, kind and Server-Timing; a body is looked at only where it has been read anyway."""
    body = answer.__dict__.get("_content") or getattr(answer, "_cached_content", None)
    outcome, kind = judge(int(answer.status_code or 0), body if isinstance(body, bytes) else None, error)
    headers = answer.headers or {}
    return outcome, kind, str(headers.get("server-timing") or "")
