"""What the Compare page computes, kept until a file of one of its runs changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.answers import frozen_features
from core.compare import contrast, verdict
from core.compare import earned as earnings
from core.compare import pairs as of_pairs
from core.compare.cost import RunCost, cost_of
from core.compare.earned import Earned
from core.compare.members import ComparedRun, version_of
from core.compare.pairs import Pair
from core.storage.remembered import MOST_BYTES, Remembered, bytes_of
from pages.parts.compare.pick import Question
from pages.parts.run import view


def _bytes_of(several: tuple[Pair, ...]) -> int:
    return sum(bytes_of(each.table) for each in several if each.table is not None)


_PAIRS = Remembered[tuple[Pair, ...]](MOST_BYTES, _bytes_of)
_SMALL = Remembered[Any](64)  # figures and small tables


def _key(members: Sequence[ComparedRun], which: str) -> tuple:
    """Runs as the key of what is remembered: equal when nothing on disk that was read has changed."""
    return tuple(version_of(member, which) for member in members)


def costs(members: Sequence[ComparedRun]) -> dict[str, RunCost]:
    """What each run cost; the first look at a network counts its multiply-adds, which takes seconds."""
    versions = tuple(view.metrics_version(m.run, [s.fold for s in m.states]) for m in members)
    with st.spinner("Counting multiply-adds; once for each network"):
        return _SMALL.of(
            ("costs", _key(members, "best"), versions),
            lambda: {m.id: cost_of(m, view.metrics_of(each)) for m, each in zip(members, versions, strict=True)},
        )


def pairs(baseline: ComparedRun, runs: Sequence[ComparedRun], question: Question) -> tuple[Pair, ...]:
    return pairs_of(baseline, runs, question.metric, question.which)


def pairs_of(baseline: ComparedRun, runs: Sequence[ComparedRun], metric: str, which: str) -> tuple[Pair, ...]:
    key = _key([baseline, *runs], which), metric, which
    return _PAIRS.of(key, lambda: tuple(of_pairs.pair(run, baseline, metric=metric, which=which) for run in runs))


def other_losses(members: Sequence[ComparedRun]) -> str:
    return _SMALL.of(("losses", _key(members, "best")), lambda: of_pairs.other_losses(members))


def no_rivals(members: Sequence[ComparedRun], question: Question) -> dict[str, str]:
    """Run id -> why its mean is not ranked with the others'."""
    metric, which = question.metric, question.which
    key = "no rivals", _key(members, which), metric, which
    return _SMALL.of(key, lambda: verdict.no_rivals(members, metric, which))


def earned(members: Sequence[ComparedRun], metric: str, which: str, within: float) -> tuple[list[Earned], list[str]]:
    """What training earned in each run that has a baseline, and what is wrong with others. Do not modify it."""
    kept = [member for member in members if frozen_features.load(member.run) is not None]
    made = tuple(member.run.frozen_features_file.stat().st_mtime_ns for member in kept)
    return _SMALL.of(
        ("earned", _key(kept, which), made, metric, which, within),
        lambda: earnings.of_runs(kept, metric=metric, which=which, within=within),
    )


def classes(members: Sequence[ComparedRun], which: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(F1 of each class, accuracy of each attribute), a row a run. Raises LabError where predictions are gone."""
    return _SMALL.of(
        ("classes", _key(members, which), which),
        lambda: (contrast.class_scores(members, which), contrast.attribute_accuracy(members, which)),
    )
