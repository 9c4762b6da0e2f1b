from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.environment.guard import GuardedProcess, Ward, ask, birth, is_running

CHILD: dict[str, Any] = {"name": "child", "pid": 7, "birth": 1.0, "signals": [15], "grace_s": 3.0}


def test_the_guard_remembers_children_and_folders_in_order() -> None:
    ward = Ward()
    ward.heed({"kind": "child", **CHILD})
    ward.heed({"kind": "child", **CHILD, "pid": 8, "signals": [2, 3]})
    ward.heed({"kind": "folder", "path": "/somewhere"})

    assert ward.children == [
        GuardedProcess("child", 7, 1.0, (15,), 3.0),
        GuardedProcess("child", 8, 1.0, (2, 3), 3.0),
    ]
    assert ward.folders == [Path("/somewhere")]
    assert not ward.goodbye


def test_the_guard_forgets_what_the_harness_ended_itself() -> None:
    ward = Ward()
    ward.heed({"kind": "child", **CHILD})
    ward.heed({"kind": "folder", "path": "/somewhere"})
    ward.heed({"kind": "forget-child", "pid": 7})
    ward.heed({"kind": "forget-folder", "path": "/somewhere"})
    ward.heed({"kind": "forget-child", "pid": 7})

    assert (ward.children, ward.folders) == ([], [])


def test_goodbye_is_heard_and_unknown_words_are_not() -> None:
    ward = Ward()
    ward.heed({"kind": "something newer"})
    assert not ward.goodbye
    ward.heed({"kind": "goodbye"})
    assert ward.goodbye


def test_folders_are_removed_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "run" / "data").mkdir(parents=True)
    (tmp_path / "run" / "data" / "file").touch()
    Ward(folders=[tmp_path / "run", tmp_path / "never made"]).clean_up()
    assert list(tmp_path.iterdir()) == []


def test_a_process_is_known_by_pid_and_birth() -> None:
    own = os.getpid()
    assert is_running(own, birth(own))
    assert not is_running(own, birth(own) + 1.0)


def test_a_signal_for_one_who_had_the_pid_before_is_not_sent() -> None:
    received: list[int] = []
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: received.append(number))
    try:
        ask(os.getpid(), birth(os.getpid()) - 1.0, signal.SIGUSR1)
        assert received == []
        ask(os.getpid(), birth(os.getpid()), signal.SIGUSR1)
        assert received == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_nobody_has_a_pid_beyond_all_pids() -> None:
    assert not is_running(2**22 + 1, 0.0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_birth_survives_a_name_full_of_parentheses(monkeypatch: pytest.MonkeyPatch) -> None:
    stat = "42 (a) b) (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 10\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **options: stat)
    assert birth(42) == 987654.0
