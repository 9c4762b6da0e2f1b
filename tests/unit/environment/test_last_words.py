"""Which line of a log is told as the cause of an end."""

from __future__ import annotations

import pytest

from harness.environment.last_words import telling_line

INITDB = """
creating subdirectories ... ok
running bootstrap script ... 2026-01-01 10:00:00 UTC [12] FATAL:  could not write to file "pg_wal/xlogtemp.12"
child process exited with exit code 1
initdb: removing data directory "/tmp/poolstorm-1/data"
"""
GO = """
runtime: out of memory: cannot allocate 4194304-byte block
fatal error: out of memory

goroutine 1 [running]:
runtime.systemstack_switch()
\t/usr/lib/go/src/runtime/asm_amd64.s:373 +0x8
"""
PYTHON = """
Traceback (most recent call last):
  File "app.py", line 1, in <module>
ModuleNotFoundError: No module named 'nothing'
"""


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            INITDB,
            'running bootstrap script ... 2026-01-01 10:00:00 UTC [12] FATAL: could not write to file "pg_wal/',
        ),
        (GO, "fatal error: out of memory"),
        (PYTHON, "ModuleNotFoundError: No module named 'nothing'"),
        ("starting\nlistening\n\n", "listening"),
        ("FATAL:  the first\nFATAL:  the second\nshutting down", "FATAL: the second"),
        ("\n \n", ""),
    ],
)
def test_the_line_that_names_the_cause_is_told(log: str, line: str) -> None:
    told = telling_line(log)
    assert told.startswith(line)
    assert bool(told) == bool(line)
