"""What a large dataset costs: `python -m bench.data`. Prints each figure beside its goal.

page         server time of a warm rerun of each view of the Data page, on --page photos of 64 x 64
scan         data.scan of --scan JPEGs of 384 x 512 against decoding them with Pillow by as many threads, its memory,
             and how long it takes where decoding is left to the first epoch
labels       --labels tiny photos in ten folders: how long until labels and classes are known, before any is opened
duplicates   signatures and pairs of the photos of the page

The photos are the demo's, encoded anew in a temporary folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import functools
import io
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.config.run_config import DataConfig
from core.data import duplicates
from core.data.pictures.photo import photos_of
from core.data.scan import scan
from core.demo.dataset import draw_demo
from core.places import HOME

PAGE_GOAL, SCAN_GOAL, LABELS_GOAL = 1.0, 1.3, 5.0  # seconds; times of decoding alone; seconds
CLASSES = 10
_SCAN = """
import sys
from core.config.run_config import DataConfig
from core.data.scan import scan
found = scan(DataConfig(root=sys.argv[1], reader="mask"))
print(len(found.samples), found.seconds)
"""
_HEADERS = _SCAN.replace('reader="mask"', 'reader="mask", decode="first epoch"')
_LABELS = """
import sys, time
from core.config.run_config import DataConfig
from core.data.scan import scan
from core.data.understood import facts_of
class Read(Exception):
    pass
def labels_read(first):
    facts_of(first, checked=False)
    print(len(first.samples), time.monotonic() - started)
    raise Read
started = time.monotonic()
try:
    scan(DataConfig(root=sys.argv[1]), labels_read=labels_read)
except Read:
    pass
"""
_PLAIN = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image
from core.machine import cores
def decode(path):
    with Image.open(path) as image:
        return image.convert("RGB").size
started = time.monotonic()
with ThreadPoolExecutor(cores()) as pool:
    found = sum(1 for _ in pool.map(decode, sorted(Path(sys.argv[1]).rglob("*.jpg"))))
print(found, time.monotonic() - started)
"""


def many(demo: Path, root: Path, photos: int, side: tuple[int, int] | None) -> Path:
    """A mask-layout dataset of at least so many photos: the demo's people again and again under new ids.

    side: (width, height) in px to shrink to; None keeps the demo's 384 x 512.
    """
    head, *rows = (demo / "train.csv").read_text("utf-8").splitlines()
    columns = head.split(",")
    lines, made, turn = [head], 0, 0
    while made < photos:
        for row in rows:
            cells = dict(zip(columns, row.split(","), strict=True))
            source = demo / "images" / cells["path"]
            person = f"{turn}-{cells['id']}"
            cells |= {"id": person, "path": person}
            (root / "images" / person).mkdir(parents=True)
            for photo in sorted(source.iterdir()):
                target = root / "images" / person / photo.name
                data = photo.read_bytes() if side is None else encoded(photo, side, 80 + turn % 15)
                target.write_bytes(data + str(made).encode())  # after the end marker: no two files are the same
                made += 1
            lines.append(",".join(cells[column] for column in columns))
            if made >= photos:
                break
        turn += 1
    (root / "train.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return root


@functools.cache
def encoded(photo: Path, side: tuple[int, int], quality: int) -> bytes:
    """A photo as a small JPEG. side: width and height, pixels."""
    stream = io.BytesIO()
    with Image.open(photo) as image:
        image.draft("RGB", side)
        image.resize(side).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def measured(code: str, root: Path) -> tuple[float, float, int]:
    """(seconds without the interpreter's start, peak MB of memory, photos) of a fresh process."""
    peak = 0
    process = subprocess.Popen([sys.executable, "-c", code, str(root)], cwd=HOME, stdout=subprocess.PIPE)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.02)
    output = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"the process ended with {process.returncode}")
    photos, seconds = output.split()
    return float(seconds), peak / 1e6, int(photos)


def views(root: Path, times: int) -> dict[str, float]:
    """Median seconds of a warm rerun of each view."""
    test = AppTest.from_file(str(HOME / "app.py"), default_timeout=900)
    test.run()
    test.switch_page("pages/data.py")
    result = {}
    for view in ("overview", "faces", "problems", "duplicates", "folds", "corrections"):
        for key, value in {"root": str(root), "view": view, "task": "mask-gender-age"}.items():
            test.query_params[key] = value
        test.run()
        looked = [button for button in test.button if button.label == "Look for duplicates"]
        if looked:
            looked[0].click().run()
        test.run()
        spent = []
        for _ in range(times):
            started = time.perf_counter()
            test.run()
            spent.append(time.perf_counter() - started)
        if test.exception:
            raise SystemExit(f"{view}: {test.exception[0].message}")
        result[view] = statistics.median(spent)
    return result


