"""A server whose every answer is an error with a body that exhausts a JSON decoder's stack."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def brackets(request: Request) -> Response:
    ready = request.url.path.startswith("/health")
    return Response(
        b"{}" if ready else b"[" * 900_000, 200 if ready else 500, media_type="application/problem+json"
    )


app = Starlette(routes=[Route("/{path:path}", brackets, methods=["GET", "POST"])])
