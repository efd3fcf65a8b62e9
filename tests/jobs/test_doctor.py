"""The doctor: each look finds what is wrong, and nothing where nothing is."""

import os
import shlex
import shutil
import subprocess

import pytest

from core import places
from core.jobs import doctor, gpus, slots
from core.jobs.alerts import addresses
from core.storage import asking, files, locks
from core.training import checkpoint
from tests.closed import close


def findings_about(subject, root, **options):
    """Of a whole look. The lock that another process holds for it is tried where something is asked about locks."""
    with pytest.MonkeyPatch.context() as patch:
        if subject != "locks":
            patch.setattr(doctor, "_try_lock", lambda path: (True, True))
        return [finding for finding in doctor.examine(root, **options) if finding.subject == subject]


def verdicts(findings):
    return [finding.verdict for finding in findings]


def test_a_lab_in_order_has_no_fault_and_every_subject_is_looked_at(tmp_path):
    findings = doctor.examine(tmp_path / "runs")
    assert [finding.what for finding in findings if finding.verdict == "fault" and finding.subject != "disk"] == []
    subjects = {"versions", "machine", "rights", "door", "locks", "disk", "weights", "runs"}
    assert subjects <= {finding.subject for finding in findings}
    assert all(finding.remedy for finding in findings if finding.verdict != "good")


def test_fold_jobs_at_a_time_are_those_that_train(tmp_path, monkeypatch):
    """One on each GPU, whatever is set for the processor; FACET_SLOTS wins over both."""
    monkeypatch.delenv("FACET_SLOTS", raising=False)
    slots.write(tmp_path, slots.Slots(2))
    monkeypatch.setattr(gpus, "names", lambda root, *_: ["card"] * 3)
    assert findings_about("machine", tmp_path)[-1].what == "3 fold jobs at a time."
    monkeypatch.setenv("FACET_SLOTS", "1")
    assert findings_about("machine", tmp_path)[-1].what == "1 fold job at a time."


def test_without_imagenet_weights_it_says_what_a_run_can_start_from_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    [none] = findings_about("weights", tmp_path)
    assert none.verdict == "note" and none.what.endswith(
        "only training from scratch, from a file or from another run is possible."
    )


def test_who_comes_in_is_told_and_what_would_let_in_others_is_a_fault(tmp_path, monkeypatch):
    for name in ("FACET_DOOR", "FACET_DOOR_PUBLISHED", "FACET_LAB_FILE"):
        monkeypatch.delenv(name, raising=False)
    [alone] = findings_about("door", tmp_path)
    assert alone.verdict == "good" and "alone" in alone.what
    path = tmp_path / "lab.toml"
    path.write_text('[door]\nmode = "oidc"\n')
    [oidc] = findings_about("door", tmp_path)
    assert oidc.verdict == "good" and "oidc" in oidc.what
    path.chmod(0o666)
    [written] = findings_about("door", tmp_path)
    assert written.verdict == "fault" and "every account" in written.what and written.remedy == f"chmod o-w {path}"
    path.write_text("[door]\nmood = 1\n")
    [broken] = findings_about("door", tmp_path)
    assert broken.verdict == "fault" and "has no 'mood'" in broken.what and broken.remedy


def test_an_address_that_others_can_read_or_that_was_not_reached_is_worth_knowing(tmp_path, monkeypatch):
    monkeypatch.delenv("FACET_LAB_FILE", raising=False)
    assert findings_about("alerts", tmp_path) == []
    path = tmp_path / "lab.toml"
    path.write_text('[[alerts.to]]\nurl = "https://ntfy.sh/secret"\n')
    path.chmod(0o644)
    [readable] = findings_about("alerts", tmp_path)
    assert readable.verdict == "note" and readable.remedy == f"chmod go-r {path}"
    path.chmod(0o600)
    [address] = addresses.of_lab(tmp_path)
    addresses.note(tmp_path, address, ok=False, words="nothing listens there.", when=1.0)
    [unreached] = findings_about("alerts", tmp_path)
    assert unreached.what == "https://ntfy.sh/… was not told of an end: nothing listens there."
    monkeypatch.setattr(asking, "_answer", lambda: asking.Asker("anna", admin=False, shared=True))
    assert findings_about("alerts", tmp_path) == []


