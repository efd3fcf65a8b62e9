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


MAPPED = """
import sys
import numpy as np, torch
from core.device import forget_peak, peak_memory
device = torch.device("cpu")
forget_peak(device)
before = peak_memory(device)
mapped = np.memmap(sys.argv[1], dtype=np.uint8, mode="r")
assert int(mapped[::4096].sum()) == 0  # every page of it is in this process now
assert peak_memory(device) - before < 30e6, (before, peak_memory(device))
held = np.ones(10_000_000)  # 80 MB
assert peak_memory(device) - before > 60e6 and len(held), (before, peak_memory(device))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is mapped")
def test_decoded_photos_that_are_mapped_from_a_file_are_no_memory_of_the_training(tmp_path):
    pixels = tmp_path / "pixels"
    with open(pixels, "wb") as stream:
        stream.truncate(150_000_000)
    done = subprocess.run([sys.executable, "-c", MAPPED, str(pixels)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
