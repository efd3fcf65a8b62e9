"""The lab's own source, which all rules read, and no other test."""

import gc

import pytest

from tests.house.source import forget


@pytest.fixture(scope="package", autouse=True)
def sources():
    """Over a million nodes of trees are made; to look among them for garbage again and again takes as long."""
    gc.disable()
    yield
    forget()
    gc.enable()
