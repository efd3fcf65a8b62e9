"""Small datasets and damaged files for tests."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from core.config.run_config import DataConfig
from core.data.scan import scan

SEVEN = ["incorrect_mask", "mask1", "mask2", "mask3", "mask4", "mask5", "normal"]


def damaged_mask_dataset(root, people):
    """A mask dataset with a truncated photo, an age that is no number and a row without its folder."""
    mask_dataset(root, people)
    cut = root / "images" / "000_female_Asian_20" / "normal.jpg"
    cut.write_bytes(cut.read_bytes()[:200])
    table = root / "train.csv"
    table.write_text(table.read_text() + "900,male,Asian,old,900_male_Asian_old\n901,male,Asian,30,nowhere\n")
    draw(root / "images" / "900_male_Asian_old" / "normal.jpg")
    return root


def noise(width=64, height=48, channels=3, seed=0):
    """Pixels that do not compress, so that a cut anywhere cuts something."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def draw(path: Path, colour=None, size=(8, 6)) -> Path:
    """One colour; without a word that of the path's end, so that two photos are no copies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mixed = zlib.crc32("/".join(path.parts[-3:]).encode())
    Image.new("RGB", size, colour or tuple(mixed.to_bytes(4)[:3])).save(path)
    return path


def utkface(root, each=4):
    """UTKFace names: six kinds of face, `each` of each, and no word about who is who."""
    for n, (age, gender) in enumerate([(a, g) for a in (20, 40, 70) for g in (0, 1)] * each):
        draw(root / f"{age}_{gender}_0_2017010920365{n:04d}.jpg", (n * 5, age, gender * 90))
    return root


def read(root, **settings):
    return scan(DataConfig(root=str(root), **settings), threads=1)


def problems_of(scanned, kind):
    """where -> problem, for one kind."""
    rows = scanned.problems[scanned.problems["kind"] == kind]
    return dict(zip(rows["where"], rows["problem"], strict=True))


def images_on_disk(root):
    paths = set()
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith((".jpg", ".jpeg", ".png", ".bmp", ".heic")) and not name.startswith("."):
                paths.add((Path(folder) / name).relative_to(root).as_posix())
    return paths


def assert_nothing_is_skipped(scanned):
    """Each image is a sample, or the problems name it or a folder above it, or count it among the left-overs."""
    samples = {*scanned.samples["sample"], *scanned.set_aside["sample"]}
    named = set(scanned.problems["sample"]) - {""}
    named |= {name for where in scanned.problems["where"] for name in where.split(" and ")}
    for path in images_on_disk(scanned.root):
        folders = {folder.as_posix() for folder in Path(path).parents}
        assert path in samples or {path, f"{Path(path).parent}/"} & named or folders & named, path
    errors = scanned.problems[scanned.problems["severity"] == "error"]
    assert not samples & set(errors["sample"])
    assert scanned.samples["sample"].is_unique
    assert list(scanned.samples["sample"]) == sorted(scanned.samples["sample"])


def mask_dataset(root, rows):
    """rows: (id, gender, age); each person's seven photos are drawn."""
    lines = ["id,gender,race,age,path"]
    for person, gender, age in rows:
        folder = f"{person}_{gender}_Asian_{age}"
        lines.append(f"{person},{gender},Asian,{age},{folder}")
        for stem in SEVEN:
            draw(root / "images" / folder / f"{stem}.jpg")
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    return root


def _chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_bomb(width, height):
    """A small PNG whose header promises any size."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b"")


def deep_png(values):
    """A PNG of 16 bits. values: uint16 (height, width, 2) of grey and its transparency, or (height, width)."""
    height, width = values.shape[:2]
    kind = 4 if values.ndim == 3 else 0
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")


def samples_of(*rows):
    """Samples from (person, mask, gender, age) or (person, label)."""
    names = ["person", "mask", "gender", "age"] if len(rows[0]) == 4 else ["person", "label"]
    frame = pd.DataFrame(rows, columns=names).reindex(columns=["person", "mask", "gender", "age", "label"])
    frame["age"] = frame["age"].astype(float)
    numbers = {"bytes": 10, "mtime_ns": 1_700_000_000_123_456_789, "hash": "0" * 64, "bits": 0}
    return frame.astype({"mask": object, "gender": object, "label": object}).assign(
        sample=[f"{i}.jpg" for i in range(len(frame))], **numbers
    )


KINDS = [(gender, age) for gender in ("male", "female") for age in (0, 29.9, 30, 59, 60, 120)]


def all_kinds(masks=("normal",)):
    """Samples of each gender at each edge of an age group."""
    return samples_of(*[(f"{g}{a}", m, g, a) for g, a in KINDS for m in masks])
