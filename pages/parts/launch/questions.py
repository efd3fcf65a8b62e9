"""The questions of a launch after the dataset's: what somebody wants and how long it may take; then a proposed recipe.

What is proposed is put on the form by a click, never by itself.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import machine, places
from core.config import RunConfig, recipes
from core.config.parts import CHOOSE
from core.data.scan import Scan
from core.errors import LabError
from core.jobs import elsewhere, gpus, queue, speed
from core.network.weights import IMAGENET, imagenet_file
from core.plan.plan import Plan
from core.studies import grid, proposal
from core.studies.proposal import Machine, Photos, Proposal
from core.text import estimate, number_of, plain
from pages.parts.form import downloads, draft
from pages.parts.launch import source, study_draft
from pages.parts.launch.draft import replacing
from pages.parts.shared.fields import field

GOALS = {"quick": "A first answer", "best": "The best result", "study": "A comparison"}
GOAL_MEANS = {
    "quick": "One run that says in minutes how well these classes can be told apart.",
    "best": "One run, as large as the machine and the time allow.",
    "study": "Several runs on the same folds, so that what differs between them is what you wanted to know.",
}
TIMES = {"15": "15 min", "60": "1 h", "480": "A night", "any": "Any"}


def goal_and_time() -> None:
    """Both answers in one row; a comparison turns the form into that of a study."""

    def take(goal: str) -> None:
        study_draft.state()["on"] = goal == "study"
        if goal != "study":
            study_draft.asked()["goal"] = goal
        draft.edited("study")

    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        field(
            st.segmented_control,
            "What you want",
            list(GOALS),
            key="launch-as",
            holds="study" if study_draft.is_on() else study_draft.asked()["goal"],
            take=take,
            format_func=GOALS.get,
            required=True,
        )
        field(
            st.segmented_control,
            "Time you have",
            list(TIMES),
            key="launch-minutes",
            holds=str(study_draft.asked()["minutes"] or "any"),
            take=lambda minutes: study_draft.asked().update(minutes=int(minutes) if minutes.isdecimal() else None),
            format_func=TIMES.get,
            required=True,
        )
    if study_draft.is_on():
        st.query_params[study_draft.ADDRESS] = "study"
    else:
        st.query_params.pop(study_draft.ADDRESS, None)


# The proposal


def proposed(scan: Scan | None, plan: Plan | None, photos: int | None, as_study: bool) -> None:
    """What is proposed, why, and the click that takes it. photos: that the task uses."""
    with st.container(key="launch-proposal", border=True, gap="xsmall"):
        if scan is None:
            st.caption("Choose a dataset, and a recipe is proposed for it.")
            return
        offer = _propose(scan, plan, photos or len(scan.samples), as_study)
        is_taken = _is_on_the_form(offer)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f":material/lightbulb: Proposed: **{plain(_in_words(offer))}**", width="content")
            with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
                if offer.weights is not None:
                    downloads.button(offer.weights, "proposal-download")
                st.button(
                    "On the form" if is_taken else "Take it",
                    key="take-proposal",
                    icon=":material/check:" if is_taken else ":material/north_east:",
                    type="tertiary" if is_taken else "secondary",
                    disabled=is_taken,
                    on_click=take,
                    args=(offer,),
                )
        st.caption(plain(" ".join(offer.reasons)))


def _in_words(offer: Proposal) -> str:
    config = RunConfig.model_validate(offer.settings)
    size = f"{config.input_size[1]} px, {number_of(config.epochs, 'epoch')}, {number_of(config.folds.count, 'fold')}"
    return f"{recipes.title(offer.recipe)} at {size}"


def _propose(scan: Scan, plan: Plan | None, number: int, as_study: bool) -> Proposal:
    """Worked out from what is on disk now; the photos' sizes are looked at once a dataset."""
    samples = plan.samples if plan is not None else scan.samples
    rarest, noun = 10**6, "photos"
    if plan is not None:
        each = "person" if plan.persons.are_known else "sample"
        noun = "people" if plan.persons.are_known else "photos"
        counts = plan.samples.groupby("class_name")[each].nunique()
        rarest = int(counts.min()) if not plan.config.task.one_by_one else 10**6
    photos = Photos(number, samples["width"].to_numpy(float), samples["height"].to_numpy(float), rarest, noun)
    root = places.runs_folder()
    here = Machine(
        gpu=next(iter(gpus.names(root)), ""),
        cores=machine.cores(),
        seconds_of=lambda config: clock(config, number).seconds,
        has_weights=lambda depth: imagenet_file(depth).is_file(),
        is_elsewhere=elsewhere.cluster(root) is not None,
    )
    runs = max(1, grid.size(study)) if as_study and (study := _study()) is not None else 1
    goal = "study" if as_study else study_draft.asked()["goal"]
    return proposal.propose(goal, study_draft.asked()["minutes"], photos, here, recipes.all_recipes(), runs)


