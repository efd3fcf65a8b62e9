"""What a served package costs: `python -m bench.serve`. Prints p95, photos a second and errors beside bare onnxruntime.

bare    onnxruntime alone, the same folds and threads, photos already prepared, in passes of 1 and of 32
served  so many clients, each with its own connection, who send a JPEG, wait for the answer, and send the next

The server is a process of its own on this machine; clients and server share its cores, so that `served` is told for
both together.
"""

from __future__ import annotations

import argparse
import http.client
import io
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from core import machine
from core.export.runtime.package_folder import PackageFolder
from core.export.serving import opened
from core.places import HOME

BATCH = 32


def photo(size: tuple[int, int]) -> bytes:
    """A JPEG of soft noise. size: width and height."""
    small = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def bare(package: PackageFolder, batch: int, seconds: float) -> float:
    """Photos a second of all folds, one pass after the other."""
    photos = np.zeros((batch, *package.size, 3), np.uint8)
    package.answers(photos)  # the first one makes its plans
    begun, answered = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        package.answers(photos)
        answered += batch
    return answered / (time.perf_counter() - begun)


def client(address: tuple[str, int], data: bytes, until: float, times: list[float], faults: list[str]) -> None:
    """Ask until the clock says so; a line is kept open."""
    line = http.client.HTTPConnection(*address, timeout=60)
    while (begun := time.perf_counter()) < until:
        try:
            line.request("POST", "/predict", data)
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            faults.append(type(error).__name__)
            line.close()
            continue
        if answer.status != 200:
            faults.append(str(answer.status))
        else:
            times.append(time.perf_counter() - begun)
    line.close()


def served(
    name: str, runs: Path | None, clients: int, seconds: float, data: bytes, int8: bool
) -> tuple[list[float], list[str], float]:
    """(seconds of each answer, what went wrong, seconds from the first question to the last answer)."""
    command = [sys.executable, "-m", "core", "serve", name, "--port", "0", *(["--int8"] if int8 else [])]
    server = subprocess.Popen(
        command + (["--runs", str(runs)] if runs else []), cwd=HOME, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        match = re.search(r"http://([\d.]+):(\d+)", server.stdout.readline())
        assert match, "the server did not start; it has said why"
        address = (match[1], int(match[2]))
        times: list[float] = []
        faults: list[str] = []
        begun = time.perf_counter()
        until = begun + seconds
        threads = [threading.Thread(target=client, args=(address, data, until, times, faults)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return times, faults, time.perf_counter() - begun
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a run's id, or a package's .zip or folder")
    parser.add_argument("--runs", type=Path, help="folder of the runs")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--photo", type=int, default=256, help="width and height of the photos in pixels")
    parser.add_argument("--int8", action="store_true", help="by the networks in int8")
    args = parser.parse_args()
    with opened(args.name, args.runs, int8=args.int8) as (package, _):
        alone = {batch: bare(package, batch, min(10.0, args.seconds)) for batch in (1, BATCH)}
        folds = len(package.folds)
    data = photo((args.photo, args.photo))
    times, faults, spent = served(args.name, args.runs, args.clients, args.seconds, data, args.int8)
    print(f"{folds} folds, {machine.cores()} cores, photos of {args.photo} px")
    for batch, rate in alone.items():
        print(f"bare onnxruntime, passes of {batch:<3}  {rate:8.1f} photos/s")
    print(f"served, {args.clients} clients            {len(times) / spent:8.1f} photos/s")
    if len(times) > 1:
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"an answer: median {statistics.median(times):.3f} s, 95 % within {p95:.3f} s")
    print(f"errors: {len(faults)}{' ' + ', '.join(sorted(set(faults))) if faults else ''}")


if __name__ == "__main__":
    main()
