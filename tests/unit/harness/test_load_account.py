"""What a load began against what its recorder wrote."""

from __future__ import annotations

from typing import Any

import pytest

from harness.load.account import unaccounted
from harness.load.messages import Done, Recorded
from harness.records import Closing, Outcome


def done(**values: Any) -> Done:
    base = {"started": 0, "completed": 0, "not_started": 0, "aborted": 0, "acknowledged_transfers": 0, "cpu_s": 0}
    return Done.model_validate({**base, **values})


OK_7 = {Outcome.OK: 7}


def test_where_every_request_is_recorded_or_under_way_nothing_is_missing() -> None:
    assert "" == unaccounted(done())
    assert "" == unaccounted(done(started=7, requests=OK_7, recorded=OK_7))
    assert "" == unaccounted(done(started=9, under_way=2, not_started=4, requests=OK_7, recorded=OK_7))
    assert "" == unaccounted(done(started=7, requests={Outcome.OK: 7, Outcome.FAILED: 0}, recorded=OK_7))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"started": 100, "requests": {"ok": 14}, "recorded": {"ok": 14}},
            "100 requests were started, of which 14 ended and 0 were still under way",
        ),
        (
            {"started": 14, "requests": {"ok": 14}, "recorded": {"ok": 9}},
            "14 requests ended and 9 are in the record",
        ),
        (
            {"started": 3, "requests": {"ok": 2, "failed": 1}, "recorded": {"ok": 1, "failed": 2}},
            "requests ended as 1 failed, 2 ok and are recorded as 2 failed, 1 ok",
        ),
        (
            {"failure": "the recorder is gone (Broken pipe)"},
            "the recorder is gone (Broken pipe)",
        ),
    ],
)
def test_what_is_missing_is_told_in_words(values: dict[str, Any], expected: str) -> None:
    assert expected == unaccounted(done(**values))


def test_an_account_closes_a_record_with_what_was_recorded() -> None:
    told = Recorded(requests=OK_7, writes=3, writes_dropped=1, failure="no room")
    account = done(started=9, not_started=2, under_way=2, requests=OK_7).with_recorded(told)
    assert Closing(requests=OK_7, started=9, not_started=2, under_way=2, writes_dropped=1) == account.closing()
    assert (3, 1, "no room") == (account.writes, account.writes_dropped, account.failure)
