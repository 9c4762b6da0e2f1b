"""W3C Server-Timing, as far as it is believed.

The header comes from the system under test: it may be absent, malformed or hostile. What is taken from it is
bounded in size, and no part may be longer than the request itself.
"""

from __future__ import annotations

import re

from harness.records import Measure

PARTS = (Measure.ACQUIRE, Measure.CONNECT, Measure.PING, Measure.QUERY)
LONGEST_HEADER = 512
SLACK_NS = 1_000_000
"""Target and generator read different moments; a part may seem this much longer than the whole."""

_METRIC = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40})(?:;[a-z]+=(?:\"[^\"]*\"|[^;,\"]*)){0,4}")
_DURATION = re.compile(r";dur=(?P<ms>\d{1,9}(?:\.\d{1,9})?)(?=[;,]|$)")


class UntrustedTimingError(ValueError):
    """The header is there and cannot be believed."""


def parse_server_timing(header: str, service_ns: int) -> dict[Measure, int]:
    """Nanoseconds by part; empty where the header names none of them. Metrics of other names are passed over.

    Raises UntrustedTimingError for a header that is too long, not of the form, names a part twice, has a
    checkout shorter than its own parts, or a part longer than the request took.
    """
    if len(header) > LONGEST_HEADER:
        raise UntrustedTimingError("too long")
    found: dict[Measure, int] = {}
    for raw in filter(None, "".join(header.split()).split(",")):
        metric = _METRIC.fullmatch(raw)
        if metric is None:
            raise UntrustedTimingError("malformed")
        name = metric["name"]
        if name not in PARTS:
            continue
        duration = _DURATION.search(raw)
        if duration is None or name in found:
            raise UntrustedTimingError(f"{name} has no duration, or two")
        found[Measure(name)] = round(float(duration["ms"]) * 1e6)
    _check(found, service_ns)
    return found


def _check(found: dict[Measure, int], service_ns: int) -> None:
    acquire_ns = found.get(Measure.ACQUIRE, 0)
    if found.get(Measure.CONNECT, 0) + found.get(Measure.PING, 0) > acquire_ns + SLACK_NS:
        raise UntrustedTimingError("parts of a checkout are longer than the whole")
    if acquire_ns + found.get(Measure.QUERY, 0) > service_ns + SLACK_NS:
        raise UntrustedTimingError("parts are longer than the request")
