"""Being asked to end: Ctrl-C, SIGTERM, a terminal that hangs up, Ctrl-\\, once or by someone impatient."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
IMPATIENCE_S = 1.0
"""Within so long of the last, another is the same wish: taking down what runs goes on as it should."""


def heed_interrupts(clock: Callable[[], float] = time.monotonic) -> None:
    """From now on each of the signals raises KeyboardInterrupt, wherever the main thread is.

    One that is ignored stays so: `nohup` and shells' background jobs mean it.
    """
    asked_s: float | None = None

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal asked_s
        before_s, asked_s = asked_s, clock()
        if before_s is None or asked_s - before_s >= IMPATIENCE_S:
            raise KeyboardInterrupt

    _handle(ask)


def settle_signals() -> None:
    """To be called first: undo what a careless parent hands on, unlike a signal that it ignores for a reason.

    Where SIGCHLD is ignored nobody learns how a child ended, PostgreSQL's setup included; and a blocked signal
    ends nothing; a timer that still runs would end us when it goes off.
    """
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


@contextmanager
def uninterrupted() -> Iterator[None]:
    """None of them is heeded in the block, which must be short: what was asked for is being done."""
    before = {number: signal.getsignal(number) for number in ASKING}
    # A function, and not SIG_IGN, which processes started in the block would inherit.
    _handle(lambda *_: None)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def ignore_interrupts() -> None:
    """To be called last: Python gives handlers up before it has ended, and a signal would end it otherwise."""
    for number in ASKING:
        signal.signal(number, signal.SIG_IGN)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in ASKING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
