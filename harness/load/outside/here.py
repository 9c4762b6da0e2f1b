"""Load stays on this machine: what a locustfile would send to another one is not sent.

Its host is the app's, whatever the file says; but an absolute URL, a redirect or a `base_url` of its own leads
anywhere, and to put load on somebody else's service is nobody's wish. It is the connection that is refused, so it
holds for whatever client a file brings along that uses Python's sockets.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from typing import Any

import gevent.socket
import psutil

Told = Callable[[str], None]
"""Is told the address that was wanted."""
_OF_NETWORKS = (gevent.socket.AF_INET, gevent.socket.AF_INET6)


class ElsewhereError(ConnectionError):
    """The address is another machine's."""


def stay_here(tell: Told) -> None:
    """From now on, in this process; sockets of other kinds than the internet's are let alone."""
    owner: Any = gevent.socket.socket
    own = {info.address for infos in psutil.net_if_addrs().values() for info in infos}
    for name in ("connect", "connect_ex"):
        setattr(owner, name, _guarded(getattr(owner, name), own, tell))


def _guarded(connect: Any, own: set[str], tell: Told) -> Any:
    @functools.wraps(connect)
    def guarded(self: Any, address: Any) -> Any:
        if self.family in _OF_NETWORKS and isinstance(address, tuple) and address:
            host = str(address[0])
            if not is_here(host, own):
                tell(host)
                raise ElsewhereError(f"{host} is not this machine")
        return connect(self, address)

    return guarded


def is_here(host: str, own: set[str]) -> bool:
    """Whether a host is this machine, whose own addresses are those; clients have resolved names before."""
    host = host.partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() in ("localhost", "")
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified or host in own
