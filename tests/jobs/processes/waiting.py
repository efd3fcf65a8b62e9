"""The process that waits, as its tests see it."""

import os
import socket
import subprocess
import sys

from core.cli.main import main
from core.jobs.processes import detached, ready
from tests.workers import FORKS

SINCE = "imported since all was loaded:"
# The script of one that says into the lab's log which libraries each of its forks imported beside those that it had.
# What they train is narrow.
TELLS = f"""
import sys
from core.cli import main
from core.jobs import speed
from core.jobs.processes import nursery
load, work = nursery.load, main.work
libraries = {{"albumentations", "cv2", "pyarrow", "scipy", "sklearn", "torch", "torchvision"}}
loaded = set()
def load_all():
    load()
    from tests.narrow import narrow_worker  # which imports what was loaded
    narrow_worker()
    loaded.update(sys.modules)
def work_and_tell(*which, **how):
    work(*which, **how)
    later = sorted(name for name in set(sys.modules) - loaded if name.partition(".")[0] in libraries)
    print("{SINCE}", *later, flush=True)
nursery.load, main.work = load_all, work_and_tell
speed.measure.__defaults__ = (0.1, *speed.measure.__defaults__[1:])  # seconds
main.main()
"""
# One that has nothing loaded, for tests in which no fold is trained by a fork of it: seconds for nothing.
WITHOUT_TORCH = """
from core.cli.main import main
from core.jobs.processes import nursery
nursery.load = lambda: None
main()
"""


def who_waits(root) -> subprocess.Popen:
    return ready._waiting[root].process


def by(script):
    """In place of Popen: what would be `python -m core ...` is `script` with the same words."""
    start = subprocess.Popen

    def popen(command, **how):
        return start([command[0], "-c", script, *command[3:]], **how)

    return popen


class Forked:
    """In place of a Popen of one that waits: a fork that has torch from where it was forked."""

    def __init__(self, words, root, descriptor, environment):
        with socket.socket(fileno=os.dup(descriptor)) as line:
            self.process = FORKS.Process(target=_wait, args=(words, root, line, environment))
            self.process.start()
        self.pid = self.process.pid

    def poll(self):
        return self.process.exitcode

    def wait(self):
        self.process.join()

    def kill(self):
        self.process.kill()


def start_forked(verb, *words, root, more=None, pass_fds=(), **_):
    """In place of detached.start, for one that waits."""
    (descriptor,) = pass_fds
    return Forked([verb, *words], root, descriptor, {**os.environ, **(more or {})})


def _wait(words, root, line, environment):
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with detached.log(root) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(line.detach(), 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))  # the lines of who forks for tests
    words[words.index("--ready") + 1] = "3"
    sys.argv = ["core", *words]
    main()
