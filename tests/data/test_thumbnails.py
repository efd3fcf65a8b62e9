"""Thumbnails on disk."""

import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from core.data import thumbnails
from core.data.pictures.photo import StoredPhoto
from core.errors import LabError
from core.places import lab_folder
from tests.photos import draw


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_thumbnail_is_small_upright_and_of_the_same_colour(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (800, 400), (200, 30, 60)).save(tmp_path / "a.jpg", exif=exif)
    small = opened(thumbnails.thumbnail(StoredPhoto(str(tmp_path / "a.jpg"), "a.jpg", 0, 1), 240, tmp_path))
    assert small.format == "JPEG" and small.size == (120, 240)
    assert np.abs(np.asarray(small).mean((0, 1)) - (200, 30, 60)).max() < 6


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (640, 480)])
def test_a_blurred_picture_is_a_few_squares_of_the_mean_colours(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    squares = thumbnails.blurred(pixels, 160)
    colours = np.unique(squares.reshape(-1, 3), axis=0)
    assert max(squares.shape[:2]) == 160 and len(colours) <= thumbnails.SQUARES**2
    assert np.abs(squares.mean((0, 1)) - pixels.mean((0, 1))).max() < 3


def colour(data: bytes) -> str:
    return ("red", "green", "blue")[int(np.asarray(opened(data)).mean((0, 1)).argmax())]


def test_the_second_look_reads_the_cache_and_another_size_does_not(tmp_path, monkeypatch):
    path, decoded = str(draw(tmp_path / "a.png", (255, 0, 0))), []
    decode = StoredPhoto.pixels
    monkeypatch.setattr(StoredPhoto, "pixels", lambda photo: decoded.append(photo) or decode(photo))
    photo = StoredPhoto(path, "a.png", 0, 1)
    first = thumbnails.thumbnail(photo, 64, tmp_path)
    for same in (photo, photo._replace(mtime_ns=None), photo._replace(mtime_ns=2)):
        assert thumbnails.thumbnail(same, 64, tmp_path) == first
    assert len(decoded) == 1, "whatever time a table has of it, it is this file"
    for other, side in ((photo, 65), (photo._replace(bits=12), 64)):
        thumbnails.thumbnail(other, side, tmp_path)
    assert len(decoded) == 3
    os.unlink(path)
    with pytest.raises(LabError, match="no such file"):
        thumbnails.thumbnail(photo, 64, tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("form", ["png", "bmp"])
def test_two_files_of_one_time_that_change_places_are_seen_in_their_new_places(tmp_path, form):
    """As a zip or a copy leaves them; bitmaps have one size, too."""
    photos = []
    for name, of in (("a", (255, 0, 0)), ("b", (0, 0, 255))):
        path = draw(tmp_path / f"{name}.{form}", of)
        os.utime(path, ns=(10**18, 10**18))
        photos.append(StoredPhoto(str(path), path.name, 0, 10**18))
    assert [colour(data) for data in thumbnails.thumbnails(photos, 64, tmp_path)] == ["red", "blue"]
    os.rename(photos[0].path, tmp_path / "aside")
    os.rename(photos[1].path, photos[0].path)
    os.rename(tmp_path / "aside", photos[1].path)
    assert [colour(data) for data in thumbnails.thumbnails(photos, 64, tmp_path)] == ["blue", "red"]


def test_a_photo_that_is_replaced_and_put_back_is_seen_as_it_is_each_time(tmp_path, monkeypatch):
    path = draw(tmp_path / "a.png", (255, 0, 0))
    kept = shutil.copy2(path, tmp_path / "kept")
    photo = StoredPhoto(str(path), "a.png", 0, path.stat().st_mtime_ns)  # as a run has frozen it
    draw(path, (0, 0, 255))
    assert colour(thumbnails.thumbnail(photo, 64, tmp_path)) == "blue"
    shutil.copy2(kept, path)
    assert colour(thumbnails.thumbnail(photo, 64, tmp_path)) == "red"
    decode = StoredPhoto.pixels

    def replaced_meanwhile(photo):
        draw(path, (0, 255, 0))
        return decode(photo)

    with monkeypatch.context() as patch:
        patch.setattr(StoredPhoto, "pixels", replaced_meanwhile)
        assert colour(thumbnails.thumbnail(photo, 65, tmp_path)) == "green"
    shutil.copy2(kept, path)
    assert colour(thumbnails.thumbnail(photo, 65, tmp_path)) == "red"


@pytest.mark.parametrize("kept", [slice(0), slice(100), slice(100, None)])
def test_what_a_power_cut_left_of_a_thumbnail_is_made_anew(tmp_path, kept):
    photo = StoredPhoto(str(draw(tmp_path / "a.png", (255, 0, 0))), "a.png", 0, 1)
    whole = thumbnails.thumbnail(photo, 64, tmp_path)
    (place,) = lab_folder(tmp_path).rglob("*.jpg")
    place.write_bytes(whole[kept])
    assert thumbnails.thumbnail(photo, 64, tmp_path) == whole == place.read_bytes()


def test_without_a_time_it_is_of_what_the_file_has_now(tmp_path):
    path = str(draw(tmp_path / "a.png", (255, 0, 0)))
    red = thumbnails.thumbnail(StoredPhoto(path, "a.png", 0), 64, tmp_path)
    assert thumbnails.thumbnail(StoredPhoto(path, "a.png", 0, os.stat(path).st_mtime_ns), 64, tmp_path) == red
    draw(tmp_path / "a.png", (0, 0, 255))
    os.utime(path, ns=(1, 1))
    blue = thumbnails.thumbnail(StoredPhoto(path, "a.png", 0), 64, tmp_path)
    assert np.asarray(opened(red)).mean((0, 1)).argmax() == 0 and np.asarray(opened(blue)).mean((0, 1)).argmax() == 2
    os.unlink(path)
    with pytest.raises(LabError, match="no such file"):
        thumbnails.thumbnail(StoredPhoto(path, "a.png", 0), 64, tmp_path)


def test_a_small_photo_is_the_thumbnail_that_nobody_keeps(tmp_path):
    path = str(draw(tmp_path / "a.png", (255, 0, 0)))
    small = thumbnails.small_photo(StoredPhoto(path, "a.png", 0), 64)
    assert not lab_folder(tmp_path).exists()
    assert small == thumbnails.thumbnail(StoredPhoto(path, "a.png", 0), 64, tmp_path)


def test_many_come_in_order_and_a_bad_one_is_its_error(tmp_path):
    draw(tmp_path / "a.png", (255, 0, 0))
    draw(tmp_path / "c.png", (0, 0, 255))
    (tmp_path / "b.jpg").write_text("no image")
    photos = [StoredPhoto(str(tmp_path / name), name, 0, 1) for name in ("a.png", "b.jpg", "c.png")]
    red, bad, blue = thumbnails.thumbnails(photos, 32, tmp_path)
    assert isinstance(bad, LabError) and "b.jpg" in bad.message
    assert np.asarray(opened(red)).mean((0, 1)).argmax() == 0 and np.asarray(opened(blue)).mean((0, 1)).argmax() == 2


def test_a_full_folder_loses_its_older_half(tmp_path, monkeypatch):
    monkeypatch.setattr(thumbnails, "SHARD_LIMIT", 10)
    for n in range(10):
        (tmp_path / f"{n}.jpg").write_bytes(b"x")
        os.utime(tmp_path / f"{n}.jpg", ns=(n, n))
    thumbnails._make_room(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{n}.jpg" for n in range(5, 10)]


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path):
    path = str(draw(tmp_path / "a.png", (255, 0, 0)))
    lab_folder(tmp_path).write_text("a file where the folder should be")
    assert opened(thumbnails.thumbnail(StoredPhoto(path, "a.png", 0, 1), 32, tmp_path)).format == "JPEG"
