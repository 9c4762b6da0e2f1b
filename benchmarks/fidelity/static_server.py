"""A server that does next to nothing: the same small JSON document to every request, over kept connections.

Run as `python -m benchmarks.fidelity.static_server DESCRIPTOR` on a listening socket that the benchmark opened. It
knows nothing of HTTP but where a request without a body ends: what is measured against it is the generator.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import cast

import uvloop

BODY = b'{"id":1,"name":"User 1","email":"user1@example.test","balance_cents":100000,"bio":"static"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
    + str(len(BODY)).encode()
    + b"\r\n\r\n"
) + BODY
_END = b"\r\n\r\n"


class StaticProtocol(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is no subclass of it
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        requests = data.count(_END)
        self._rest = data.rpartition(_END)[2] if requests else data
        if requests:
            self._transport.write(ANSWER * requests)


async def serve(listener: socket.socket) -> None:
    """Answer for as long as the process lives."""
    server = await asyncio.get_running_loop().create_server(StaticProtocol, sock=listener, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as inherited:
        uvloop.run(serve(inherited))
