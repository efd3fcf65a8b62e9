"""What stands beneath each map: where its heat lies, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.errors import LabError
from core.inside import face_maps
from core.inside.face_maps import FaceMaps, MapRequest
from core.runs import Run
from core.text import count
from pages.parts.look_inside import regions
from pages.parts.shared import badges

KEPT = 64  # faces whose trust a session remembers


def beneath(look: FaceMaps, wish: MapRequest, trusted: bool) -> list[str]:
    """A note for each layer, "" where there is nothing to say (a mean over folds, a difference)."""
    if not _single(look):
        return [""] * len(look.layers)
    # Nobody knows whether an upload is aligned as the run's photos are, so the boxes say nothing about it.
    where = _where(Run(look.run_id), look) if look.true else [""] * len(look.layers)
    known = _known().get(_key(look, wish), {}) if trusted else {}
    return ["\n".join(filter(None, (note, known.get(name)))) for name, note in zip(look.layers, where, strict=True)]


def measure(shown: Sequence[FaceMaps], wish: MapRequest) -> None:
    """Measure what is not known yet, below maps that stand already; then the page is drawn with it."""
    waiting = [look for look in shown if _single(look) and _key(look, wish) not in _known()]
    if not waiting:
        return
    from core.inside.trust import check

    bar = st.progress(0.0, f"Hiding pixels and redrawing weights: 0 of {count(len(waiting))} faces")
    for done, look in enumerate(waiting, 1):
        run = Run(look.run_id)
        present = set(face_maps.layer_names(run.config().model.depth))
        layers = [name for name in wish.layers if name in present]
        try:
            face = look.sample if look.true else look.photo
            told = check(run, look.fold, face, wish.classes, layers, wish.method, look.which)
        except LabError as error:
            badges.show_error(error)
            told = []
        known = _known()
        known[_key(look, wish)] = {one.layer: _words(one) for one in told}
        while len(known) > KEPT:
            known.pop(next(iter(known)))
        bar.progress(done / len(waiting), f"{count(done)} of {count(len(waiting))} faces")
    st.rerun()


def meaning() -> str:
    from core.inside.trust import MEANING

    return MEANING


def _single(look: FaceMaps) -> bool:
    """Whether one model made this map, of one class."""
    return look.fold is not None and not look.signed


def _known() -> dict[tuple, dict[str, str]]:
    return st.session_state.setdefault("look-trusted", {})


def _key(look: FaceMaps, wish: MapRequest) -> tuple:
    wish, face = replace(wish, which=look.which), look.sample if look.true else hash(look.photo.tobytes())
    return look.run_id, look.fold, face, wish, face_maps.version(Run(look.run_id), [look.sample], look.which)


def _where(run: Run, look: FaceMaps) -> list[str]:
    from core.inside.fold_models import frozen_samples

    table = frozen_samples(run)
    size = (int(table.at[look.sample, "width"]), int(table.at[look.sample, "height"]))
    return regions.notes(run, look, regions.boxes_of(table), size)


def _words(one) -> str:
    chance = one.faithfulness
    redrawn = ", ".join(f"{stage} {value:+.2f}" for stage, value in one.randomised.items() if value == value)
    return (
        f"better than {chance.beats} of {len(chance.random_deletion)} random maps ({chance.gain:+.2f})\n"
        f"redrawn: {redrawn or 'no heat'}\nhottest tenth holds {one.concentration:.0%}"
    )