def measure(page: int, photos: int, labels: int, times: int, demo: Path = HOME / "demo") -> None:
    """Print the figures of a page of `page` photos, of a scan of `photos` and of `labels` labels; 0 leaves one out."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ |= {"FACET_RUNS": str(folder / "runs"), "FACET_DEMO": str(folder / "demo")}
        demo = demo if (demo / "train.csv").is_file() else draw_demo(folder / "demo", people=40)
        print(f"{'what':<36}{'measured':>14}{'goal':>12}", flush=True)
        if page:
            _page(many(demo, folder / "page", page, (64, 64)), times)
            shutil.rmtree(folder / "page")
        if photos:
            _scan(demo, folder, photos)
            shutil.rmtree(folder / "scan")
        if labels:
            _labels(folder / "labels", labels)


def _page(root: Path, times: int) -> None:
    scanned = scan(DataConfig(root=str(root)))
    photos = photos_of(scanned.samples)
    started = time.perf_counter()
    signatures = duplicates.signatures(photos)
    spent = time.perf_counter() - started
    print(f"{f'signatures of {len(photos):,} photos':<36}{spent:>12.1f} s", flush=True)
    started = time.perf_counter()
    pairs = duplicates.pairs(scanned.samples, signatures)
    spent = time.perf_counter() - started
    print(f"{f'pairs ({len(pairs):,} returned)':<36}{spent:>12.1f} s", flush=True)
    for view, seconds in views(root, times).items():
        print(f"{f'rerun of {view}, {len(photos):,}':<36}{seconds:>12.2f} s{f'{PAGE_GOAL:.0f} s':>12}", flush=True)


def _scan(demo: Path, folder: Path, photos: int) -> None:
    _, little, _ = measured(_SCAN, many(demo, folder / "small", photos // 10, None))
    root = many(demo, folder / "scan", photos, None)
    with ThreadPoolExecutor(1) as pool:  # the files are in memory for both
        list(pool.map(lambda path: path.read_bytes() and None, root.rglob("*.jpg")))
    plain, _, count = measured(_PLAIN, root)
    ours, memory, scanned = measured(_SCAN, root)
    again, _, _ = measured(_PLAIN, root)
    headers, _, _ = measured(_HEADERS, root)
    plain = (plain + again) / 2  # before and after: other work on the machine counts against both
    print(f"{f'Pillow decodes {count:,} JPEGs':<36}{plain:>12.1f} s")
    print(f"{f'scan of {scanned:,} JPEGs':<36}{ours:>12.1f} s{f'{SCAN_GOAL * plain:.1f} s':>12}")
    print(f"{'scan / decoding':<36}{ours / plain:>14.2f}{SCAN_GOAL:>12}")
    print(f"{'scan, decoding left for later':<36}{headers:>12.1f} s")
    print(f"{'memory of the scan, a tenth and all':<36}{f'{little:.0f}, {memory:.0f} MB':>14}{'flat':>12}")


def _labels(root: Path, photos: int) -> None:
    rng = np.random.default_rng(0)
    tiny = []
    for _ in range(64):
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(stream, "JPEG")
        tiny.append(stream.getvalue())
    for name in range(CLASSES):
        (root / f"class {name}").mkdir(parents=True)
    for number in range(photos):
        place = root / f"class {number % CLASSES}" / f"{number:06d}.jpg"
        place.write_bytes(tiny[number % len(tiny)] + str(number).encode())  # no two files are the same
    seconds, memory, count = measured(_LABELS, root)
    print(f"{f'labels of {count:,} photos':<36}{seconds:>12.1f} s{f'{LABELS_GOAL:.0f} s':>12}")
    print(f"{'memory by then':<36}{memory:>11.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=int, default=20_000, help="photos of the page's dataset, 0 for none")
    parser.add_argument("--scan", type=int, default=18_900, help="photos of the scan, 0 for none")
    parser.add_argument("--labels", type=int, default=100_000, help="tiny photos whose labels are read, 0 for none")
    parser.add_argument("--demo", type=Path, default=HOME / "demo", help="a drawn demo dataset; a small one without it")
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True
    measure(arguments.page, arguments.scan, arguments.labels, arguments.times, arguments.demo)


if __name__ == "__main__":
    main()
