"""Launch: a dataset, a recipe, its settings, what the network sees, what will run, go."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import secrets
import time
from datetime import datetime
from pathlib import Path

import streamlit as st

from core import config as configs
from core import corrections, jobs, runs, speed
from core.config import RunConfig
from core.data import Scan
from core.errors import LabError
from core.folds import audit, fold_table
from core.plan import Plan, make_plan
from core.preview import crop_effects, pick
from core.text import count, duration, plain, rate
from core.weights import check_weights
from pages.parts import dataset, faces, form, groups, states

LIVE = Path(__file__).with_name("live.py")
DATA = "launch-data"  # prefix of the dataset's controls
FACES = 2  # of each class
CLASSES_SHOWN = 18
# kind of a LabError -> the field that can change it
BESIDE = {"folds": "folds.count", "task": "task.name", "transfer": "model.init", "head": "model.head"}
GROUPS = {
    "task": ("Task and folds", ("task", "folds")),
    "model": ("Model and weights", ("model",)),
    "phases": ("Phases", ("phases",)),
    "training": ("Training", ("training", "mix")),
    "transforms": ("Transforms", ("transforms",)),
}
MEASURE_AT_ONCE = 1.5 * 18 * 224 * 224 * 128  # layers x pixels x images of a step that a processor does in seconds
CSS = "<style>.st-key-recipe-chosen { border-color: #2f95b8 !important; }</style>"
MEASURE_PATIENCE = 120  # seconds after which a measurement is taken to have failed


# Where the draft comes from


def prefill() -> None:
    """Take what the address asks for; else go on with the session's draft; else begin with the recipe 'quick'."""
    wanted = [(k, st.query_params[k]) for k in ("from", "recipe") if k in st.query_params]
    arriving = f"{DATA}.source" not in st.session_state  # a page's controls leave the session with the page
    if wanted and (arriving or wanted[0] != st.session_state.get("launch_source")):
        kind, name = wanted[0]
        try:
            (take_run if kind == "from" else take_recipe)(name)
            return
        except LabError as error:
            st.session_state["launch_error"] = error
            del st.query_params[kind]
    if arriving and form.DRAFT in st.session_state:
        kind, name = st.session_state["launch_source"]
        dataset.show_choice(form.draft()["data"], DATA)
        if kind != "file":
            st.query_params[kind] = name
    if form.DRAFT not in st.session_state:
        take_recipe("quick" if "quick" in configs.recipes() else next(iter(configs.recipes())))


def take_recipe(name: str) -> None:
    """The recipe's settings, on the dataset that is chosen already."""
    known = configs.recipes()
    if name not in known:
        raise LabError(f"recipe '{name}' is not known.", f"Choose one of {', '.join(known)}.", kind="config")
    begin(known[name], ("recipe", name))


def take_run(run_id: str) -> None:
    """Another run's settings and its dataset."""
    begin(runs.Run(run_id).config(), ("from", run_id))


def begin(config: RunConfig, source: tuple[str, str]) -> None:
    data = config.model_dump(mode="json")
    if not data["data"]["root"]:
        before = st.session_state.get(form.DRAFT)
        brought = st.session_state.pop("launch_data", None)
        data["data"] = before["data"] if before else brought or dataset.start_choice()
    form.replace_draft(data)
    dataset.show_choice(data["data"], DATA)
    st.session_state["launch_source"] = source
    st.session_state["launch_base"] = json.loads(json.dumps(data))
    for kind in ("from", "recipe"):
        st.query_params.pop(kind, None)
    if source[0] in ("from", "recipe"):
        st.query_params[source[0]] = source[1]


def pick_recipe(name: str) -> None:
    """A recipe was clicked: its settings, and its name in the address."""
    take_recipe(name)


def import_settings(key: str) -> None:
    upload = st.session_state[key]
    if upload is None:
        return
    st.session_state["launch_imports"] = st.session_state.get("launch_imports", 0) + 1  # an empty box for the next
    try:
        text = upload.getvalue().decode("utf-8")
        begin(configs.from_yaml(text, upload.name), ("file", upload.name))
    except UnicodeDecodeError:
        st.session_state["launch_error"] = LabError(
            f"{upload.name}: is not text in UTF-8.", "Export it again.", "config"
        )
    except LabError as error:
        st.session_state["launch_error"] = error


