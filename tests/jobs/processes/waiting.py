"""The process that waits, as its tests see it."""

import subprocess

from core.jobs.processes import ready

# The script of one that has nothing loaded, for tests in which no fold is trained by a fork of it: seconds for nothing.
WITHOUT_TORCH = """
from core.cli.main import main
from core.jobs.processes import nursery
nursery.load = lambda: None
main()
"""


def who_waits(root) -> subprocess.Popen:
    return ready._waiting[root].process
