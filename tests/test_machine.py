"""What a machine lends to a process, told from made-up control groups and from a real one where one can be made."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import machine
from core.places import HOME
from tests.control_groups import make_group

GB = 2**30


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A machine of 8 cores and 64 GiB, whose /proc and /sys are made up: {path: content}."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: SimpleNamespace(total=64 * GB))

    def write(contents):
        for name, text in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        machine.forget()
        return tmp_path

    return write


V2 = {
    "proc/self/cgroup": "0::/lab.slice/job.scope\n",
    "proc/self/mountinfo": "30 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
    "proc/sys/kernel/random/boot_id": "one\n",
    "sys/fs/cgroup/lab.slice/job.scope/cgroup.procs": "",
}
V1 = {
    "proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n0::/\n",
    "proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro master:9 - cgroup cgroup rw,memory\n",
    "proc/sys/kernel/random/boot_id": "one\n",
}


def test_a_machine_without_groups_lends_all_it_has(host):
    assert (machine.cores(host({})), machine.memory(host({}))) == (8, 64 * GB)
    assert not machine.is_limited(host({}))


def test_without_affinity_all_cores_count(monkeypatch):
    """As on macOS, whose Python has no sched_getaffinity."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine.cores(Path("/nowhere")) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.cores(Path("/nowhere")) == 1


