"""A run taken home: packaged on a click, downloaded, and how it is used in code."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.errors import LabError
from core.export.formats import names
from core.export.made import MadePackage, made_package
from core.export.snippets import snippets
from core.runs import Run
from core.runs.kept import dropped
from core.runs.yes_no.view import attributes
from core.text import count, listed, plain
from pages.parts.doing import doing
from pages.parts.run import view
from pages.parts.shared import badges, theme
from pages.parts.shared.fields import begin

ASKED = "live-package-asked"  # in the session: what was asked for and is not there yet
CHECKS = {"All of them": None, "100 of each fold": 100, "None": 0}  # held-out photos that the package answers
FORMS = {names.ONNX: "ONNX", names.SAFETENSORS: "safetensors", names.PT2: "PyTorch (.pt2)", names.INT8: "int8"}
OTHERS = [name for name in FORMS if name != names.ONNX]
TABS = ["Python", "PyTorch", "Command line", "API"]
CHECKS_OF_EVERYBODY = {"200": 200, "1,000": 1000, "None": 0}
LARGE = 2_000_000_000  # bytes that no browser should be sent through the lab's memory
CALIBRATING = (
    "Divides each network's logits by its fold's temperature: probabilities are then others than on Predict, which "
    "shows the networks' own; the class that a fold answers stays, that of several folds' mean can change."
)


def section(run: Run, status: view.RunStatus) -> None:
    """Nothing until a fold is done."""
    done = [fold.fold for fold in status.folds if fold.state == "done"]
    if not done:
        return
    theme.heading("Take it home")
    st.caption(
        "One zip that answers photos without the lab: each fold's network as ONNX and in the forms that you choose, a "
        "model card, predict.py, a server, and a table that holds its answers against this run's own."
    )
    try:
        unpackable = dropped.missing(run, done[0], "best")
    except LabError as error:
        unpackable = error
    if unpackable is not None:
        badges.show_error(unpackable)
    else:
        others = [fold.fold for fold in status.folds if fold.state != "done"]
        _package(run, done, others, everybody=status.everybody)
    with st.container():  # always there, so that what follows keeps its place on the page
        try:
            if (made := made_package(run)) is not None:
                _download(run, made, everybody=status.everybody)
        except LabError as error:
            badges.show_error(error)
    with st.expander("Use it in code", icon=":material/code:"):
        for tab, (language, text) in zip(st.tabs(TABS), snippets(run).values(), strict=True):
            tab.code(text, language)


def _package(run: Run, done: Sequence[int], others: Sequence[int], *, everybody: bool) -> None:
    """The fields and the button; who clicked it sees how far it is, and then the download."""
    checks = CHECKS_OF_EVERYBODY if everybody else CHECKS
    if (asked := st.session_state.get(ASKED)) is not None and asked[0] == run.id:
        _make(run, *asked[1:])
    folds: Sequence[int] | None = list(done)
    if not everybody:
        folds = begin(
            st.pills,
            "Folds",
            list(done),
            key=_key(run, "folds", done),
            begins=list(done),
            selection_mode="multi",
            help="They answer together, by the mean of their probabilities.",
        )
    forms = begin(
        st.pills,
        "Forms beside ONNX",
        OTHERS,
        key=_key(run, "forms"),
        begins=[name for name in OTHERS if name in names.USUAL],
        selection_mode="multi",
        format_func=FORMS.__getitem__,
        help=" ".join(f"{FORMS[name]}: {names.ABOUT[name]}." for name in OTHERS),
    )
    chosen = [names.ONNX, *(forms or [])]
    if not everybody and not attributes(run):  # neither has a temperature
        begin(st.toggle, "Calibrate each fold", key=_key(run, "calibrate"), begins=True)
        st.caption(plain(CALIBRATING))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        begin(
            st.selectbox,
            "Photos of the training to check" if everybody else "Held-out photos to check",
            list(checks),
            key=_key(run, "check"),
            begins=next(iter(checks)),
            width=220,
            help="The packaged networks answer them, and every answer is held against the run's own.",
        )
        begin(
            st.number_input,
            "Photos to calibrate int8",
            min_value=1,
            key=_key(run, "calibration"),
            begins=names.CALIBRATION,
            width=220,
            disabled=names.INT8 not in chosen,
            help="Of each fold's training photos, never of those that it held out: they set the ranges of its values.",
        )
        st.button(
            "Package",
            icon=":material/inventory_2:",
            key=f"live-package-{run.id}",
            disabled=not folds,
            on_click=_note,
            args=(run, done, checks),
        )
    st.caption(plain(_sizes(run, folds or (), chosen)))
    if others:
        words = "are not done and cannot be chosen yet" if len(others) > 1 else "is not done and cannot be chosen yet"
        folds_named = listed([str(fold) for fold in others])
        st.caption(plain(f"Fold{'s' if len(others) > 1 else ''} {folds_named} {words}."))


def _sizes(run: Run, folds: Sequence[int], forms: Sequence[str]) -> str:
    """How large the package will be, about."""
    weights = 0
    for fold in folds:
        with contextlib.suppress(OSError):  # packaging says what is wrong with it
            weights += run.weights_file(fold, "best").stat().st_size
    parts = [f"{FORMS[name]} {names.size_of(weights, [name]) / 1e6:,.0f}" for name in forms]
    return f"About {names.size_of(weights, forms) / 1e6:,.0f} MB: {', '.join(parts)}."


def _key(run: Run, name: str, done: Sequence[int] = ()) -> str:
    return f"live-package-{name}-{run.id}" + (f"-{len(done)}" if done else "")


def _note(run: Run, done: Sequence[int], checks: Mapping[str, int | None]) -> None:
    """The callback. What is packaged is what the fields show at the click, which may be newer than the button; a field
    that the page has not leaves it at what it begins with."""
    fields = st.session_state
    folds = tuple(fields.get(_key(run, "folds", done), done) or ())
    forms = (names.ONNX, *(fields[_key(run, "forms")] or ()))
    check, calibration = checks[fields[_key(run, "check")]], int(fields[_key(run, "calibration")])
    st.session_state[ASKED] = run.id, folds, check, forms, calibration, fields.get(_key(run, "calibrate"), True)


def _make(
    run: Run, folds: tuple[int, ...], check: int | None, formats: tuple[str, ...], calibration: int, calibrate: bool
) -> None:
    """Ends with a rerun that shows the download, or with what went wrong."""

    def work(tell: doing.Told) -> None:
        from core.export import package  # heavy: on the click only

        def progress(what: str, done: int, total: int) -> None:
            tell(done / max(1, total), f"{what.capitalize()} {count(done)} of {count(total)}")

        chosen: dict[str, Any] = {"folds": folds, "check": check, "formats": formats, "calibration": calibration}
        package.package(run, run.package_file, **chosen, calibrate=calibrate, overwrite=True, progress=progress)

    if doing.do(ASKED, "live-package", work):
        st.rerun()


def _download(run: Run, made: MadePackage, *, everybody: bool) -> None:
    folds = listed([str(fold) for fold in made.folds], most=len(made.folds))
    size = f"{made.bytes / 1e6:,.0f} MB"
    if not made.current:
        st.html(badges.fault("The run was trained on since it was packaged.", "Package it again.", state="interrupted"))
    with st.container(horizontal=True, vertical_alignment="center"):
        if made.bytes <= LARGE:
            st.download_button(
                f"Download the package ({size})",
                run.package_file.read_bytes,  # on the click only
                f"{run.id}.zip",
                "application/zip",
                icon=":material/download:",
                type="primary",
                on_click="ignore",
                key=f"live-package-download-{run.id}",
            )
        else:
            st.caption(plain(f"{size}: too large for a browser; copy {run.package_file} on this machine."))
        forms = listed([FORMS[name] for name in made.formats])
        whose = "The network" if everybody else f"Fold{'s' if len(made.folds) > 1 else ''} {folds}"
        st.caption(plain(f"{whose} as {forms}. {made.parity}"))
    if made.int8:
        st.caption(plain(made.int8))
