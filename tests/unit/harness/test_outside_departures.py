"""When requests of Locust's clients leave and their answers are there, on real sockets."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import requests
import urllib3.connection
from geventhttpclient import connectionpool, response
from geventhttpclient.useragent import UserAgent

from harness.load.outside.departures import PASSAGE, Passage, watch_fast, watch_usual
from tests.unit.scenarios.scripted_server import scripted

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n" + b'{"id":1}'
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
AWAY = b"HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n"
PLACES: tuple[tuple[Any, str], ...] = (
    (urllib3.connection.HTTPConnection, "send"),
    (urllib3.connection.HTTPConnection, "_new_conn"),
    (socket.SocketIO, "readinto"),
    (http.client.HTTPResponse, "_close_conn"),
    (connectionpool.ConnectionPool, "get_socket"),
    (response.HTTPResponse, "_on_message_complete"),
)
Asks = Callable[[str], bytes]
Client = Callable[[], AbstractContextManager[Asks]]


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in PLACES:
        monkeypatch.setattr(owner, name, getattr(owner, name))  # so that it is put back


@contextmanager
def passage() -> Iterator[Passage]:
    found = Passage()
    token = PASSAGE.set(found)
    try:
        yield found
    finally:
        PASSAGE.reset(token)


@contextmanager
def usual() -> Iterator[Asks]:
    with requests.Session() as session:
        session.trust_env = False
        yield lambda url: session.get(url, timeout=10).content


@contextmanager
def fast() -> Iterator[Asks]:
    agent = UserAgent()
    try:
        yield lambda url: bytes(agent.urlopen(url).content)
    finally:
        agent.close()


KINDS = pytest.mark.parametrize(("watch", "client"), [(watch_usual, usual), (watch_fast, fast)])


def leave() -> None:
    found = PASSAGE.get()
    if found is not None:
        found.leave()


@KINDS
def test_a_request_waits_before_its_connection_is_opened_and_its_time_begins_then(
    watch: Callable[..., bool], client: Client
) -> None:
    with scripted([[ANSWER]]) as server:
        let_go_ns: list[int] = []

        def leaving() -> None:
            if not let_go_ns:
                time.sleep(0.05)
                assert not server.requests
                let_go_ns.append(time.monotonic_ns())
            leave()

        assert watch(leaving)
        with client() as ask, passage() as seen:
            assert b'{"id":1}' == ask(server.url)
        after_ns = time.monotonic_ns()
    assert let_go_ns[0] <= seen.sent_ns < seen.received_ns <= after_ns


@KINDS
@pytest.mark.parametrize("answer", [ANSWER, CHUNKED], ids=["length", "chunked"])
def test_each_request_of_a_kept_connection_has_times_of_its_own(
    watch: Callable[..., bool], client: Client, answer: bytes
) -> None:
    assert watch(leave)
    ended_ns = 0
    with scripted([[answer], [answer]]) as server, client() as ask:
        for _ in range(2):
            with passage() as seen:
                ask(server.url)
            assert ended_ns < seen.sent_ns < seen.received_ns
            ended_ns = seen.received_ns
    assert [2] == [len(one) for one in server.requests]


@KINDS
def test_redirects_are_one_request_from_the_first_sending_to_the_last_answer(
    watch: Callable[..., bool], client: Client
) -> None:
    left_ns: list[int] = []

    def leaving() -> None:
        leave()
        left_ns.append(time.monotonic_ns())

    assert watch(leaving)
    with scripted([[AWAY], [ANSWER]]) as server, client() as ask, passage() as seen:
        ask(server.url)
    assert seen.sent_ns <= left_ns[0] < left_ns[-1] < seen.received_ns


def test_what_the_usual_client_does_with_an_answer_is_not_in_its_time() -> None:
    at_work_ns: list[int] = []
    assert watch_usual(leave)
    with scripted([[ANSWER]]) as server, requests.Session() as session, passage() as seen:
        session.trust_env = False
        session.hooks["response"].append(lambda *_, **__: at_work_ns.append(time.monotonic_ns()))
        assert b'{"id":1}' == session.get(server.url, timeout=10).content
    assert (
        seen.sent_ns < seen.received_ns < at_work_ns[0]
    )  # the body came with the head, and is read after the hook


def test_of_an_answer_whose_body_is_left_to_the_user_the_end_is_not_known() -> None:
    assert watch_usual(leave)
    with scripted([[ANSWER]]) as server, requests.Session() as session:
        session.trust_env = False
        with passage() as seen:
            answer = session.get(server.url, stream=True, timeout=10)
        assert b'{"id":1}' == answer.content
    assert 0 == seen.received_ns < seen.sent_ns


def test_a_request_that_is_sent_again_ends_with_the_answer_to_the_last_sending() -> None:
    seen = Passage()
    seen.leave()
    first_ns = seen.sent_ns
    seen.received_ns = seen.read_ns = first_ns + 1
    seen.leave()
    assert (first_ns, 0, 0) == (seen.sent_ns, seen.read_ns, seen.received_ns)


@pytest.mark.parametrize(
    ("watch", "owner", "name"),
    [
        (watch_usual, http.client.HTTPResponse, "_close_conn"),
        (watch_fast, response.HTTPResponse, "_on_message_complete"),
    ],
)
def test_a_version_without_the_places_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, watch: Callable[..., bool], owner: Any, name: str
) -> None:
    monkeypatch.delattr(owner, name)
    before = [getattr(*place, None) for place in PLACES]
    assert not watch(leave)
    assert before == [getattr(*place, None) for place in PLACES]
