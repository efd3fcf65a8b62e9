import sys

import pytest

from tests.training.gauges.stand_in import Nvml


@pytest.fixture
def nvml(monkeypatch):
    """nvml(*chips, fails={...}) -> a stand-in that the lab finds instead of pynvml."""

    def put(*chips, fails=()):
        module = Nvml(*chips, fails=fails)
        monkeypatch.setitem(sys.modules, "pynvml", module)
        return module

    return put
