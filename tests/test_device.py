"""What a fold job says about the memory that it took."""

import subprocess
import sys

import pytest

CODE = """
import numpy as np, torch
from core.device import forget_peak, peak_memory
device = torch.device("cpu")
large = np.ones(40_000_000)  # 320 MB
before = peak_memory(device)
del large
forget_peak(device)
after = peak_memory(device)
assert before - after > 200e6, (before, after)
held = np.ones(10_000_000)  # 80 MB
assert peak_memory(device) - after > 60e6 and len(held), (after, peak_memory(device))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak of a process anew")
def test_the_peak_is_of_this_job_not_of_the_one_before():
    """In a process of its own: what other tests left free in this one would be used first."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
