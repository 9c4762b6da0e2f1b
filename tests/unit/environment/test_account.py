"""The account that a server runs as."""

from __future__ import annotations

import os
import pwd

import pytest

from harness.environment.account import server_account
from harness.errors import EnvironmentSetupError


def test_a_user_without_a_name_is_told_so_before_postgresql_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = next(uid for uid in range(23456, 65000) if not _known(uid))
    monkeypatch.setattr(os, "geteuid", lambda: unknown)
    with pytest.raises(EnvironmentSetupError, match=f"user {unknown}, who has no name here; .*--database-url"):
        server_account()


def test_a_user_who_has_a_name_runs_the_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    known = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)
    monkeypatch.setattr(os, "geteuid", lambda: known)
    assert server_account() is None


def _known(uid: int) -> bool:
    return any(entry.pw_uid == uid for entry in pwd.getpwall())
