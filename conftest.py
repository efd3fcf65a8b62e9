"""Before any test is imported; pytest loads plugins only from the conftest at the root."""

import gc
import os
import sys

pytest_plugins = ["tests.browser.screen"]

# Each of some hundred processes would compile the lab anew, and each of pytest's workers all tests with it.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
gc.disable()  # until all is imported
# What a killed process has written is not lost, and no test cuts the power: that each file is sent to the disk before
# it has its name is what test_files.py asks. To wait for the disk 20 times a run would leave a core idle.
os.fsync = os.fstat


def pytest_collection_finish():
    """What was imported lives as long as this process: to look through it again and again took a tenth of the time, and
    to look once for what of it is garbage takes a second. Among what tests make it is looked for less often."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 10, 10)
