"""Passwords and bearer tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import func, select

from shop.database import SessionDep
from shop.models import Customer, Token

# A demonstration's cost, about 3 ms: logins are a part of the load, and what is to be looked at is the database.
# A real shop takes n=2**17 and keeps logins from filling its processors by other means.
_N, _R, _P = 2**10, 8, 1

_bearer = HTTPBearer(auto_error=False)


def hash_password(password: str) -> str:
    """`salt$hash` in hexadecimal, by scrypt. Takes processor time: in a route call it in a thread."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def is_password(password: str, stored: str) -> bool:
    """Whether the password is the one that was hashed; in a route call it in a thread."""
    salt, _, expected = stored.partition("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(expected))


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=_N, r=_R, p=_P, dklen=32)


NOBODYS_PASSWORD = hash_password(secrets.token_hex())
"""Checked where there is no such customer, so that the time of the answer does not tell."""


async def get_customer(
    session: SessionDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Customer:
    """Who sends the request. Raises HTTPException 401."""
    if given is not None:
        found = await session.scalar(
            select(Customer)
            .join(Token, Token.customer_id == Customer.id)
            .where(Token.digest == digest_of(given.credentials), Token.expires_at > func.now())
        )
        if found is not None:
            return found
    raise HTTPException(401, "log in first", headers={"WWW-Authenticate": "Bearer"})


CustomerDep = Annotated[Customer, Depends(get_customer)]
