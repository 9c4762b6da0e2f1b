"""Which addresses are this machine's."""

from __future__ import annotations

import pytest

from harness.load.outside.here import is_here

OWN = {"10.1.2.3", "fe80::1"}


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", "0.0.0.0", "10.1.2.3", "fe80::1%eth0"],
)
def test_its_own_are_here(host: str) -> None:
    assert is_here(host, OWN)


@pytest.mark.parametrize("host", ["192.0.2.7", "10.1.2.4", "2001:db8::1", "::ffff:192.0.2.7", "shop.example", "1"])
def test_all_others_are_not(host: str) -> None:
    assert not is_here(host, OWN)
