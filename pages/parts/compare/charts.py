"""The figures of the Compare page: curves, deltas, score against cost, classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from core.answers.attribute_scores import without_score
from core.compare.cost import RunCost
from core.compare.members import METRICS, ComparedRun
from core.compare.pairs import Difference
from core.data import persons
from core.errors import LabError, in_sentences
from core.figures import comparison, comparison_curves
from core.figures.style import AXIS_TITLES
from core.runs import metrics_file
from core.stats import paired
from core.stats.metrics import mean_and_deviation
from core.text import plain
from pages.parts.compare import load, pick, tables
from pages.parts.compare.pick import Question
from pages.parts.run import curves, view
from pages.parts.shared import badges

COSTS = {
    "multiply_adds": "multiply-adds of one photo (G)",
    "parameters": "parameters (M)",
    "epoch": "seconds of one epoch of one fold",
    "training": "all folds together (h)",
    "memory": "memory while training (MB)",
    "weights": "weights of one fold (MB)",
}


@lru_cache(maxsize=24)
def curve_payload(versions: tuple, looks: tuple, x: str, show: str, smooth: float, folds: bool) -> bytes:
    """The three figures; drawn anew only when a metrics file or what is asked changes.

    versions: view.metrics_version of each run. looks: (id, name, colour, images of an epoch by fold) of each.
    """
    lines = [
        comparison_curves.RunHistory(run, name, colour, view.metrics_of(version), dict(images))
        for version, (run, name, colour, images) in zip(versions, looks, strict=True)
    ]
    style = {"x": x, "show": show, "smooth": smooth, "folds": folds}
    titles = {"loss": "Loss", "accuracy": "Accuracy", "f1": "Macro F1"}
    panels = [(title, comparison_curves.run_curves(lines, metric, **style)) for metric, title in titles.items()]
    legend = [
        {"key": run, "label": name, "dash": False, "width": 4, "colour": colour} for run, name, colour, _ in looks
    ]
    if show == "both":
        legend += [
            {"key": "train", "label": "training", "dash": True, "width": 2},
            {"key": "validation", "label": "validation", "dash": False, "width": 2},
        ]
    return curves.payload(panels, legend)


def draw_curves(
    members: Sequence[ComparedRun], names: dict[str, str], colours: dict[str, str], question: Question
) -> None:
    pick.curve_controls(question)
    versions, looks = [], []
    for member in members:
        versions.append(view.metrics_version(member.run, [state.fold for state in member.states]))
        held = member.samples["fold"].value_counts()
        images = tuple(sorted((int(fold), int(len(member.samples) - photos)) for fold, photos in held.items()))
        looks.append((member.id, names[member.id], colours[member.id], images))
    if not any(versions):
        st.caption("Curves appear after the first epoch.")
        return
    data = curve_payload(tuple(versions), tuple(looks), question.x, question.show, question.smooth, question.folds)
    curves.draw(data, key="compare-curves")
    older = [
        plain(names[member.id])
        for member, version in zip(members, versions, strict=True)
        if metrics_file.tells_objective(view.metrics_of(version), member.config.training)
    ]
    if older:
        st.caption(comparison_curves.loss_words(older))
    notes = ["Bold: mean over the folds that have the epoch; band: mean ± deviation."]
    if question.show == "gap":
        notes.append(
            "Gap: training minus validation (loss: validation minus training); above 0 it knows the training photos "
            "better."
        )
    if question.smooth:
        notes.append(
            f"Smoothed: each point keeps {question.smooth:.0%} of the past; the band is as wide as the folds really "
            "are."
        )
    if question.x == "time":
        notes.append("Time: training and validation of one fold, mean over folds.")
    st.caption(" ".join(notes))


def draw_differences(differences: list[Difference], colours: dict[str, str], within: float) -> None:
    if not any(d.interval for d in differences):
        st.caption("Nothing can be paired: there is no shared finished fold.")
        return
    curves.draw(
        curves.payload([("Deltas per fold", comparison.deltas(differences, colours, within=within))]),
        key="compare-deltas",
    )
    who = persons.noun(persons.together(d.persons for d in differences))
    st.caption(
        f"Dots: folds. Diamond: mean with the corrected 95% interval. Small diamond: F1 of all photos, with {who} "
        f"drawn anew. Grey: counts as the same, ± {paired.points(within)}."
    )


def draw_cost(members: Sequence[ComparedRun], costs: dict[str, RunCost], names, colours, question: Question) -> None:
    choice = st.query_params.get("cost", "")
    key = choice if choice in COSTS else "multiply_adds"
    points, apart = [], load.no_rivals(members, question)
    for member in members:
        mean, deviation, _ = mean_and_deviation(list(member.scores(question.metric, question.which).values()))
        price = price_of(costs[member.id], key)
        name, why = names[member.id], apart.get(member.id, "")
        points.append(comparison.CostPoint(member.id, name, colours[member.id], price, mean, deviation, why))
    figure = comparison.score_against_cost(points, x_title=COSTS[key], y_title=AXIS_TITLES[question.metric])
    curves.draw(curves.payload([(f"{METRICS[question.metric]} against cost", figure)]), key="compare-cost")
    st.caption(plain(f"{comparison.front_words(points)} Bars: deviation over folds."))
    pick.select("Cost", COSTS, key, "cost", width=300)


def price_of(cost: RunCost, key: str) -> float:
    return {
        "multiply_adds": cost.size.multiply_adds / 1e9,
        "parameters": cost.size.parameters / 1e6,
        "epoch": cost.epoch_seconds,
        "training": cost.seconds / 3600,
        "memory": cost.memory_bytes / 1e6,
        "weights": cost.checkpoint_bytes / 1e6,
    }[key]


def draw_classes(members: Sequence[ComparedRun], names: dict[str, str], colours: dict[str, str], which: str) -> None:
    try:
        scores, attributes = load.classes(members, which)
    except LabError as error:
        badges.show_error(error)
        return
    if scores.isna().all(axis=None):
        st.caption("Scores of each class appear when a fold is finished.")
        return
    figure = comparison.class_heat(scores, names)
    what = "attribute" if members[0].one_by_one else "class"
    title = f"F1 of each {what}, all finished folds together"
    curves.draw(curves.payload([(title, figure)]), key="compare-classes")
    if len(attributes.columns):
        st.html(tables.attributes_table(attributes, names, colours))
        words = "Accuracy of each attribute: a value has the summed probability of the classes with it."
        left_out = without_score([member.config.task for member in members], attributes.columns)
        st.caption(plain(in_sentences(words, left_out)))