def _study() -> Any:
    return study_draft.build(draft.draft())[0]


def take(offer: Proposal) -> None:
    """The callback: put it on the form, or say why not, where the recipe's file was removed since it was drawn."""
    draft.edited("")
    try:
        with replacing():
            _put_on_form(offer)
    except LabError as error:
        st.session_state["launch_error"] = error


def _put_on_form(offer: Proposal) -> None:
    """The recipe's learning, as fitted to photos and time; dataset, task and names stay. Raises LabError."""
    before, base = draft.draft(), st.session_state["launch_base"]
    source.take_recipe(offer.recipe)
    now, new_base = draft.draft(), st.session_state["launch_base"]
    for part in ("transforms", "model", "phases", "training", "mix"):
        now[part] = copy.deepcopy(offer.settings[part])
    now["task"], new_base["task"] = before["task"], base["task"]
    now["folds"] = {**before["folds"], "count": offer.settings["folds"]["count"]}
    if before["name"] != base["name"]:
        now["name"], now["description"] = before["name"], before["description"]
    draft.replace_draft(now)


def _is_on_the_form(offer: Proposal) -> bool:
    now, kind_and_name = draft.draft(), st.session_state["launch_source"]
    parts = ("transforms", "model", "phases", "training", "mix")
    same = all(_plain(now[part]) == _plain(offer.settings[part]) for part in parts)
    return (
        same and kind_and_name == ("recipe", offer.recipe) and now["folds"]["count"] == offer.settings["folds"]["count"]
    )


def _plain(part: Any) -> str:
    return json.dumps(part, sort_keys=True)


# The recipes


@dataclass(frozen=True)
class Clock:
    """How long all folds of a recipe take. seconds: None where nothing like it was measured, and on a cluster. rough:
    reckoned from another network's speed."""

    seconds: float | None
    rough: bool

    @property
    def words(self) -> str:
        """ "about 9 h here"; empty where nobody knows."""
        if self.seconds is None:
            return ""
        return f"{'roughly' if self.rough else 'about'} {estimate(self.seconds)} here"


def clock(config: RunConfig, photos: int) -> Clock:
    if elsewhere.cluster(root := places.runs_folder()) is not None:  # it is this machine that was measured
        return Clock(None, False)
    slots = queue.slot_count(root)
    rate = speed.known(config)
    used = rate if rate is not None else speed.reckoned(config)
    return Clock(speed.estimate_of(config, photos, used, slots) if used else None, rate is None)


def cards(photos: int | None) -> None:
    """A small card a recipe: whether it runs now, what it needs, how long it takes here. photos: of the dataset."""
    chosen_source = st.session_state["launch_source"]
    with st.container(key="launch-recipes"):
        for index, (name, recipe) in enumerate(recipes.all_recipes().items()):
            chosen = chosen_source == ("recipe", name)
            with st.container(border=True, gap="xsmall", key=f"recipe-{'chosen' if chosen else index}"):
                with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                    st.markdown(f"**{plain(recipes.title(name))}**", width="content")
                    st.button(
                        "Chosen" if chosen else "Use",
                        key=f"use-{name}",
                        icon=":material/check_circle:" if chosen else None,
                        type="tertiary",
                        help="Go back to this recipe's settings." if chosen else plain(recipe.description),
                        on_click=source.pick_recipe,
                        args=(name,),
                    )
                width = recipe.input_size[1]
                init = source.ORIGINS.get(recipe.model.init.partition(":")[0], "a weights file")
                line = f"ResNet-{recipe.model.depth} · {init} · {width} px · {number_of(recipe.epochs, 'epoch')}"
                st.caption(plain(line))
                _needs(name, recipe, photos)


def _needs(name: str, recipe: RunConfig, photos: int | None) -> None:
    """Whether it runs now; else what it lacks, with the button that gets it."""
    words = plain(clock(recipe, photos).words) if photos else ""
    if recipe.model.parent == CHOOSE and source.parent_for(draft.draft()["data"]["root"]) is None:
        st.markdown(":small[:gray[:material/hourglass_empty: needs a finished gender-age run]]")
        return
    if recipe.model.init == "imagenet" and not imagenet_file(recipe.model.depth).is_file():
        st.markdown(
            f":small[:orange[:material/cloud_download: needs {IMAGENET[recipe.model.depth][1]:d} MB of weights]]"
        )
        if words:
            st.markdown(f":small[:gray[then {words}]]")
        downloads.button(recipe.model.depth, f"download-{name}")
        return
    st.markdown(f":small[:green[:material/play_circle: runs now]{f', {words}' if words else ''}]")