# The run id


def form_token() -> str:
    """What names this form in its address: time and four digits, the same in a reload and in a copied tab."""
    token = st.session_state.get("launch_token")
    if token is None:
        asked = st.query_params.get("form", "")
        token = asked if re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", asked) else new_token()
        st.session_state["launch_token"] = token
        st.session_state["launch_token_adopted"] = token == asked
    if st.query_params.get("form") != token:
        st.query_params["form"] = token
    return token


def new_token() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def run_id_of(token: str, config: RunConfig) -> str:
    """A function of form and settings, known before the click: a double click, a reload or a second tab of the same
    form with the same settings name the same run, and a run can be made only once."""
    slug = runs.new_id(config.name)[16:-5]
    digest = hashlib.sha256(f"{token}\n{configs.to_yaml(config)}".encode()).hexdigest()[:4]
    return f"{token[:15]}-{slug}-{digest}"


def next_run_id(config: RunConfig) -> str:
    """The id that Launch will use. A form that was launched before this session opened it is a new form."""
    run_id = run_id_of(form_token(), config)
    if st.session_state.pop("launch_token_adopted", False) and runs.Run(run_id).exists():
        st.session_state["launch_token"] = new_token()
        run_id = run_id_of(form_token(), config)
    return run_id


def launch(plan: Plan, run_id: str) -> None:
    """The callback of the button. Leaves the run to open, or the error to show."""
    try:
        jobs.launch(plan, run_id)
    except LabError as error:
        if error.kind != "exists" or not runs.Run(run_id).exists():
            st.session_state["launch_error"] = error
            return
    except OSError as error:
        st.session_state["launch_error"] = LabError(
            f"{runs.runs_folder()}: cannot be written ({error.strerror}).", "Check the folder, then launch again."
        )
        return
    st.session_state["launch_open"] = run_id


# The sections


def recipes_section(config: RunConfig | None) -> None:
    known = dict(sorted(configs.recipes().items()))
    source = st.session_state["launch_source"]
    with st.container(horizontal=True, gap="small"):
        for index, (name, recipe) in enumerate(known.items()):
            chosen = source == ("recipe", name)
            card = f"recipe-{'chosen' if chosen else index}"
            with st.container(border=True, width=320, height="stretch", gap="xsmall", key=card):
                _, width = recipe.input_size
                init = {"imagenet": "ImageNet", "scratch": "from scratch"}.get(recipe.model.init, "other weights")
                with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                    st.markdown(f"**{plain(name)}**", width="content")
                    st.button(
                        "Chosen" if chosen else "Use",
                        key=f"use-{name}",
                        icon=":material/check_circle:" if chosen else None,
                        type="tertiary" if chosen else "secondary",
                        help="Go back to this recipe's settings." if chosen else None,
                        on_click=pick_recipe,
                        args=(name,),
                    )
                st.caption(plain(recipe.description))
                st.caption(f"ResNet-{recipe.model.depth} · {init} · {width} px · {recipe.epochs} epochs")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(provenance(config), width="content")
        with st.popover("Import or export", icon=":material/swap_vert:"):
            key = f"import{st.session_state.get('launch_imports', 0)}"
            st.file_uploader(
                "Import settings (YAML)", type=["yaml", "yml"], key=key, on_change=import_settings, args=(key,)
            )
            st.download_button(
                "Export these settings (YAML)",
                configs.to_yaml(config) if config else "",
                f"{re.sub(r'[^A-Za-z0-9_-]+', '-', config.name) if config else 'run'}.yaml",
                "application/yaml",
                icon=":material/download:",
                on_click="ignore",
                disabled=config is None,
                help=None if config else "Correct the settings first.",
            )


def provenance(config: RunConfig | None) -> str:
    kind, name = st.session_state["launch_source"]
    base = {"recipe": "Recipe", "from": "Settings and dataset of run", "file": "Settings of file"}[kind]
    now = config.model_dump(mode="json") if config else form.draft()
    changed = form.differences(st.session_state["launch_base"], now)
    text = f"{base} **{plain(name)}**"
    if changed:
        told = [f"{form.label_of(path)} {plain(old)} → {plain(new)}" for path, old, new in changed[:4]]
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        text += f", changed: :gray[{'; '.join(told)}{more}]"
    return text


