"""No question of the harness's own to PostgreSQL waits for ever, and Ctrl-C ends each.

A server or a session that stands still (SIGSTOP, a frozen container) keeps its connections open and says nothing;
libpq then waits as long as it takes, and hears no signal meanwhile.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.extensions
from psycopg2.extensions import POLL_OK, POLL_READ, STATUS_SETUP

CONNECTED_WITHIN_S = 5.0
ANSWERED_WITHIN_S = 30.0
"""More than any statement of the harness needs, a copy of the template database included."""
LONGEST_WAIT_S = 24 * 3600.0
HURRIED_WITHIN_S = 1.5
"""To be connected where someone waits for a server that may stand still."""


class HurriedConnection(psycopg2.extensions.connection):
    """One that is to be made within `HURRIED_WITHIN_S`."""


class HurriedSession(HurriedConnection):
    """One whose statements take no longer either, for threads: those hear no Ctrl-C, and are waited for."""


class PatientSession(psycopg2.extensions.connection):
    """One whose statements may take as long as the longest phase, for a thread that is to wait for a lock."""


@contextmanager
def bounded_waits() -> Iterator[None]:
    """During the block, connecting and statements of this process that take too long raise OperationalError."""
    before = psycopg2.extensions.get_wait_callback()
    psycopg2.extensions.set_wait_callback(_wait)
    try:
        yield
    finally:
        psycopg2.extensions.set_wait_callback(before)


def _wait(connection: psycopg2.extensions.connection) -> None:
    """Called by psycopg2 with an operation under way; a connection that is given up here is closed by it."""
    within_s = _patience_s(connection)
    deadline_s = time.monotonic() + within_s
    while (state := connection.poll()) != POLL_OK:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        if not waiting.poll(max(0.0, deadline_s - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"no answer within {within_s:g} s")


def _patience_s(connection: psycopg2.extensions.connection) -> float:
    connecting = connection.status == STATUS_SETUP
    if isinstance(connection, PatientSession) and not connecting:
        return LONGEST_WAIT_S
    if isinstance(connection, HurriedConnection if connecting else HurriedSession):
        return HURRIED_WITHIN_S
    return CONNECTED_WITHIN_S if connecting else ANSWERED_WITHIN_S
