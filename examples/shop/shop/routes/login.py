"""Logging in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import delete, select

from shop.database import SessionDep, Sessions
from shop.models import Customer, Token
from shop.schemas import Bearer, Credentials
from shop.security import NOBODYS_PASSWORD, digest_of, is_password, new_token
from shop.settings import Settings

router = APIRouter()


@router.post("/login", tags=["login"])
async def login(given: Credentials, request: Request) -> Bearer:
    """A token to send as `Authorization: Bearer ...`."""
    sessions: Sessions = request.app.state.sessions
    settings: Settings = request.app.state.settings
    async with sessions() as session:
        customer = await session.scalar(select(Customer).where(Customer.email == given.email))
    # No connection is held while the processor works on the password.
    stored = customer.password_hash if customer else NOBODYS_PASSWORD
    if not await run_in_threadpool(is_password, given.password, stored) or customer is None:
        raise HTTPException(401, "no such e-mail address, or another password")
    token = new_token()
    expires_at = datetime.now(UTC) + timedelta(hours=settings.token_hours)
    async with sessions.begin() as session:
        session.add(Token(digest=digest_of(token), customer_id=customer.id, expires_at=expires_at))
    return Bearer(token=token, expires_at=expires_at)


@router.post("/logout", tags=["login"], status_code=204)
async def logout(
    session: SessionDep, given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]
) -> None:
    """Forget the token; one that is not known is forgotten already."""
    await session.execute(delete(Token).where(Token.digest == digest_of(given.credentials)))
    await session.commit()
