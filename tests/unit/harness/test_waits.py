"""Questions to a PostgreSQL that says nothing."""

from __future__ import annotations

import socket
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest

from harness.environment import waits
from harness.environment.waits import HurriedSession, bounded_waits


def test_a_server_that_takes_connections_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "CONNECTED_WITHIN_S", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, bounded_waits():
        port = silent.getsockname()[1]
        with pytest.raises(psycopg2.OperationalError, match=r"no answer within 0\.2 s"):
            psycopg2.connect(f"postgresql://u:p@127.0.0.1:{port}/d")


def test_a_session_of_a_thread_gives_up_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "HURRIED_WITHIN_S", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, bounded_waits():
        port = silent.getsockname()[1]
        with pytest.raises(psycopg2.OperationalError, match=r"no answer within 0\.2 s"):
            psycopg2.connect(f"postgresql://u:p@127.0.0.1:{port}/d", connection_factory=HurriedSession)


def test_waiting_is_as_before_after_the_block() -> None:
    outer = psycopg2.extensions.get_wait_callback()  # a server that serves all tests may be within such a block
    psycopg2.extensions.set_wait_callback(None)
    try:
        with bounded_waits():
            assert psycopg2.extensions.get_wait_callback() is not None
        assert psycopg2.extensions.get_wait_callback() is None
    finally:
        psycopg2.extensions.set_wait_callback(outer)
