"""What must not be told: passwords and the like that a process was given, wherever it prints them itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from harness.errors import plain_line

SHORTEST = 6
"""Characters of a variable's value that is taken for a secret: a shorter one stands in too many other words."""
HIDDEN = "***"
LONGEST_TOLD = 120
_LIKE_A_KEY = re.compile(r"(?<![{\w+-])(?=[\w+-]*[0-9])(?=[\w+-]*[A-Za-z])[\w+-]{20,}", re.ASCII)
"""Letters and digits without an end, in an address's path too; not what stands for a database in braces."""
_USER_IN_A_URL = re.compile(r"(?<=://)[^\s/?#@]+(?=@)")
_OF_A_SECRET = re.compile(r"secret|token|passw|credential|api_?key|_pwd$|(?:^|_)(?:key|pass)$", re.IGNORECASE)
_IN_A_URL = re.compile(r"://[^\s/?#@:]*:([^\s/?#]+)@")
_IN_A_QUERY = re.compile(r"\bpassword=([^\s&;'\"]+)|\bpassword='([^']+)'", re.IGNORECASE)


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Those in an environment: values of variables whose names say so, and the passwords of addresses in any."""
    found = {form for secret in _found(environment) for form in (secret, unquote(secret), quote(secret, safe=""))}
    return tuple(sorted(found - {""}, key=len, reverse=True))


def _found(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        yield from _IN_A_URL.findall(value)
        yield from (plain or quoted for plain, quoted in _IN_A_QUERY.findall(value))
        if _OF_A_SECRET.search(name) and len(value) >= SHORTEST and not value.isdigit():
            yield value


def hidden(text: str, secrets: Collection[str]) -> str:
    """The text without them."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def as_told(given: Mapping[str, str]) -> dict[str, str]:
    """Variables and the like as a record may hold them: secrets are `***`, and so is who logs in at an address.

    What looks like a key, whatever its name, is told by a digest, so that another one shows as another.
    """
    secrets = secrets_of(given)
    return {
        name: HIDDEN if _OF_A_SECRET.search(name) else _as_told(hidden(value, secrets))
        for name, value in given.items()
    }


def _as_told(value: str) -> str:
    return plain_line(_LIKE_A_KEY.sub(_digest, _USER_IN_A_URL.sub(HIDDEN, value)), LONGEST_TOLD)


def _digest(key: re.Match[str]) -> str:
    return f"sha256:{hashlib.sha256(key[0].encode()).hexdigest()[:8]}"


def hide_in(path: Path, secrets: Collection[str]) -> None:
    """Have a log lack them, whose writer has ended. One that cannot be read or written stays as it is."""
    with suppress(OSError):
        found = path.read_bytes()
        kept = found
        for secret in secrets:
            kept = kept.replace(secret.encode("utf-8", "surrogateescape"), b"***")
        if kept != found:
            path.write_bytes(kept)
