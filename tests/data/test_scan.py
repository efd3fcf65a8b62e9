import io
import itertools
import os
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from PIL import Image

from core.config.run_config import DataConfig
from core.data import verify
from core.data.images import load_image
from core.data.pictures.depth import EIGHT_BITS
from core.data.readers.layouts import READERS
from core.data.scan import fingerprint, labels_changed, scan
from core.errors import LabError
from tests.photos import all_kinds, assert_nothing_is_skipped, draw, mask_dataset, noise, png_bomb, problems_of, read

COLUMNS = ["sample", "path", "person", "person_known", "mask", "gender", "age", "label", "row", "bytes", "mtime_ns"]
COLUMNS += ["hash", "width", "height", "bits"]


class Cancelled(Exception):
    """What a progress raises."""


def cancel(done, total):
    raise Cancelled


def bad_dataset(root):
    """Two classes with good photos, and one file of each kind of damage."""
    for i in range(4):
        draw(root / f"cat/{i}.jpg")
        draw(root / f"dog/{i}.jpg")
    Image.fromarray(noise(200, 200)).save(root / "cat/whole.jpg")
    whole = (root / "cat/whole.jpg").read_bytes()
    for percent in (10, 50, 95):
        (root / f"cat/cut{percent}.jpg").write_bytes(whole[: len(whole) * percent // 100])
    (root / "dog/bomb.png").write_bytes(png_bomb(40_000, 40_000))
    (root / "dog/text.jpg").write_text("not an image")
    (root / "dog/empty.jpg").touch()
    (root / "dog/phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    return root


def test_bad_files_are_listed_with_their_names(tmp_path):
    scanned = read(bad_dataset(tmp_path))
    assert len(scanned.samples) == 9
    assert dict(zip(scanned.problems["sample"], scanned.problems["kind"], strict=True)) == {
        "cat/cut10.jpg": "truncated",
        "cat/cut50.jpg": "truncated",
        "cat/cut95.jpg": "truncated",
        "dog/bomb.png": "bomb",
        "dog/empty.jpg": "truncated",
        "dog/phone.heic": "unreadable",
        "dog/text.jpg": "unreadable",
    }
    assert (scanned.problems["severity"] == "error").all()
    assert (scanned.problems[["problem", "remedy"]] != "").all(axis=None)
    assert_nothing_is_skipped(scanned)


def test_the_table_is_as_promised(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "cat").mkdir()
    Image.fromarray(noise(30, 20)).save(tmp_path / "cat/turned.jpg", exif=exif)
    draw(tmp_path / "dog/b.jpg")
    scanned = read(tmp_path)
    samples = scanned.samples
    assert list(samples.columns) == COLUMNS
    assert list(scanned.problems.columns) == ["sample", "where", "kind", "problem", "remedy", "severity"]
    assert samples.loc[0, ["width", "height"]].tolist() == [20, 30]
    assert load_image(samples.loc[0, "path"], 0).shape == (30, 20, 3)
    status = os.stat(samples.loc[0, "path"])
    assert samples.loc[0, ["bytes", "mtime_ns"]].tolist() == [status.st_size, status.st_mtime_ns]
    types = [str(samples[name].dtype) for name in ("row", "bytes", "mtime_ns", "width", "age")]
    assert types == ["Int64", "int64", "int64", "int64", "float64"]
    assert samples.loc[0, "mask"] is None and samples["row"].isna().all()
    buffer = io.BytesIO()
    samples.to_parquet(buffer)
    assert fingerprint(pd.read_parquet(buffer)) == fingerprint(samples)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_result_does_not_depend_on_threads(tmp_path, threads):
    bad_dataset(tmp_path)
    one, many = read(tmp_path), scan(DataConfig(root=str(tmp_path)), threads=threads)
    pd.testing.assert_frame_equal(one.samples, many.samples)
    pd.testing.assert_frame_equal(one.problems, many.problems)


def test_progress_ends_at_the_total(tmp_path):
    bad_dataset(tmp_path)
    calls = []
    scan(DataConfig(root=str(tmp_path)), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (16, 16) and calls == sorted(calls)


def test_a_scan_whose_progress_raises_ends_at_once_and_keeps_what_it_knows(tmp_path, monkeypatch):
    root, memory = bad_dataset(tmp_path / "data"), tmp_path / "verified.parquet"
    decoded, stopped, pools, turns = [], threading.Event(), [], itertools.count()

    def photo_fault(path, look, **_):
        decoded.append(path)
        assert next(turns) == 0 or stopped.wait(60)  # one of them alone is the first, however threads take turns
        return 8, 6, None, EIGHT_BITS

    class Pool(ThreadPoolExecutor):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            pools.append(self)

        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            stopped.set()  # those that had begun may end
            super().shutdown(wait=wait)

    monkeypatch.setattr("core.data.verify.photo_fault", photo_fault)
    monkeypatch.setattr("core.data.verify.ThreadPoolExecutor", Pool)

    with pytest.raises(Cancelled):
        scan(DataConfig(root=str(root)), progress=cancel, threads=2, memory=memory)
    (pool,) = pools
    assert not any(thread.is_alive() for thread in pool._threads)
    assert 1 <= len(pd.read_parquet(memory)) <= len(decoded) <= 4


def test_a_second_scan_decodes_only_what_changed(tmp_path, monkeypatch):
    root, memory = bad_dataset(tmp_path / "data"), tmp_path / "lab" / "verified.parquet"
    data = DataConfig(root=str(root))
    first = scan(data, memory=memory)
    decoded = []
    judge = verify.photo_fault
    monkeypatch.setattr(
        verify, "photo_fault", lambda path, look, **how: decoded.append(path) or judge(path, look, **how)
    )
    second = scan(data, memory=memory)
    assert decoded == []
    pd.testing.assert_frame_equal(first.samples, second.samples)
    pd.testing.assert_frame_equal(first.problems, second.problems)

    (root / "dog/text.jpg").unlink()
    draw(root / "dog/text.jpg")
    draw(root / "dog/new.jpg")
    third = scan(data, memory=memory)
    assert sorted(decoded) == [str(root / "dog/new.jpg"), str(root / "dog/text.jpg")]
    assert {"dog/new.jpg", "dog/text.jpg"} <= set(third.samples["sample"])

    decoded.clear()
    memory.write_bytes(b"garbage")
    fourth = scan(data, memory=memory)
    assert len(decoded) == 17
    pd.testing.assert_frame_equal(third.problems, fourth.problems)
    assert os.listdir(memory.parent) == ["verified.parquet"]


@pytest.mark.parametrize("decode", ["before", "first epoch"])
@pytest.mark.parametrize("is_cancelled", [False, True])
def test_two_photos_of_one_size_and_time_that_changed_places_are_known_by_their_own_bytes(
    tmp_path, is_cancelled, decode
):
    root, memory = tmp_path / "data", tmp_path / "verified.parquet"
    paths = [draw(root / kind / "0.bmp", colour) for kind, colour in (("cat", (200, 0, 0)), ("dog", (0, 0, 200)))]
    for path in paths:
        os.utime(path, ns=(7, 7))
    stays = draw(root / "dog/1.bmp", (0, 200, 0))
    cat, dog, other = scan(DataConfig(root=str(root)), memory=memory).samples["hash"]
    aside = paths[0].rename(tmp_path / "aside")
    paths[1].rename(paths[0])
    aside.rename(paths[1])
    stays.chmod(0o640)

    data = DataConfig(root=str(root), decode=decode)
    if is_cancelled:  # once the first of them was read
        with pytest.raises(Cancelled):
            scan(data, memory=memory, progress=cancel, threads=1)
    for _ in range(2):
        again = scan(data, memory=memory)
        assert again.samples["mtime_ns"].tolist()[:2] == [7, 7] and again.samples["bytes"].nunique() == 1
        assert again.samples["hash"].tolist() == [dog, cat, other]


@pytest.mark.parametrize("decode", ["before", "first epoch"])
@pytest.mark.parametrize("older", [False, True])
def test_photos_whose_rights_changed_are_read_again_and_not_decoded(tmp_path, monkeypatch, older, decode):
    root, memory = bad_dataset(tmp_path / "data"), tmp_path / "verified.parquet"
    data = DataConfig(root=str(root), decode=decode)
    first = scan(DataConfig(root=str(root)), memory=memory)
    if older:  # a memory that does not say when a file was changed
        pd.read_parquet(memory).drop(columns=verify.CTIME).to_parquet(memory)
    else:
        (root / "dog").chmod(0o750)
        for path in root.rglob("*.jpg"):
            path.chmod(0o640)
    judge, decoded, read_again = verify.photo_fault, [], []

    def watched(path, look, *, decodes):
        (decoded if decodes else read_again).append(path)
        return judge(path, look, decodes=decodes)

    monkeypatch.setattr(verify, "photo_fault", watched)
    second = scan(data, memory=memory)
    assert decoded == [] and read_again
    pd.testing.assert_frame_equal(first.samples, second.samples)
    pd.testing.assert_frame_equal(first.problems, second.problems)
    read_again.clear()
    scan(data, memory=memory)
    assert decoded == read_again == [], "once"


def test_verdicts_of_thousands_keep_their_order(monkeypatch):
    monkeypatch.setattr(verify, "photo_fault", lambda path, look, **_: (int(path), 1, None, EIGHT_BITS))
    calls = []
    files = [(str(n), 1, 1) for n in range(5_003)]
    verdicts = verify.verify(files, threads=2, progress=lambda *at: calls.append(at))
    assert [width for width, *_ in verdicts] == list(range(5_003))
    assert calls[-1] == (5_003, 5_003)


def test_one_memory_serves_several_datasets(tmp_path):
    memory = tmp_path / "verified.parquet"
    for name in ("one", "two"):
        draw(tmp_path / name / "a/1.jpg")
        draw(tmp_path / name / "b/1.jpg")
        scan(DataConfig(root=str(tmp_path / name)), memory=memory)
    assert len(pd.read_parquet(memory)) == 4


def test_a_memory_that_cannot_be_written_does_not_stop_a_scan(tmp_path):
    draw(tmp_path / "data/a/1.jpg")
    (tmp_path / "file").touch()
    assert len(scan(DataConfig(root=str(tmp_path / "data")), memory=tmp_path / "file" / "m.parquet").samples) == 1


def test_memory_of_a_scan_stays_flat(tmp_path):
    for i in range(40):
        path = tmp_path / f"{'ab'[i % 2]}/{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (1000, 1000), (i, i, i)).save(path)
    tracemalloc.start()
    read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # one photo is 3 MB, all are 120 MB


def test_a_file_that_vanishes_during_the_scan_is_told(tmp_path, monkeypatch):
    draw(tmp_path / "cat/a.jpg")
    draw(tmp_path / "dog/b.jpg")
    stat = os.stat

    def gone(path, *args, **kwargs):
        if str(path).endswith("dog/b.jpg"):
            raise FileNotFoundError(2, "No such file or directory")
        return stat(path, *args, **kwargs)

    monkeypatch.setattr("core.data.scan.os.stat", gone)
    scanned = read(tmp_path)
    assert scanned.samples["sample"].tolist() == ["cat/a.jpg"]
    assert list(problems_of(scanned, "missing-file")) == ["dog/b.jpg"]


@pytest.mark.parametrize("root, match", [("", "no folder is given"), ("/no/such/folder", "no such folder")])
def test_a_missing_root_is_an_error(root, match):
    with pytest.raises(LabError, match=match):
        scan(DataConfig(root=root))


def test_a_misspelt_root_names_the_folder_beside_it_that_is_most_like_it(tmp_path):
    for name in ("Real-Faces", "reals", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "real-face.txt").write_text("no folder")

    def remedy(name):
        with pytest.raises(LabError, match="no such folder") as caught:
            scan(DataConfig(root=str(tmp_path / name)))
        return caught.value.remedy

    assert remedy("real-face") == f"Check the spelling: did you mean {tmp_path / 'Real-Faces'}?"
    assert remedy("nowhere") == remedy("none/real-faces") == "Check the spelling."


def test_an_empty_root_and_a_file_are_errors(tmp_path):
    with pytest.raises(LabError, match="no images") as caught:
        read(tmp_path)
    assert caught.value.kind == "empty"
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(LabError, match="no images"):
        read(tmp_path)
    with pytest.raises(LabError, match="is a file"):
        read(tmp_path / "notes.txt")


def test_max_people_takes_the_same_people_and_each_kind_in_its_share(tmp_path):
    people = [(f"{i:03d}", "female" if i % 3 else "male", 20 if i % 2 else 65) for i in range(60)]
    mask_dataset(tmp_path, people)
    scanned = read(tmp_path, max_people=30)
    assert scanned.samples["person"].nunique() == 30 and len(scanned.samples) == 210
    shares = scanned.samples.drop_duplicates("person").groupby(["gender", "age"]).size()
    assert shares.loc["female"].tolist() == [10, 10] and shares.loc["male"].tolist() == [5, 5]
    assert "30 of 60 people" in scanned.problems["problem"].item()
    smaller = read(tmp_path, max_people=10)
    assert set(smaller.samples["person"]) <= set(scanned.samples["person"])
    assert read(tmp_path, max_people=60).problems.empty


def test_fingerprint_tells_each_change_but_not_order_or_root():
    samples = all_kinds().assign(path="/a")
    before = fingerprint(samples)
    assert fingerprint(samples.sample(frac=1, random_state=0).assign(path="/b")) == before
    touched = samples.assign(mtime_ns=samples["mtime_ns"] + 1)
    assert fingerprint(touched) == before  # the same photos
    by_time = fingerprint(samples, by="mtime_ns")
    assert fingerprint(samples.drop(columns="hash"), by="mtime_ns") == by_time != fingerprint(touched, by="mtime_ns")
    changes = {
        "bytes": 11,
        "hash": "f" * 64,
        "person": "x",
        "age": 31,
        "gender": None,
        "label": "y",
        "bits": 12,
    }
    for name, value in changes.items():
        changed = samples.copy()
        changed[name] = changed[name].astype(object)
        changed.loc[3, name] = value
        assert fingerprint(changed) != before, name
    assert fingerprint(samples.iloc[1:]) != before


def test_a_jpeg_without_its_end_is_used_by_consent_and_told(tmp_path):
    for i in range(3):
        draw(tmp_path / f"cat/{i}.jpg")
        draw(tmp_path / f"dog/{i}.jpg")
    whole = (tmp_path / "dog/2.jpg").read_bytes()
    (tmp_path / "dog/2.jpg").write_bytes(whole[:-2])
    memory = tmp_path / "memory.parquet"
    refused = scan(DataConfig(root=str(tmp_path)), threads=1, memory=memory)
    assert len(refused.samples) == 5 and "the end of the file" in problems_of(refused, "truncated")["dog/2.jpg"]
    (fact,) = [fact for fact in refused.facts if fact.kind == "pictures"]
    assert "1 JPEG lacks the end" in fact.text and "refused" in fact.text and fact.settings == ("truncated",)
    kept = scan(DataConfig(root=str(tmp_path), truncated="keep"), threads=1, memory=memory)
    assert kept.problems.empty and kept.samples.set_index("sample").loc["dog/2.jpg", ["width", "height"]].tolist() == [
        8,
        6,
    ]
    (fact,) = [fact for fact in kept.facts if fact.kind == "pictures"]
    assert "used as they are" in fact.text and fact.settings == ("truncated",)


@pytest.mark.parametrize("saved", ["labels.csv", "identity.csv"])
def test_a_table_that_is_saved_while_its_photos_are_being_found_is_another_than_the_one_that_was_read(
    tmp_path, monkeypatch, saved
):
    read_csv = READERS["csv"]

    def read_and_save(tree, data):
        reading = read_csv(tree, data)
        with (tmp_path / saved).open("a") as file:
            file.write("3.jpg,b\n")
        return reading

    for i in range(4):
        draw(tmp_path / f"{i}.jpg")
    (tmp_path / "labels.csv").write_text("path,label\n0.jpg,a\n1.jpg,b\n2.jpg,a\n")
    (tmp_path / "identity.csv").write_text("path,person\n0.jpg,x\n1.jpg,y\n2.jpg,z\n")
    with monkeypatch.context() as slow:
        slow.setitem(READERS, "csv", read_and_save)
        assert labels_changed(read(tmp_path))
    assert not labels_changed(read(tmp_path))
