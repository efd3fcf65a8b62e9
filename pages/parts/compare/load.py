"""What the Compare page computes, kept until a file of one of its runs changes."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.answers import frozen_features
from core.compare import contrast
from core.compare import earned as earnings
from core.compare.cost import RunCost, cost_of
from core.compare.earned import Earned
from core.compare.members import ComparedRun, version_of
from core.compare.pairs import Pair, pair
from pages.parts.compare.pick import Question
from pages.parts.run import view


class _RunsKey:
    """Runs as the key of a cache: equal when nothing on disk that was read has changed."""

    def __init__(self, members: Sequence[ComparedRun], which: str):
        self.members = tuple(members)
        self.key = tuple(version_of(member, which) for member in members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _RunsKey) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def costs(members: Sequence[ComparedRun]) -> dict[str, RunCost]:
    """What each run cost; the first look at a network counts its multiply-adds, which takes seconds."""
    versions = tuple(view.metrics_version(m.run, [s.fold for s in m.states]) for m in members)
    with st.spinner("Counting multiply-adds; once for each network"):
        return _costs(_RunsKey(members, "best"), versions)


@functools.lru_cache(maxsize=32)
def _costs(key: _RunsKey, versions: tuple) -> dict[str, RunCost]:
    return {m.id: cost_of(m, view.metrics_of(version)) for m, version in zip(key.members, versions, strict=True)}


def pairs(baseline: ComparedRun, runs: Sequence[ComparedRun], question: Question) -> tuple[Pair, ...]:
    return pairs_of(baseline, runs, question.metric, question.which)


def pairs_of(baseline: ComparedRun, runs: Sequence[ComparedRun], metric: str, which: str) -> tuple[Pair, ...]:
    return _pairs(_RunsKey([baseline, *runs], which), metric, which)


@functools.lru_cache(maxsize=6)
def _pairs(key: _RunsKey, metric: str, which: str) -> tuple[Pair, ...]:
    baseline, *runs = key.members
    return tuple(pair(run, baseline, metric=metric, which=which) for run in runs)


def earned(members: Sequence[ComparedRun], metric: str, which: str, within: float) -> tuple[list[Earned], list[str]]:
    """What training earned in each run that has a baseline, and what is wrong with others. Do not modify it."""
    kept = [member for member in members if frozen_features.load(member.run) is not None]
    made = tuple(member.run.frozen_features_file.stat().st_mtime_ns for member in kept)
    return _earned(_RunsKey(kept, which), made, metric, which, within)


@functools.lru_cache(maxsize=16)
def _earned(
    key: _RunsKey, made: tuple[int, ...], metric: str, which: str, within: float
) -> tuple[list[Earned], list[str]]:
    return earnings.of_runs(key.members, metric=metric, which=which, within=within)


def classes(members: Sequence[ComparedRun], which: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(F1 of each class, accuracy of each attribute), a row a run. Raises LabError where predictions are gone."""
    return _classes(_RunsKey(members, which), which)


@functools.lru_cache(maxsize=16)
def _classes(key: _RunsKey, which: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    return contrast.class_scores(key.members, which), contrast.attribute_accuracy(key.members, which)
