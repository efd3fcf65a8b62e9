"""Where the launch form's settings come from: a recipe, another run, a file; and what was changed since."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import os
import re
from pathlib import Path
from typing import Any

import streamlit as st

from core.config import RunConfig, from_yaml, recipes, to_yaml
from core.config.parts import CHOOSE
from core.config.run_config import with_value
from core.errors import LabError
from core.runs import Run
from core.runs.everybody.unmeasured import cross_validated
from core.runs.lists.index import archived_last, summaries
from core.studies import grid
from core.studies.grid import StudyConfig
from pages.parts.dataset import picker
from pages.parts.form import draft
from pages.parts.form.changes import changes, reset, whole
from pages.parts.form.settings import follow
from pages.parts.launch import ids, study_draft, study_form
from pages.parts.launch.draft import began_with, comes_by_itself, follow_undo, put_with, replacing, restore
from pages.parts.noticed import noticed as handles
from pages.parts.shared import badges

DATA = "launch-data"  # prefix of the dataset's controls
AGAIN = "launch_again"  # in the session: the run whose settings were just taken, until somebody says what of it
IMPORT_PROBLEM = "launch_import_problem"  # in the session: what the last file that was dropped ran into
_CAME = "launch_came"  # what the address asked for last
_OF_RECIPE = "launch_lists_of_recipe"  # in the session: what Augmentation brought last, where it is a recipe's as it is
ORIGINS = {"imagenet": "ImageNet", "scratch": "from scratch", "run": "from a run"}


def prefill() -> None:
    """Take what the address asks for; else go on with the session's draft, or with that of before a reload; else begin
    with the recipe 'quick'.

    An address that names the session's own form, or one that it launched from, asks for nothing: a browser sends its
    address along with each click, a quick second click brings the one from before the first, and Back an old one.
    """
    follow_undo()
    named = next(((kind, st.query_params[kind]) for kind in ("from", "recipe") if kind in st.query_params), None)
    arriving = f"{DATA}.source" not in st.session_state  # a page's controls leave the session with the page
    fresh = draft.DRAFT not in st.session_state
    study_draft.follow_address(ids.token_in_address(), arriving)
    if fresh and restore(named, DATA):
        _take_changes(named)
        return
    token = ids.token_in_address()
    of_this_form = not fresh and ids.is_of_session(token)
    before = (st.session_state.get("launch_source"), st.session_state.get(_CAME))
    if named is not None and not of_this_form and (arriving or named not in before):
        kind, name = named
        try:
            (take_run if kind == "from" else take_recipe)(name)
            st.session_state[_CAME] = named
            return
        except LabError as error:
            st.session_state["launch_error"] = error
            del st.query_params[kind]
    if not fresh:
        kind, name = st.session_state["launch_source"]
        if arriving:
            picker.show_choice(draft.draft()["data"], DATA)
        if kind != "file" and st.query_params.get(kind) != name:
            st.query_params.pop("recipe" if kind == "from" else "from", None)
            st.query_params[kind] = name
        return
    take_recipe(first_recipe())


def first_recipe() -> str:
    """What the form begins with where nothing is asked for."""
    return "quick" if "quick" in recipes.all_recipes() else next(iter(recipes.all_recipes()))


def take_recipe(name: str) -> None:
    """The recipe's settings, on the dataset that is chosen already."""
    all_recipes = recipes.all_recipes()
    if name not in all_recipes:
        raise recipes.not_known(name, f"Choose one of {', '.join(all_recipes)}.")
    begin(all_recipes[name], ("recipe", name))


def take_run(run_id: str) -> None:
    """Another run's settings and its dataset."""
    with replacing():
        begin(Run(run_id).config(), ("from", run_id))
        changed = _take_changes(("from", run_id))
    if "study" in st.query_params:  # what is added to a study is another run of it
        return
    study_draft.one_run()
    if not changed:
        st.session_state[AGAIN] = run_id


