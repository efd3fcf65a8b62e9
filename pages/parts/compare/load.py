"""What the Compare page computes, kept until a file of one of its runs changes."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.compare import contrast, cost, members
from core.compare import pairs as compare
from core.compare.cost import Cost
from core.compare.members import Member
from core.compare.pairs import Pair
from pages.parts.compare.pick import Wanted
from pages.parts.run import view


class _Asked:
    """Members as the key of a cache: equal when nothing on disk that was read has changed."""

    def __init__(self, found: Sequence[Member], which: str):
        self.found = tuple(found)
        self.key = tuple(members.version_of(member, which) for member in found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def costs(found: Sequence[Member]) -> dict[str, Cost]:
    """What each run cost; the first look at a network counts its multiply-adds, which takes seconds."""
    versions = tuple(view.metrics_version(m.run, [s.fold for s in m.states]) for m in found)
    with st.spinner("Counting multiply-adds; once for each network"):
        return _costs(_Asked(found, "best"), versions)


@functools.lru_cache(maxsize=32)
def _costs(asked: _Asked, versions: tuple) -> dict[str, Cost]:
    return {m.id: cost.cost_of(m, view.metrics_of(v)) for m, v in zip(asked.found, versions, strict=True)}


def pairs(baseline: Member, others: Sequence[Member], wanted: Wanted) -> tuple[Pair, ...]:
    return _pairs(_Asked([baseline, *others], wanted.which), wanted.metric, wanted.which)


@functools.lru_cache(maxsize=6)
def _pairs(asked: _Asked, metric: str, which: str) -> tuple[Pair, ...]:
    baseline, *others = asked.found
    return tuple(compare.pair(other, baseline, metric=metric, which=which) for other in others)


def classes(found: Sequence[Member], which: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(F1 of each class, accuracy of each attribute), a row a run. Raises LabError where predictions are gone."""
    return _classes(_Asked(found, which), which)


@functools.lru_cache(maxsize=16)
def _classes(asked: _Asked, which: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    return contrast.class_scores(asked.found, which), contrast.attribute_accuracy(asked.found, which)