def settings_section(errors: form.Errors, found: Scan | None, plan: Plan | None) -> None:
    draft = form.draft()
    tasks = dataset.tasks_of(found) if found else list(form.TASKS)
    fields = {
        "task": lambda: form.task_and_folds(errors, tasks),
        "model": lambda: form.model_and_weights(errors, parents()),
        "phases": lambda: form.phases(errors),
        "training": lambda: form.training(errors),
        "transforms": lambda: form.transforms(errors),
    }
    summaries = form.summaries(draft, len(plan.class_names) if plan else None)
    for name, (title, prefixes) in GROUPS.items():
        wrong = sum(path.split(".")[0] in prefixes for path in errors)
        mark = f":red[:material/error: {wrong} to correct]" if wrong else ""
        if (inside := groups.group(name, title, summaries[name], mark=mark, urgent=wrong > 0)) is not None:
            with inside:
                fields[name]()


def parents() -> dict[str, str]:
    """The runs that another one can start from, newest first: those with a finished fold."""
    done = [s for s in runs.summaries() if any(fold["state"] == "done" for fold in s.get("folds", ()))]
    return {s["id"]: states.run_label(s) for s in done}


def faces_section(plan: Plan) -> None:
    config = plan.config
    for effect in crop_effects(config.transforms, plan.samples["width"], plan.samples["height"]):
        crop, photo = (f"{w} × {h} px" for w, h in (effect.crop, effect.photo))
        if effect.padded > 0:
            st.warning(
                f"CenterCrop ({crop}, width × height) is larger than {effect.padded:.0%} of the photos (typically "
                f"{photo}): they get black borders. Make the crop smaller, turn it off under Transforms, or choose the "
                "recipe quick, which resizes whole photos.",
                icon=":material/crop_free:",
            )
        elif effect.kept < 2 / 3:
            st.info(
                f"CenterCrop ({crop}, width × height) cuts {1 - effect.kept:.0%} off the area of a typical photo "
                f"({photo}). See below that faces stay whole.",
                icon=":material/crop:",
            )
    draw = st.session_state.setdefault("launch_draw", 0)
    counts = plan.samples["class_name"].value_counts()
    shown = plan.class_names[:CLASSES_SHOWN]
    chosen = pick(plan.samples, FACES, draw // 4)
    photos = tuple(
        (path, int(mtime), int(row), name)
        for row, path, mtime, name in zip(
            chosen.index, chosen["path"], chosen["mtime_ns"], chosen["class_name"], strict=True
        )
        if name in shown
    )
    transforms = json.dumps([t.model_dump(mode="json") for t in config.transforms])
    with st.spinner("Preparing faces", show_time=True):
        html = faces.class_grid(
            transforms, photos, {name: int(counts[name]) for name in shown}, config.training.seed, 1 + draw
        )
    st.html(html)
    height, width = config.input_size
    more = (
        f" The first {CLASSES_SHOWN} of {len(plan.class_names)} classes."
        if len(plan.class_names) > CLASSES_SHOWN
        else ""
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            f"Above: as in validation. Beneath: one draw of training. {width} × {height} px, before colours are "
            f"normalised; the number is photos of the class.{more}",
            width="stretch",
        )
        st.button("Draw again", icon=":material/casino:", on_click=_draw_again)


def _draw_again() -> None:
    st.session_state["launch_draw"] += 1


def plan_section(plan: Plan) -> None:
    config = plan.config
    with st.container(horizontal=True, gap="medium"):
        for label, value, help in (
            ("People", count(plan.people), None),
            ("Photos", count(plan.photos), None),
            ("Classes", count(len(plan.class_names)), None),
            (
                "Folds",
                count(config.folds.count),
                "Each is trained once, one after another unless there are more slots.",
            ),
            ("Steps", count(plan.total_steps), f"{plan.steps_per_epoch:,} an epoch, {config.epochs:,} epochs a fold."),
        ):
            st.metric(label, value, help=help, width="content")
        time_estimate(plan)
    leaks = audit(plan.samples)
    if leaks:
        st.error(plain(f"{len(leaks)} people stand in two folds: {leaks[0]}"), icon=":material/error:")
    else:
        st.markdown(":green[:material/verified_user:] No person is in two folds.")
    notes = []
    if plan.dropped:
        notes.append(f"{count(plan.dropped)} photos are not in the task {config.task.name}")
    if plan.left_out:
        notes.append(f"{count(plan.left_out)} bad {'entry is' if plan.left_out == 1 else 'entries are'} left out")
    if n := len(plan.corrections):
        notes.append(f"{count(n)} label {'correction is' if n == 1 else 'corrections are'} applied")
    if notes:
        st.caption(f"{'; '.join(notes)}.")
    table = fold_table(plan.samples)
    table.index = [f"fold {k}" for k in table.index]
    st.dataframe(table, row_height=32, key="fold-table")


def step_of(config: RunConfig) -> tuple:
    """What the speed of a step depends on."""
    t = config.training
    return config.model.depth, config.input_size, t.batch_size, t.precision, t.device


def time_estimate(plan: Plan) -> None:
    """How long it will take, from a measured step; measures by itself where that takes seconds."""
    config = plan.config
    asked = st.session_state.setdefault("launch_measuring", {})
    height, width = config.input_size
    heavy = config.model.depth * height * width * config.training.batch_size > MEASURE_AT_ONCE
    busy = any(being_measured(other) for other in asked.values())
    if speed.known(config) is None and step_of(config) not in asked and not heavy and not busy:
        measure(config)
        busy = True
    st.session_state["launch_first_look"] = True
    show = st.fragment(_estimate, run_every=1.0) if busy else _estimate
    show(plan, ticking=busy)


def measure(config: RunConfig) -> None:
    st.session_state["launch_measuring"][step_of(config)] = (config, time.monotonic(), speed.known(config))
    try:
        speed.start_measuring(config)
    except OSError:
        st.session_state["launch_measuring"][step_of(config)] = (config, -1e9, None)


def being_measured(asked: tuple[RunConfig, float, float | None]) -> bool:
    config, at, before = asked
    return time.monotonic() - at < MEASURE_PATIENCE and speed.known(config) == before


def _estimate(plan: Plan, ticking: bool) -> None:
    config = plan.config
    busy = any(being_measured(other) for other in st.session_state["launch_measuring"].values())
    first_look = st.session_state.pop("launch_first_look", False)
    if ticking and not busy and not first_look:  # in the page's own run it would cut off, and forget, what follows
        st.rerun()
    measured = speed.known(config)
    with st.container(width="content", gap=None):
        if busy:
            help = "A few training steps run to tell how long it will take."
            st.metric("Time", "measuring", width="content", help=help)
            return
        if measured is None:
            help = "No step of this network, image size and batch was measured on this machine yet."
            st.metric("Time", "not known", width="content", help=help)
        else:
            help = f"All folds one after another, at {rate(measured)} measured on this machine."
            total = duration(speed.estimate_seconds(plan, measured))
            st.metric("Time", f"about {total}", width="content", help=help)
        st.button(
            "Measure" if measured is None else "Measure again", type="tertiary", icon=":material/speed:",
            on_click=measure, args=(config,), help="Trains a few steps, some seconds long; other work slows it down.",
        )  # fmt: skip


def launch_section(plan: Plan | None, errors: form.Errors, found: Scan | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form.words("name", errors, label="Name of the run", width=320)
        form.words("description", errors, label="Description", placeholder="What it is for, one sentence")
    ready = plan is not None and not errors
    run_id = next_run_id(plan.config) if ready else ""
    form_token()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Launch", type="primary", icon=":material/rocket_launch:", disabled=not ready,
            on_click=launch, args=(plan, run_id), key="launch-button",
        )  # fmt: skip
        if ready:
            st.caption(f"{plain(run_id)}: {count(plan.config.folds.count)} fold jobs are queued; then Live opens.")
        elif not errors:
            st.caption("Choose a dataset first." if found is None else "Correct what is said above.")
    if errors:
        told = "\n".join(f"- **{plain(form.label_of(path))}**: {plain(text)}" for path, text in errors.items())
        st.error(f"To correct before launching:\n{told}", icon=":material/error:")


# From the draft to a plan


def plan_of(config: RunConfig, found: Scan) -> Plan:
    """make_plan, remembered while dataset, task and folds stay. Raises LabError."""
    key = (id(found), corrections.version(found.root), config.data, config.task, config.folds, config.model)
    kept = st.session_state.get("launch_plan")
    if kept is None or kept[0] != key:
        kept = (key, make_plan(config, found), found)
        st.session_state["launch_plan"] = kept
    plan = kept[1]
    return dataclasses.replace(plan, config=config.model_copy(update={"data": plan.config.data}))


def look_ahead(config: RunConfig | None, found: Scan | None) -> tuple[Plan | None, form.Errors]:
    """(the plan, what stands against launching it), each message at the field that can change it."""
    errors: form.Errors = {}
    model = form.draft()["model"]
    if model["init"] not in ("file:", "run:"):
        try:
            check_weights(model["depth"], model["init"])
        except LabError as error:
            errors["model.init"] = form.said(error)
    if config is None or found is None:
        return None, errors
    try:
        return plan_of(config, found), errors
    except LabError as error:
        if error.kind == "problems" and not config.data.leave_out_problems:
            bad = dataset.bad_files(dataset.corrected(found)[0])
            told = f"{count(bad)} bad {'entry' if bad == 1 else 'entries'} in the dataset."
            agreed = config.model_copy(update={"data": config.data.model_copy(update={"leave_out_problems": True})})
            plan, more = look_ahead(agreed, found)  # so that the rest of the page shows what there would be
            return plan, {**more, "data.leave_out_problems": f"{told} Mend them, or agree to leave them out."}
        errors[BESIDE.get(error.kind, "data.root")] = form.said(error)
        return None, errors


def fit_task(found: Scan) -> str:
    """Move to a task that the dataset has labels for, once a dataset or recipe; returns what was done."""
    now = (id(found), st.session_state[form.VERSION])
    possible = dataset.tasks_of(found)
    task = form.draft()["task"]["name"]
    if st.session_state.get("launch_fitted") != now:
        st.session_state["launch_fitted"] = now
        st.session_state["launch_fitted_note"] = ""
        if possible and task not in possible:
            form.assign("task.name", possible[0])
            st.session_state["launch_base"]["task"]["name"] = possible[0]
            st.session_state["launch_fitted_note"] = (
                f"Task set to {possible[0]}: this dataset has no labels for the task {task}."
            )
    return st.session_state["launch_fitted_note"]


# The page

states.begin_page()
st.html(CSS)
groups.style()
if run_id := st.session_state.pop("launch_open", None):
    st.session_state.pop("launch_token", None)
    st.switch_page(LIVE, query_params={"run": run_id})
prefill()
st.html('<div class="lab-title">Launch</div>')
if problem := st.session_state.pop("launch_error", None):
    states.show_error(problem)

draft = form.draft()
choice = draft["data"]
config, errors = form.check(draft)

states.heading("1 · Dataset")
dataset.choose(choice, DATA)
found: Scan | None = None
fault: LabError | None = None
if choice["root"]:
    try:
        found = dataset.find(choice)
    except LabError as error:
        fault = error
        states.show_error(error)
        if error.kind == "stopped":
            st.button("Scan again", icon=":material/refresh:", on_click=dataset.forget)
if found is not None:
    note = fit_task(found)
    config, errors = form.check(draft)
plan, more = look_ahead(config, found)
errors |= more
if found is not None:
    dataset.show_result(found, DATA)
    dataset.leave_out(found, choice, DATA, errors)
if choice["root"]:
    place = f"{DATA}.{choice['root']}"
    dataset.labels_form(choice, place, reader=found.reader if found else None, fault=fault)

states.heading("2 · Recipe")
recipes_section(config)

states.heading("3 · Settings")
if found is not None and note:
    st.caption(f":material/info: {note}")
settings_section(errors, found, plan)

states.heading("4 · What the network sees")
if plan is not None:
    faces_section(plan)
else:
    st.caption("Faces of each class, once dataset and settings are right.")
states.heading("5 · What will run")
if plan is not None:
    plan_section(plan)
else:
    st.caption("People, classes, folds and time, once dataset and settings are right.")

states.heading("6 · Launch")
launch_section(plan, errors, found)