@pytest.mark.fault(43)
def test_a_lock_that_no_other_process_sees_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "is_held", lambda path: False)
    assert "not seen by another" in findings_about("locks", tmp_path)[0].what


def test_a_network_file_system_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_file_system", lambda path: "nfs4")
    monkeypatch.setattr(doctor, "_try_lock", lambda path: (True, True))  # by a process, as in the tests above
    [finding] = findings_about("locks", tmp_path)
    assert finding.verdict == "note" and "nfs4" in finding.what


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path, monkeypatch):
    from collections import namedtuple

    Part = namedtuple("Part", "mountpoint fstype")
    parts = [Part("/", "ext4"), Part(str(tmp_path), "nfs4"), Part(str(tmp_path) + "x", "xfs")]
    monkeypatch.setattr(doctor.psutil, "disk_partitions", lambda all: parts)
    assert doctor._file_system(tmp_path / "runs") == "nfs4"
    assert doctor._file_system(tmp_path.parent) == "ext4"


@pytest.mark.fault(6)
def test_a_folder_that_cannot_be_written_is_a_fault_and_the_rest_is_still_looked_at(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(doctor, "_try_lock", lambda path: (True, True))  # of another subject, and in a process
    findings = doctor.examine(tmp_path / "file" / "runs")
    assert [finding.verdict for finding in findings if finding.subject == "rights"] == ["fault"]
    assert "versions" in {finding.subject for finding in findings}


@pytest.mark.parametrize(("card", "verdict"), [(False, "note"), (True, "fault")])
def test_little_shared_memory_is_told_with_the_remedy(tmp_path, monkeypatch, card, verdict):
    (tmp_path / "dev" / "shm").mkdir(parents=True)
    if card:
        (tmp_path / "dev" / "nvidia0").touch()
        monkeypatch.setattr(gpus, "names", lambda root, *_: ["card"])  # torch would be asked, in a process
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage._replace(free=64_000_000))
    [finding] = findings_about("shared memory", tmp_path / "runs", top=tmp_path)
    assert finding.verdict == verdict
    assert "64 MB" in finding.what and "--shm-size" in finding.remedy
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage._replace(free=4e9))
    assert verdicts(findings_about("shared memory", tmp_path / "runs", top=tmp_path)) == ["good"]


@pytest.mark.fault(27)
def test_broken_runs_and_old_left_overs_are_named_and_young_ones_are_not(tmp_path):
    (tmp_path / "20260101-000000-broken-abcd").mkdir()
    young, old, other = (tmp_path / name for name in (".a.json.0123abcd.tmp", ".b.json.0123abcd.tmp", "notes.tmp"))
    for path in (young, old, other):
        path.write_bytes(b"x" * 1000)
    for path in (old, other):
        os.utime(path, (0, 0))
    broken = [finding.what for finding in findings_about("runs", tmp_path) if finding.verdict == "fault"]
    assert any("20260101-000000-broken-abcd" in what for what in broken)
    [left] = findings_about("left-overs", tmp_path)
    assert left.what.startswith("1 temporary file of killed processes") and str(old) in left.what


def test_a_run_that_this_account_may_not_read_is_not_said_to_be_deleted(tmp_path, monkeypatch):
    broken, another = tmp_path / "20260101-000000-broken-abcd", tmp_path / "20260101-000000-another-abcd"
    broken.mkdir()
    another.mkdir()
    close(monkeypatch, another)
    remedies = {finding.what.split()[0]: finding.remedy for finding in findings_about("runs", tmp_path)}
    assert remedies[another.name] == files.CHECK
    assert remedies[broken.name] == "Its folder can be mended, or deleted on the page Runs."


