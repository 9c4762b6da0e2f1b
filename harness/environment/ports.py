"""Ports on 127.0.0.1, or another address of this machine, chosen where no outgoing connection can take them."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import random
import socket
from pathlib import Path

from harness.errors import EnvironmentSetupError

HOST = "127.0.0.1"
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10_240
_HIGHEST = 65_535
_TRIES = 200


def ephemeral_range() -> tuple[int, int]:
    """The ports that outgoing connections are given, first and last; IANA's range where it cannot be read."""
    try:
        first, last = _EPHEMERAL.read_text().split()
        return int(first), int(last)
    except (OSError, ValueError):
        return 49_152, 65_535


def candidates(ephemeral: tuple[int, int]) -> range:
    """Ports to choose from: the larger part outside the ephemeral range; empty where there is none."""
    first, last = ephemeral
    below, above = range(_LOWEST, first), range(last + 1, _HIGHEST + 1)
    return max(below, above, key=len)


def free_port(host: str = HOST) -> int:
    """A port of `host` that nothing listens on, outside the ephemeral range.

    While a proxy is down, a pool's connection attempts on a port inside that range may be given that very
    port as their own end: they would connect to themselves and keep the proxy from coming back.
    Raises EnvironmentSetupError where no port of `host` can be bound, as it is no address of this machine.
    """
    choice = candidates(ephemeral_range())
    for _ in range(_TRIES if choice else 0):
        port = random.choice(choice)
        with contextlib.suppress(OSError), socket.create_server((host, port)):
            return port
    with _bound(host, 0) as listener:
        return int(listener.getsockname()[1])


def port_problem(port: int) -> str:
    """What is wrong with a number that is no port, and what to do; empty where it is one."""
    return "" if 0 < port <= _HIGHEST else f"{port} is no port; choose one from 1024 to {_HIGHEST}"


def require_free(host: str, port: int) -> None:
    """Raises EnvironmentSetupError where nobody could listen on that port of `host`, with what to do."""
    _bound(host, port).close()


def listening_socket(port: int | None, host: str = HOST) -> socket.socket:
    """A listening socket on `host`, an address of this machine; on `port` if given, else on a free one.

    Its connections inherit TCP_NODELAY: `uvicorn --fd` takes any descriptor for a Unix socket and leaves Nagle's
    algorithm on, which held every answer back for 40 ms until the client's delayed acknowledgement.
    Raises EnvironmentSetupError where the given port is in use or not allowed, or `host` is another machine.
    """
    if port is not None and (problem := port_problem(port)):
        raise EnvironmentSetupError(problem)
    listener = _bound(host, port if port is not None else free_port(host))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _bound(host: str, port: int) -> socket.socket:
    elsewhere = f"{host} is no address of this machine; name one that it has (`ip address` lists them)"
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return socket.create_server((host, port), backlog=2048)
    except (socket.gaierror, UnicodeError) as error:
        raise EnvironmentSetupError(elsewhere) from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            text = elsewhere
        elif error.errno == errno.EADDRINUSE:
            text = f"port {port} on {host} is in use; end the program that listens there or choose another port"
        else:
            text = f"port {port} on {host} cannot be used ({error.strerror}); choose another port"
        raise EnvironmentSetupError(text) from error


def is_loopback(host: str) -> bool:
    """Whether every address of `host` is on this machine's loopback; a name that resolves to none is not."""
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return False
    return bool(addresses) and all(ipaddress.ip_address(address).is_loopback for address in addresses)
