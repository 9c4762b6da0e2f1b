"""Asking a run to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.interrupts import ASKING, IMPATIENCE_S, heed_interrupts, uninterrupted


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ASKING}
    for number in ASKING:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ASKING)
def test_each_of_the_signals_asks_for_an_end(number: signal.Signals) -> None:
    heed_interrupts()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


def test_another_at_once_is_the_same_wish_and_one_later_is_a_new_one() -> None:
    now_s = 100.0
    heed_interrupts(lambda: now_s)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    now_s += IMPATIENCE_S / 2
    os.kill(os.getpid(), signal.SIGINT)
    now_s += IMPATIENCE_S
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heed_interrupts()
    os.kill(os.getpid(), signal.SIGHUP)
    with uninterrupted():
        assert signal.SIG_IGN is signal.getsignal(signal.SIGHUP)
    assert signal.SIG_IGN is signal.getsignal(signal.SIGHUP)


def test_an_uninterrupted_block_comes_to_its_end() -> None:
    heed_interrupts()
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


SLOW_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from harness.entry import start
start()
"""


def test_an_interruption_while_the_command_is_imported_is_quiet() -> None:
    ended = subprocess.run([sys.executable, "-c", SLOW_IMPORT], capture_output=True, text=True, check=False)
    assert (130, "", "") == (ended.returncode, ended.stdout, ended.stderr)


def test_a_signal_at_the_very_end_changes_no_exit_code() -> None:
    code = (
        "import atexit, os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "atexit.register(os.kill, os.getpid(), signal.SIGINT); sys.argv[1:] = ['list']; "
        "from harness.entry import start; start()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (0, "") == (ended.returncode, ended.stderr)
