"""Whether the process is alive. It asks no database: an exhausted pool is not to look like a dead service."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Always the same."""
    return {"status": "ok"}
