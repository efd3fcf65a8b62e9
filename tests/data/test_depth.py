"""Photos of more than 8 bits: one scale for a dataset, the same pixels at every door."""

import io
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core.augment.preview import views
from core.config import TransformConfig
from core.data import duplicates, thumbnails
from core.data.images import decode, load_image, photo_fault
from core.data.pictures.depth import Depth, dataset_bits
from core.data.pictures.depth_facts import depth_facts
from core.data.pictures.photo import StoredPhoto, bits_of, photo_of, photos_of
from core.data.scan import fingerprint
from core.predict.photos import Photo
from core.training import pixel_cache
from tests.photos import deep_png, draw, read

RESIZE = [TransformConfig(name="Resize", params={"height": 12, "width": 10}), TransformConfig(name="Normalize")]


def smooth(seed, channels=1, side=24):
    """Values from 0 to 1, float64 (side, side) or (side, side, channels)."""
    coarse = np.random.default_rng(seed).random((4, 4, channels))
    planes = [
        np.asarray(Image.fromarray(coarse[..., c].astype(np.float32)).resize((side, side))) for c in range(channels)
    ]
    values = np.stack(planes, 2).clip(0, 1)
    return values if channels > 1 else values[..., 0]


def in_bits(values, bits):
    return np.rint(values * (2**bits - 1)).astype(np.uint16)


def grey_dataset(root, bits, scale=1.0):
    """Two classes of three photos; the last one reaches the largest value, the others `scale` of it."""
    for seed, name in enumerate(f"{label}/{i}.png" for label in ("ill", "well") for i in range(3)):
        values = smooth(seed) * (1 if seed == 5 else scale)
        values[0, 0] = 1 if seed == 5 else values[0, 0]
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        stored = in_bits(values, bits)
        Image.fromarray(stored.astype(np.uint8) if bits == 8 else stored).save(root / name)
    return root


def told(scanned):
    return [fact for fact in scanned.facts if fact.kind == "pictures"]


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_a_dataset_of_deep_photos_has_the_pixels_of_the_same_in_eight_bits(tmp_path, bits):
    deep, flat = (read(grey_dataset(tmp_path / str(b), b, 0.3)) for b in (bits, 8))
    assert set(deep.samples["bits"]) == {bits} and set(flat.samples["bits"]) == {0} and deep.bits == bits
    for one, other in zip(photos_of(deep.samples), photos_of(flat.samples), strict=True):
        difference = one.pixels().astype(int) - other.pixels()
        assert np.abs(difference).max() <= 1, "also a photo that uses a third of the range stays that dark"
    (fact,) = told(deep)
    assert f"needs {bits} bits" in fact.text and f"{2**bits - 1:,} is white" in fact.text
    assert fact.settings == ("bits",) and not fact.probable and not told(flat)


