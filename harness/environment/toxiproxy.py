"""A Toxiproxy server for a run: one that runs already and was given, else one of our own on the leash."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from harness.environment.children import child_environment
from harness.environment.leash import Child, Leash, ending
from harness.environment.ports import HOST, is_loopback
from harness.environment.readiness import on_a_free_port, wait_until_ready
from harness.environment.toxiproxy_api import Connection, Proxy, Toxic, Toxiproxy, ToxiproxyError
from harness.environment.toxiproxy_binary import ToxiproxyBinary, find_or_build

__all__ = ["Proxy", "Toxic", "Toxiproxy", "ToxiproxyError", "toxiproxy_server"]

_START_TIMEOUT_S = 10.0
_DEFAULT_API_PORT = 8474
_FORM = "http://HOST:PORT"


@contextmanager
def toxiproxy_server(
    leash: Leash, *, url: str | None, progress: Callable[[str], None], allow_remote: bool = False
) -> Iterator[Toxiproxy]:
    """A Toxiproxy server: the one at `url`, else the one that is found or, once, built.

    Raises EnvironmentSetupError: no server and no way to build one, none at the URL, or not on this machine
    unless `allow_remote`.
    """
    if url is not None:
        server = _given_server(url, allow_remote)
        with ending(server.close):
            yield server
        return
    binary = find_or_build(progress, leash)
    progress("starting Toxiproxy")
    log_folder = leash.temporary_folder()
    with ending(lambda: leash.remove_folder(log_folder)):
        child, connection = _start(leash, binary, log_folder / "toxiproxy.log")
        server = Toxiproxy(connection, binary.version, binary.source, pid=child.pid)
        with ending(child.stop), ending(server.close):
            yield server


def _given_server(url: str, allow_remote: bool) -> Toxiproxy:
    host, port = parse_server_url(url)
    local = is_loopback(host)
    if not local and not allow_remote:
        raise ToxiproxyError(f"the Toxiproxy host {host!r} is not this machine; give one that runs here")
    connection = Connection(host, port)
    try:
        version = _version(connection)
    except ToxiproxyError as error:
        connection.close()
        raise ToxiproxyError(
            f"no Toxiproxy answers at {host}:{port}; start toxiproxy-server there or correct --toxiproxy"
        ) from error
    return Toxiproxy(connection, version, "given", local=local)


def parse_server_url(url: str) -> tuple[str, int]:
    """Host and port of `http://HOST:PORT`; the scheme and port 8474 may be left out. Raises ToxiproxyError."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, _DEFAULT_API_PORT if parts.port is None else parts.port
    except ValueError:
        raise ToxiproxyError(f"--toxiproxy cannot be read; write it as {_FORM}") from None
    if (
        port == 0
        or not host
        or parts.scheme != "http"
        or parts.username is not None
        or parts.path not in ("", "/")
    ):
        raise ToxiproxyError(f"--toxiproxy is not the address of a Toxiproxy server; write it as {_FORM}")
    return host, port


def _version(connection: Connection) -> str:
    answer = connection.request("GET", "/version")
    try:
        version = str(answer.json()["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise ToxiproxyError("what answers there is not Toxiproxy") from error
    return "unknown (built from source)" if version == "git" else version.removeprefix("v")


def _start(leash: Leash, binary: ToxiproxyBinary, log_path: Path) -> tuple[Child, Connection]:
    def on(port: int) -> tuple[Child, Connection]:
        child = leash.start(
            [binary.path, "-host", HOST, "-port", str(port)],
            env=child_environment(own={"LOG_LEVEL": "warn"}),
            log_path=log_path,
            name="Toxiproxy",
            grace_s=2.0,
        )
        # One that somebody stopped goes on when it is needed: no request to it, nor its end, has to wait.
        connection = Connection(HOST, port, wake=lambda: child.popen.send_signal(signal.SIGCONT))
        try:
            wait_until_ready(
                child,
                lambda _: _problem(connection),
                within_s=_START_TIMEOUT_S,
                port_taken="address already in use",
            )
            return child, connection
        except BaseException:
            connection.close()
            child.stop()
            raise

    return on_a_free_port(on)


def _problem(connection: Connection) -> str:
    try:
        _version(connection)
    except ToxiproxyError as error:
        return str(error)
    return ""
