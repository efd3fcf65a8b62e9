import contextlib
import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config import TransformConfig
from core.config.run_config import study_transforms
from core.data.content import unchanged
from core.data.images import load_image
from core.data.pictures.photo import StoredPhoto
from core.errors import LabError
from core.storage import locks
from core.training import pixel_cache
from tests.workers import FORKS, PATIENCE, stand_still, until

RESIZE = [
    TransformConfig(name="Resize", params={"height": 24, "width": 20}),
    TransformConfig(name="HorizontalFlip"),
    TransformConfig(name="Normalize"),
]


@pytest.fixture
def photos(tmp_path):
    """Samples of photos of different sizes and formats, one of them turned by its EXIF."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(150):
        image = Image.fromarray(rng.integers(0, 256, (30 + index % 7, 40 - index % 5, 3), dtype=np.uint8))
        if index == 3:
            exif = image.getexif()
            exif[0x0112] = 6
            image.save(folder / "003.jpg", exif=exif)
        else:
            image.save(folder / f"{index:03d}.{'png' if index % 2 else 'jpg'}")
    return table(folder)


def table(folder):
    rows = []
    for path in sorted(folder.iterdir()):
        status = path.stat()
        rows.append((path.name, str(path), status.st_size, status.st_mtime_ns))
    return pd.DataFrame(rows, columns=["sample", "path", "bytes", "mtime_ns"]).assign(bits=0)


def assert_only(folder, *paths):
    """Nothing but the finished files and their locks."""
    assert {p.name for p in folder.iterdir() if p.suffix != ".lock"} == {p.name for p in paths}


def test_cached_pixels_are_those_of_decoding_directly(photos, tmp_path):
    path = pixel_cache.build(tmp_path / "cache", photos, RESIZE)
    pixels = np.load(path, mmap_mode="r")
    assert pixels.shape == (150, 24, 20, 3)
    assert pixels.dtype == np.uint8
    for cached, photo in zip(pixels, photos["path"], strict=True):
        expected = cv2.resize(load_image(photo, 0), (20, 24), interpolation=cv2.INTER_AREA)
        assert np.array_equal(cached, expected)
    assert_only(tmp_path / "cache", path)


def test_the_same_pixels_are_decoded_once(photos, tmp_path, monkeypatch):
    path = pixel_cache.build(tmp_path / "cache", photos, RESIZE)
    written = path.stat().st_ino
    monkeypatch.setattr(StoredPhoto, "pixels", lambda photo: pytest.fail("decoded again"))
    assert pixel_cache.build(tmp_path / "cache", photos, RESIZE) == path
    other_augmentation = [RESIZE[0], TransformConfig(name="InvertImg", p=0.3), RESIZE[2]]
    assert pixel_cache.build(tmp_path / "cache", photos, other_augmentation) == path
    assert path.stat().st_ino == written


def _build(folder, samples, decoded, barrier, said):
    """In a process of its own: a dot for each photo that it decodes, and where the pixels are."""
    real = StoredPhoto.pixels

    def count(photo):
        with open(decoded, "a") as stream:
            stream.write(".")
        return real(photo)

    StoredPhoto.pixels = count
    barrier.wait()
    said.put(pixel_cache.build(folder, samples, RESIZE))


def test_two_processes_that_want_the_same_pixels_build_them_once(photos, tmp_path):
    folder, decoded = tmp_path / "cache", tmp_path / "decoded"
    said = FORKS.SimpleQueue()
    words = (folder, photos, decoded, FORKS.Barrier(2), said)
    both = [FORKS.Process(target=_build, args=words) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(PATIENCE)
        assert process.exitcode == 0
    outputs = [said.get() for _ in both]
    assert outputs[0] == outputs[1] == pixel_cache.pixels_file(folder, photos, RESIZE)
    assert len(decoded.read_text()) == len(photos) + 1  # the first photo tells the size before the rest
    assert_only(folder, outputs[0])


def test_any_change_of_a_photo_or_of_a_leading_transform_is_another_file(photos, tmp_path):
    def name(samples=photos, transforms=RESIZE):
        return pixel_cache.pixels_file(tmp_path, samples, transforms).name

    names = {name()}
    for column, value in (("bytes", 1), ("mtime_ns", 1), ("bits", 12), ("path", "/elsewhere.jpg")):
        changed = photos.copy()
        changed.loc[70, column] = value
        names.add(name(changed))
    names.add(name(photos[::-1]))
    names.add(name(photos[:-1]))
    names.add(name(transforms=[TransformConfig(name="Resize", params={"height": 20, "width": 24}), *RESIZE[1:]]))
    names.add(name(transforms=[TransformConfig(name="CenterCrop", params={"height": 24, "width": 20}), *RESIZE[1:]]))
    names.add(name(transforms=[RESIZE[0], *RESIZE]))
    assert len(names) == 10
    assert name(transforms=[RESIZE[0], RESIZE[2]]) == name()  # what follows is not in the file
    disabled = TransformConfig(name="CenterCrop", enabled=False)
    assert name(transforms=[disabled, *RESIZE]) == name()


def test_a_photo_that_was_replaced_is_decoded_anew(photos, tmp_path):
    before = pixel_cache.build(tmp_path / "cache", photos, RESIZE)
    Image.new("RGB", (50, 50), (255, 0, 0)).save(photos["path"][1])
    after = pixel_cache.build(tmp_path / "cache", table(tmp_path / "photos"), RESIZE)
    assert after != before
    old, new = np.load(before), np.load(after)
    assert (new[1] == (255, 0, 0)).all()
    assert np.array_equal(np.delete(old, 1, 0), np.delete(new, 1, 0))


@pytest.mark.parametrize("number", [3, 149])
def test_pixels_of_photos_that_were_replaced_meanwhile_are_not_kept_as_those_of_the_launch(photos, tmp_path, number):
    """One that was decoded already, and one that was not: once it is put back, nobody could tell."""
    folder, path = tmp_path / "cache", Path(photos["path"][number])
    kept = shutil.copy2(path, tmp_path / "kept")

    def replace(done, total):
        if done == 64:
            Image.new("RGB", (50, 50), (255, 0, 0)).save(path)

    with pytest.raises(LabError, match=f"changed while its photos were decoded: {path.name}") as caught:
        pixel_cache.build(folder, photos, RESIZE, progress=replace)
    assert caught.value.kind == "data-changed" and "then resume" in caught.value.remedy
    assert_only(folder)
    shutil.copy2(kept, path)
    pixels = np.load(pixel_cache.build(folder, photos, RESIZE))
    assert np.array_equal(pixels[number], cv2.resize(load_image(path, 0), (20, 24), interpolation=cv2.INTER_AREA))


def test_who_waited_for_another_that_decoded_keeps_no_pixels_of_photos_that_were_replaced_meanwhile(photos, tmp_path):
    """The other fold says that the photos changed; this one decodes them as they are by then."""
    path, ends = pixel_cache.pixels_file(tmp_path / "cache", photos, RESIZE), []
    waits = threading.Event()  # set by who waits for the lock: it asks whether to stop
    path.parent.mkdir()

    def build():
        try:
            ends.append(pixel_cache.build(path.parent, photos, RESIZE, should_stop=waits.set))
        except LabError as error:
            ends.append(error.kind)

    second = threading.Thread(target=build)
    with locks.held(path.with_suffix(".lock"), "decoded photos"):
        second.start()
        assert waits.wait(PATIENCE)
        Image.new("RGB", (50, 50), (255, 0, 0)).save(photos["path"][70])
    second.join(PATIENCE)
    assert ends == ["data-changed"]
    assert_only(path.parent)


def test_who_decodes_again_once_there_is_room_keeps_no_pixels_of_photos_that_were_replaced_meanwhile(
    photos, tmp_path, small_disk, monkeypatch
):
    small_disk[0] = 1000

    def make_room(folder, bytes_needed, keep):
        Image.new("RGB", (50, 50), (255, 0, 0)).save(photos["path"][70])
        small_disk[0] = 10**9
        return bytes_needed

    monkeypatch.setattr(pixel_cache, "_make_room", make_room)
    with pytest.raises(LabError, match=Path(photos["path"][70]).name) as caught:
        pixel_cache.build(tmp_path / "cache", photos, RESIZE)
    assert caught.value.kind == "data-changed"
    assert_only(tmp_path / "cache")


def test_photos_that_are_touched_while_they_are_decoded_are_the_same_photos_and_read_once_more(
    photos, tmp_path, monkeypatch
):
    hashes = [unchanged.digest_of(path, sample) for path, sample in zip(photos["path"], photos["sample"], strict=True)]
    hashed, memory, read, digest_of = photos.assign(hash=hashes), tmp_path / "touched.json", [], unchanged.digest_of
    monkeypatch.setattr(unchanged, "digest_of", lambda *file: read.append(file[1]) or digest_of(*file))

    def touch(done, total):
        os.utime(photos["path"][3], (1, 1))

    path = pixel_cache.build(tmp_path / "cache", hashed, RESIZE, progress=touch, memory=memory)
    assert_only(tmp_path / "cache", path)
    unchanged.check_unchanged(hashed, memory)
    assert read == [photos["sample"][3]]


@pytest.mark.parametrize("index", [0, 70, 149])
def test_a_corrupt_photo_is_named_and_nothing_is_left(photos, tmp_path, index):
    bad = Path(photos["path"][index])
    bad.write_bytes(bad.read_bytes()[:100])
    with pytest.raises(LabError) as caught:
        pixel_cache.build(tmp_path / "cache", photos, RESIZE)
    assert str(bad) in caught.value.message
    assert caught.value.kind in ("truncated", "unreadable")
    assert_only(tmp_path / "cache")


def test_a_photo_that_is_gone_is_named(photos, tmp_path):
    os.unlink(photos["path"][80])
    with pytest.raises(LabError, match="080") as caught:
        pixel_cache.build(tmp_path / "cache", photos, RESIZE)
    assert caught.value.kind == "missing-file"
    assert_only(tmp_path / "cache")


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_asked_to_stop_it_leaves_nothing(photos, tmp_path, looks):
    calls = []
    with pytest.raises(pixel_cache.Stopped):
        pixel_cache.build(tmp_path / "cache", photos, RESIZE, should_stop=lambda: calls.append(1) or len(calls) > looks)
    assert_only(tmp_path / "cache")
    assert pixel_cache.build(tmp_path / "cache", photos, RESIZE).exists()


def test_asked_to_stop_while_another_process_builds_it_stops_waiting(photos, tmp_path):
    path = pixel_cache.pixels_file(tmp_path / "cache", photos, RESIZE)
    path.parent.mkdir()
    code = (
        "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); print(1, flush=True);"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path.with_suffix(".lock"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(pixel_cache.Stopped):
            pixel_cache.build(path.parent, photos, RESIZE, should_stop=lambda: True)
        holder.stdin.close()
    assert pixel_cache.build(path.parent, photos, RESIZE).exists()


def test_progress_ends_at_the_number_of_photos(photos, tmp_path):
    seen = []
    pixel_cache.build(tmp_path / "cache", photos, RESIZE, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (150, 150)
    assert all(total == 150 for _, total in seen)


def test_what_a_killed_builder_left_is_swept(photos, tmp_path):
    path = pixel_cache.pixels_file(tmp_path / "cache", photos, RESIZE)
    path.parent.mkdir()
    (path.parent / f".{path.name}.deadbeef.tmp").write_bytes(b"half")
    pixel_cache.build(path.parent, photos, RESIZE)
    assert_only(path.parent, path)


@pytest.mark.parametrize("way", ["let go", "above the limit", "full disk"])
def test_what_killed_builders_of_other_pixels_left_makes_room_and_what_is_being_written_stays(
    photos, tmp_path, small_disk, way
):
    """Nobody may ever want those pixels again. A node names what it fetches without the letters."""
    folder, few = tmp_path / "cache", photos[:2]
    folder.mkdir()
    left = [folder / f".{'a' * 32}.npy.deadbeef.tmp", folder / f".{'b' * 32}.npy.tmp"]
    written, own = folder / f".{'c' * 32}.npy.deadbeef.tmp", [folder / "faces.npy", folder / ".faces.npy.tmp"]
    for path in (*left, written, *own):
        path.write_bytes(b"half" * 100)
    with locks.lock(folder / f"{'c' * 32}.lock"):
        if way == "let go":
            assert pixel_cache.forget(folder) == 800
        elif way == "above the limit":
            pixel_cache.build(folder, few, RESIZE)
        else:
            small_disk[0] = 1000
            with pytest.raises(LabError, match="disk full"):
                pixel_cache.build(folder, few, study_transforms(35))
        assert written.exists() and not any(path.exists() for path in left)
        assert all(path.exists() for path in own), "the folder may be one in which people keep arrays of their own"


def test_a_full_disk_is_told_with_the_size_and_nothing_is_left(photos, tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(LabError, match="disk full") as caught:
            pixel_cache.build(tmp_path / "cache", photos, study_transforms())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.kind == "disk-full"
    assert "23 MB" in caught.value.message  # 150 x 224 x 224 x 3 bytes
    assert str(tmp_path / "cache") in caught.value.message
    assert_only(tmp_path / "cache")


def test_the_oldest_pixels_make_room_and_the_newest_never_go(photos, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    made = []
    for side in (20, 22, 24):
        transforms = [TransformConfig(name="Resize", params={"height": side, "width": side}), RESIZE[2]]
        made.append(pixel_cache.build(folder, photos, transforms))
        os.utime(made[-1], (side, side))
    monkeypatch.setattr(pixel_cache, "KEEP_BYTES", made[1].stat().st_size + made[2].stat().st_size)
    mapped = np.load(made[0], mmap_mode="r")
    own = folder / f"{'F' * 32}.npy"
    own.write_bytes(made[0].read_bytes())
    os.utime(own, (0, 0))
    newest = pixel_cache.build(folder, photos, RESIZE)
    assert newest.exists()
    assert not made[0].exists()
    assert mapped[149].shape == (20, 20, 3)  # a training that has it open goes on
    monkeypatch.setattr(pixel_cache, "KEEP_BYTES", 1)
    last = pixel_cache.build(folder, photos, study_transforms(32))
    assert_only(folder, last, own)


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A disk that has no room as long as pixels and those that are begun need more: small_disk[0] bytes."""
    room, write = [10**9], np.lib.format.write_array_header_1_0

    def begin(stream, header):
        taken = sum(path.stat().st_size for path in (tmp_path / "cache").glob("*.npy"))
        if taken + np.prod(header["shape"]) > room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(stream, header)

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", begin)
    return room


