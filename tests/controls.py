"""Negative controls of docs/faults.md: `python -m tests.controls`. A test that cannot fail proves nothing.

In a copy of this tree one protection after the other is taken out, by an edit that has to fit in exactly one place, and
the row's test is run there: it has to fail. Before that all of these tests have to pass in the copy as it is. Prints a
line for each, and ends with 1 where a test does not notice. Takes minutes, so it is not part of the suite.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.places import HOME

LONGEST = 1800  # seconds for one run of pytest


@dataclass(frozen=True)
class Control:
    """row: of docs/faults.md. out: what is taken out, in words. edits: (old, new) text in `file`, each once in it."""

    row: int
    out: str
    file: str
    edits: tuple[tuple[str, str], ...]
    test: str


CONTROLS = (
    Control(
        1,
        "mix-up draws from (seed, fold, epoch, step)",
        "core/training/fold_trainer.py",
        (("return step_seed(self.config.training.seed, ", "return step_seed(time.time_ns() % 2**31, "),),
        "tests/faults/test_faults.py::"
        "test_killed_in_the_second_phase_with_mixed_images_and_balanced_classes_equals_never_stopped",
    ),
    Control(
        2,
        "files are written beside and renamed into place",
        "core/storage/files.py",
        (
            ('    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")\n', "    temporary = path\n"),
            ('"xb"', '"wb"'),
        ),
        "tests/storage/test_files.py::test_a_reader_never_sees_half_a_file",
    ),
    Control(
        5,
        "metrics are cut in a file beside",
        "core/runs/metrics_file.py",
        (('    fresh = path.with_name(".metrics.csv.tmp")\n', "    fresh = path\n"),),
        "tests/runs/test_metrics_file.py::test_a_full_disk_while_metrics_are_cut_keeps_the_old_file",
    ),
    Control(
        13,
        "a photo's pixels are counted before it is decoded",
        "core/data/pictures/limit.py",
        (("    limit = megapixels()\n", "    limit = 10**9\n"),),
        "tests/data/test_images.py::test_a_bomb_is_refused_before_it_is_decoded_whatever_pillow_allows",
    ),
    Control(
        19,
        "ids of runs are of a-z, 0-9 and hyphens",
        "core/runs/run.py",
        ((" or not ID.fullmatch(run_id):", ":"),),
        "tests/runs/test_run.py::test_what_is_no_run_id_is_refused_and_shown_as_text",
    ),
    Control(
        20,
        "where a photo's link leads is looked at",
        "core/data/paths.py",
        (("    real = inside(home, path)\n    if real is None:\n", "    real = path\n    if real is None:\n"),),
        "tests/data/test_paths.py::test_a_photo_that_became_a_link_outside_is_shown_by_nobody",
    ),
    Control(
        21,
        "a checkpoint is read as plain tensors",
        "core/training/checkpoint.py",
        (("torch.load(path, map_location=device, weights_only=True)", "torch.load(path, device, weights_only=False)"),),
        "tests/training/test_checkpoint.py::test_a_malicious_pickle_as_a_checkpoint_is_refused_and_never_runs",
    ),
    Control(
        24,
        "a formula in a table gets an apostrophe",
        "core/storage/spreadsheet.py",
        (("""    return f"'{text}" if text.startswith(FORMULA) else text\n""", "    return text\n"),),
        "tests/runs/test_exports.py::test_csv_and_parquet_hold_the_same_and_no_formula",
    ),
    Control(
        26,
        "YAML holds plain values only",
        "core/storage/plain_yaml.py",
        (("class _Plain(yaml.SafeLoader):", "class _Plain(yaml.UnsafeLoader):"),),
        "tests/storage/test_plain_yaml.py::test_every_door_refuses_what_is_no_plain_configuration",
    ),
    Control(
        29,
        "a process is a worker only if it was born when the worker was",
        "core/jobs/control.py",
        (("not deaths.is_of(worker, process) or not is_locked", "not is_locked"),),
        "tests/faults/test_faults.py::test_a_stranger_with_the_pid_of_a_dead_worker_is_never_signalled",
    ),
    Control(
        30,
        "a torn last line of metrics is no line",
        "core/runs/metrics_file.py",
        (('    raw = raw[: raw.rfind(b"\\n") + 1]\n', ""),),
        "tests/runs/test_metrics_file.py::test_metrics_cut_at_any_byte_give_every_whole_line_and_no_duplicate_after_resume",
    ),
    Control(
        33,
        "a checkpoint goes to the device that there is",
        "core/training/checkpoint.py",
        (("torch.load(path, map_location=device, weights_only=True)", "torch.load(path, weights_only=True)"),),
        "tests/training/test_checkpoint.py::test_a_resume_point_that_a_gpu_wrote_opens_on_a_cpu",
    ),
    Control(
        38,
        "three instant failures stop the queue",
        "core/jobs/halt.py",
        (("IN_A_ROW = 3\n", "IN_A_ROW = 10**9\n"),),
        "tests/jobs/test_halt.py::test_three_instant_failures_in_a_row_stop_the_queue_in_words",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, help="rows of docs/faults.md; all that have a control if none")
    rows = parser.parse_args().rows
    controls = [control for control in CONTROLS if not rows or control.row in rows]
    if missing := set(rows) - {control.row for control in controls}:
        parser.error(f"no control for row {', '.join(map(str, sorted(missing)))}")
    with tempfile.TemporaryDirectory(prefix="facet-controls-") as folder:
        tree = Path(folder) / "tree"
        copy(tree)
        passed, words = run(tree, [control.test for control in controls])
        print(f"as it is, {len(controls)} controls: {words}", flush=True)
        if not passed:
            raise SystemExit("these tests have to pass before anything is taken out")
        unnoticed = 0
        for control in controls:
            with taken_out(tree, control):
                passed, words = run(tree, [control.test])
            verdict = "DOES NOT NOTICE" if passed else "fails, as it must"
            unnoticed += passed
            name = control.test.partition("::")[2].replace("_", " ").removeprefix("test ")
            print(f"{control.row:>3} | {control.out:<64} | {verdict} ({words}) | {name}", flush=True)
    print(f"{len(controls) - unnoticed} of {len(controls)} tests fail without what they protect")
    raise SystemExit(1 if unnoticed else 0)


def copy(tree: Path) -> None:
    """What git knows of this tree, and what is new in it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HOME,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (HOME / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HOME / name, tree / name)


