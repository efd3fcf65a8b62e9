"""How often the lab claims a difference where there is none: `python -m bench.null`.

Trains pairs of runs that differ in nothing but their seed, really and on the demo dataset, each pair on a split of its
own, and asks the comparison of each pair. A claim is a verdict of better or worse. Beside it stands what would have
been claimed by what the verdict does not trust alone.

Small on purpose: ResNet-18 from scratch at 32 px, three classes of masks, five folds, a few epochs. Checkpoints are not
written, since nothing is resumed; everything else is the lab's own training.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

from scipy import stats

from core import machine
from core.compare import members, pairs
from core.config import RunConfig, from_dict
from core.data.scan import Scan, scan
from core.places import HOME
from core.plan.plan import make_plan
from core.runs import FoldState, metrics_file
from core.runs.create import create

GOAL = 0.10


@dataclass(frozen=True)
class Outcome:
    """What one pair of equal recipes gave. delta: F1 of the second minus the first; the rest: who claims it."""

    pair: int
    f1: float
    delta: float
    claimed: bool
    excludes: bool  # the corrected interval leaves 0 out
    plain: bool  # so does the ordinary paired t
    bootstrap: bool  # so does the bootstrap over people
    mcnemar: bool  # mid-p by photo below 0.05


def recipe(root: str, people: int, epochs: int, seed: int, folds_seed: int) -> RunConfig:
    return from_dict(
        {
            "name": f"null {folds_seed} {seed}",
            "data": {"root": root, "max_people": people},
            "task": {"name": "mask"},
            "folds": {"count": 5, "seed": folds_seed},
            "transforms": [
                {"name": "Resize", "params": {"height": 32, "width": 32}},
                {"name": "HorizontalFlip", "p": 0.5},
                {"name": "Normalize"},
            ],
            "model": {"depth": 18, "init": "scratch"},
            "phases": [{"optimizer": "adamw", "epochs": epochs, "lr_backbone": 2e-3, "lr_head": 2e-3}],
            "training": {"batch_size": 32, "device": "cpu", "seed": seed},
        }
    )


@contextlib.contextmanager
def without_checkpoints() -> Iterator[None]:
    from core.training import checkpoint

    nothing = {name: lambda *a, **k: None for name in ("save_weights", "save_last")}
    with patch.multiple(checkpoint, snapshot=lambda state: state, **nothing):
        yield


def train(config: RunConfig, scanned: Scan, folder: Path) -> str:
    """One run, fold after fold in this process. Returns its id."""
    import torch

    from core.training.train import train_fold

    torch.set_num_threads(1)
    plan = make_plan(config, scanned)
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    with without_checkpoints():
        for fold in run.folds():
            train_fold(run, fold)
            best, scores = metrics_file.fold_scores(run.metrics(fold))
            run.write_state(FoldState(fold, "done", epoch=config.epochs, best_epoch=best, scores=scores))
    return run.id


def judge(first: str, second: str, folder: Path, pair: int) -> Outcome:
    baseline, run = (members.load(run_id, folder) for run_id in (first, second))
    paired = pairs.pair(run, baseline)
    one = pairs.differences([paired])[0]
    plain = stats.ttest_rel(paired.scores, paired.base_scores).pvalue < 0.05
    return Outcome(
        pair,
        float(paired.base_scores.mean()),
        one.interval.mean,
        one.verdict in ("better", "worse"),
        one.interval.p < 0.05,
        bool(plain),
        not one.bootstrap.low <= 0 <= one.bootstrap.high,
        one.photos.mid_p < 0.05,
    )


def one_pair(pair: int, root: str, people: int, epochs: int, folder: Path) -> Outcome:
    scanned = scan(recipe(root, people, epochs, 0, 0).data, threads=1)
    ids = [train(recipe(root, people, epochs, 2 * pair + k, pair), scanned, folder) for k in (0, 1)]
    return judge(ids[0], ids[1], folder, pair)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--processes", type=int, default=machine.cores())
    parser.add_argument("--demo", default=str(HOME / "demo"), help="the demo dataset, as python -m core demo draws it")
    options = parser.parse_args()
    started = time.perf_counter()
    outcomes: list[Outcome] = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool,
    ):
        settings = (options.demo, options.people, options.epochs, Path(name))
        for done in as_completed([pool.submit(one_pair, n, *settings) for n in range(options.pairs)]):
            outcomes.append(done.result())
            one, spent = outcomes[-1], time.perf_counter() - started
            print(
                f"pair {one.pair:>2}: F1 {one.f1:.3f}, second run {100 * one.delta:+5.1f} points, "
                f"{'CLAIMED' if one.claimed else 'not claimed'} ({len(outcomes)} of {options.pairs}, {spent:.0f} s)",
                flush=True,
            )
    print(f"\n{f'of {len(outcomes)} pairs of equal recipes':<44}{'claimed':>10}{'goal':>10}")
    for label, key, goal in (
        ("the verdict: better or worse", "claimed", f"<= {GOAL:.0%}"),
        ("corrected interval without 0", "excludes", ""),
        ("ordinary paired t below 0.05", "plain", ""),
        ("bootstrap over people without 0", "bootstrap", ""),
        ("McNemar by photo below 0.05", "mcnemar", ""),
    ):
        share = sum(getattr(one, key) for one in outcomes) / len(outcomes)
        print(f"{label:<44}{share:>10.0%}{goal:>10}")
    print(f"took {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
