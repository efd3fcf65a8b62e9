"""The lab's own source, which all rules read, and no other test."""

import pytest

from tests.house.source import forget


@pytest.fixture(scope="package", autouse=True)
def sources():
    yield
    forget()
