import contextlib
import errno
import json
import os
import resource
import stat
import subprocess
import sys
import threading

import pytest

from core.errors import LabError
from core.places import HOME
from core.storage import files
from tests.closed import close


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("old")
    return path


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_written_is_read(tmp_path, durable):
    path = tmp_path / "a b.json"
    data = {"name": "얼굴 <b>", "list": [1, 2.5, None, True], "e": 1e-300}
    files.write_json(path, data, durable=durable)
    assert files.read_json(path) == data == json.loads(path.read_text("utf-8"))
    files.write_text(path, "x\n", durable=durable)
    assert path.read_bytes() == b"x\n"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("fault", [RuntimeError, OSError, KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("written", [b"", b"half of the new content"])
def test_a_failure_in_the_middle_keeps_the_old_content_and_leaves_nothing(old, fault, written):
    def write(stream):
        stream.write(written)
        stream.flush()
        raise fault("in the middle")

    with pytest.raises(fault):
        files.write_whole(old, write)
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_of_the_system_keeps_the_old_content_and_leaves_nothing(old, monkeypatch, step):
    def fail(*arguments):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="input/output error"):
        files.write_text(old, "new")
    monkeypatch.undo()
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == [old.name]


def test_content_is_on_the_disk_before_it_has_its_name_and_the_name_before_anybody_goes_on(tmp_path, monkeypatch):
    steps, replace = [], os.replace

    def sync(descriptor):
        place = os.fstat(descriptor)
        steps.append(("sync", place.st_ino, stat.S_ISREG(place.st_mode) and place.st_size))

    def rename(source, target):
        steps.append(("rename", os.stat(source).st_ino, target.name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    files.write_text(tmp_path / "a.json", "new")
    file, folder = (path.stat().st_ino for path in (tmp_path / "a.json", tmp_path))
    assert steps == [("sync", file, 3), ("rename", file, "a.json"), ("sync", folder, False)]
    steps.clear()
    files.write_text(tmp_path / "a.json", "newer", durable=False)
    assert [step for step, *_ in steps] == ["rename"]


def test_content_that_is_no_json_keeps_the_old_content(old):
    with pytest.raises(TypeError):
        files.write_json(old, {"a": object()})
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == [old.name]


def test_a_missing_folder_is_an_ordinary_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.write_text(tmp_path / "gone" / "a.json", "x")


FULL_DISK = """
import os, resource, signal, sys
from pathlib import Path
from core.storage import files
from tests.closed import close
from core.errors import LabError
path, size, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    files.write_text(path, "n" * size)
except LabError as error:
    assert error.kind == "disk-full", error.kind
    assert path.name in error.message and str(path.parent) in error.message, error.message
    assert error.remedy.startswith("Free at least "), error.remedy
    sys.exit(7)
"""


@pytest.mark.parametrize(("size", "limit"), [(100, 0), (100, 99), (3_000_000, 65_536), (3_000_000, 2_999_999)])
def test_a_full_disk_is_told_with_the_folder_and_the_old_content_stays(old, size, limit):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(old), str(size), str(limit)], cwd=HOME)
    assert done.returncode == 7
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == [old.name]


def test_the_remedy_names_the_size_that_was_asked_for(old):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, before[1]))
    try:
        with pytest.raises(LabError, match="disk full") as caught:
            files.write_text(old, "n" * 9_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.kind == "disk-full"
    assert "Free at least 5 MB" in caught.value.remedy


@pytest.mark.fault(2)
def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "progress.json"
    files.write_json(path, {"n": 0, "text": ""})
    read = []

    def in_two_halves(stream):
        stream.write(b'{"n": 0, ')
        stream.flush()
        read.append(files.read_json(path))
        stream.write(b'"text": "second"}')

    files.write_whole(path, in_two_halves)
    assert read == [{"n": 0, "text": ""}] and files.read_json(path) == {"n": 0, "text": "second"}
    stop = threading.Event()

    def write():
        n = 0
        while not stop.is_set():
            n += 1
            files.write_json(path, {"n": n, "text": "x" * (n * 997 % 50_000)}, durable=False)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [files.read_json(path)["n"] for _ in range(300)]
    finally:
        stop.set()
        writer.join()
    assert seen == sorted(seen)
    assert os.listdir(tmp_path) == [path.name]


def test_two_writers_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "state.json"
    writers = [
        threading.Thread(target=lambda n=n: [files.write_json(path, [n] * 5000, durable=False) for _ in range(20)])
        for n in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    data = files.read_json(path)
    assert len(data) == 5000
    assert len(set(data)) == 1
    assert os.listdir(tmp_path) == [path.name]


def test_only_no_space_counts_as_a_full_disk():
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        assert files.disk_full(OSError(number, "x"))
    for number in (errno.EIO, errno.EACCES, errno.EROFS, errno.ENOENT):
        assert not files.disk_full(OSError(number, "x"))
    try:
        try:
            raise OSError(errno.ENOSPC, "no space")
        except OSError as error:
            raise RuntimeError("unexpected pos") from error
    except RuntimeError as error:
        assert files.disk_full(error)
    assert not files.disk_full(None)
    assert not files.disk_full(ValueError("x"))


def test_where_folders_cannot_be_opened_files_are_written_all_the_same(tmp_path, monkeypatch):
    """As on Windows, which has no O_DIRECTORY and refuses to open a folder."""
    real = os.open

    def opens_no_folder(path, *arguments, **options):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.delattr(os, "O_DIRECTORY")
    monkeypatch.setattr(os, "open", opens_no_folder)
    files.write_json(tmp_path / "state.json", {"n": 1})
    assert files.read_json(tmp_path / "state.json") == {"n": 1}
    assert os.listdir(tmp_path) == ["state.json"]


@pytest.mark.parametrize("fault", [errno.EINVAL, errno.EOPNOTSUPP, errno.EIO])
def test_where_folders_cannot_be_synced_files_are_written_all_the_same(tmp_path, monkeypatch, fault):
    """As on some shared folders of virtual machines, which refuse to sync a folder; a disk that fails is still told."""

    def sync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(OSError, match="rror") if fault == errno.EIO else contextlib.nullcontext():
        files.write_text(tmp_path / "state.json", "new")
    assert (tmp_path / "state.json").read_text() == "new" and os.listdir(tmp_path) == ["state.json"]


def test_a_file_that_cannot_be_synced_is_not_written(tmp_path, monkeypatch):
    def sync(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(OSError, match="Invalid argument"):
        files.write_text(tmp_path / "state.json", "new")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_record_that_is_out_of_reach_is_told_and_never_changed_as_if_it_were_empty(tmp_path, monkeypatch, fault):
    path = tmp_path / "views.json"
    files.write_json(path, {"before": 1})

    def never(content):
        raise AssertionError(content)

    with monkeypatch.context() as patch:
        close(patch, path, fault)
        with pytest.raises(LabError, match=f"{path} cannot be read: {os.strerror(fault)}") as caught:
            files.change_json(path, "the views", never)
    assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
    files.change_json(path, "the views", lambda content: {**content, "after": 2})
    assert files.read_json(path) == {"before": 1, "after": 2}
