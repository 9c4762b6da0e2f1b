"""What the service is told by its environment."""

from __future__ import annotations

import os
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Each field is the variable of the same name in capitals: `DB_POOL_SIZE=20`."""

    model_config = ConfigDict(frozen=True)

    database_url: str
    """`postgresql+asyncpg://user:password@host:port/database`."""
    db_pool_size: Annotated[int, Field(ge=1)] = 10
    db_max_overflow: Annotated[int, Field(ge=0)] = 5
    db_pool_timeout: Annotated[float, Field(gt=0)] = 3.0
    """Seconds that a request waits for a connection before it is answered 503."""
    db_command_timeout: Annotated[float, Field(gt=0)] = 10.0
    """Seconds that a statement may take; what the network has swallowed ends here."""
    token_hours: Annotated[float, Field(gt=0)] = 8.0
    exports_at_once: Annotated[int, Field(ge=1)] = 2
    """Exports hold a connection for as long as their reader takes; the rest wait their turn without one."""
    housekeeping_every_s: Annotated[float, Field(gt=0)] = 5.0

    @classmethod
    def from_environment(cls) -> Self:
        """Raises ValidationError, which names the variable that is missing or wrong."""
        given = {name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ}
        return cls.model_validate(given)
