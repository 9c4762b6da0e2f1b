"""A server that answers as a test says, on real sockets, and tells what came in."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SILENCE = b""
"""An answer that never comes."""
PATIENCE_S = 10.0

Answer = Sequence[bytes]
"""The pieces of an answer, each sent in a packet of its own."""


@dataclass
class ScriptedServer:
    """Each connection follows its own list of answers, one to each request, and is closed after the last."""

    listener: socket.socket
    scripts: Sequence[Sequence[Answer]]
    requests: list[list[bytes]] = field(default_factory=list)
    """What came in, by connection."""
    ended: list[threading.Event] = field(default_factory=list)
    """Set when a connection's script is over and it is closed from here."""
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a client closed a connection that still had answers to come."""

    @property
    def url(self) -> str:
        """Of plain HTTP."""
        host, port = self.listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def serve(self) -> None:
        """Take one connection after the other, each in a thread."""
        for script in self.scripts:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            seen: list[bytes] = []
            over = threading.Event()
            self.requests.append(seen)
            self.ended.append(over)
            threading.Thread(target=self._follow, args=(connection, script, seen, over), daemon=True).start()

    def _follow(
        self, connection: socket.socket, script: Sequence[Answer], seen: list[bytes], over: threading.Event
    ) -> None:
        with connection, suppress(OSError):
            for answer in script:
                request = _read_request(connection)
                if request is None:
                    self.left.set()
                    return
                seen.append(request)
                for piece in answer:
                    if piece == SILENCE:
                        if not connection.recv(1):
                            self.left.set()
                        return
                    connection.sendall(piece)
        over.set()


def _read_request(connection: socket.socket) -> bytes | None:
    """Head and body; None where the client closed instead."""
    request = b""
    while b"\r\n\r\n" not in request:
        data = connection.recv(65536)
        if not data:
            return None
        request += data
    head, _, body = request.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def scripted(*scripts: Sequence[Answer], host: str = "127.0.0.1") -> Iterator[ScriptedServer]:
    """A server with a script for each connection that it is to take; further ones find nobody."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        server = ScriptedServer(listener, scripts)
        threading.Thread(target=server.serve, daemon=True).start()
        yield server


@contextmanager
def dripping(head: bytes, drop: bytes, every_s: float) -> Iterator[str]:
    """A server that answers its one request with a head and then a drop at a time, for ever; its URL."""
    over = threading.Event()

    def drip() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(PATIENCE_S)
                _read_request(connection)
                connection.sendall(head)
                while not over.wait(every_s):
                    connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join(PATIENCE_S)
