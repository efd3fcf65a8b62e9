"""Augmentation: a photo, a list of transforms, what training makes of it, what that takes away."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import streamlit as st

from core.augment.steps import own_complaint
from core.config import RunConfig, TransformConfig
from core.config.recipes import all_recipes, own_recipes, save_recipe, title
from core.errors import LabError
from core.text import plain
from pages.parts.augment import beside, change, effect, stress, style, text, views
from pages.parts.augment.photo import choose, chosen, dataset, photos_of, take_dataset, uploads
from pages.parts.dataset import lead
from pages.parts.form import draft as form_draft
from pages.parts.form import transforms
from pages.parts.launch.source import first_recipe, lists_of, take_pipeline
from pages.parts.shared import badges, frame
from pages.parts.shared.fields import field

SEEN = ("draws", "beside", "steps", "batch", "walk")  # views of pictures, which stay in sight everywhere
OF_A_PHOTO = ("draws", "beside", "steps", "walk", "cost")  # views of one photo, which is chosen above them
LAUNCH = Path(__file__).with_name("launch.py")
DRAFT, VERSION, RECIPE = "augment_draft", "augment_version", "augment_recipe"
CORRECT = "augment-correct"  # key of what is to be corrected
GONE = "augment-recipe-gone"  # in the session: a recipe that was chosen and could not be read any more
OF_LAUNCH = "Launch"  # in the place of a recipe's name, which has no capitals
TAKEN, FOLLOWED = "augment_taken", "augment_followed"  # the draft as it was taken from Launch; what was taken there
VIEWS = {
    "draws": ("Draws", views.draws),
    "beside": ("Side by side", beside.show),
    "steps": ("Step by step", views.steps),
    "batch": ("One batch", views.batch),
    "effect": ("Effect on photos", views.effect),
    "walk": ("Walk", views.walk),
    "cost": ("Cost", views.cost),
    "text": ("Import and export", text.show),
    "stress": ("Stress test", stress.show),
}


def begin() -> None:
    """The draft: the recipe in the address, else Launch's settings, anew for as long as nothing was changed here."""
    linked = st.query_params.get("recipe")
    if linked in all_recipes() and linked != st.session_state.get(RECIPE):
        take(settings_of(linked), linked)
    elif DRAFT not in st.session_state:
        if form_draft.DRAFT in st.session_state:
            take_from_launch()
        else:
            take(settings_of(first_recipe()), first_recipe())
    elif launch_went_on() and not changed_here():
        take_from_launch()


def take_from_launch() -> None:
    """Launch's settings; its dataset too, where the one here still is what came from there."""
    kind, name = st.session_state.get("launch_source", ("recipe", ""))
    recipe = name if kind == "recipe" and name in all_recipes() else first_recipe()
    settings = form_draft.draft()
    if form_draft.check(settings)[0] is None:  # what is wrong elsewhere in the form cannot be corrected here
        settings = settings_of(recipe) | {part: settings[part] for part in ("data", "transforms", "mix")}
    if dataset() == st.session_state.get(FOLLOWED, {}).get("data"):
        take_dataset(settings["data"])
    take(settings, OF_LAUNCH)
    follow_launch()
    st.query_params.pop("recipe", None)


def follow_launch() -> None:
    """What is here is what stands in Launch; a change there is taken up here, until something is changed here."""
    st.session_state[RECIPE] = OF_LAUNCH
    st.session_state.pop(change.OTHER, None)
    st.session_state[TAKEN] = copy.deepcopy(st.session_state[DRAFT])
    st.session_state[FOLLOWED] = {"launch": launch_as_text(), "data": copy.deepcopy(form_draft.draft()["data"])}


def launch_went_on() -> bool:
    """Whether the list here came from Launch, which has other settings by now."""
    return st.session_state[RECIPE] == OF_LAUNCH and launch_as_text() != st.session_state[FOLLOWED]["launch"]


