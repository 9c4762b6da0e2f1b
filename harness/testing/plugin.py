"""The pytest plugin: the fixture `poolstorm`. Imports nothing else before a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.testing.environment import Apps


@pytest.fixture(scope="session", name="poolstorm")
def _poolstorm() -> Iterator[Apps]:
    """Starts apps, each on a database of its own: `with poolstorm.app("shop.main:app", env={...}) as app`.

    PostgreSQL and Toxiproxy are started with the first app, and stay for the session.
    """
    from harness.testing.environment import Apps

    with Apps() as apps:
        yield apps
