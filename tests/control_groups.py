"""A real control group that allows little memory, where one can be made."""

import os
from pathlib import Path

from core import machine


def make_group(megabytes=200):
    """A control group below this process's own, allowed so much memory; None where none can be made."""
    if not Path("/proc/self/cgroup").exists() or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    for own in machine.groups("memory"):
        group = own / f"facet-test-{os.getpid()}"
        try:
            group.mkdir()
            names = [name for name in ("memory.max", "memory.limit_in_bytes") if (group / name).exists()]
            if names:
                (group / names[0]).write_text(str(megabytes * 2**20))
                with_swap = [n for n in ("memory.swap.max", "memory.memsw.limit_in_bytes") if (group / n).exists()]
                if with_swap:
                    (group / with_swap[0]).write_text("0" if "swap.max" in with_swap[0] else str(megabytes * 2**20))
                return group
            group.rmdir()
        except OSError:
            if group.is_dir():
                group.rmdir()
        break
    return None
