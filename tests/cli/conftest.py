"""The command line in this process: what a verb wrote, and how it ended."""

import sys
from typing import NamedTuple

import pytest

from core.cli import main as cli


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def lab(monkeypatch, capsys, runs_folder):
    """lab("status", "--json") runs a verb in this process and returns its exit code and what it wrote."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["core", *map(str, words)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return Ended(code, *capsys.readouterr())

    return call
