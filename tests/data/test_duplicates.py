"""Near-duplicates across people."""

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance
from scipy.fft import dct

from core.data import duplicates
from core.data.pictures.photo import photos_of


def face(seed: int, side: int = 120) -> Image.Image:
    """A smooth picture of its own."""
    pixels = np.random.default_rng(seed).integers(0, 255, (7, 7, 3)).astype(np.uint8)
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """20 different pictures, and changed copies of five of them under other names."""
    root = tmp_path_factory.mktemp("pictures")
    for n in range(20):
        face(n).save(root / f"{n:02d}.jpg", quality=92)
    face(0).resize((64, 64)).save(root / "small.png")
    ImageEnhance.Brightness(face(1)).enhance(0.8).save(root / "dark.jpg", quality=40)
    face(2).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / "mirror.jpg")
    face(3).convert("L").save(root / "grey.jpg")
    face(4).save(root / "same-person.jpg")
    Image.new("RGB", (50, 50), "red").save(root / "flat1.png")
    Image.new("RGB", (50, 50), "blue").save(root / "flat2.png")
    (root / "bad.jpg").write_bytes(b"no image")
    return root


def table(folder):
    paths = sorted(folder.iterdir())
    person = ["04" if path.stem == "same-person" else path.stem for path in paths]
    return pd.DataFrame(
        {
            "sample": [path.name for path in paths],
            "path": [str(path) for path in paths],
            "bits": 0,
            "mtime_ns": [path.stat().st_mtime_ns for path in paths],
            "person": person,
        }
    )


def files_of(samples):
    return photos_of(samples)


def test_changed_copies_are_found_and_nothing_else(folder):
    samples = table(folder)
    pairs = duplicates.pairs(samples, duplicates.signatures(files_of(samples)))
    likenesses = {frozenset(pair) for pair in pairs[["sample_a", "sample_b"]].itertuples(index=False)}
    copies = [("00.jpg", "small.png"), ("01.jpg", "dark.jpg"), ("02.jpg", "mirror.jpg"), ("03.jpg", "grey.jpg")]
    assert likenesses == {frozenset(pair) for pair in copies} and pairs.attrs[duplicates.NUMBER] == 4
    assert pairs["likeness"].is_monotonic_decreasing and pairs["likeness"].between(0.97, 1.0001).all()
    mirrored = pairs[pairs["mirrored"]]
    assert set(mirrored[["sample_a", "sample_b"]].iloc[0]) == {"02.jpg", "mirror.jpg"} and len(mirrored) == 1


def test_the_hash_is_the_one_that_a_plain_implementation_gives():
    grey = np.random.default_rng(5).integers(0, 255, (32, 32)).astype(np.float32)
    low = dct(dct(grey, axis=0, norm="ortho"), axis=1, norm="ortho")[:8, :8]
    bits = "".join("1" if value > np.median(low.ravel()[1:]) else "0" for value in low.ravel())
    assert duplicates._hash(grey) == int(bits, 2)


def test_blocks_find_what_a_plain_loop_finds(monkeypatch):
    rng = np.random.default_rng(1)
    base = rng.integers(0, 2**63, 12, dtype=np.uint64)
    hashes = np.concatenate([base, base ^ np.uint64(0b1011), rng.integers(0, 2**63, 60, dtype=np.uint64)])
    small = rng.integers(0, 255, (len(hashes), 256)).astype(np.uint8)
    small[12:24] = small[:12]
    samples = pd.DataFrame({"sample": [f"{n:03d}" for n in range(len(hashes))]})
    samples["person"] = [str(n % 40) for n in range(len(hashes))]
    signatures = duplicates.Signatures(hashes, np.zeros_like(hashes), small, np.ones(len(hashes), bool))
    plain = {
        (i, j)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if int(hashes[i] ^ hashes[j]).bit_count() <= 10
        and samples["person"][i] != samples["person"][j]
        and np.corrcoef(small[i], small[j])[0, 1] >= 0.97
    }
    assert len(plain) == 12
    for block in (1 << 22, 100):
        monkeypatch.setattr(duplicates, "_BLOCK", block)
        pairs = duplicates.pairs(samples, signatures)
        assert pairs.attrs[duplicates.NUMBER] == 12
        assert {(int(a), int(b)) for a, b in zip(pairs["sample_a"], pairs["sample_b"], strict=True)} == plain


