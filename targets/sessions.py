"""The session that a request works with."""

from __future__ import annotations

import logging

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

logger = logging.getLogger("poolstorm.target")


class RequestSession(Session):
    """A session whose end cannot fail because the connection is gone.

    FastAPI ends a dependency after the answer is out, and what is raised then has uvicorn cut the client's
    connection, at the cost of whatever the client sends on it next. What was to be kept has been committed by
    then; the transaction that is left only wants rolling back, which a lost connection amounts to. SQLAlchemy
    has discarded that connection before the error arrives here. Serves AsyncSession as `sync_session_class`.
    """

    def close(self) -> None:
        """Roll back what is open and give the connection back."""
        try:
            super().close()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            logger.warning("a connection was found lost when its session ended (%s)", type(error.orig).__name__)
