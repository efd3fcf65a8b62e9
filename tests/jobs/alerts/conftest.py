"""A lab and somebody to tell."""

import pytest

from tests.webhooks import listening


@pytest.fixture(autouse=True)
def nothing_between(monkeypatch):
    """No proxy of whoever runs the tests stands before this machine."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def webhook():
    with listening() as hook:
        yield hook
