"""Augmentation, side by side: this list and another one, on the same photo and with the same draws."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape

import streamlit as st

from core import machine
from core.augment import beside, preview
from core.augment.presets import presets, with_preset
from core.config import RunConfig, TransformConfig, recipes
from core.config.transforms import TRANSFORMS
from core.errors import LabError
from core.runs import Run
from core.runs.everybody.unmeasured import cross_validated
from core.runs.lists.index import summaries
from core.text import plain
from pages.parts.augment import change
from pages.parts.augment.views import Tile, ViewInputs, redraw
from pages.parts.form import draft as form_draft
from pages.parts.shared import run_picker
from pages.parts.shared.fields import field

_TO_TAKE = "augment-to-take"  # in the session: a click that is not answered yet: what it showed, as _take gets it
EPOCHS, RUNS = 8, 100  # draws that are shown; runs that are offered, the newest first
CSS = """<style>
.beside { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 190px), 1fr)); gap: .6rem .8rem; }
.beside figure { margin: 0; font-size: .78rem; min-width: 0; }
.beside figure > div { display: grid; grid-template-columns: 1fr 1fr; gap: 3px; align-items: start; }
.beside img { width: 100%; border-radius: 4px; display: block; margin-bottom: .2rem; }
</style>"""


def show(inputs: ViewInputs) -> None:
    options = _options()
    chosen = st.query_params.get("with")
    if chosen not in options and not (chosen or "").startswith("run:"):  # an older run is not among those offered
        chosen = "preset:gentle"
    picked = field(
        st.selectbox,
        "Compare with",
        list(options),
        key="augment-beside",
        holds=chosen,
        take=lambda name: st.query_params.update({"with": name}),
        format_func=lambda name: _name(name, options),
        width=360,
    )
    st.query_params["with"] = picked
    other = _transforms(picked, inputs.config.transforms)
    name = _name(picked, options)
    _pairs(inputs, other)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"Left: this list, as training sees it. Right: {plain(name)}, with the same draws where a transform stands "
            "in both, so that what you see comes from the settings.",
            width="stretch",
        )
        st.button("Draw again", icon=":material/casino:", on_click=redraw, args=(EPOCHS,))
    _differences(inputs.config.transforms, picked, other)


def _name(choice: str, options: dict[str, str]) -> str:
    return options.get(choice, choice.removeprefix("run:"))


def _options() -> dict[str, str]:
    """What there is to compare with -> how it is called."""
    options = {"launch": "Launch's settings"} if form_draft.DRAFT in st.session_state else {}
    options |= {f"preset:{name}": f"Preset {preset.title}" for name, preset in presets().items()}
    options |= {f"recipe:{name}": f"Recipe {recipes.title(name)}" for name in recipes.all_recipes()}
    runs = cross_validated(summaries())[:RUNS]
    return options | {f"run:{run['id']}": f"Run {run_picker.run_label(run)}" for run in runs}


def _transforms(choice: str, own: Sequence[TransformConfig]) -> list[TransformConfig]:
    """The other list. own: this one, whose crop and size a preset leaves. Raises LabError where the other has errors or
    cannot be read."""
    kind, _, name = choice.partition(":")
    if kind == "preset":
        return with_preset(own, name)
    if kind == "recipe":
        return recipes.load_recipe(name).transforms
    if kind == "run":
        return Run(name).config().transforms
    launch = {"transforms": form_draft.draft()["transforms"]}
    try:
        return RunConfig.model_validate(launch).transforms
    except ValueError:
        raise LabError("Launch's list has errors.", "Correct it there, or compare with another list.") from None


def _pairs(inputs: ViewInputs, other: list[TransformConfig]) -> None:
    config, photo = inputs.config, inputs.photo
    first = st.session_state.setdefault("augment-epoch", 1)
    epochs = list(range(first, first + EPOCHS))
    where = {"seed": config.training.seed, "fold": inputs.fold, "epochs": epochs, "row": photo.row}
    left = [preview.validation_view(photo.image, config.transforms)]
    left += preview.draws(photo.image, config.transforms, **where)
    right = [preview.validation_view(photo.image, other)]
    right += beside.drawn_beside(photo.image, config.transforms, other, **where)
    names = ["Validation", *(f"Epoch {epoch}" for epoch in epochs)]
    tiles = [
        Tile(image, f"{name}, {side}")
        for side, images in (("left", left), ("right", right))
        for name, image in zip(names, images, strict=True)
    ]
    with ThreadPoolExecutor(machine.cores()) as pool:
        sent = list(pool.map(Tile.sent, tiles))
    figures = "".join(
        f"<figure><div>{one}{two}</div>{escape(name)}</figure>"
        for name, one, two in zip(names, sent[: len(names)], sent[len(names) :], strict=True)
    )
    st.html(f'{CSS}<div class="beside">{figures}</div>')


def _differences(own: Sequence[TransformConfig], choice: str, other: list[TransformConfig]) -> None:
    lines = beside.differences(own, other)
    if not lines:
        st.caption("Both lists do the same.")
        return
    words = {"only here": "only in this list", "only there": "only in the other"}
    st.markdown(
        "\n".join(
            f"- {plain(TRANSFORMS[each].title)} :gray[{plain(each)}]: {plain(words.get(how, how))}"
            for each, how in lines
        )
    )
    st.button(
        "Take the other list",
        icon=":material/swap_horiz:",
        key="augment-take-other",
        on_click=_ask_to_take,
        args=(choice, other),
    )


def _ask_to_take(choice: str, other: list[TransformConfig]) -> None:
    st.session_state[_TO_TAKE] = choice, other


def take_if_asked(draft: change.Draft, restart: Callable[[], None]) -> None:
    """Do what a click on *Take the other list* asked for: with the list that was chosen just before, if one was."""
    if (clicked := st.session_state.pop(_TO_TAKE, None)) is not None:
        drawn_for, other = clicked
        choice = st.query_params.get("with", drawn_for)
        with contextlib.suppress(LabError):  # the view says why that list cannot be read
            _take(draft, choice, other if choice == drawn_for else None, restart)


def _take(draft: change.Draft, choice: str, other: list[TransformConfig] | None, restart: Callable[[], None]) -> None:
    """other: as it was shown; None for a list that was not. Of a preset what is drawn is taken: crop and size are those
    that the draft has by now. Raises LabError as _transforms does."""
    if other is None or choice.startswith("preset:"):
        own = change.by_now(draft)
        if own is None:
            return
        other = _transforms(choice, own)
    words = f"The list of {_name(choice, _options())}."
    change.replace(draft, other, words, restart, is_other=choice != "launch")