def test_what_the_doctor_says_to_delete_is_what_it_counted(tmp_path):
    root = tmp_path / "my runs"
    root.mkdir()
    old, young, other, folder = (
        root / name for name in (".b.json.0123abcd.tmp", ".a.json.0123abcd.tmp", ".notes.tmp", ".c.0123abcd.tmp")
    )
    folder.mkdir()
    for path in (old, young, other):
        path.write_bytes(b"x")
    for path in (old, other, folder):
        os.utime(path, (0, 0))
    [left] = findings_about("left-overs", root)
    assert left.what.startswith("1 temporary file ") and shlex.split(left.remedy)[1] == str(root)
    subprocess.run(left.remedy, shell=True, check=True, cwd=tmp_path)
    assert not old.exists() and all(path.exists() for path in (young, other, folder))


def test_folders_that_killed_processes_were_filling_are_told_with_their_size_and_remedy(tmp_path, monkeypatch):
    root, torch = tmp_path / "my runs", tmp_path / "torch"
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("TORCH_HOME", str(torch))
    launch = root / ".20260101-000000-a-abcd.0123abcd.new"
    package = root / "20260101-000000-b-abcd" / ".package.0123abcd.new"
    dataset = places.datasets_folder(root) / ".0123456789ab"
    hold = places.lab_folder(root) / "holds" / ".a.0123abcd.old"
    deleted = places.lab_folder(root) / "trash" / ".0123abcd.gone"
    beside = [tmp_path / ".demo-a1_b2c3d", torch / "hub" / "checkpoints" / ".download-a1_b2c3d"]
    left = [launch, package, dataset, hold, deleted, *beside]
    young, lives, other = (root / name for name in (".a.0000abcd.new", ".b.0000abcd.new", ".notes.new"))
    for folder in (*left, young, lives, other):
        (folder / "deeper").mkdir(parents=True)
        (folder / "deeper" / "file").write_bytes(b"x" * 1_000_000)
        os.utime(folder, (0, 0))
        if folder != young:
            os.utime(folder / "deeper" / "file", (0, 0))
    with locks.lock(root / f"{lives.name}.lock"):
        [finding] = findings_about("left-overs", root)
    assert finding.verdict == "note" and finding.what.startswith("7 unfinished folders of killed processes, 7.0 MB, ")
    assert set(shlex.split(finding.remedy)) == {"rm", "-r", *map(str, left)}
    subprocess.run(finding.remedy, shell=True, check=True, cwd=tmp_path)
    assert not any(folder.exists() for folder in left) and all(folder.exists() for folder in (young, lives, other))
    assert findings_about("left-overs", root)[0].what.startswith("1 unfinished folder "), "its lock is free now"


def test_what_a_killed_writer_leaves_is_what_the_doctor_looks_for(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    monkeypatch.setattr(checkpoint.files.os, "fsync", die)
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
    with pytest.raises(Killed):
        checkpoint.files.write_text(tmp_path / "config.yaml", "text")
    assert [path.name for path in tmp_path.iterdir() if doctor.TEMPORARY.match(path.name)]


def test_disk_is_counted_by_what_uses_it(tmp_path):
    lab = places.lab_folder(tmp_path)
    lab.mkdir()
    (lab / "pixels.npy").write_bytes(b"x" * 10_000_000)
    (tmp_path / "run" / "fold_0").mkdir(parents=True)
    (tmp_path / "run" / "fold_0" / "last.pt").write_bytes(b"x" * 20_000_000)
    (tmp_path / "run" / "fold_0" / "best.safetensors").write_bytes(b"x" * 30_000_000)
    used = findings_about("disk", tmp_path)[-1].what
    assert used == (
        "Used: runs 0.05 GB, resume points of runs 0.02 GB, decoded photos and what else the lab keeps 0.01 GB."
    )