def test_signatures_are_remembered_by_path_and_file_also_of_an_interrupted_search(folder, tmp_path, monkeypatch):
    samples, memory = table(folder), tmp_path / "deep" / "signatures.npz"

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        duplicates.signatures(files_of(samples), progress=stop, memory=memory)
    progress = []
    first = duplicates.signatures(files_of(samples), memory=memory, progress=lambda *seen: progress.append(seen))
    assert progress[-1] == (len(samples), len(samples))
    looked = []
    plain = duplicates._signature
    monkeypatch.setattr(duplicates, "_signature", lambda photo: looked.append(photo.sample) or plain(photo))
    again = duplicates.signatures(files_of(samples), memory=memory)
    assert looked == ["bad.jpg"]
    assert (first.hashes == again.hashes).all() and (first.small == again.small).all()
    looked.clear()
    other = [photo._replace(bits=12) for photo in files_of(samples)[:3]]
    duplicates.signatures(other, memory=memory)
    assert looked == [photo.sample for photo in other]
    whole = memory.read_bytes()
    for damaged in (b"PK damaged", whole[:200], b""):
        memory.write_bytes(damaged)
        assert (duplicates.signatures(files_of(samples), memory=memory).hashes == first.hashes).all()


@pytest.mark.parametrize("form", ["jpg", "bmp"])
def test_what_lies_under_a_name_by_now_is_compared_whatever_its_time(tmp_path, form):
    """Files of one time, as a zip or a copy leaves them, two of which change places; those of one form have one size,
    too."""
    for name, seed in (("a", 0), ("b", 1), ("c", 0)):
        face(seed).save(tmp_path / f"{name}.{form}")
        os.utime(tmp_path / f"{name}.{form}", ns=(10**18, 10**18))
    samples = table(tmp_path)
    memory = tmp_path.parent / f"signatures-{form}.npz"

    def found():
        pairs = duplicates.pairs(samples, duplicates.signatures(files_of(samples), memory=memory))
        return [pair[:1] for pair in pairs[["sample_a", "sample_b"]].to_numpy().ravel()]

    assert found() == ["a", "c"]
    first, second, aside = (tmp_path / f"{name}.{form}" for name in ("a", "b", "aside"))
    os.rename(first, aside)
    os.rename(second, first)
    os.rename(aside, second)
    assert found() == ["b", "c"]
    with np.load(memory) as kept:
        assert len(kept["rows"]) == 3, "what is no more is not kept"


def test_no_photos_have_no_duplicates():
    samples = pd.DataFrame({"sample": [], "person": []})
    pairs = duplicates.pairs(samples, duplicates.signatures([]))
    assert len(pairs) == pairs.attrs[duplicates.NUMBER] == 0


@pytest.mark.parametrize(("photos", "number"), [(5, 10), (20, 190)])
def test_all_pairs_are_counted_once_though_only_the_most_alike_are_told(photos, number):
    """Of one picture that is the same in a mirror, so that each pair is found twice."""
    half = np.random.default_rng(2).integers(0, 255, (16, 8)).astype(np.uint8)
    small = np.tile(np.hstack([half, half[:, ::-1]]).ravel(), (photos, 1))
    hashes = np.full(photos, 12345, np.uint64)
    samples = pd.DataFrame({"sample": [f"{n:03d}" for n in range(photos)], "person": [str(n) for n in range(photos)]})
    signatures = duplicates.Signatures(hashes, hashes, small, np.ones(photos, bool))
    pairs = duplicates.pairs(samples, signatures, most=3)
    assert pairs.attrs[duplicates.NUMBER] == number
    assert len(pairs) == len(pairs[["sample_a", "sample_b"]].drop_duplicates()) == 3