def test_every_door_sees_the_same_pixels(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    samples = read(grey_dataset(tmp_path / "deep", 12, 0.3)).samples
    cached = np.load(pixel_cache.build(tmp_path / "cache", samples, RESIZE))
    for row, photo in enumerate(photos_of(samples)):
        assert photo == photo_of(samples.iloc[row]) == photo_of(next(samples.iloc[[row]].itertuples()))
        pixels = photo.pixels()
        plain = cv2.imread(photo.path, cv2.IMREAD_UNCHANGED).astype(float) * 255 / 4095
        assert np.abs(pixels[..., 0] - plain).max() <= 0.5 and pixels.max() > 60
        assert np.array_equal(cached[row], cv2.resize(pixels, (10, 12), interpolation=cv2.INTER_AREA))
        validation, _ = views(photo, RESIZE, seed=0, epoch=1, row=row)
        assert np.array_equal(validation, cached[row])
        small = np.asarray(Image.open(io.BytesIO(thumbnails.thumbnail(photo, 24)))).astype(int)
        assert np.abs(small - pixels).mean() < 3
        with open(photo.path, "rb") as file:
            assert np.array_equal(decode(file, bits_of(samples)), pixels)
        new = Photo("new", content=Path(photo.path).read_bytes())
        assert np.array_equal(new.pixels(bits_of(samples)), pixels)
    dark = [photo._replace(bits=0) for photo in photos_of(samples)]
    memory = tmp_path / "signatures.npz"
    first = duplicates.signatures(dark, memory=memory).small
    assert (duplicates.signatures(photos_of(samples), memory=memory).small.max(1) > 4 * first.max(1)).all()


def test_a_table_that_lost_its_bits_is_refused(tmp_path):
    samples = read(grey_dataset(tmp_path, 12)).samples.drop(columns="bits")
    with pytest.raises(KeyError, match="bits"):
        photos_of(samples)
    with pytest.raises(KeyError, match="bits"):
        photo_of(samples.iloc[0])


def test_nothing_changes_where_no_photo_uses_fewer_bits(tmp_path):
    """Pixels, names of decoded pixels and fingerprints of full 16-bit photos and of 8-bit ones are as before."""
    full = read(grey_dataset(tmp_path / "full", 16))
    assert set(full.samples["bits"]) == {0}
    for photo in photos_of(full.samples):
        stored = cv2.imread(photo.path, cv2.IMREAD_UNCHANGED).astype(int)
        assert np.array_equal(photo.pixels()[..., 0], (stored + 128) // 257)
    deep = full.samples.assign(bits=12)
    assert fingerprint(full.samples) != fingerprint(deep)
    names = {pixel_cache.pixels_file(tmp_path, samples, RESIZE).name for samples in (full.samples, deep)}
    assert len(names) == 2


@pytest.mark.parametrize("chosen, white", [(10, 1023), (14, 16383), (16, 65535)])
def test_the_bits_can_be_chosen(tmp_path, chosen, white):
    scanned = read(grey_dataset(tmp_path, 12), bits=chosen)
    assert set(scanned.samples["bits"]) == {chosen if chosen < 16 else 0}
    photo = photos_of(scanned.samples)[-1]
    stored = cv2.imread(photo.path, cv2.IMREAD_UNCHANGED).astype(float)
    assert np.abs(photo.pixels()[..., 0] - (stored * 255 / white).clip(0, 255)).max() <= 0.5
    words = " ".join(fact.text for fact in told(scanned))
    assert f"by {chosen} bits, as you set, so {white:,} is white" in words
    assert ("Values above 1,023 come out white" in words) == (chosen == 10)


def write_colour(path, values):
    order = [2, 1, 0] + [3] * (values.shape[2] == 4)
    options = {"lzw.tif": [cv2.IMWRITE_TIFF_COMPRESSION, 5], "raw.tif": [cv2.IMWRITE_TIFF_COMPRESSION, 1]}
    assert cv2.imwrite(str(path), np.ascontiguousarray(values[..., order]), options.get(path.name, []))


def test_colour_of_netpbm_is_scaled_unless_its_header_says_how_deep_it_is(tmp_path):
    values = in_bits(smooth(1, 3), 12)
    values[0, 0, 0] = 4095
    write_colour(tmp_path / "a.ppm", values)
    head, largest, pixels = (tmp_path / "a.ppm").read_bytes().partition(b"\n65535\n")
    assert largest and photo_fault(tmp_path / "a.ppm")[3].bits == 12
    expected = values.astype(float) * 255 / 4095
    assert np.abs(load_image(tmp_path / "a.ppm", 12) - expected).max() <= 0.51
    (tmp_path / "b.ppm").write_bytes(head + b"\n4095\n" + pixels)
    assert photo_fault(tmp_path / "b.ppm")[3].bits == 0
    assert np.abs(load_image(tmp_path / "b.ppm", 12) - expected).max() <= 0.51


@pytest.mark.parametrize("name", ["a.png", "lzw.tif", "raw.tif"])
def test_colour_of_sixteen_bits_is_scaled_without_loss(tmp_path, name):
    values = in_bits(smooth(1, 3), 12)
    values[0, 0, 0] = 4095
    write_colour(tmp_path / name, values)
    width, height, fault, depth = photo_fault(tmp_path / name)
    assert (width, height, fault) == (24, 24, None) and depth.kind == "colour" and depth.bits == 12
    assert np.abs(load_image(tmp_path / name, 12) - values.astype(float) * 255 / 4095).max() <= 0.5
    np.testing.assert_array_equal(load_image(tmp_path / name, 0), values >> 8)  # as it was before there were bits


def test_transparency_of_deep_colour_is_laid_over_white_and_does_not_count_as_bits(tmp_path):
    values = np.dstack([in_bits(smooth(1, 3), 12), np.full((24, 24), 65535, np.uint16)])
    values[0, 0] = (4095, 0, 0, 65535)
    values[1, 1] = 0
    write_colour(tmp_path / "a.png", values)
    assert photo_fault(tmp_path / "a.png")[3].bits == 12
    pixels = load_image(tmp_path / "a.png", 12)
    assert pixels[0, 0].tolist() == [255, 0, 0] and pixels[1, 1].tolist() == [255, 255, 255]
    opaque = values[..., 3] > 0
    assert np.abs(pixels[opaque] - values[opaque][:, :3].astype(float) * 255 / 4095).max() <= 0.5


def test_deep_colour_is_turned_upright(tmp_path):
    values = in_bits(smooth(1, 3), 12)[:16]
    write_colour(tmp_path / "plain.png", values)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = (tmp_path / "plain.png").read_bytes()
    chunk = exif.tobytes().removeprefix(b"Exif\0\0")
    block = len(chunk).to_bytes(4) + b"eXIf" + chunk + zlib.crc32(b"eXIf" + chunk).to_bytes(4)
    (tmp_path / "a.png").write_bytes(data[:33] + block + data[33:])
    upright = np.rot90(values, -1).astype(float) * 255 / 4095
    assert np.abs(load_image(tmp_path / "a.png", 12) - upright).max() <= 0.5


@pytest.mark.fault(14)
def test_grey_with_transparency_of_sixteen_bits_is_scaled(tmp_path):
    """Drawn by hand, since no library at hand writes it."""
    values = in_bits(smooth(3), 12)
    (tmp_path / "a.png").write_bytes(deep_png(np.dstack([values, np.full_like(values, 65535)])))
    pixels = load_image(tmp_path / "a.png", 12)
    assert np.abs(pixels - values[..., None].astype(float) * 255 / 4095).max() <= 0.5


def test_floating_point_photos_share_one_scale(tmp_path):
    for seed, name in enumerate(("cat/0", "cat/1", "dog/0", "dog/1")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray((smooth(seed) * (4000 if seed else 300)).astype(np.float32)).save(tmp_path / f"{name}.tif")
    scanned = read(tmp_path)
    assert set(scanned.samples["bits"]) == {12}
    dim, bright, *_ = [photo.pixels().max() for photo in photos_of(scanned.samples)]
    assert dim < 25 and bright > 150
    assert told(scanned)[0].text == "4 photos of floating-point values: 4,095 is white."


def test_floating_point_photos_from_0_to_1_are_as_before(tmp_path):
    for seed, name in enumerate(("cat/0", "dog/0")):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(smooth(seed).astype(np.float32)).save(tmp_path / f"{name}.tif")
    scanned = read(tmp_path)
    assert set(scanned.samples["bits"]) == {0} and told(scanned)[0].text.endswith(": 1 is white.")


def test_signed_and_too_large_values_are_told(tmp_path):
    grey_dataset(tmp_path, 12)
    signed = np.linspace(-1024, 3071, 400).reshape(20, 20).astype(np.int16)
    Image.fromarray(signed.astype(np.int32)).save(tmp_path / "ill/signed.tif")
    words = [fact.text for fact in told(read(tmp_path))]
    assert "Values below 0 (down to -1,024) come out black: ill/signed.tif has some." in words
    Image.fromarray(np.full((20, 20), 70_000, np.int32)).save(tmp_path / "ill/far.tif")
    facts = told(read(tmp_path))
    assert any(fact.text == "Values above 65,535 come out white: ill/far.tif has some." for fact in facts)
    (asked,) = [fact for fact in facts if fact.probable]
    assert (
        "ill/far.tif needs up to 16 bits, the usual photo only 12" in asked.text and "set the bits to 12" in asked.text
    )


def test_a_photo_that_needs_far_more_bits_is_asked_about_until_somebody_says():
    usual = [(f"{n}.png", Depth("grey", 0, 4000)) for n in range(9)]
    odd = ("odd.png", Depth("grey", 0, 60_000))
    (asked,) = [fact for fact in depth_facts([*usual, odd], None) if fact.probable]
    assert "16 times darker" in asked.text and asked.settings == ("bits",)
    assert not [fact for fact in depth_facts([*usual, odd], 16) if fact.probable]
    assert not [fact for fact in depth_facts(usual, None) if fact.probable]
    assert dataset_bits([depth for _, depth in usual], 14) == 14 and dataset_bits([Depth()], 14) == 0


def test_eight_bit_photos_of_a_deep_dataset_stay_as_they_are(tmp_path):
    grey_dataset(tmp_path, 12)
    draw(tmp_path / "ill/flat.png", (120, 90, 60))
    scanned = read(tmp_path)
    bits = scanned.samples.set_index("sample")["bits"]
    assert bits["ill/flat.png"] == 0 and bits["ill/0.png"] == 12
    flat = StoredPhoto(str(tmp_path / "ill/flat.png"), "ill/flat.png", scanned.bits)
    assert (flat.pixels() == (120, 90, 60)).all()
