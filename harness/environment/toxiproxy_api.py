"""Our adapter around toxiproxy-python, which mends what the library lacks.

The library sends every request through the class `APIConsumer`, whose host and port are class variables, without
a timeout, and takes 403 and 5xx for success. Its modules refer to that class by a global name. So that name is
bound, once, to a switchboard: inside a call of an adapter (a context variable tells) requests go through the
adapter's own session, elsewhere the library behaves as before. Two adapters, two threads and anyone else who uses
the library in this process do not meet. docs/decisions/0005-toxiproxy-adapter.md compares the alternatives.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import requests
import toxiproxy as library
from toxiproxy import proxy as library_proxy
from toxiproxy import server as library_server
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import ProxyExists

from harness.environment.ports import HOST
from harness.environment.readiness import PortTakenError, on_a_free_port
from harness.errors import EnvironmentSetupError
from scenarios.model import Scalar

REQUEST_TIMEOUT_S = 5.0


class ToxiproxyError(EnvironmentSetupError):
    """Toxiproxy does not answer, or refused what it was asked for. `status` is its HTTP status, if it answered."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Toxic:
    """A toxic as the server has it, its defaults filled in; `stream` is `upstream` or `downstream`."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, Scalar] = field(default_factory=dict)


class Connection:
    """One keep-alive HTTP connection to one Toxiproxy server, with time-outs; safe to share among threads.

    `wake` is called before each request.
    """

    def __init__(self, host: str, port: int, wake: Callable[[], object] = lambda: None) -> None:
        self.host = host
        self.port = port
        self._base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._wake = wake
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy set in the environment is not for this
        self._lock = threading.Lock()

    def request(self, method: str, path: str, **content: Any) -> requests.Response:
        """Send and check. Raises ToxiproxyError for no answer and for every status outside 200-299."""
        try:
            with self._lock:
                self._wake()
                response = self._session.request(method, self._base + path, timeout=REQUEST_TIMEOUT_S, **content)
        except requests.RequestException as error:
            raise ToxiproxyError(
                f"Toxiproxy at {self.host}:{self.port} does not answer ({type(error).__name__}); "
                "see whether it still runs"
            ) from error
        if not response.ok:
            raise ToxiproxyError(
                f"Toxiproxy refused {method} {path} with {response.status_code}: {_gist(response)}",
                response.status_code,
            )
        return response

    def close(self) -> None:
        """Close the session."""
        self._session.close()


class Proxy:
    """One proxy that this adapter created. Every method raises ToxiproxyError where the server does not comply."""

    def __init__(self, connection: Connection, proxy: Any, host: str) -> None:
        self._connection = connection
        self._library = proxy
        self.name: str = proxy.name
        self.upstream: str = proxy.upstream
        self.host = host
        self.port = int(proxy.listen.rpartition(":")[2])

    def __repr__(self) -> str:
        return f"Proxy({self.name}, {self.host}:{self.port} -> {self.upstream})"

    def add_toxic(
        self,
        toxic_type: str,
        stream: str,
        attributes: Mapping[str, Scalar],
        name: str | None = None,
        toxicity: float = 1.0,
    ) -> Toxic:
        """Add a toxic, named `<toxic_type>_<stream>` unless `name` is given; returns what the server made."""
        toxic = {
            "name": name or f"{toxic_type}_{stream}",
            "type": toxic_type,
            "stream": stream,
            "toxicity": toxicity,
            "attributes": dict(attributes),
        }
        return _toxic(self._connection.request("POST", f"/proxies/{self.name}/toxics", json=toxic).json())

    def update_toxic(
        self, name: str, attributes: Mapping[str, Scalar] | None = None, toxicity: float | None = None
    ) -> Toxic:
        """Change some attributes or the toxicity of a toxic; what is not named stays."""
        change: dict[str, object] = {}
        if attributes is not None:
            change["attributes"] = dict(attributes)
        if toxicity is not None:
            change["toxicity"] = toxicity
        path = f"/proxies/{self.name}/toxics/{name}"
        return _toxic(self._connection.request("PATCH", path, json=change).json())

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic. Removing a `timeout` closes the links that it held."""
        with _routed(self._connection):
            self._library.destroy_toxic(name)

    def toxics(self) -> tuple[Toxic, ...]:
        """All toxics on the proxy now."""
        with _routed(self._connection):
            found = self._library.toxics().values()
        return tuple(_toxic(vars(toxic)) for toxic in found)

    def disable(self) -> None:
        """Close all links and refuse new ones."""
        with _routed(self._connection):
            self._library.disable()

    def enable(self) -> None:
        """Listen again, on the same port."""
        with _routed(self._connection):
            self._library.enable()

    def reset(self) -> None:
        """Remove all toxics of this proxy and enable it."""
        for toxic in self.toxics():
            with _missing_is_fine():
                self.remove_toxic(toxic.name)
        self.enable()

    def destroy(self) -> None:
        """Take the proxy away, links and all; one that is gone already is fine."""
        with _routed(self._connection), _missing_is_fine():
            self._library.destroy()


