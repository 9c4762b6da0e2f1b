"""The smallest target: alive, and able to say what its environment holds. `broken` dies on import by wish."""

from __future__ import annotations

import os

from fastapi import FastAPI, Request

if os.environ.get("TINY_DIES"):
    raise RuntimeError("tiny was told to die")

app = FastAPI()


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "alive"}


@app.get("/environment")
async def environment() -> list[str]:
    return sorted(os.environ)


@app.get("/peer")
async def peer(request: Request) -> list[str]:
    return [str(request.scope["client"]), str(request.scope["server"])]


without_liveness = FastAPI()
