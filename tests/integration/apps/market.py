"""A small shop without a database, as locustfiles ask it: some answers are late, wrong, refused or none at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse

app = FastAPI()
seen: Counter[str] = Counter()
_sessions = count(1)


@app.middleware("http")
async def counting(request: Request, call_next):  # type: ignore[no-untyped-def]
    path = request.url.path
    if path not in ("/seen", "/health/live"):
        seen[f"{request.method} {path}"] += 1
    return await call_next(request)


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "alive"}


@app.get("/seen")
async def what_was_seen() -> dict[str, int]:
    """How often what was asked for, since this was asked last."""
    told = dict(seen)
    seen.clear()
    return told


@app.post("/login")
async def login(response: Response) -> dict[str, int]:
    number = next(_sessions)
    response.set_cookie("session", str(number))
    return {"session": number}


@app.post("/logout")
async def logout() -> dict[str, bool]:
    return {"ok": True}


@app.get("/away")
async def away() -> RedirectResponse:
    return RedirectResponse("http://192.0.2.7/items")  # a network for documentation


@app.get("/items")
async def items(page: int = 1) -> list[int]:
    return list(range(10 * page, 10 * page + 10))


@app.get("/items/{number}")
async def item(number: int) -> dict[str, int]:
    if number >= 100:
        raise HTTPException(404)
    return {"id": number}


@app.post("/basket")
async def basket(request: Request) -> dict[str, bool]:
    if "session" not in request.cookies:
        raise HTTPException(401)
    return {"ok": True}


@app.post("/orders")
async def order(request: Request) -> dict[str, object]:
    if "session" not in request.cookies:
        raise HTTPException(401)
    return {"ok": True, "total_cents": 1999}


@app.get("/late")
async def late(ms: int = 100) -> dict[str, bool]:
    await asyncio.sleep(ms / 1000)
    return {"ok": True}


@app.get("/exhausted")
async def exhausted() -> JSONResponse:
    problem = {"kind": "pool-exhausted", "effect": "none"}
    return JSONResponse(problem, status_code=503, media_type="application/problem+json")


@app.get("/cut-off")
async def cut_off() -> StreamingResponse:
    async def half() -> AsyncIterator[bytes]:
        yield b"half of "
        raise RuntimeError("the other half is lost")

    return StreamingResponse(half(), headers={"content-length": "16"})


@app.get("/broken")
async def broken() -> JSONResponse:
    return JSONResponse({"detail": "?"}, status_code=500)
