"""What a fold job says about the memory that it took."""

import sys

import numpy as np
import pytest
import torch

from core.device import forget_peak, peak_memory


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak of a process anew")
def test_the_peak_is_of_this_job_not_of_the_one_before():
    device = torch.device("cpu")
    large = np.ones(40_000_000)  # 320 MB
    before = peak_memory(device)
    del large
    forget_peak(device)
    after = peak_memory(device)
    assert before - after > 200e6
    held = np.ones(10_000_000)  # 80 MB
    assert peak_memory(device) - after > 60e6 and len(held)
