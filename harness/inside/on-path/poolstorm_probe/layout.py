"""The file through which a process tells: whole numbers of 64 bits at fixed places, in the machine's own order.

A reader maps it and needs nothing from the process, which may be frozen. Times are of the system's monotonic
clock, in nanoseconds.
"""

from __future__ import annotations

MAGIC = 0x706F6F6C_73740002
SUFFIX = ".gauges"

_NAMES = (
    *("MAGIC_AT", "PID", "STARTED_NS", "LISTENED_TO", "TROUBLES"),
    *("SIZE", "LIMIT", "OPEN", "OUT", "OVERFLOW", "WAITING", "OUT_MAX"),
    *("OPENED", "CLOSED", "INVALIDATED", "TIMED_OUT", "REQUESTS", "CHECKOUTS", "STATEMENTS", "PINGS"),
    *("OLDEST_SINCE_NS", "PLACE_TURN", "LOOPS"),
    *("TOKENS", "BORROWED", "THREADS_WAITING"),
    *("POOLS", "POOLS_MADE", "POOLS_MADE_IN_REQUEST"),
    *("NESTED_WAITS", "NESTED", "SHARED", "IN_LOOP", "IN_LOOP_NS"),
    *("COMMITS_FAILED", "COMMITS_LATE", "COMMITS_FAILED_LATE"),
    *("STREAMING", "OUT_AFTER_RESPONSE", "ABANDONED", "ABANDONED_EVER"),
    *("CANCELLED_OUT", "WORK_FOR_NOBODY", "INTROSPECTIONS", "RESETS"),
    *("IDLE_NS", "BUSY_NS"),
)
AT = {name: number for number, name in enumerate(_NAMES)}
"""Where each number stands. LIMIT is -1 for none. PLACE_TURN is odd while the place is being written."""

LIBRARIES = ("sqlalchemy", "asyncpg", "psycopg_pool", "anyio", "starlette", "loop")
"""LISTENED_TO has bit n set for the n-th."""

LAG_AT = 64
LAG_SLOTS = 128
LAG_SLOT_NS = 50_000_000
"""The longest lags of an event loop: pairs of the number of a stretch of time since the clock's zero, and the
longest lag that ended in it; stretch n stands at n modulo `LAG_SLOTS`."""

PLACE_AT = LAG_AT + 2 * LAG_SLOTS
PLACE_BYTES = 256
"""UTF-8, filled up with zeros: where in the app the connection was taken that has been out the longest."""

BINS = 512
_TIMES = ("acquire", "connect", "ping", "query", "held", "release")
_TIMES_AT = PLACE_AT + PLACE_BYTES // 8
TIMES_AT = {name: _TIMES_AT + BINS * number for number, name in enumerate(_TIMES)}
"""Where the bins of each start: how often it took how long (`bin_of`)."""

_SUMS_AT = _TIMES_AT + BINS * len(_TIMES)
SUMS_AT = {name: _SUMS_AT + number for number, name in enumerate(_TIMES)}
"""And the sum of each, in nanoseconds."""

ERROR_WORDS = ("overlap", "timeout", "disconnected", "cancelled", "pool-timeout", "other")
"""Kinds of errors that have no SQLSTATE."""
ERROR_WORDS_AT = _SUMS_AT + len(_TIMES)
"""Where they are counted, each in its turn."""
ERROR_CODES_AT = ERROR_WORDS_AT + len(ERROR_WORDS)
ERROR_CODES = 26
"""Pairs of an SQLSTATE (`packed`; 0: none yet) and how many errors had it; those beyond are `other`."""

BYTES = 8 * (ERROR_CODES_AT + 2 * ERROR_CODES)


def packed(code: str) -> int:
    """At most seven ASCII characters as one number, never 0."""
    return int.from_bytes(code.encode("ascii")[:7], "big")


def unpacked(number: int) -> str:
    """The characters again; of a number that is none of these, an empty text."""
    try:
        return number.to_bytes(7, "big").lstrip(b"\0").decode("ascii")
    except (OverflowError, UnicodeDecodeError):
        return ""


def bin_of(duration_ns: int) -> int:
    """The bin of a duration: one wide for each 1,024 ns below 16 of these, then 16 for each power of two."""
    value = duration_ns >> 10
    if value < 16:
        return value if value > 0 else 0
    exponent = value.bit_length() - 5
    found = 16 * (exponent + 1) + ((value >> exponent) & 15)
    return found if found < BINS else BINS - 1


def bounds_ns(number: int) -> tuple[int, int]:
    """The shortest duration of a bin and the shortest of the next."""
    if number < 16:
        return number << 10, (number + 1) << 10
    exponent = number // 16 - 1
    low = (16 + number % 16) << exponent
    return low << 10, (low + (1 << exponent)) << 10
