"""Streamlit's test runner in haste: what it does anew for each page that it draws, as often as something changes."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from types import CodeType
from unittest.mock import MagicMock

import pytest
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test, local_script_runner

_codes: dict[tuple[str, int, int, bool], CodeType] = {}


class Compiled(ScriptCache):
    """Each source is compiled once as long as nobody writes it; with the runner's own cache, for each page drawn."""

    def get_bytecode(self, script_path: str) -> CodeType:
        path = os.path.abspath(script_path)
        written = os.stat(path)
        key = (path, written.st_mtime_ns, written.st_size, config.get_option("runner.magicEnabled"))
        if key not in _codes:
            _codes[key] = super().get_bytecode(path)
        return _codes[key]


def wait(runner: local_script_runner.LocalScriptRunner, timeout: float) -> None:
    """Until the page is drawn. The runner looks a thousand times a second, and takes turns with the page so."""
    runner._script_thread.join(timeout)
    if not runner.script_stopped():
        runner.request_stop()
        runner.join()
        raise RuntimeError(f"the page is not drawn after {timeout} s")


@contextlib.contextmanager
def in_haste() -> Iterator[None]:
    """The packages are searched for components once, of which the lab has none; what stands in for the server is made
    once, since the runner gives it a page's own stores each time."""
    with pytest.MonkeyPatch.context() as patch:
        scanned_once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scanned_once)
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", Compiled)
        patch.setattr(app_test, "MagicMock", functools.cache(MagicMock))
        yield
