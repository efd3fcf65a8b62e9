"""Logins as Streamlit signs them into its cookie."""

import json

import pytest
from itsdangerous import TimestampSigner
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

SECRET = "0123456789abcdef" * 4
ORIGIN = "https://lab.example.org"
LOGIN = {"email": "Ann@Example.org", "email_verified": True, "is_logged_in": True, "origin": ORIGIN}


def logged_in(login: dict = LOGIN, secret: str = SECRET, age: int = 0, **changes) -> list[tuple[str, str]]:
    """The headers that a browser sends whose user has logged in. age: seconds since then."""
    with pytest.MonkeyPatch.context() as patch:
        now = TimestampSigner("any").get_timestamp()
        patch.setattr(TimestampSigner, "get_timestamp", lambda signer: now - age)
        value = create_signed_value(secret, USER_COOKIE_NAME, json.dumps(login | changes))
    return [("cookie", f"{USER_COOKIE_NAME}={value.decode()}")]
