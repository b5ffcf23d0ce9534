"""The check of a host's secret in `Authorization: Bearer …`, as programs send it."""

import secrets
from collections.abc import Callable
from typing import TypeAlias

from fastapi import HTTPException, Request
from pydantic import SecretStr

# Raises HTTPException for a request that may not pass.
Guard: TypeAlias = Callable[[Request], None]


def bearer_of(*tokens: SecretStr | None) -> Guard:
    """A check that lets through the requests that show one of these secrets."""
    expected = [f"Bearer {token.get_secret_value()}".encode() for token in tokens if token]

    def check(request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        if not any(secrets.compare_digest(given, header) for header in expected):
            raise HTTPException(
                401,
                "This is for the host of this page: send the header `Authorization: Bearer ` with "
                "the secret that was set as HOST_TOKEN.",
                {"WWW-Authenticate": "Bearer"},
            )

    return check
