from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.environment.address import (
    Address,
    first_line,
    named_driver,
    parse_database_url,
    redacted,
    require_known,
)
from harness.environment.ports import candidates, free_port, is_loopback, listening_socket, require_free
from harness.environment.toxiproxy import parse_server_url
from harness.errors import EnvironmentSetupError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:pass@localhost:5433/db", Address("localhost", 5433, "me", "pass", "db")),
        ("postgres://me@127.0.0.1", Address("127.0.0.1", 5432, "me", "", "me")),
        ("postgresql://m%40e:p%2Fa%3As%40s@[::1]:5432/my%20db", Address("::1", 5432, "m@e", "p/a:s@s", "my db")),
    ],
)
def test_a_database_url_is_read(text: str, expected: Address) -> None:
    assert parse_database_url(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("mysql://me:s3cret@localhost/db", "is not complete"),
        ("postgresql://localhost/db", "is not complete"),
        ("postgresql:///db?host=/run/s3cret", "is not complete"),
        ("s3cret", "is not complete"),
        ("postgresql://me:s3cret@localhost:port/db", "cannot be read"),
        ("postgresql://me:s3cret@[::1/db", "cannot be read"),
        (
            "postgresql://me:x@localhost/db?sslmode=require&password=s3cret",
            "does not take (password); it takes ssl",
        ),
        ("postgresql://me:x@localhost/db?s3cret", "does not take (one unknown)"),
        ("postgresql://me:x@localhost/db?options=-c%20s3cret", "does not take (options)"),
        ("postgresql://me:x@localhost/db?sslmode=s3cret", "sslmode of --database-url is none of disable, allow"),
        ("postgresql://me:x@localhost/db?sslmode=verify-full", "use verify-ca"),
        ("postgresql://me:x@localhost/db?sslmode=prefer&sslmode=s3cret", "names an option twice"),
        ("postgresql://me:x@localhost/db?sslrootcert=s3cret", "sslrootcert of --database-url names no file"),
        ("postgresql://me:s3cret@localhost:0/db", "names port 0"),
        ("postgresql://me:a@s3cret/x@localhost/db", "write @ as %40, / as %2F"),
        ("postgresql://me:x@localhost/db#s3cret", "write @ as %40, / as %2F"),
        ("postgresql+:x@localhost/db#s3cret", "is not complete"),
        ("postgresql://me:s3?cret@localhost/db", "cannot be read"),
        ("postgresql://me:s3/cret@localhost/db", "cannot be read"),
        ("postgresql://me:s3[cret@localhost/db", "cannot be read"),
    ],
)
def test_a_database_url_that_will_not_do_is_refused_without_quoting_it(text: str, complaint: str) -> None:
    with pytest.raises(EnvironmentSetupError) as caught:
        parse_database_url(text)
    assert complaint in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg2", "psycopg", "pg8000", "psycopg_async"])
def test_a_driver_in_a_url_is_read_and_left_aside(driver: str) -> None:
    text = f"postgresql+{driver}://me:pass@localhost:5433/db"
    assert Address("localhost", 5433, "me", "pass", "db") == parse_database_url(text)
    assert driver == named_driver(text)
    assert named_driver("postgresql://me:pass@localhost/db") is None


def test_options_of_a_url_are_kept_with_absolute_paths_and_go_to_the_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root.crt").touch()
    monkeypatch.chdir(tmp_path)
    address = parse_database_url("postgresql://me:p%2Fs@localhost/db?sslmode=verify-ca&sslrootcert=root.crt")
    assert (("sslmode", "verify-ca"), ("sslrootcert", str(tmp_path / "root.crt"))) == address.options
    expected = (
        f"postgresql://me:p%2Fs@127.0.0.1:7/mine?sslmode=verify-ca&sslrootcert={quote(str(tmp_path), safe='')}"
    )
    assert address.url("mine", "127.0.0.1", 7).startswith(expected)
    assert address.options == parse_database_url(address.url("mine")).options


@pytest.mark.parametrize("host", ["s3cret", "s3cret.invalid", "12345", "s3.cret"])
def test_a_host_without_an_address_is_refused_without_quoting_it(host: str) -> None:
    with pytest.raises(EnvironmentSetupError, match=r"the host of --database-url is not known here") as caught:
        require_known(host)
    assert host not in str(caught.value)


def test_an_address_shows_no_password() -> None:
    address = Address("localhost", 5432, "me", "s3cret", "db")
    assert str(address) == "localhost:5432/db"
    assert "s3cret" not in repr(address)


def test_a_password_is_redacted_in_both_its_forms() -> None:
    assert redacted("p/s and p%2Fs", "p/s") == "*** and ***"
    assert redacted("nothing to hide", "") == "nothing to hide"


def test_only_the_first_line_of_a_drivers_error_is_told() -> None:
    address = Address("localhost", 5432, "me", "s3cret", "db")
    error = ValueError('\nconnection to "s3cret" failed\n\tIs the server running?')
    assert first_line(error, address) == 'connection to "***" failed'
    assert first_line(ValueError(), address) == "ValueError"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8475", ("127.0.0.1", 8475)),
        ("http://localhost/", ("localhost", 8474)),
        ("localhost:9000", ("localhost", 9000)),
        ("http://[::1]:8474", ("::1", 8474)),
    ],
)
def test_the_address_of_a_toxiproxy_is_read(url: str, expected: tuple[str, int]) -> None:
    assert parse_server_url(url) == expected


def test_port_0_of_a_toxiproxy_is_refused() -> None:
    with pytest.raises(EnvironmentSetupError, match="write it as http://HOST:PORT"):
        parse_server_url("http://localhost:0")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("not a host", False),
    ],
)
def test_only_loopback_is_local(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("ephemeral", "expected"),
    [
        ((32768, 60999), range(10_240, 32_768)),  # Linux
        ((10_240, 49_151), range(49_152, 65_536)),
        ((1024, 65_535), range(0)),  # nothing is left outside
    ],
)
def test_ports_are_chosen_outside_the_ephemeral_range(ephemeral: tuple[int, int], expected: range) -> None:
    chosen = candidates(ephemeral)
    assert (len(chosen), chosen[:1]) == (len(expected), expected[:1])


def test_a_port_is_found_even_where_every_port_is_ephemeral(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.environment.ports.ephemeral_range", lambda: (1024, 65_535))
    assert 1024 <= free_port() <= 65_535


def test_connections_of_a_listening_socket_do_not_wait_to_fill_a_packet() -> None:
    with listening_socket(None) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_socket_listens_at_the_address_it_is_given_and_at_no_other() -> None:
    with listening_socket(None, "127.0.0.2") as listener:
        host, port = listener.getsockname()
        assert "127.0.0.2" == host
        socket.create_connection((host, port)).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a" * 70])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(EnvironmentSetupError, match=f"{host} is no address of this machine; name one that it has"):
        require_free(host, free_port())


def test_a_port_that_is_in_use_is_refused() -> None:
    with listening_socket(None) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EnvironmentSetupError, match=f"port {port} on 127.0.0.1 is in use; end the program"):
            require_free("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(EnvironmentSetupError, match=f"{port} is no port; choose one from 1024 to 65535"):
        listening_socket(port)
