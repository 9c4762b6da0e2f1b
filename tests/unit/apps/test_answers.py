"""How an app's answers before and after a load compare."""

from __future__ import annotations

import pytest

from harness.http_reader import Answer
from harness.witnesses.answers import path_answer


def said(content: bytes = b"[1]", status: int = 200, error: str = "") -> Answer:
    return Answer(status, content=content, error=error)


@pytest.mark.parametrize(
    ("first", "again", "after", "same"),
    [
        (said(), said(), said(), True),
        (said(), said(), said(b"[2]"), False),
        (said(), said(b"[2]"), said(b"[2]"), None),  # changes by itself
        (said(), said(status=500), said(), None),
        (said(), said(), said(status=0, error="closed"), None),
        (said(status=0, error="closed"), said(status=0, error="closed"), said(), None),
    ],
)
def test_content_is_compared_where_it_was_steady_before(
    first: Answer, again: Answer, after: Answer, same: bool | None
) -> None:
    found = path_answer("/items", first, again, after)
    assert found.same_body is same
    assert (found.status_before, found.status_after) == (first.status, after.status)
    assert found.error == after.error
