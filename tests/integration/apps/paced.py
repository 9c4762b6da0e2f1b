"""A server whose answers take as long as they are told to: `/hold?ms=500` half a second, everything else none."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hold(request: Request) -> JSONResponse:
    await asyncio.sleep(int(parse_qs(request.url.query)["ms"][0]) / 1000)
    return JSONResponse({})


async def at_once(request: Request) -> JSONResponse:
    return JSONResponse({})


app = Starlette(routes=[Route("/hold", hold), Route("/{path:path}", at_once, methods=["GET", "POST"])])