def _take_changes(named: tuple[str, str] | None) -> bool:
    """Whether a run's page wants something otherwise than the run had it, which is then so, if it is that run which the
    form begins from."""
    changes_of = st.session_state.pop(handles.SETTINGS, None)
    if changes_of is None or named != ("from", changes_of[0]):
        return False
    for path, value in changes_of[1].items():
        draft.assign(path, value)
        comes_by_itself(path)
    return True


def begin(config: RunConfig, source: tuple[str, str]) -> None:
    """Put settings on the form as a whole."""
    data = config.model_dump(mode="json")
    if data["folds"]["everybody"]:  # trained from the page of the run whose people they are
        data["folds"]["everybody"] = None
        st.toast("These settings are of a training on everybody; here they are cross-validated.")
    if not data["data"]["root"]:
        before = st.session_state.get(draft.DRAFT)
        brought = st.session_state.pop("launch_data", None)
        data["data"] = before["data"] if before else brought or picker.start_choice()
    if brought_classes := st.session_state.pop("launch_classes", None):
        draft.put_classes(data, *brought_classes)
    with replacing():
        draft.replace_draft(data)
        if config.model.parent == CHOOSE and (parent := parent_for(data["data"]["root"])):
            data["model"]["init"] = f"run:{parent}"
            follow(parent)
    picker.show_choice(data["data"], DATA)
    st.session_state["launch_source"] = source
    st.session_state["launch_base"] = json.loads(json.dumps(data))
    for kind in ("from", "recipe"):
        st.query_params.pop(kind, None)
    if source[0] in ("from", "recipe"):
        st.query_params[source[0]] = source[1]


def parent_for(root: str) -> str | None:
    """The newest finished gender-age run on a dataset, one of the archive where there is no other: what the study's
    second stage starts from."""
    resolved = Path(os.path.realpath(os.path.expanduser(root)))
    for summary in archived_last(cross_validated(summaries())):
        if summary.get("state") == "done" and summary["task"] == "gender-age":
            run = Run(summary["id"])
            with contextlib.suppress(LabError):  # its settings cannot be read now: asked for anew the next time
                if _root_of(run.key, _written(run.config_file), _written(run.moved_file)) == resolved:
                    return summary["id"]
    return None


