"""The table of faults: what goes wrong, what a user may expect, and the tests that make each fault happen.

Tests name their rows by `@pytest.mark.fault(number, ...)`. `python -m tests.fault_table` writes docs/faults.md from
both; tests/house/test_faults_page.py fails while the page differs, or while a row has no test.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from core.places import HOME

PAGE = HOME / "docs" / "faults.md"
OPEN: dict[int, str] = {}  # rows without a test, each with the reason

ROWS: dict[int, tuple[str, str]] = {
    1: (
        "kill -9 of the worker in mid-epoch",
        "the fold shows *interrupted*, Resume works, final weights and metrics bit-identical to a run never stopped",
    ),
    2: (
        "kill -9 while a checkpoint is written (at 0, 50, 99 % of its bytes, before and after the rename)",
        "the checkpoint before it loads; nothing half-written is ever picked up",
    ),
    3: (
        "the lab is killed while training",
        "training goes on; the lab re-attaches; Cancel works",
    ),
    4: (
        "machine reboot",
        "running becomes interrupted, the queue is intact",
    ),
    5: (
        "disk full at a checkpoint or a metrics line",
        'old checkpoint kept, failed with "disk full: needs X MB in FOLDER", no stray files, Resume once there is room',
    ),
    6: (
        "runs/ is read-only",
        "refused before anything starts",
    ),
    7: (
        "two browsers launch the same form; a double click",
        "one run",
    ),
    8: (
        "cancel, then resume",
        "cancelled within 5 s, no process left, resumed result identical",
    ),
    9: (
        "a worker that ignores the request to stop",
        "killed with its children after a grace period",
    ),
    10: (
        "out of memory (host or GPU)",
        "failed: memory, with the batch size to try; the queue goes on",
    ),
    11: (
        "loss becomes NaN or infinite",
        "failed: diverged, at epoch and step, last good checkpoint kept",
    ),
    12: (
        "truncated or corrupt JPEG (cut at 10, 50, 95 %)",
        "listed by the scan with its name; launch says how many and offers to leave them out; never skipped silently",
    ),
    13: (
        "an image that is a decompression bomb",
        "refused before it is decoded",
    ),
    14: (
        "grey, palette, RGBA, CMYK, 16-bit, EXIF-rotated images",
        "one defined RGB result, the same in training, preview, Grad-CAM, prediction",
    ),
    15: (
        "a CSV row whose file is missing; a bad age; an unknown gender",
        "row-numbered list; launch blocked until left out or mended",
    ),
    16: (
        "the same person in two folders or two rows with different labels",
        "shown; grouped as one person; the conflict named",
    ),
    17: (
        "a class with fewer people than folds; one class only; an empty folder",
        "an error that names the class and the numbers",
    ),
    18: (
        "CSV in UTF-16, CP949, with BOM, with `;`",
        "read, or a clear error that names the encoding tried",
    ),
    19: (
        "traversal in a run id or an address parameter (`../`, encoded, absolute, NUL, Windows forms)",
        "refused in one place",
    ),
    20: (
        "a symlink in a dataset that leaves it; a loop",
        "not followed out; the scan ends",
    ),
    21: (
        "a checkpoint that is a malicious pickle",
        "refused; no fallback to unsafe loading",
    ),
    22: (
        "a checkpoint of another architecture or class count",
        "names the mismatching keys and shapes",
    ),
    23: (
        "HTML or Markdown in class names, file names, run names",
        "shown as text",
    ),
    24: (
        "`=cmd` and friends in exported CSV",
        "neutralised",
    ),
    25: (
        "an upload that is a zip bomb, is not an image, or is 200 MB",
        "refused with the reason",
    ),
    26: (
        "YAML with a python tag; unknown keys; wrong types; an older schema",
        "refused, the key named; an older schema is migrated or refused with its version",
    ),
    27: (
        "10,000 run folders; one of them garbage",
        "lists stay quick; the bad one is shown as unreadable",
    ),
    28: (
        "the clock goes backwards",
        "no negative time left, no false interruption",
    ),
    29: (
        "a pid is reused by a stranger",
        "nothing of ours signals it",
    ),
    30: (
        "metrics file cut at any byte",
        "readers give every whole line, no crash, no duplicate after resume",
    ),
    31: (
        "a run folder is deleted while it is viewed or trained",
        '"this run is gone"; the worker stops by itself',
    ),
    32: (
        "the dataset changes between launch and resume",
        "refused, naming what changed; a fork is offered",
    ),
    33: (
        "a GPU disappears; a checkpoint from a GPU opened on a CPU",
        "clear failure; inspection works on the CPU",
    ),
    34: (
        "no pretrained weights and no network",
        "said on the launch form, before queueing: which file, where to put it, or train from scratch",
    ),
    35: (
        "a WebSocket or page from another origin",
        "refused",
    ),
    36: (
        "ten browser sessions at once while training",
        "no error; all open pages together look seldom (what that costs: `python -m bench.sessions`)",
    ),
    37: (
        "a worker is killed for memory (cgroup or kernel)",
        "named as probable lack of memory with the figures; not resumed by itself a third time",
    ),
    38: (
        "a process that cannot go on (a broken CUDA context, say) takes the next jobs along",
        "one job fails, a fresh process takes the next; three instant failures stop the queue, in words",
    ),
    39: (
        "resume with other threads, slots or another build",
        "best and final weights, predictions and metrics belong together; the page says it was not exact",
    ),
    40: (
        "two workers, one job, one lock, the holder dies at any point",
        "the job is done once or still waits; its place in the queue is never lost",
    ),
    41: (
        "a paused study is deleted; a pause during a launch",
        "nothing of it trains",
    ),
    42: (
        "another user of the machine looks at the runs",
        "sees the true state; can change nothing",
    ),
    43: (
        "a file system that cannot lock",
        "refused at launch, in words",
    ),
    44: (
        "the dataset folder is moved, touched, copied",
        "same bytes are the same photos; asks where it is; goes on",
    ),
    45: (
        "/dev/shm too small for loader processes",
        "named, with the remedy, or the thread instead",
    ),
    46: (
        "the runs disk fills while ten folds train",
        "each fold keeps its last resume point; lists and pages work; resume after room is made",
    ),
    47: (
        "a node of the cluster is killed, or frozen and woken",
        "the fold goes on elsewhere; what the woken node sends is refused",
    ),
    48: (
        "the browser is offline for a minute and comes back; the server restarts under an open page",
        "the page says so and recovers; what was typed is there",
    ),
}


@functools.cache
def marked() -> dict[int, list[str]]:
    """Row -> "file::test" of the tests marked with it, in the order of their files. Read without importing a test."""
    tests: dict[int, list[str]] = {}
    for path in sorted((HOME / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for name, rows in _marks(ast.parse(text)) if "mark.fault(" in text else ():
            for row in rows:
                tests.setdefault(row, []).append(f"{path.relative_to(HOME).as_posix()}::{name}")
    return tests


def _marks(module: ast.Module) -> Iterator[tuple[str, list[int]]]:
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    yield function.name, [ast.literal_eval(argument) for argument in mark.args]


def page() -> str:
    """docs/faults.md: a line for each row, its promise, and its tests by what they are called."""
    tests = marked()
    lines = [
        "# What goes wrong, and what you may expect",
        "",
        "Each row is made to happen by the tests beside it: a real kill, a real full disk, a real bad file. This page",
        "is written by tests/fault_table.py from the tests' own marks; a test fails while it differs from them.",
        "`python -m tests.controls` takes protections out of a copy and shows that the tests notice.",
        "",
        "| # | What goes wrong | What you may expect | Made to happen by |",
        "|---|---|---|---|",
    ]
    for row, (fault, promise) in ROWS.items():
        names = [
            f"{name.replace('_', ' ').removeprefix('test ')} ({file})" for file, name in map(_split, tests.get(row, []))
        ]
        lines.append(f"| {row} | {fault} | {promise} | {'<br>'.join(names) or OPEN.get(row, 'no test yet')} |")
    return "\n".join(lines) + "\n"


def _split(test: str) -> tuple[str, str]:
    file, name = test.split("::")
    return file.removeprefix("tests/"), name


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
