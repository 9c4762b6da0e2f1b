"""The synchronous target, made to break the contract in one way at a time: `PUT /wrong/<way>` chooses it."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.sync_pool import app as right_app
from targets.sync_pool import engine, new_session

ONE = text("SELECT 1")
_way = "right"
_kept: list[Connection] = []


class Answer:
    """A response held back until it has been spoilt."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message.get("body", b"")

    def change(self, **members: Any) -> None:
        self.body = json.dumps({**json.loads(self.body), **members}).encode()

    async def send(self, send: Send, pause_s: float = 0.0) -> None:
        headers = [*self.headers.items()]
        if b"content-length" in self.headers:
            headers = [item for item in headers if item[0] != b"content-length"]
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for start in range(0, len(self.body), 1 if pause_s else max(1, len(self.body))):
            part = self.body[start : start + 1] if pause_s else self.body
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(pause_s)
        await send({"type": "http.response.body", "body": b""})


def extra_statement(session: Session, _: object, connection: Connection) -> None:
    if _way == "extra-statement":
        connection.execute(ONE)


def use_another_connection() -> None:
    with engine.connect():
        pass


def keep_a_connection() -> None:
    _kept.append(engine.connect())


def throw_connections_away() -> None:
    with engine.connect() as connection:
        connection.invalidate()


event.listen(new_session.class_, "after_begin", extra_statement)

Spoil = Callable[[Answer, str, str], None]


def lacks_a_member(answer: Answer, method: str, path: str) -> None:
    if path == "/users/1":
        answer.body = json.dumps({"id": 1, "name": "User 1"}).encode()


def has_another_amount(answer: Answer, method: str, path: str) -> None:
    if method == "GET" and path.startswith("/transfers/"):
        answer.change(amount_cents=99)


def is_created_with_200(answer: Answer, method: str, path: str) -> None:
    answer.status = 200 if answer.status == 201 else answer.status


def is_plain_text(answer: Answer, method: str, path: str) -> None:
    if answer.status >= 400:
        answer.headers[b"content-type"] = b"text/plain"


def has_another_kind(answer: Answer, method: str, path: str) -> None:
    if answer.status == 404:
        answer.change(kind="conflict")


def tells_no_times(answer: Answer, method: str, path: str) -> None:
    answer.headers.pop(b"server-timing", None)


def tells_absurd_times(answer: Answer, method: str, path: str) -> None:
    if b"server-timing" in answer.headers:
        answer.headers[b"server-timing"] = b"acquire;dur=9000, connect;dur=0, ping;dur=0, query;dur=1"


def has_no_totals(answer: Answer, method: str, path: str) -> None:
    if path == "/health/db":
        health = json.loads(answer.body)
        del health["statements_total"]
        answer.body = json.dumps(health).encode()


def is_no_json(answer: Answer, method: str, path: str) -> None:
    if path.startswith("/users"):
        answer.body = b"hush-hush {"


SPOILT: dict[str, Spoil] = {
    spoil.__name__.replace("_", "-"): spoil
    for spoil in (
        lacks_a_member,
        has_another_amount,
        is_created_with_200,
        is_plain_text,
        has_another_kind,
        tells_no_times,
        tells_absurd_times,
        has_no_totals,
        is_no_json,
    )
}
BEFORE: dict[str, Callable[[], None]] = {
    "takes-two-connections": use_another_connection,
    "reconnects": throw_connections_away,
    "keeps-connections": keep_a_connection,
}


def with_new_token(receive: Receive) -> Receive:
    """Forgets which token was asked for, so that sending a transfer again moves the money again."""

    async def received() -> Message:
        message = await receive()
        if message["type"] == "http.request" and message.get("body"):
            body = {**json.loads(message["body"]), "token": str(uuid.uuid4())}
            return {**message, "body": json.dumps(body).encode()}
        return message

    return received


class Spoiler:
    """ASGI: lets the right app answer, and spoils the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        global _way  # noqa: PLW0603 -- there is one application in this process
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        if method == "PUT":
            _way = path.rpartition("/")[2]
            await self._reply(send, 204)
            return
        if _way == "hangs" and path.startswith("/transfers"):
            await asyncio.sleep(60)
        if _way in BEFORE and path.startswith("/users/1"):
            await asyncio.to_thread(BEFORE[_way])
        if _way == "moves-again" and method == "POST" and path == "/transfers":
            receive = with_new_token(receive)
        answer = Answer()
        await self._app(scope, receive, answer.take)
        if _way in SPOILT:
            SPOILT[_way](answer, method, path)
        await answer.send(send, pause_s=0.05 if _way == "drips" and path == "/users" else 0.0)

    @staticmethod
    async def _reply(send: Callable[[Message], Awaitable[None]], status: int) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


app = Spoiler(right_app)
