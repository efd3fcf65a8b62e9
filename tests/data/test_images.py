import base64
import hashlib
import io
import os
import struct
import sys

import numpy as np
import pytest
from PIL import Image, ImageFile, TiffImagePlugin

from core.data import images
from core.data.images import FORMATS, MAX_PIXELS, NO_END, load_image, photo_fault
from core.data.pictures.depth import EIGHT_BITS
from core.data.verify import Verdict, verify
from core.errors import LabError
from tests.photos import noise, png_bomb

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's remarks on the damage made here


def fault(path):
    with pytest.raises(LabError) as caught:
        load_image(path, 0)
    assert str(path) in caught.value.message
    assert caught.value.remedy
    width, height, reason, _ = photo_fault(path)  # what a scan goes by
    assert (width, height, reason.kind) == (0, 0, caught.value.kind)
    return caught.value.kind


def test_rgb_png_comes_back_as_it_was(tmp_path):
    pixels = noise()
    Image.fromarray(pixels).save(tmp_path / "a.png")
    loaded = load_image(tmp_path / "a.png", 0)
    assert loaded.dtype == np.uint8
    assert loaded.flags.writeable and loaded.flags.c_contiguous
    np.testing.assert_array_equal(loaded, pixels)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "gif", "tif", "avif", "ppm"])
def test_every_format_is_read(tmp_path, suffix):
    Image.new("RGB", (20, 10), (200, 100, 50)).save(tmp_path / f"a.{suffix}")
    loaded = load_image(tmp_path / f"a.{suffix}", 0)
    assert loaded.shape == (10, 20, 3)
    assert np.abs(loaded.astype(int) - [200, 100, 50]).max() < 12
    assert set(FORMATS) <= set(Image.OPEN)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "YCbCr", "CMYK"])
def test_opaque_modes_look_as_pillow_shows_them(tmp_path, mode):
    suffix = "tif" if mode in ("YCbCr", "CMYK") else "png"
    image = Image.fromarray(noise()).convert(mode)
    image.save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(load_image(tmp_path / f"a.{suffix}", 0), np.asarray(image.convert("RGB")))