def goes_on_from_launch() -> bool:
    """Whether the list here came from Launch, which has the same still, whatever else was changed there; and no other
    list took its place here."""
    if st.session_state[RECIPE] != OF_LAUNCH or st.session_state.get(change.OTHER):
        return False
    return lists_of(form_draft.draft()) == lists_of(st.session_state[TAKEN])


def launch_as_text() -> str:
    return json.dumps(form_draft.draft(), sort_keys=True)


def changed_here() -> bool:
    return lists_of(st.session_state[DRAFT]) != lists_of(st.session_state[TAKEN])


def settings_of(recipe: str) -> dict:
    return all_recipes()[recipe].model_dump(mode="json")


def take(settings: dict, recipe: str) -> None:
    st.session_state[DRAFT] = json.loads(json.dumps(settings))
    st.session_state[RECIPE] = recipe
    st.session_state.pop(change.OTHER, None)
    restart()


def restart() -> None:
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1


def take_recipe(name: str) -> None:
    """Another recipe's transforms, or Launch's; what was changed is left."""
    if name == OF_LAUNCH:
        take_from_launch()
        return
    if name not in all_recipes():  # its file was removed, or broken by hand, since it was drawn
        st.session_state[GONE] = name
        return
    take(settings_of(name), name)
    st.query_params["recipe"] = name


def name_of(recipe: str) -> str:
    return "Launch's settings" if recipe == OF_LAUNCH else title(recipe)


def ask_to_save() -> None:
    st.session_state["augment-to-save"] = True


def save(name: str, config: RunConfig | None, replace: bool) -> None:
    """Save what the page shows now: the click may have come before what was typed was taken in."""
    try:
        if config is None:
            raise LabError("Nothing was saved: the settings have errors.", "Correct them, then save again.", "config")
        save_recipe(name, config, replace=replace)
        st.session_state["augment-saved"] = name
    except LabError as error:
        st.session_state["augment-save-error"] = error


def ask_for_launch() -> None:
    st.session_state["augment-to-launch"] = True


def recipe_line(config: RunConfig | None) -> None:
    if st.session_state.pop("augment-to-save", False):
        name = st.session_state.get("augment-save-name", "").strip()
        save(name, config, bool(st.session_state.get("augment-save-replace")))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names, present = list(all_recipes()), st.session_state[RECIPE]
        if form_draft.DRAFT in st.session_state:
            names = [OF_LAUNCH, *names]
        field(
            st.selectbox,
            "Start from",
            names,
            key=f"augment-recipe-{st.session_state[VERSION]}",
            holds=present if present in names else names[0],
            take=take_recipe,
            format_func=name_of,
            width=210,
        )
        change.preset_line(st.session_state[DRAFT], config, restart)
        with st.popover("Save as recipe", icon=":material/bookmark_add:", disabled=config is None):
            save_form()
    if (gone := st.session_state.pop(GONE, None)) is not None:
        badges.show_error(LabError(f"recipe '{gone}' is not there any more.", "Choose another one."))
    for name, error in own_recipes()[1].items():
        st.html(badges.fault(error.message, error.remedy, where=f"{name}:"))


def save_form() -> None:
    name = st.text_input("Name of the recipe", placeholder="my-photos", key="augment-save-name")
    st.checkbox("Replace one of this name", key="augment-save-replace")
    unnamed, icon = not name.strip(), ":material/save:"
    st.button("Save", icon=icon, type="primary", key="augment-save", disabled=unnamed, on_click=ask_to_save)
    if saved := st.session_state.pop("augment-saved", None):
        st.success(f"Saved. Launch lists {plain(saved)} among its recipes.", icon=":material/check:")
    if (error := st.session_state.pop("augment-save-error", None)) is not None:
        badges.show_error(error)