def test_on_a_full_disk_unused_pixels_make_room_oldest_first(photos, tmp_path, small_disk):
    folder, few, made = tmp_path / "cache", photos[:2], []
    with contextlib.ExitStack() as users:
        for side in (30, 31, 32, 33):
            made.append(pixel_cache.build(folder, few, study_transforms(side), users=users if side == 30 else None))
            os.utime(made[-1], (side, side))
        sizes = [path.stat().st_size for path in made]
        small_disk[0] = sum(sizes) + 100
        newest = pixel_cache.build(folder, few, study_transforms(34))
        assert [path.exists() for path in made] == [True, False, False, True]  # in use, two that were needed, spared
        small_disk[0] = 1000
        with pytest.raises(LabError, match="disk full") as caught:
            pixel_cache.build(folder, few, study_transforms(35))
        assert caught.value.kind == "disk-full"
        assert_only(folder, made[0], *folder.glob("*.use"))
        assert not newest.exists()


@pytest.mark.parametrize(("when", "is_full"), [("listed", False), ("later", False), ("listed", True)])
def test_two_that_make_room_at_once_do_not_mind_each_other(photos, tmp_path, monkeypatch, when, is_full):
    """What the other deletes is gone as soon as it was listed, or later, while this one deletes the first of them."""
    folder, few, made = tmp_path / "cache", photos[:2], []
    for side in (30, 31, 32):
        made.append(pixel_cache.build(folder, few, study_transforms(side)))
        os.utime(made[-1], (side, side))
    monkeypatch.setattr(pixel_cache, "KEEP_BYTES", 0)
    glob, forget, fill, fills = Path.glob, pixel_cache._forget, pixel_cache._fill, []
    gone = [folder / f"{'9' * 32}.npy"] if when == "listed" else []

    def listing(place, pattern):
        return [*glob(place, pattern), *(gone if pattern == "*.npy" else [])]

    def forget_beside(path):
        freed = forget(path)
        for other in made if when == "later" else ():
            other.unlink(missing_ok=True)
        return freed

    def fill_once_there_is_room(*arguments):
        fills.append(1)
        if is_full and len(fills) == 1:
            raise pixel_cache.DiskFull(folder, 1)
        return fill(*arguments)

    monkeypatch.setattr(Path, "glob", listing)
    monkeypatch.setattr(pixel_cache, "_forget", forget_beside)
    monkeypatch.setattr(pixel_cache, "_fill", fill_once_there_is_room)
    newest = pixel_cache.build(folder, few, study_transforms(33))
    assert_only(folder, newest)


