"""Runs with odd photos that answered without a training, to be packaged."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core.data.images import load_image
from core.data.pictures.photo import bits_of
from core.export import package as packages
from core.inside.fold_models import as_seen, normalised
from core.runs import Run
from tests.answered import answer
from tests.fold_runs import alone, draw_faces, make_run

TOKEN = "a-token-of-some-length"


@dataclass(frozen=True)
class Taken:
    """A run, its package as a zip and unpacked, and what was told of it."""

    run: Run
    zip: Path
    folder: Path
    packaged: packages.Packaged


def odd_faces(root):
    """draw_faces, some of them as people have them: turned, CMYK, 16-bit grey, see-through, large, small."""
    draw_faces(root)
    rng = np.random.default_rng(5)
    first, second, third, fourth, fifth = sorted(root.glob("*.jpg"))[:5]

    def noise(width, height, bands=3):
        return Image.fromarray(rng.integers(0, 256, (6, 7, bands), dtype=np.uint8)).resize((width, height))

    exif = Image.Exif()
    exif[0x0112] = 6
    noise(130, 90).save(first, quality=95, exif=exif)
    noise(201, 155, 4).convert("RGB").convert("CMYK").save(second, quality=95)
    deep = rng.integers(0, 4096, (80, 96), dtype=np.uint16)
    for path in (third, fourth):
        path.unlink()
    Image.fromarray(deep).save(third.with_suffix(".png"))
    noise(40, 50, 4).save(fourth.with_suffix(".png"))
    noise(1280, 900).save(fifth, quality=95)
    return root


def torch_answers(run, fold, samples):
    """What a fold's network answers about samples, (n, classes), without what a package uses: torch, OpenCV."""
    paths, config, bits = run.samples().set_index("sample")["path"], run.config(), bits_of(run.samples())
    photos = normalised(config, [as_seen(config, load_image(paths[sample], bits)) for sample in samples])
    with torch.no_grad():
        return alone(run, fold)(photos).double().softmax(1).numpy()


def answered_run(folder, root, head, **options):
    """A made run with out-of-fold predictions."""
    run = make_run(folder, root, head=head, **options)
    samples, names = run.samples(), run.info()["class_names"]
    shares = np.zeros((len(samples), len(names)))
    for fold in run.folds():
        rows = np.flatnonzero(samples["fold"] == fold)
        shares[rows] = torch_answers(run, fold, samples["sample"].iloc[rows])
    answer(run, samples, shares, which=("best",), names=names)
    return run