def complaints(draft: dict) -> dict[str, str]:
    """albumentations' own words against an entry, at its path."""
    messages = {}
    for index, entry in enumerate(draft["transforms"]):
        try:
            config = TransformConfig.model_validate(entry)
        except ValueError:
            continue
        if complaint := own_complaint(config):
            messages[f"transforms.{index}"] = f"{entry['name']}.{complaint}"
    return messages


def label_of(path: str) -> str:
    """Where an error stands: the transform's place and name, or the setting."""
    parts = path.split(".")
    if parts[0] == "transforms" and len(parts) > 1:
        return f"{int(parts[1]) + 1}. {draft['transforms'][int(parts[1])]['name']}"
    return parts[0].capitalize()


def to_correct(errors: dict[str, str]) -> None:
    """What keeps the pictures from being drawn, each with the way to its field."""
    with st.container(key=CORRECT, gap="xsmall"):
        st.markdown(":red[:material/error: **To correct first**]")
        for path, message in errors.items():
            st.button(
                plain(label_of(path)),
                key=f"{CORRECT}-{path}",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=lead.lead_to,
                args=(CORRECT, transforms.places_of(path, draft["transforms"], message)),
                help="Go to it.",
            )
            st.markdown(f":small[{plain(message)}]")


def pick_view() -> str:
    linked = st.query_params.get("view", "draws")
    view = field(
        st.segmented_control,
        "View",
        list(VIEWS),
        key="augment-view",
        holds=linked if linked in VIEWS else "draws",
        take=lambda view: st.query_params.update(view=view),
        format_func=lambda name: VIEWS[name][0],
        required=True,
        label_visibility="collapsed",
    )
    st.query_params["view"] = view
    return view


frame.begin_page(lists=False)
st.html(style.CSS)
begin()
draft = st.session_state[DRAFT]
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.html('<div class="lab-title">Augmentation</div>', width="content")
    st.button(
        "Use in Launch", icon=":material/rocket_launch:", type="primary", key="augment-use", on_click=ask_for_launch
    )
change.undo_if_asked(draft, restart)
beside.take_if_asked(draft, restart)
photos = photos_of(draft)
config, errors = form_draft.check(draft)
errors = errors | {path: message for path, message in complaints(draft).items() if path not in errors}
with st.container(key="augment-view-line"):
    view = pick_view()
if shows_photo := view in OF_A_PHOTO or (view == "effect" and uploads(photos)):
    choose(photos)
photo = chosen(photos, with_size=shows_photo)
left, right = st.columns([5, 7], gap="large")
notes = {}
if config is not None and photo is not None and not errors:
    with right:
        notes = effect.notes_of(config, photos, photo)
        change.mend_if_asked(draft, config, notes, photos, photo, restart)
with left:
    recipe_line(config)
    listed = transforms.TransformList(
        draft["transforms"], f"augment{st.session_state[VERSION]}", restart, slides=True, mend=change.ask_to_mend
    )
    transforms.editor(listed, errors, notes)
if st.session_state.pop("augment-to-launch", False):
    if errors:
        with right:
            badges.show_error(LabError("The transforms cannot be used yet.", "Correct what is said beside them."))
    else:
        take_pipeline(draft, st.session_state[RECIPE], goes_on=goes_on_from_launch())
        follow_launch()
        for name in ("recipe", "from"):
            st.query_params.pop(name, None)
        st.switch_page(LAUNCH)
with right, st.container(key=style.SEEN if view in SEEN else style.READ):
    with st.container():  # in sight wherever in the list the click was; always there, so that what follows stays
        change.way_back(draft)
        change.mend_fault()
        lead.follow(CORRECT)
    if view not in ("text", "stress") and (config is None or errors):
        to_correct(errors)
        st.stop()
    if view not in ("text", "stress") and photo is None:
        st.info("Choose a dataset or upload a photo.", icon=":material/photo_library:")
        st.stop()
    try:
        VIEWS[view][1](views.ViewInputs(config, photos, photo, draft, restart))
    except LabError as error:
        badges.show_error(error)