@pytest.mark.parametrize(
    ("quota", "expected"), [("max 100000", 8), ("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1)]
)
def test_a_quota_of_cores_counts_rounded_down(host, quota, expected):
    assert machine.cores(host({**V2, "sys/fs/cgroup/lab.slice/job.scope/cpu.max": quota})) == expected


def test_the_narrowest_of_nested_groups_counts(host):
    top = host(
        {
            **V2,
            "sys/fs/cgroup/lab.slice/job.scope/memory.max": f"{16 * GB}\n",
            "sys/fs/cgroup/lab.slice/memory.max": f"{4 * GB}\n",
            "sys/fs/cgroup/lab.slice/job.scope/cpu.max": "max 100000\n",
            "sys/fs/cgroup/lab.slice/cpu.max": "300000 100000\n",
        }
    )
    assert (machine.cores(top), machine.memory(top)) == (3, 4 * GB)
    assert machine.is_limited(top)


def test_groups_of_the_first_version_as_docker_mounts_them(host):
    top = host(
        {
            **V1,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GB}\n",
        }
    )
    assert (machine.cores(top), machine.memory(top)) == (2, 4 * GB)


def test_no_limit_of_the_first_version_is_no_limit(host):
    top = host(
        {
            **V1,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )
    assert (machine.cores(top), machine.memory(top)) == (8, 64 * GB)


def test_a_container_that_sees_its_own_group_as_the_top(host):
    """With a namespace of its own /proc tells '/'; without one it tells a path that the mount does not have."""
    for groups in ("0::/\n", "0::/../../outside\n", "0::/system.slice/docker-abc.scope\n"):
        top = host({**V2, "proc/self/cgroup": groups, "sys/fs/cgroup/memory.max": f"{2 * GB}\n"})
        assert machine.memory(top) == 2 * GB


def test_limits_are_read_again_after_a_while_and_not_at_every_question(host, monkeypatch):
    monkeypatch.setattr(machine.time, "monotonic", lambda: 100.0)
    top = host(
        {
            **V2,
            "sys/fs/cgroup/lab.slice/job.scope/cpu.max": "300000 100000",
            "sys/fs/cgroup/lab.slice/job.scope/memory.max": str(4 * GB),
        }
    )
    assert (machine.cores(top), machine.memory(top)) == (3, 4 * GB)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", lambda path, *options: pytest.fail(f"{path} was read"))
        assert (machine.cores(top), machine.memory(top)) == (3, 4 * GB)
    (top / "sys/fs/cgroup/lab.slice/job.scope/cpu.max").write_text("200000 100000")
    monkeypatch.setattr(machine.time, "monotonic", lambda: 100.1 + machine.BELIEVED)
    assert machine.cores(top) == 2


@pytest.mark.parametrize("text", ["", "nonsense", "1 2 3", "0 0"])
def test_a_file_that_makes_no_sense_is_no_limit(host, text):
    top = host({**V2, "sys/fs/cgroup/lab.slice/job.scope/cpu.max": text})
    assert machine.cores(top) == 8


def test_kills_are_counted_in_the_own_group_before_the_machine(host):
    top = host({"proc/vmstat": "nr_free_pages 1\noom_kill 7\n", "proc/sys/kernel/random/boot_id": "one\n"})
    assert machine.kills(top) == machine.Kills(f"{top / 'proc/vmstat'} one", 7)
    assert machine.count_now(machine.kills(top).counter, top) == 7
    assert machine.count_now(f"{top / 'proc/vmstat'} before", top) is None
    assert machine.count_now("/nowhere one", top) is None
    top = host({**V2, "sys/fs/cgroup/lab.slice/job.scope/memory.events": "oom 3\noom_kill 2\noom_group_kill 0\n"})
    assert machine.kills(top).count == 2
    assert machine.kills(host({"proc/sys/kernel/random/boot_id": "two\n"})).counter.endswith("memory.events two")


def test_kills_are_counted_in_groups_of_the_first_version(host):
    top = host({**V1, "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"})
    assert machine.kills(top).count == 5


def test_where_nobody_counts_nothing_is_claimed(host):
    assert machine.kills(host({"proc/vmstat": "nr_free_pages 1\n"})) is None


def test_the_name_of_a_machine_is_its_id_and_only_without_one_its_host(host, monkeypatch):
    monkeypatch.setattr(machine.platform, "node", lambda: "Node_07.Cluster.example.org")
    assert machine.found_name(host({})) == "node-07"
    for empty in ("", "uninitialized\n"):  # as in images of containers
        assert machine.found_name(host({"etc/machine-id": empty})) == "node-07"
    first = machine.found_name(host({"etc/machine-id": "0123456789abcdef" * 2 + "\n"}))
    monkeypatch.setattr(machine.platform, "node", lambda: "")
    assert machine.found_name(host({})) == first  # whatever the host is called now
    assert first != machine.found_name(host({"etc/machine-id": "f" * 32}))
    assert machine.found_name(Path("/nowhere")) == "machine"


def test_a_mac_is_named_by_its_hardware(host):
    identity = "5E1F5F0A-0000-1111-2222-ABCDEF012345"
    top = host({"usr/sbin/ioreg": f"""#!/bin/sh\necho '    "IOPlatformUUID" = "{identity}"'\n"""})
    before = machine.found_name(top)
    (top / "usr/sbin/ioreg").chmod(0o755)
    named = machine.found_name(top)
    assert named.startswith("id-") and not before.startswith("id-")
    (top / "usr/sbin/ioreg").write_text("#!/bin/sh\nexit 1\n")
    assert machine.found_name(top) == before


def test_a_process_has_one_name_and_the_one_it_was_given(monkeypatch):
    monkeypatch.delenv("FACET_MACHINE", raising=False)
    own = machine.name()
    monkeypatch.setattr(machine.platform, "node", lambda: "renamed")
    assert machine.name() == own
    monkeypatch.setenv("FACET_MACHINE", "given-1")
    assert machine.name() == "given-1"
    for unfit in ("", "../x", "A"):
        monkeypatch.setenv("FACET_MACHINE", unfit)
        assert machine.name() == own


def test_the_account_is_what_the_system_says_and_a_number_where_it_knows_no_name(monkeypatch):
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert machine.account() == subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    assert machine.account() == f"user {2**31 - 7}"


HOG = """
import sys
from core import machine
from core.places import HOME
before = machine.kills()
print(machine.memory(), before.count, before.counter, flush=True)
sys.stdin.readline()
taken = []
for _ in range(400):  # MB, should the limit not hold
    taken.append(bytearray(b"x" * 2**20))
"""


def test_in_a_real_group_the_limit_is_seen_and_the_kill_is_counted():
    group = make_group()
    if group is None:
        pytest.skip("NOT TESTED: no control group can be made here (this needs root and a memory controller)")
    try:
        enter = f"open({str(group / 'cgroup.procs')!r}, 'w').write(str(__import__('os').getpid()))\n"
        command = [sys.executable, "-c", enter + HOG]
        hog = subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        limit, before, counter = hog.stdout.readline().split(maxsplit=2)
        assert int(limit) == 200 * 2**20
        assert str(group) in counter
        hog.communicate("\n", timeout=60)
        assert hog.returncode == -9
        counted = machine._counted(Path(counter.split(" ")[0]))
        assert counted == int(before) + 1
    finally:
        group.rmdir()
