"""Health checks of the image, which has neither curl nor a shell script: exit code 0 is healthy.

python docker/health.py answers URL      URL answers 200
python docker/health.py connected PORT   a TCP connection to a peer's PORT stands: a Locust worker's to its master
"""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

TIMEOUT_S = 2.0


def answers(url: str) -> bool:
    """Whether a GET of `url` ends in 200."""
    # No proxy from the environment: the service is in this very container.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as response:
            return bool(response.status == http.client.OK)
    except (OSError, http.client.HTTPException, urllib.error.URLError):
        return False


def connected(port: int) -> bool:
    """Whether anything in this container (its network namespace) holds a connection to a peer's `port`."""
    import psutil

    found = psutil.net_connections(kind="tcp")
    return any(link.status == psutil.CONN_ESTABLISHED and link.raddr and link.raddr.port == port for link in found)


def main(words: Sequence[str]) -> int:
    """0 healthy, 1 not, 2 for words that are not understood."""
    match words:
        case ["answers", url]:
            return 0 if answers(url) else 1
        case ["connected", port] if port.isdecimal():
            return 0 if connected(int(port)) else 1
        case _:
            sys.stderr.write("usage: health.py answers URL | connected PORT\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
