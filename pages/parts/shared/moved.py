"""Where the dataset of a run is gone: the question where it is now, in place of a dead end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from core.data.content.unchanged import PhotosGone, check_unchanged
from core.data.reach import bounds
from core.errors import LabError
from core.runs import Run
from core.runs.owners import owner
from core.storage.files import GARBAGE
from core.studies.relocate import Relocated, relocate
from core.text import count, listed, plain
from pages.parts.people import people
from pages.parts.shared import badges
from pages.parts.shared.fields import begin

LOOKED_FOR = 5  # photos, spread over the run's
TOLD = "moved-told"  # run id -> (the folder that was named, why it could not be taken)
UNDECIDED, MOVED, CHANGED = "data-undecided", "data-moved", "data-changed"
NOTED = (UNDECIDED, CHANGED)  # errors that `note` keeps, CHANGED where photos of a folder that somebody named are gone
AGREE = {  # kind of what was told -> what can be agreed to, and the words for it
    "missing-photos": ("missing", "Go on without the photos that are missing"),
    UNDECIDED: ("same_sizes", "These are the same photos: go by their sizes"),
}


def ask(run: Run) -> bool:
    """Whether it asks: not while the photos of the run are in their place; then it draws nothing but what was taken
    over just before."""
    if said := st.session_state.pop(_key(run, "said"), ""):
        st.success(plain(said), icon=":material/check:")
    root = _root(run)
    named, error = st.session_state.get(TOLD, {}).get(run.id, (root, None))
    if not root or (error is None and _is_closed(run, root)) or (error is None and not _is_gone(run)):
        return False
    with st.container(key=f"moved-{run.id}"):
        if error is None:
            st.html(
                badges.fault(
                    f"The photos of this run are not in {root} any more.",
                    "Say where they are, and everything works as before.",
                    state="interrupted",
                )
            )
        else:
            badges.show_error(error)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            begin(st.text_input, "Where is the dataset now?", key=_key(run, "folder"), begins=named, width="stretch")
            people.button(
                "Look there",
                owner.of(run),
                icon=":material/folder_open:",
                type="primary",
                on_click=_look,
                args=(run, root, named, error),
                help="Names, sizes and a sample of the bytes are compared before anything is taken over.",
            )
        begin(st.checkbox, "All runs and studies of this dataset", key=_key(run, "all"), begins=True)
        if error is not None and error.kind in AGREE:
            begin(st.checkbox, AGREE[error.kind][1], key=_key(run, error.kind, named), begins=False)
    return True


def note(run: Run, error: LabError | None) -> None:
    """Something was tried with the run and ended in this error, or well (None): whether `ask` goes on from there."""
    notes = st.session_state.setdefault(TOLD, {})
    _, before = notes.get(run.id, ("", None))
    gone = isinstance(error, PhotosGone) and run.moved_file.exists()
    if error is not None and (error.kind == UNDECIDED or gone):
        notes[run.id] = (_root(run), error)
    elif before is not None and before.kind in NOTED and (error is None or error.kind in (MOVED, CHANGED)):
        del notes[run.id]


def asks_after(run: Run, error: LabError) -> bool:
    """Whether `ask` goes on from this error, and shows it."""
    return error.kind == MOVED or st.session_state.get(TOLD, {}).get(run.id, ("", None))[1] is error


@contextlib.contextmanager
def noted(run: Run, *, whole: bool = True) -> Iterator[None]:
    """Something is tried with the run: `note` of what it ends in; an error passes.

    whole: it goes on only with the photos of all folds as they were at the launch. False where it needs others, or
    none: the question can begin there, and is over only once those are as they were, too.
    """
    try:
        yield
    except LabError as error:
        if whole or error.kind == UNDECIDED:
            note(run, error)
        raise
    if whole:
        note(run, None)
    else:
        settle(run)


def settle(run: Run) -> None:
    """Something went well that needs other photos than those of the folds: `ask` goes on until those are as before."""
    if is_noted(run) and _are_those_of_the_launch(run):
        note(run, None)


def is_noted(run: Run) -> bool:
    return run.id in st.session_state.get(TOLD, {})


def _look(run: Run, root: str, named: str, error: LabError | None) -> None:
    folder = str(st.session_state.get(_key(run, "folder")) or "").strip()
    consent = {}
    if error is not None and error.kind in AGREE and folder == named:  # what was agreed to was about that folder
        consent[AGREE[error.kind][0]] = bool(st.session_state.get(_key(run, error.kind, named)))
    refusals = st.session_state.setdefault(TOLD, {})
    try:
        with st.spinner("Comparing photos"):
            outcome = relocate(run, folder, others=bool(st.session_state.get(_key(run, "all"))), **consent)
    except LabError as refusal:
        refusals[run.id] = (folder, refusal)
        return
    for run_id in outcome.agreed:
        refusals.pop(run_id, None)
    st.session_state[_key(run, "said")] = _told(run, outcome)


def _told(run: Run, outcome: Relocated) -> str:
    more = len(outcome.agreed) - 1
    words = f"This run reads its photos from {outcome.root} now: {outcome.agreed[run.id].told()}."
    words += f" {count(more)} more run{' follows' if more == 1 else 's follow'}." if more else ""
    owners = [owner.of(Run(run_id, run.dir.parent)) for run_id, error in outcome.refused.items() if _is_theirs(error)]
    if theirs := list(filter(None, owners)):
        belong, page = ("it belongs", "its page") if len(theirs) == 1 else ("they belong", "their pages")
        names = listed(sorted(set(theirs)))
        words += f" {count(len(theirs))} stayed: {belong} to {names}, who can say on {page} where the dataset is now."
    if nobodys := owners.count(""):
        whose, them = ("it is", "it") if nobodys == 1 else ("they are", "them")
        words += f" {count(nobodys)} stayed: nobody knows whose {whose}, so only an admin of the lab can move {them}."
    if left := len(outcome.refused) - len(owners):
        words += f" {count(left)} stayed, as {'its' if left == 1 else 'their'} photos are not all there."
    return f"{words} {outcome.told()}".strip()


def _is_theirs(error: LabError) -> bool:
    return error.kind == "not-yours"


@st.cache_data(max_entries=64, show_spinner=False)
def _looked_for(run_dir: str, version: tuple[int, ...]) -> list[str]:
    paths = Run(Path(run_dir).name, Path(run_dir).parent).samples()["path"].tolist()
    return paths[:: max(1, -(-len(paths) // LOOKED_FOR))]


def _is_gone(run: Run) -> bool:
    """Whether none of some of its photos is there; a run that cannot be read says so elsewhere."""
    try:
        paths = _looked_for(str(run.dir), run.photos_version())
    except (LabError, OSError, *GARBAGE):
        return False
    return bool(paths) and not any(os.path.exists(path) for path in paths)


def _are_those_of_the_launch(run: Run) -> bool:
    try:
        check_unchanged(run.samples())
    except (LabError, OSError, *GARBAGE):
        return False
    return True


def _is_closed(run: Run, root: str) -> bool:
    """Whether the run's photos lie where the lab does not look; then it says so: of them there is nothing to ask."""
    if bounds.may_look(root):
        return False
    text = f"The photos of this run are not shown: {root} lies where this lab does not look for datasets."
    st.html(badges.fault(text, f"Its results are all here. {bounds.ASK}", state="interrupted"))
    return True


def _root(run: Run) -> str:
    try:
        return run.config().data.root
    except (LabError, OSError, *GARBAGE):
        return ""


def _key(run: Run, *what: str) -> str:
    return "-".join(("moved", run.id, *what))