class Toxiproxy:
    """A running Toxiproxy server; destroys its own proxies in `close` and touches no others.

    `source` tells where the server comes from: path, cache, built or given. `pid` is None for a given one, and
    `is_local` whether it runs on this machine.
    """

    def __init__(
        self, connection: Connection, version: str, source: str, *, local: bool = True, pid: int | None = None
    ) -> None:
        self._connection = connection
        self.host = connection.host
        self.port = connection.port
        self.version = version
        self.source = source
        self.pid = pid
        self.is_local = local
        self._proxies: list[Proxy] = []

    def __repr__(self) -> str:
        return f"Toxiproxy({self.host}:{self.port}, {self.version}, {self.source})"

    def create_proxy(self, name: str, upstream_host: str, upstream_port: int) -> Proxy:
        """A proxy on a free port of the server's machine. Its name is made unique on the server.

        Raises ToxiproxyError.
        """
        place = f"[{upstream_host}]" if ":" in upstream_host else upstream_host
        unique = f"{name}-{secrets.token_hex(4)}"
        upstream = f"{place}:{upstream_port}"
        proxy = on_a_free_port(lambda port: self._create(unique, upstream, f"{HOST}:{port}"))
        self._proxies.append(proxy)
        return proxy

    def require_alive(self) -> None:
        """Raises ToxiproxyError where the server does not answer."""
        self._connection.request("GET", "/version")

    def close(self) -> None:
        """Destroy the proxies that were created here."""
        with closing(self._connection):
            while self._proxies:
                self._proxies.pop().destroy()

    def _create(self, name: str, upstream: str, local: str) -> Proxy:
        listen = local if self.is_local else "0.0.0.0:0"
        try:
            with _routed(self._connection):
                made = library.Toxiproxy().create(upstream=upstream, name=name, listen=listen)
        except ProxyExists as error:
            raise ToxiproxyError(f"a proxy named {name!r} exists already; choose another name") from error
        except ToxiproxyError as error:
            if "address already in use" in str(error):
                raise PortTakenError(str(error)) from error
            raise
        return Proxy(self._connection, made, HOST if self.is_local else self.host)


# --- how the library's requests find their adapter -------------------------------------------------------

_current: ContextVar[Connection | None] = ContextVar("poolstorm_toxiproxy", default=None)


class _Switchboard(APIConsumer):  # type: ignore[misc] # the library has no types
    @classmethod
    def get(cls, url: str, params: Any = None, **content: Any) -> requests.Response:
        connection = _current.get()
        if connection is None:
            return super().get(url, params, **content)  # type: ignore[no-any-return]
        return connection.request("GET", url, params=params, **content)

    @classmethod
    def post(cls, url: str, data: Any = None, json: Any = None, **content: Any) -> requests.Response:
        connection = _current.get()
        if connection is None:
            return super().post(url, data, json, **content)  # type: ignore[no-any-return]
        return connection.request("POST", url, data=data, json=json, **content)

    @classmethod
    def delete(cls, url: str, **content: Any) -> requests.Response:
        connection = _current.get()
        if connection is None:
            return super().delete(url, **content)  # type: ignore[no-any-return]
        return connection.request("DELETE", url, **content)


library_proxy.APIConsumer = _Switchboard
library_server.APIConsumer = _Switchboard


@contextmanager
def _routed(connection: Connection) -> Iterator[None]:
    token = _current.set(connection)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def _missing_is_fine() -> Iterator[None]:
    try:
        yield
    except ToxiproxyError as error:
        if error.status != requests.codes.not_found:
            raise


def _toxic(answer: Mapping[str, Any]) -> Toxic:
    return Toxic(
        name=answer["name"],
        type=answer["type"],
        stream=answer["stream"],
        toxicity=float(answer["toxicity"]),
        attributes=MappingProxyType(dict(answer["attributes"])),
    )


def _gist(response: requests.Response) -> str:
    with suppress(ValueError, AttributeError):
        error = response.json().get("error")
        if error:
            return str(error)
    return " ".join(response.text.split())[:200] or "no reason given"