def _make_room(folder, said, enough):
    pixel_cache.KEEP_BYTES = 0
    said.set()
    while not enough.is_set():
        pixel_cache.forget_oldest(folder, keep=folder / "none.npy")


def test_pixels_are_never_deleted_between_their_building_and_their_opening(photos, tmp_path):
    """Another process that makes room all the time: whoever asked for pixels can open them, again and again."""
    folder, few = tmp_path / "cache", photos[:2]
    folder.mkdir()
    ready, enough = FORKS.Event(), FORKS.Event()
    cleaner = FORKS.Process(target=_make_room, args=(folder, ready, enough))
    cleaner.start()
    try:
        assert ready.wait(PATIENCE)
        for _ in range(100):
            with contextlib.ExitStack() as users:
                path = pixel_cache.build(folder, few, RESIZE, users=users)
                assert np.load(path, mmap_mode="r").shape == (2, 24, 20, 3)
            until(lambda path=path: not path.exists(), "pixels that nobody uses make room", every=0.001)
    finally:
        enough.set()
        cleaner.join(PATIENCE)
    assert cleaner.exitcode == 0
    assert not list(folder.glob("*.use"))


def _use(path, ready):
    with contextlib.ExitStack() as users:
        users.enter_context(pixel_cache._in_use(path))
        ready.set()
        stand_still()


def test_pixels_in_use_stay_until_their_user_ends_however_it_ends(photos, tmp_path, monkeypatch):
    folder, few = tmp_path / "cache", photos[:2]
    path = pixel_cache.build(folder, few, RESIZE)
    ready = FORKS.Event()
    user = FORKS.Process(target=_use, args=(path, ready))
    user.start()
    monkeypatch.setattr(pixel_cache, "KEEP_BYTES", 0)
    try:
        assert ready.wait(PATIENCE)
        newer = pixel_cache.build(folder, few, study_transforms(32))
        assert path.exists() and newer.exists()
    finally:
        user.kill()
        user.join()
    pixel_cache.build(folder, few, study_transforms(40))
    assert not path.exists() and not newer.exists()
    assert not list(folder.glob("*.use"))


def test_only_photos_of_one_size_can_be_cached():
    assert pixel_cache.cacheable(RESIZE)
    assert pixel_cache.cacheable(study_transforms())
    assert not pixel_cache.cacheable([RESIZE[1], RESIZE[0], RESIZE[2]])
