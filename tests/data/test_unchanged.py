"""A photo is known by its content: what was touched or copied is the same one, what was edited is not."""

import hashlib
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from core.config.run_config import DataConfig
from core.data.content import unchanged
from core.data.content.unchanged import changes, check_unchanged
from core.data.scan import scan
from core.errors import LabError
from tests.photos import draw


@pytest.fixture
def frozen(tmp_path):
    for name in ("a", "b"):
        for n in range(4):
            draw(tmp_path / "photos" / name / f"{n}.png", colour=(n, 0, 0))
    return scan(DataConfig(root=str(tmp_path / "photos")), threads=1).samples


def refusal(samples):
    with pytest.raises(LabError) as caught:
        check_unchanged(samples)
    return caught.value


def touch(path, seconds=1000):
    status = os.stat(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + seconds * 10**9))


def as_it_was(path, row):
    """The very bytes and time, so that nothing but the way there differs."""
    shutil.copy2(row["path"], path)
    os.utime(path, ns=(0, int(row["mtime_ns"])))


def without_hashes(samples):
    """As a lab froze them that kept none."""
    return samples.drop(columns="hash")


def test_the_hash_is_that_of_the_bytes(frozen):
    for row in frozen.itertuples():
        assert row.hash == hashlib.sha256(Path(row.path).read_bytes()).hexdigest()


def test_an_unchanged_dataset_is_accepted_without_reading_it(frozen, tmp_path, monkeypatch):
    frozen.to_parquet(tmp_path / "samples.parquet")
    monkeypatch.setattr(unchanged, "digest_of", lambda path, sample: pytest.fail(f"{sample} is read"))
    check_unchanged(frozen)
    check_unchanged(pd.read_parquet(tmp_path / "samples.parquet"))


@pytest.mark.fault(44)
def test_what_was_touched_is_the_same_photo_and_alone_is_read(frozen, monkeypatch):
    touched = set(frozen["sample"][::3])
    for row in frozen.itertuples():
        if row.sample in touched:
            touch(row.path)
    read, digest_of = [], unchanged.digest_of
    monkeypatch.setattr(unchanged, "digest_of", lambda path, sample: read.append(sample) or digest_of(path, sample))
    check_unchanged(frozen)
    assert sorted(read) == sorted(touched)


def test_a_touched_photo_that_was_found_to_be_the_same_is_read_once(frozen, tmp_path, monkeypatch):
    memory = tmp_path / "lab" / "touched.json"
    for row in frozen.itertuples():
        touch(row.path)
    check_unchanged(frozen, memory)
    with monkeypatch.context() as patched:
        patched.setattr(unchanged, "digest_of", lambda path, sample: pytest.fail(f"{sample} is read"))
        check_unchanged(frozen, memory)
    draw(Path(frozen["path"][0]), colour=(200, 0, 0))
    touch(frozen["path"][0], 2000)
    with pytest.raises(LabError, match=r"a/0\.png \(changed\)"):
        check_unchanged(frozen, memory)
    memory.write_bytes(b"[[1]]")
    with pytest.raises(LabError, match=r"a/0\.png \(changed\)"):
        check_unchanged(frozen, memory)


def test_a_copy_in_place_of_the_dataset_is_the_dataset(frozen, tmp_path):
    root = tmp_path / "photos"
    root.rename(tmp_path / "original")
    shutil.copytree(tmp_path / "original", root, copy_function=shutil.copyfile)
    check_unchanged(frozen)


def test_what_changed_since_the_launch_is_named(frozen):
    paths = dict(zip(frozen["sample"], map(Path, frozen["path"]), strict=True))
    paths["a/0.png"].unlink()
    other = bytearray(paths["a/1.png"].read_bytes())
    other[-1] ^= 1  # of the same size
    paths["a/1.png"].write_bytes(other)
    touch(paths["a/1.png"])
    paths["b/2.png"].write_bytes(paths["b/2.png"].read_bytes() + b"\0")
    os.utime(paths["b/2.png"], ns=(0, int(frozen.set_index("sample")["mtime_ns"]["b/2.png"])))
    assert list(map(str, changes(frozen))) == ["a/0.png (gone)", "a/1.png (changed)", "b/2.png (changed)"]
    error = refusal(frozen)
    assert error.kind == "data-changed"
    assert "a/0.png (gone), a/1.png (changed), b/2.png (changed)" in error.message
    assert "Run again" in error.remedy


def test_without_a_hash_a_touched_photo_is_neither_taken_for_the_same_nor_for_another(frozen):
    check_unchanged(without_hashes(frozen))
    touch(frozen["path"][0])
    error = refusal(without_hashes(frozen))
    assert error.kind == "data-undecided" and "a/0.png (its time changed)" in error.message
    assert "nobody can tell" in error.message and "relocate RUN FOLDER --same-sizes" in error.remedy
    os.unlink(frozen["path"][1])
    error = refusal(without_hashes(frozen))
    assert error.kind == "data-changed" and "a/0.png (its time changed), a/1.png (gone)" in error.message


def test_a_photo_that_became_a_link_out_of_its_dataset_is_not_trained_on(frozen, tmp_path):
    row = frozen.set_index("sample", drop=False).loc["a/0.png"]
    (tmp_path / "elsewhere").mkdir()
    as_it_was(tmp_path / "elsewhere" / "0.png", row)
    os.unlink(row["path"])
    os.symlink(tmp_path / "elsewhere" / "0.png", row["path"])
    assert list(map(str, changes(frozen))) == ["a/0.png (a link that leads out of the dataset)"]
    error = refusal(frozen)
    assert error.kind == "data-changed" and "leads out of the dataset" in error.message


def test_a_folder_that_became_a_link_is_followed_only_within_its_dataset(frozen, tmp_path):
    folder = Path(frozen.set_index("sample")["path"]["a/0.png"]).parent
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    inside = [sample for sample in frozen["sample"] if sample.startswith("a/")]
    assert list(map(str, changes(frozen))) == [f"{sample} (a link that leads out of the dataset)" for sample in inside]
    (tmp_path / "moved").rename(folder.with_name("kept"))
    folder.unlink()
    folder.symlink_to(folder.with_name("kept"))
    assert changes(frozen) == []


def test_many_changes_are_counted(frozen):
    for path in frozen["path"][:-1]:
        os.unlink(path)
    error = refusal(frozen)
    assert error.kind == "data-changed" and "a/0.png (gone), " in error.message and " and 4 more" in error.message


@pytest.mark.parametrize("how", ["moved", "emptied"])
@pytest.mark.fault(44)
def test_a_dataset_of_which_nothing_is_left_in_its_place_has_moved(frozen, tmp_path, how):
    if how == "moved":
        (tmp_path / "photos").rename(tmp_path / "elsewhere")
    else:
        for path in frozen["path"]:
            os.unlink(path)
    error = refusal(frozen)
    assert error.kind == "data-moved" and str(tmp_path / "photos") in error.message and "8 photos" in error.message
    assert "relocate" in error.remedy
