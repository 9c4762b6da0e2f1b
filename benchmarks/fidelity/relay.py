"""Counts round trips on the wire: a TCP relay that notes each time the server answers what the client said.

PostgreSQL's protocol needs no reading for that: whoever has to wait for an answer before it can go on has the
direction of the bytes change twice.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.environment.ports import listening_socket

CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Turn:
    """One round trip: when the client began to speak, and when the server's answer began."""

    asked_ns: int
    answered_ns: int


class Link:
    """One connection's state: pure, fed with the moments at which either side spoke."""

    def __init__(self) -> None:
        self._asked_ns: int | None = None

    def client_spoke(self, now_ns: int) -> None:
        """More of the same question changes nothing."""
        if self._asked_ns is None:
            self._asked_ns = now_ns

    def server_spoke(self, now_ns: int) -> Turn | None:
        """The turn that this completes; None for more of an answer, and for what nobody asked for."""
        asked_ns, self._asked_ns = self._asked_ns, None
        return None if asked_ns is None else Turn(asked_ns, now_ns)


def turns_within(turns: list[Turn], begin_ns: int, end_ns: int) -> int:
    """Turns that began and were answered between two moments: those that a request had to wait for."""
    return sum(begin_ns <= turn.asked_ns and turn.answered_ns <= end_ns for turn in turns)


@dataclass
class Relay:
    """A relay that runs; `turns` grows as they happen. Moments are those of the monotonic clock."""

    port: int
    turns: list[Turn] = field(default_factory=list)


@contextmanager
def relay_to(host: str, port: int) -> Iterator[Relay]:
    """Relay connections on a port of its own to `host` and `port`, on an event loop in a thread of its own."""
    with listening_socket(None) as listener:
        relay = Relay(int(listener.getsockname()[1]))
        loop = asyncio.new_event_loop()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _relay(relay, reader, writer, host, port)

        server = loop.run_until_complete(asyncio.start_server(serve, sock=listener))
        thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            asyncio.run_coroutine_threadsafe(_close(server), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _relay(
    relay: Relay, client: asyncio.StreamReader, to_client: asyncio.StreamWriter, host: str, port: int
) -> None:
    link = Link()

    def server_spoke(now_ns: int) -> None:
        turn = link.server_spoke(now_ns)
        if turn is not None:
            relay.turns.append(turn)

    try:
        server, to_server = await asyncio.open_connection(host, port)
    except OSError:
        to_client.close()
        return
    try:
        await asyncio.gather(
            _pump(client, to_server, link.client_spoke),
            _pump(server, to_client, server_spoke),
        )
    finally:
        to_client.close()
        to_server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, spoke: object) -> None:
    """Until the one side ends; then the other is told."""
    assert callable(spoke)
    try:
        while data := await reader.read(CHUNK_BYTES):
            spoke(time.monotonic_ns())
            writer.write(data)
            await writer.drain()
        writer.close()
    except OSError:
        writer.close()


@contextmanager
def counting_port(host: str, port: int, into: list[Relay]) -> Iterator[int]:
    """The relay as a front for `benchmarks.fidelity.target.serving`; the relay is put into `into`."""
    with relay_to(host, port) as relay:
        into.append(relay)
        yield relay.port