@contextmanager
def taken_out(tree: Path, control: Control) -> Iterator[None]:
    """The tree without one protection."""
    path = tree / control.file
    whole = path.read_text(encoding="utf-8")
    text = whole
    for old, new in control.edits:
        if text.count(old) != 1:
            raise SystemExit(f"row {control.row}: {control.file} has {text.count(old)} times, not once: {old.strip()}")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(whole, encoding="utf-8")


def run(tree: Path, tests: list[str]) -> tuple[bool, str]:
    """Whether all tests pass, and pytest's count of them. Ends the program where a test could not be run at all."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FACET_")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}  # an edit within a second of the file before would not be seen
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", "--no-header", *tests]
    began = time.monotonic()
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LONGEST)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", done.stdout[-400:])}
    if done.returncode not in (0, 1) or not counts.keys() & {"passed", "failed"} or counts.keys() & {"error", "errors"}:
        print(f"{done.stdout[-3000:]}{done.stderr[-1000:]}")
        raise SystemExit(f"could not be run: {' '.join(tests)}")
    words = ", ".join(f"{n} {word}" for word, n in counts.items())
    for line in re.findall(r"^FAILED .*", done.stdout, re.MULTILINE) if len(tests) > 1 else []:
        print(line)
    passed = done.returncode == 0 and not counts.keys() & {"failed", "skipped"}
    return passed, f"{words}, {time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    main()
