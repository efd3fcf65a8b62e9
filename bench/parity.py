"""Whether what leaves the lab answers as the lab did: `python -m bench.parity`. Ends with 1 where it does not.

A run of each depth and kind of head is trained for one epoch on drawn photos, some of them odd (turned by EXIF, CMYK,
16 bits, see-through, of a palette, large, small). Then each fold answers the photos that it held out in four ways, all
held against the out-of-fold table that the training left: no other answer, probabilities within 1e-4.

predictor  the lab itself, which finds the fold that held a photo out
onnx       the packaged ONNX in onnxruntime, on photos that the lab prepared
pt2        the packaged program in torch, on the same photos
package    the packaged predict.py, a process of its own, from the photo files
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core import machine
from core.config import from_dict
from core.config.recipes import load_recipe
from core.data.scan import scan
from core.export.formats.names import FILES, ONNX, PT2
from core.export.package import build
from core.export.parity import CLOSE
from core.export.runtime.package_folder import BATCH, PackageFolder, network_file
from core.inside import fold_models
from core.plan.plan import make_plan
from core.predict.photos import Photo
from core.predict.predictor import Predictor
from core.runs import FoldState, Run
from core.runs.create import create
from core.training.device import limit_threads
from core.training.train import train_fold

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
DEPTHS, HEADS = (18, 34, 50, 101, 152), ("joint", "factored", "yes/no")
YES_NO = ("smiling", "young", "hat")  # attributes that are told one by one


@dataclass(frozen=True)
class Line:
    """One way of one fold. changed: answers that are not those of the table. largest: difference of a probability."""

    depth: int
    head: str
    fold: int
    way: str
    photos: int
    changed: int
    largest: float

    @property
    def holds(self) -> bool:
        return self.photos > 0 and self.changed == 0 and self.largest <= CLOSE


def drawn(root: Path, people: int) -> Path:
    """Photos by UTKFace's names, so many people of each gender and age group, half of them odd; and a table of yes/no
    attributes."""
    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    rows: list[list[str]] = []
    groups = [(age, gender) for age in (20, 40, 70) for gender in (0, 1)] * people
    for number, (age, gender) in enumerate(groups):
        soft = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        yes = rng.random(len(YES_NO)) < 0.5
        size = (90 + number % 7 * 23, 80 + number % 5 * 31)
        photo = soft.resize(size, Image.Resampling.BICUBIC)
        path = root / f"{age}_{gender}_0_2017010920365{number:04d}.jpg"
        match number % 12:
            case 0:
                photo.save(path, quality=92, exif=exif)
            case 1:
                photo.convert("CMYK").save(path, quality=92)
            case 2:
                deep = np.asarray(photo.convert("L"), dtype=np.uint16) * 257
                Image.fromarray(deep).save(path.with_suffix(".png"))
            case 3:
                photo.putalpha(Image.fromarray(rng.integers(0, 256, size[::-1], dtype=np.uint8)))
                photo.save(path.with_suffix(".png"))
            case 4:
                photo.convert("P").save(path.with_suffix(".png"))
            case 5:
                photo.resize((1600, 1200), Image.Resampling.BICUBIC).save(path, quality=92)
            case 6:
                photo.resize((31, 40)).convert("L").save(path, quality=92)
            case _:
                photo.save(path, quality=92)
        name = path.name if path.exists() else path.with_suffix(".png").name
        rows.append([name, *(str(int(each)) for each in yes)])
    with open(root / "attributes.csv", "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["path", *YES_NO], *rows])
    return root


def trained(folder: Path, data: Path, depth: int, head: str, pixels: int) -> Run:
    """A run of two folds and one epoch, in this process and in float32."""
    values = load_recipe("quick").model_dump(mode="json")
    values |= {"name": f"parity {depth} {head}", "folds": {"count": 2}}
    values["data"] = {"root": str(data), "reader": "utkface"}
    values |= {"task": {"name": "gender-age"}, "model": {"depth": depth, "init": "scratch", "head": head}}
    if head == "yes/no":
        values["model"]["head"] = "joint"
        values["data"] = {"root": str(data), "reader": "csv", "csv_file": "attributes.csv", "label_column": "none"}
        values["task"] = {"name": "attributes", "attributes": list(YES_NO), "together": "each"}
    values["transforms"] = [
        {"name": "Resize", "params": {"height": pixels, "width": pixels}},
        {"name": "HorizontalFlip"},
        {"name": "Normalize"},
    ]
    values["phases"] = [values["phases"][0] | {"epochs": 1, "warmup_epochs": 0}]
    values["training"] |= {"device": "cpu", "precision": "float32", "batch_size": 8}
    plan = make_plan(from_dict(values), scan(from_dict(values).data))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    for fold in run.folds():
        train_fold(run, fold)
        run.write_state(FoldState(fold, "done", epoch=1, best_epoch=1, scores={}))
    return run


def ways_of(run: Run, package: Path, fold: int, samples: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """(way, what it answers about photos that a fold held out, (n, classes)); their order is that of the run."""
    import onnxruntime
    import torch

    table, names = run.samples().set_index("sample"), PackageFolder(package, []).classes
    paths = table.loc[samples, "path"].tolist()
    photos = [Photo(sample, path) for sample, path in zip(samples, paths, strict=True)]
    yield "predictor", Predictor([run], device="cpu").answer(photos).probabilities()
    seen = np.stack(fold_models.faces(run, samples))
    place = package / network_file(fold, FILES[ONNX])
    session = onnxruntime.InferenceSession(str(place), providers=["CPUExecutionProvider"])
    yield "onnx", _in_batches(lambda batch: session.run(None, {"photos": batch})[0], seen)
    program = torch.export.load(package / network_file(fold, FILES[PT2])).module()
    with torch.inference_mode():
        yield "pt2", _in_batches(lambda batch: program(torch.from_numpy(batch)).numpy(), seen)
    words = [sys.executable, "-I", "-B", "predict.py", *paths, "--fold", str(fold)]
    done = subprocess.run(words, cwd=package, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"predict.py failed: {done.stderr}")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    yield "package", np.array([[float(row[f"p_{name}"]) for name in names] for row in rows])


def _in_batches(ask: Callable[[np.ndarray], np.ndarray], photos: np.ndarray) -> np.ndarray:
    return np.concatenate([ask(photos[start : start + BATCH]) for start in range(0, len(photos), BATCH)])


def lines_of(run: Run, package: Path, head: str) -> Iterator[Line]:
    """Every way of every fold of a run against its out-of-fold tables."""
    depth, opened = run.config().model.depth, PackageFolder(package, [])
    for fold in run.folds():
        answered = run.predictions(fold)
        reference = answered[[f"p_{name}" for name in opened.classes]].to_numpy(float)
        for way, shares in ways_of(run, package, fold, answered["sample"].tolist()):
            changed = int((opened.decided(shares) != opened.decided(reference)).sum())
            largest = float(np.abs(shares - reference).max())
            yield Line(depth, head, fold, way, len(shares), changed, largest)


def main() -> bool:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=list(DEPTHS), choices=DEPTHS)
    parser.add_argument("--heads", nargs="+", default=list(HEADS), choices=HEADS)
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--people", type=int, default=6, help="of each of six classes")
    options = parser.parse_args()
    limit_threads(machine.cores())
    every, begun = [], time.perf_counter()
    print(f"{'depth':<7}{'head':<10}{'fold':<6}{'way':<11}{'photos':>7}{'changed':>9}{'largest':>10}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        data = drawn(Path(place) / "photos", options.people)
        for depth in options.depths:
            for head in options.heads:
                run = trained(Path(place) / "runs", data, depth, head, options.pixels)
                package = Path(place) / f"package-{depth}-{HEADS.index(head)}"
                package.mkdir()
                build(run, package, check=0, calibrate=False, formats=[ONNX, PT2])
                for line in lines_of(run, package, head):
                    every.append(line)
                    fault = "" if line.holds else "   DIFFERS"
                    print(
                        f"{line.depth:<7}{line.head:<10}{line.fold:<6}{line.way:<11}{line.photos:>7}{line.changed:>9}"
                        f"{line.largest:>10.1e}{fault}",
                        flush=True,
                    )
                fold_models.free()
    holds = all(line.holds for line in every)
    largest = max(line.largest for line in every)
    print(
        f"{sum(line.photos for line in every):,} answers, {sum(line.changed for line in every):,} changed, largest "
        f"difference {largest:.1e} (goal {CLOSE:.0e}), {time.perf_counter() - begun:.0f} s"
    )
    return holds


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
