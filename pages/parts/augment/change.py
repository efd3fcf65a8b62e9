"""Augmentation, another list at once: a preset, a mend, what somebody imports; and the way back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.augment.mends import in_words
from core.augment.presets import preset_of, presets, with_preset
from core.config import RunConfig, TransformConfig
from core.errors import LabError
from core.text import plain
from pages.parts.augment import effect
from pages.parts.augment.photo import Photo, Photos
from pages.parts.shared import badges
from pages.parts.shared.fields import field

_UNDO, _TO_UNDO, _MEND, _FAULT = "augment-undo", "augment-to-undo", "augment-mend", "augment-mend-fault"
OTHER = "augment-other"  # in the session: whether another list took the place of Launch's here
Draft = dict[str, Any]


def replace(
    draft: Draft,
    transforms: Sequence[TransformConfig],
    words: str,
    restart: Callable[[], None],
    *,
    is_other: bool | None = True,
) -> None:
    """Put another list into the draft. words: what was done, for the line with the way back. is_other: whether
    it is another than the one that stands in Launch; None for the list so far, with another value."""
    before = draft["transforms"], st.session_state.get(OTHER, False)
    draft["transforms"] = [transform.model_dump(mode="json") for transform in transforms]
    st.session_state[_UNDO] = words, before, copy.deepcopy(draft["transforms"])
    if is_other is not None:
        st.session_state[OTHER] = is_other
    restart()


def way_back(draft: Draft) -> None:
    """What was done last, with *Undo*, for as long as nothing else was changed since."""
    words, before, after = st.session_state.get(_UNDO, ("", None, None))
    if before is None:
        return
    if draft["transforms"] != after:
        del st.session_state[_UNDO]
        return
    with st.container(horizontal=True, vertical_alignment="center", key="augment-way-back"):
        st.markdown(f":small[:green[:material/check:] {plain(words)}]", width="content")
        st.button(
            "Undo",
            icon=":material/undo:",
            type="tertiary",
            key="augment-undo-it",
            on_click=_ask_to_undo,
        )


def _ask_to_undo() -> None:
    st.session_state[_TO_UNDO] = True


def undo_if_asked(draft: Draft, restart: Callable[[], None]) -> None:
    """Do what a click on *Undo* asked for; a change that was typed just before it is nothing that it takes back."""
    if not st.session_state.pop(_TO_UNDO, False):
        return
    _, before, after = st.session_state.pop(_UNDO, ("", None, None))
    if before is None:  # a second click
        return
    if draft["transforms"] != after:
        st.session_state[_FAULT] = LabError(
            "Nothing was taken back: the list was changed just before.", "What was changed last stands in the list."
        )
        return
    draft["transforms"], st.session_state[OTHER] = before
    restart()


def preset_line(draft: Draft, config: RunConfig | None, restart: Callable[[], None]) -> None:
    """The presets; the one whose draws the list has is chosen."""
    listed = presets()
    about = "\n".join(f"- **{preset.title}**: {plain(preset.description)}" for preset in listed.values())
    field(
        st.segmented_control,
        "Preset",
        list(listed),
        key="augment-preset",
        holds=preset_of(config.transforms) if config is not None else None,
        take=lambda name: _take_preset(draft, name, restart),
        format_func=lambda name: listed[name].title,
        disabled=config is None,
        help=f"Replaces what is drawn; crop, size and normalisation stay as they are.\n{about}",
    )


def by_now(draft: Draft) -> list[TransformConfig] | None:
    """The draft's list as a click finds it, with what was typed just before; None where it has errors, which the page
    says."""
    try:
        return [TransformConfig.model_validate(entry) for entry in draft["transforms"]]
    except ValueError:
        return None


def _take_preset(draft: Draft, name: str | None, restart: Callable[[], None]) -> None:
    transforms = by_now(draft)
    if name is None or transforms is None:  # None: a second click on the chosen one
        return
    replace(draft, with_preset(transforms, name), f"Preset {presets()[name].title}.", restart)


def ask_to_mend(entry: dict[str, Any]) -> None:
    st.session_state[_MEND] = entry


def mend_if_asked(
    draft: Draft,
    config: RunConfig,
    notes: dict[int, list[str]],
    photos: Photos | None,
    photo: Photo,
    restart: Callable[[], None],
) -> None:
    """Do what a click on *Mend it* asked for, then draw the page anew."""
    entry = st.session_state.pop(_MEND, None)
    index = next((i for i, each in enumerate(draft["transforms"]) if each is entry), None)
    if index is None or index not in notes:
        return
    name = config.transforms[index].name
    try:
        transforms = effect.mended(config, index, photos, photo)
        if transforms is None:
            raise LabError(
                f"{name}: no setting of it is silent on these photos.", "Remove it, or look at other photos."
            )
    except LabError as error:
        st.session_state[_FAULT] = error
        return
    except LookupError:  # not one of the photos can be read any more; the page says so
        return
    words = in_words(config.transforms[index], transforms[index])
    said = f"{name}: {words}. Measured again, nothing is warned of there."
    replace(draft, transforms, said, restart, is_other=None)
    st.rerun()


def mend_fault() -> None:
    if (error := st.session_state.pop(_FAULT, None)) is not None:
        badges.show_error(error)