@pytest.mark.fault(14)
def test_cmyk_jpeg_is_not_inverted(tmp_path):
    Image.new("RGB", (32, 32), (220, 40, 40)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    red, green, blue = load_image(tmp_path / "a.jpg", 0)[16, 16].astype(int)
    assert red > 180 and green < 90 and blue < 90


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_is_laid_over_white(tmp_path, mode):
    image = Image.new("RGBA", (4, 1))
    image.putdata([(0, 0, 0, 0), (0, 0, 0, 255), (0, 0, 0, 128), (255, 255, 255, 0)])
    image.convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png", 0)[0, :, 0], [255, 0, 127, 255])


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_a_transparent_colour_is_laid_over_white(tmp_path, mode):
    Image.new(mode, (4, 4), 0).save(tmp_path / "a.png", transparency=0)
    assert (load_image(tmp_path / "a.png", 0) == 255).all()


def test_sixteen_bits_are_scaled_to_eight(tmp_path):
    grey = np.array([[0, 128, 129, 257, 32768, 65535]], dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(grey).save(tmp_path / name)
        np.testing.assert_array_equal(load_image(tmp_path / name, 0)[0, :, 1], [0, 0, 1, 1, 128, 255])
    Image.fromarray(grey.astype(np.int32)).save(tmp_path / "i.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "i.tif", 0)[0, :, 1], [0, 0, 1, 1, 128, 255])


def test_float_images_are_scaled(tmp_path):
    grey = np.array([[0, 0.5, 1.0, np.nan]], dtype=np.float32)
    Image.fromarray(grey).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "a.tif", 0)[0, :, 0], [0, 128, 255, 0])
    Image.fromarray(grey * 200).save(tmp_path / "b.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "b.tif", 0)[0, :, 0], [0, 100, 200, 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.fault(14)
def test_exif_orientation_is_applied(tmp_path, orientation):
    upright = Image.fromarray(noise(24, 16))
    undo = [None, 0, 3, 1, 5, 2, 6, 4][orientation - 1]  # the transpose that the reader has to take back
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png", 0), np.asarray(upright))
    assert photo_fault(tmp_path / "a.png") == (*upright.size, None, EIGHT_BITS)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_a_header_tells_the_size_of_a_turned_photo_as_its_pixels_do(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (20, 10), (200, 100, 50)).save(tmp_path / f"a.{suffix}", exif=exif)
    height, width, _ = load_image(tmp_path / f"a.{suffix}", 0).shape
    assert (width, height) == ((20, 10) if orientation < 5 else (10, 20))
    for decodes in (True, False):
        assert photo_fault(tmp_path / f"a.{suffix}", decodes=decodes) == (width, height, None, EIGHT_BITS)


@pytest.mark.parametrize("step", ["transpose", "orientation"])
def test_a_turned_photo_is_never_taken_as_it_lies_for_want_of_memory(tmp_path, monkeypatch, step):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise()).save(tmp_path / "a.png", exif=exif)

    def no_memory(*_):
        raise MemoryError

    if step == "transpose":
        monkeypatch.setattr(images.ImageOps, "exif_transpose", no_memory)
    else:
        monkeypatch.setattr(Image.Image, "getexif", no_memory)
    with pytest.raises(MemoryError):
        load_image(tmp_path / "a.png", 0)


def test_damaged_exif_does_not_cost_the_photo(tmp_path):
    Image.fromarray(noise()).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert load_image(tmp_path / "a.jpg", 0).shape == (48, 64, 3)
    assert photo_fault(tmp_path / "a.jpg") == (64, 48, None, EIGHT_BITS)


@pytest.mark.parametrize("percent", [0, 10, 50, 95])
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
@pytest.mark.fault(12)
def test_a_cut_jpeg_is_refused(tmp_path, percent, options):
    Image.fromarray(noise(200, 200)).save(tmp_path / "a.jpg", **options)
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) * percent // 100])
    assert fault(tmp_path / "a.jpg") == "truncated"


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "gif", "tif", "avif"])
@pytest.mark.parametrize("percent", [10, 50, 95])
def test_other_cut_files_are_refused(tmp_path, suffix, percent):
    Image.fromarray(noise(200, 200)).save(tmp_path / f"a.{suffix}")
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(whole[: len(whole) * percent // 100])
    assert fault(tmp_path / f"a.{suffix}") in ("truncated", "unreadable")


def test_a_jpeg_whose_end_is_zeros_is_refused_even_with_a_thumbnail(tmp_path):
    thumbnail = io.BytesIO()
    Image.new("RGB", (16, 16)).save(thumbnail, "JPEG")
    exif = Image.Exif()
    exif[0x010E] = thumbnail.getvalue().decode("latin-1")  # an end marker before the pixel data
    Image.fromarray(noise(200, 200)).save(tmp_path / "a.jpg", exif=exif)
    whole = (tmp_path / "a.jpg").read_bytes()
    half = len(whole) // 2
    assert load_image(tmp_path / "a.jpg", 0).shape == (200, 200, 3)
    (tmp_path / "a.jpg").write_bytes(whole[:half] + bytes(len(whole) - half))
    assert fault(tmp_path / "a.jpg") == "truncated"


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path):
    Image.fromarray(noise()).save(tmp_path / "a.jpg")
    with open(tmp_path / "a.jpg", "ab") as file:
        file.write(b"\xff\xda motion photo")
    assert load_image(tmp_path / "a.jpg", 0).shape == (48, 64, 3)


@pytest.mark.parametrize("content", [b"hello, I am text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"])
def test_what_is_no_image_is_refused(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    assert fault(tmp_path / "a.jpg") in ("truncated", "unreadable")


@pytest.mark.parametrize("limit", [1000, 89_478_485, None])
@pytest.mark.fault(13)
def test_a_bomb_is_refused_before_it_is_decoded_whatever_pillow_allows(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    for width, height in ((8001, 8000), (40_000, 40_000)):
        assert width * height > MAX_PIXELS
        (tmp_path / "a.png").write_bytes(png_bomb(width, height))
        assert fault(tmp_path / "a.png") == "bomb"


def test_pillows_own_limit_refuses_nothing_of_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.fromarray(noise()).save(tmp_path / "a.jpg")
    assert load_image(tmp_path / "a.jpg", 0).shape == (48, 64, 3)


def test_a_header_that_promises_more_than_the_file_holds_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png_bomb(4000, 4000))
    assert fault(tmp_path / "a.png") == "truncated"


def test_tiff_tags_that_lie_are_refused(tmp_path):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    Image.fromarray(noise()).save(tmp_path / "a.tif", tiffinfo=info)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    data[4:8] = (2**31).to_bytes(4, "little")  # the directory is said to stand past the end
    (tmp_path / "a.tif").write_bytes(data)
    assert fault(tmp_path / "a.tif") in ("truncated", "unreadable")


@pytest.mark.parametrize(
    ("tag", "short"),
    [(TiffImagePlugin.SAMPLESPERPIXEL, 8), (TiffImagePlugin.SAMPLESPERPIXEL, 2), (TiffImagePlugin.SAMPLEFORMAT, 3)],
    ids=["many bands", "other bands", "floats"],
)
def test_a_whole_tiff_of_a_kind_that_is_not_read_is_not_called_damaged(tmp_path, tag, short):
    Image.fromarray(noise()).save(tmp_path / "a.tif", tiffinfo={TiffImagePlugin.SAMPLEFORMAT: 1})
    data = bytearray((tmp_path / "a.tif").read_bytes())
    at = data.index(struct.pack("<HH", tag, 3))  # the entry of the tag: its type, its number of values, its value
    data[at : at + 12] = struct.pack("<HHIHH", tag, 3, 1, short, 0)
    (tmp_path / "a.tif").write_bytes(data)
    assert fault(tmp_path / "a.tif") == "unreadable"
    reason = photo_fault(tmp_path / "a.tif")[2]
    assert "of a kind that is not read" in reason.message and reason.remedy.startswith("Convert it")


def test_missing_folder_and_pipe_are_told_and_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "none.jpg", tmp_path, tmp_path / "pipe.jpg", tmp_path / "nul\0.jpg"):
        assert fault(path) == "missing-file"


def test_a_file_that_cannot_be_looked_for_is_told_as_any_other(tmp_path):
    """Its folder may not be entered, or its name is too long: one such photo was the end of all answers."""
    with pytest.raises(LabError, match=r"cannot be opened \(File name too long") as caught:
        load_image(tmp_path / f"{'x' * 300}.jpg", 0)
    assert caught.value.kind == "no-access"


def test_random_damage_never_raises_anything_else(tmp_path):
    rng = np.random.default_rng(1)
    for suffix in ("jpg", "png", "webp", "gif", "tif", "bmp"):
        Image.fromarray(noise()).save(tmp_path / f"a.{suffix}")
        whole = np.frombuffer((tmp_path / f"a.{suffix}").read_bytes(), dtype=np.uint8)
        for _ in range(40):
            damaged = whole.copy()
            where = rng.integers(0, min(len(damaged), 400), 6)
            damaged[where] = rng.integers(0, 256, 6)
            (tmp_path / "x").write_bytes(damaged.tobytes())
            width, height, reason, _ = photo_fault(tmp_path / "x")
            try:
                pixels = load_image(tmp_path / "x", 0)
            except LabError as error:
                assert reason.kind == error.kind
                continue
            assert (height, width) == pixels.shape[:2] and (reason is None or reason.kind == NO_END)
            assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8


@pytest.mark.parametrize(
    "pixels, scale", [(64 * 48, 1), (64 * 48 - 1, 2), (64 * 48 // 4 - 1, 4), (64 * 48 // 16 - 1, 8)]
)
def test_a_jpeg_above_the_cap_comes_at_reduced_size_upright_and_the_scan_says_that_size(
    tmp_path, monkeypatch, pixels, scale
):
    monkeypatch.setattr(images, "MAX_PIXELS", pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48), (200, 100, 50)).save(tmp_path / "a.jpg", exif=exif)
    loaded = load_image(tmp_path / "a.jpg", 0)
    assert loaded.shape == (64 // scale, 48 // scale, 3)
    assert np.abs(loaded.astype(int) - [200, 100, 50]).max() < 12
    assert photo_fault(tmp_path / "a.jpg") == (48 // scale, 64 // scale, None, EIGHT_BITS)


def test_a_jpeg_of_a_hundred_megapixels_is_read_and_one_above_its_own_cap_is_refused(tmp_path, monkeypatch):
    Image.new("L", (12_000, 9_000), 90).save(tmp_path / "a.jpg", quality=30)
    assert load_image(tmp_path / "a.jpg", 0).shape == (4500, 6000, 3)
    monkeypatch.setenv("FACET_MEGAPIXELS", "107")
    assert fault(tmp_path / "a.jpg") == "bomb"


@pytest.mark.parametrize("missing", [1, 2, 8, 30])
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_jpeg_that_lacks_only_its_end_is_read_and_told(tmp_path, options, missing):
    Image.fromarray(noise(200, 200)).save(tmp_path / "a.jpg", **options)
    whole = (tmp_path / "a.jpg").read_bytes()
    pixels = load_image(tmp_path / "a.jpg", 0)
    for tail in (b"", bytes(500)):  # cut off, or filled up with zeros
        (tmp_path / "a.jpg").write_bytes(whole[:-missing] + tail)
        width, height, reason, _ = photo_fault(tmp_path / "a.jpg")
        assert (width, height, reason.kind) == (200, 200, NO_END) and "data.truncated" in reason.remedy
        assert (load_image(tmp_path / "a.jpg", 0) != pixels).any(axis=2).mean() <= 0.01


def test_a_flat_photo_of_which_half_is_missing_is_refused(tmp_path):
    Image.new("RGB", (800, 800), (90, 80, 70)).save(tmp_path / "a.jpg")  # what fills it up looks like what is missing
    whole = (tmp_path / "a.jpg").read_bytes()
    start = whole.rindex(b"\xff\xda") + 14
    (tmp_path / "a.jpg").write_bytes(whole[: (start + len(whole)) // 2])
    assert fault(tmp_path / "a.jpg") == "truncated"


HEIC = (  # 64 x 48: orange, its upper left quarter blue
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXttZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABnwABAAAAAAAAADcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA+2lwcnAAAADbaXBjbwAAAHZodmNDAQNwAAAAAAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5j"
    "bHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAADnBp"
    "eGkAAAAAAQgAAAAYaXBtYQAAAAAAAAABAAEFgQIDBYQAAAA/bWRhdAAAADMoAa9Y+RLd/+Dzkcyp/s9y8cw1C17M/jh10v62plOx"
    "9at3/If8xj9+Of2hEyUZFpDiVYA="
)


def test_a_heic_photo_is_read(tmp_path):
    (tmp_path / "a.heic").write_bytes(base64.b64decode(HEIC))
    pixels = load_image(tmp_path / "a.heic", 0).astype(int)
    assert pixels.shape == (48, 64, 3) and photo_fault(tmp_path / "a.heic") == (64, 48, None, EIGHT_BITS)
    assert np.abs(pixels[5, 5] - [20, 60, 200]).max() < 12 and np.abs(pixels[40, 60] - [200, 100, 50]).max() < 12


def test_a_damaged_heic_photo_is_refused(tmp_path):
    whole = base64.b64decode(HEIC)
    for data in (whole[:12], whole[:60], whole[: len(whole) - 60], whole[:32] + bytes(len(whole) - 32)):
        (tmp_path / "a.heic").write_bytes(data)
        assert fault(tmp_path / "a.heic") in ("truncated", "unreadable")


def test_without_its_package_a_heic_photo_is_named_with_the_remedy_and_the_verdict_is_not_kept(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(base64.b64decode(HEIC))
    file = (str(tmp_path / "a.heic"), 1, 1)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pi_heif", None)
        assert fault(tmp_path / "a.heic") == "heic"
        ((_, _, kind, text, remedy, *_),) = verify([file], memory=tmp_path / "memory.parquet")
        assert kind == "heic" and "HEIC" in text and ".[heic]" in remedy
    digest = hashlib.sha256(base64.b64decode(HEIC)).hexdigest()
    assert verify([file], memory=tmp_path / "memory.parquet") == [Verdict(64, 48, "", "", "", digest)]