def _written(path: Path) -> int:
    """When, in nanoseconds; 0 for a file that is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=4096)
def _root_of(key: str, *versions: int) -> Path:
    """The dataset of a run. versions: of the files that say so. Raises LabError."""
    return Path(Run(key).config().data.root)


def take_study(study: StudyConfig) -> None:
    """A study file: its recipe with the settings that all runs share, on the dataset that is chosen, and its grid."""
    all_recipes = recipes.all_recipes()  # a file that somebody sent names no other file of this machine
    for name in (study.recipe, *study.grid.get("recipe", [])):
        if name not in all_recipes:
            remedy = f"Use one of {', '.join(all_recipes)}; import a recipe of your own first."
            error = recipes.not_known(str(name), remedy)
            raise LabError(f"study '{study.name}': {error.message}", error.remedy, error.kind)
    base = all_recipes[study.recipe]
    dataset = st.session_state[draft.DRAFT]["data"]
    grid.expand(study.model_copy(update={"grid": {key: values[:1] for key, values in study.grid.items()}}))
    settings = base.model_dump(mode="json") | {"data": dataset}
    for key, value in study.set.items():
        settings = with_value(settings, key, value, f"study '{study.name}': ")
    with replacing(with_study=True):
        begin(base, ("recipe", study.recipe))
        draft.replace_draft(settings)
        study_draft.take(study)
    picker.show_choice(settings["data"], DATA)


def take_pipeline(settings: dict, recipe: str, *, goes_on: bool) -> None:
    """Bring transforms and mixing from Augmentation; the form's other settings stay, or begin as there.

    goes_on: they go on from those of the form, which then are nothing that is lost; nor are those of a recipe that
    Augmentation brought before.
    """
    if draft.DRAFT not in st.session_state:
        named = recipes.all_recipes()
        start = recipe if recipe in named else first_recipe()  # its file was removed since Augmentation began with it
        base = named[start].model_dump(mode="json") | {"data": settings["data"]}
        st.session_state[draft.DRAFT] = json.loads(json.dumps(base))
        st.session_state["launch_source"], st.session_state["launch_base"] = ("recipe", start), base
    brought = json.loads(json.dumps(lists_of(settings)))
    is_lost = not goes_on and lists_of(draft.draft()) != st.session_state.get(_OF_RECIPE)
    with replacing(whole=False, since=None if is_lost else put_with(*brought)):
        draft.replace_draft(draft.draft() | brought)
    theirs = recipes.all_recipes().get(recipe)
    is_own = theirs is None or lists_of(theirs.model_dump(mode="json")) != brought
    if brought != st.session_state.get(_OF_RECIPE):
        st.session_state[_OF_RECIPE] = None if is_own else copy.deepcopy(brought)  # Launch's fields write in place
    draft.edited("transforms")
    draft.edited("mix")


def lists_of(settings: dict) -> dict:
    """What Augmentation has of a form."""
    return {"transforms": settings["transforms"], "mix": settings["mix"]}


def pick_recipe(name: str) -> None:
    """A recipe was clicked: its settings, and its name in the address; or why not, where its file was removed or broken
    since it was drawn."""
    draft.edited("")
    try:
        take_recipe(name)
    except LabError as error:
        st.session_state["launch_error"] = error


def import_settings(key: str) -> None:
    upload = st.session_state[key]
    if upload is None:
        return
    draft.edited("")
    st.session_state["launch_imports"] = st.session_state.get("launch_imports", 0) + 1  # an empty box for the next
    try:
        text = upload.getvalue().decode("utf-8")
        if study_draft.is_study(text):
            take_study(grid.from_yaml(text, upload.name))
        else:
            begin(from_yaml(text, upload.name), ("file", upload.name))
    except UnicodeDecodeError:
        st.session_state[IMPORT_PROBLEM] = LabError(
            f"{upload.name}: is not text in UTF-8.", "Export it again.", "config"
        )
    except LabError as error:
        st.session_state[IMPORT_PROBLEM] = error


def origin_section(config: RunConfig | None) -> None:
    """Where the settings come from and what was changed since, each with its way back; files in and out."""
    base = st.session_state["launch_base"]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(began_with(st.session_state["launch_source"], base), width="content")
        with st.popover("Import or export", icon=":material/swap_vert:"):
            key = f"import{st.session_state.get('launch_imports', 0)}"
            st.file_uploader(
                "Import settings or a study (YAML)",
                type=["yaml", "yml"],
                key=key,
                max_upload_size=5,
                on_change=import_settings,
                args=(key,),
            )
            with st.container():  # here, where the file was dropped: the page's title may be out of sight
                if problem := st.session_state.pop(IMPORT_PROBLEM, None):
                    badges.show_error(problem)
            st.download_button(
                "Export these settings (YAML)",
                to_yaml(config) if config else "",
                f"{re.sub(r'[^A-Za-z0-9_-]+', '-', config.name) if config else 'run'}.yaml",
                "application/yaml",
                icon=":material/download:",
                on_click="ignore",
                disabled=config is None,
                help=None if config else "Correct the settings first.",
            )
            if study_draft.is_on():
                study_form.export(draft.draft(), config)
    changes(base, config.model_dump(mode="json") if config else draft.draft(), reset_all)


def reset_all(paths: list[str], base: dict[str, Any]) -> None:
    with replacing(whole=False, since=base):  # also of what was launched, or proposed: it is what somebody sees go
        for path in paths:
            reset(path, base)
    comes_by_itself(*{whole(path) if path.startswith("task.") else path.partition(".")[0] for path in paths})
