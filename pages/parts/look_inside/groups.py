"""Look inside, groups: where the heat of many faces lies, layer by layer, and whether two groups differ."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import streamlit as st

from core.answers import mistakes
from core.answers.mistakes import Answers, Filter
from core.data.persons import UNKNOWN, noun, units
from core.errors import LabError
from core.inside import face_maps, picture, regions
from core.inside.face_maps import FaceMaps
from core.inside.regions import HeatInterval
from core.runs import Run
from core.text import count
from pages.parts.look_inside import address, canvas
from pages.parts.look_inside import regions as look_regions
from pages.parts.shared import badges, theme

AMOUNTS = {"64": "64 faces", "256": "256 faces", "1000": "1,000 faces", "all": "All faces"}
_CSS = """<style>
.look-shares td, .look-shares th { padding: .22rem .55rem !important; }
.look-shares small { opacity: .7; }
.look-shares b { font-weight: 650; }
</style>"""


def kinds(answers: Answers) -> dict[str, tuple[str, np.ndarray]]:
    """Groups that can be chosen: key -> (name, which rows of the table)."""
    table = answers.table
    found = {"right": ("right answers", table["right"]), "wrong": ("mistakes", ~table["right"])}
    found["all"] = ("all faces", pd.Series(True, index=table.index))
    for name in answers.class_names:
        found[f"true-{name}"] = (f"true class {name}", table["true"] == name)
    for column, label in (("gender", "gender"), ("age_group", "age"), ("mask", "mask state")):
        for value in sorted(table[column].dropna().unique()):
            found[f"{column}-{value}"] = (f"{label} {value}", table[column] == value)
    wanted = address.read_filter(answers)
    if wanted != Filter():
        filtered = pd.Series(False, index=table.index)
        filtered.iloc[mistakes.select(answers, wanted)] = True
        found["filter"] = ("as filtered under Mistakes", filtered)
    return {key: (name, mask.to_numpy(bool)) for key, (name, mask) in found.items() if mask.any()}


def show(run: Run, answers: Answers) -> None:
    groups = kinds(answers)
    names = {key: name for key, (name, _) in groups.items()}
    first = next(iter(groups))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        a = address.box("a", "Group A", list(groups), names.get, default=first, width=230)
        second = "wrong" if "wrong" in groups and first != "wrong" else "all"
        b = address.box("b", "Group B", list(groups), names.get, default=second, width=230)
        of = address.box(
            "class", "Maps of", ["predicted", "true", *answers.class_names],
            lambda name: {"predicted": "Predicted class", "true": "True class"}.get(name, name),
            default="predicted", width=190, keep=("page",),
        )  # fmt: skip
        method = address.box("method", "Method", list(face_maps.METHODS), default="GradCAM", width=140, keep=("page",))
        amount = address.box(
            "amount", "Look at", list(AMOUNTS), AMOUNTS.get, default="64", width=130,
            help="At most so many of each group, drawn at random but always the same ones. A ResNet-18 at 224 px looks "
            "at about ten faces a second on two cores.",
        )  # fmt: skip
        place = st.container()
    table = run.samples()
    boxes = look_regions.boxes_of(table)
    masks = {key: _drawn(groups[key][1], amount) for key in (a, b)}
    rows = np.flatnonzero(masks[a] | masks[b])
    samples = tuple(answers.table["sample"].iloc[rows])
    key = (run.id, samples, of, method, answers.which, str(boxes), face_maps.version(run, [], answers.which))
    place.button(
        "Look at them", type="primary", icon=":material/visibility:", on_click=st.session_state.update,
        args=({"look-groups-at": key},),
    )  # fmt: skip
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        theme.heading("Regions")
        photo = answers.table.iloc[rows[0]]
        look_regions.editor(boxes, photo["path"], photo["sample"])
    with right:
        if st.session_state.get("look-groups-at") == key:
            found = _attend(run, samples, boxes, of, method, answers.which, key)
        else:
            st.info(
                f"{count(len(samples))} faces wait, each for the fold that held the person out.",
                icon=":material/visibility:",
            )
            return
        if found is None:
            return
        if found.faults:
            first = next(iter(found.faults.values()))
            st.html(badges.fault(f"{count(len(found.faults))} photos cannot be read and are left out.", str(first)))
        places = pd.Index(answers.table["sample"]).get_indexer(found.samples)
        in_a, in_b = masks[a][places], masks[b][places]
        if not (in_a.any() and in_b.any()):
            st.info(
                "No photo of one of the groups can be read, so there is nothing to compare.",
                icon=":material/broken_image:",
            )
            return
        alarms(found, of)
        means(found, in_a, in_b, names[a], names[b])
        shares(found, in_a, in_b, names[a], names[b])
        downloads(run, found, {f"A: {names[a]}": in_a, f"B: {names[b]}": in_b}, answers.which, method)


def _drawn(mask: np.ndarray, amount: str) -> np.ndarray:
    """At most `amount` of the rows, the same ones every time."""
    at = np.flatnonzero(mask)
    if amount != "all" and len(at) > int(amount):
        at = np.random.default_rng(0).permutation(at)[: int(amount)]
    found = np.zeros(len(mask), dtype=bool)
    found[at] = True
    return found


def _attend(run: Run, samples: tuple[str, ...], boxes, of: str, method: str, which: str, key: tuple):
    """Attention of the faces, from this session's memory or computed with a progress bar; None after a failure."""
    kept = st.session_state.get("look-attention")
    if kept is not None and kept[0] == key:
        return kept[1]
    bar, stop = st.progress(0.0, f"Looking at {count(len(samples))} faces"), st.empty()
    stop.button("Cancel", icon=":material/close:", on_click=st.session_state.pop, args=("look-groups-at", None))
    try:
        from core.inside.attend import attend

        found = attend(
            run, list(samples), boxes, classes=of, method=method, which=which,
            progress=lambda done, total: bar.progress(done / total, f"{count(done)} of {count(total)} faces"),
        )  # fmt: skip
    except LabError as error:
        badges.show_error(error)
        return None
    finally:
        bar.empty()
        stop.empty()
    st.session_state["look-attention"] = (key, found)
    return found


def alarms(found, of: str) -> None:
    """of: the class that the maps explain; only maps of the answers themselves tell what an answer was taken from."""
    if of != "predicted":
        words = "Whether a class is decided by background shows in maps of the predicted class."
        st.html(f'<div class="lab-meta">{words}</div>')
        return
    raised = found.alarms()
    for alarm in raised:
        st.html(badges.fault(alarm.sentence, "Crop closer, augment the background, or check the photos."))
    if not raised:
        st.html('<div class="lab-meta">No class is decided by hair and background, by the last layer\'s heat.</div>')


def means(found, in_a: np.ndarray, in_b: np.ndarray, name_a: str, name_b: str) -> None:
    """Mean maps of both groups and their difference, each layer scaled to its own largest value."""
    theme.heading("Mean maps")
    a, b = found.mean_map(in_a), found.mean_map(in_b)
    tops = np.nanmax([a, b], axis=(0, 2, 3))
    most = np.nanmax(np.abs(a - b), axis=(1, 2))
    rows = []
    for letter, name, mean, mask in (("A", name_a, a, in_a), ("B", name_b, b, in_b)):
        facts = [f"{count(mask.sum())} faces"]
        if found.persons != UNKNOWN:
            facts.append(units(len(set(found.people[mask])), found.persons))
        cells = [canvas.Cell(picture.grey(one / (top or 1))) for one, top in zip(mean, tops, strict=True)]
        rows.append(canvas.Row(f"{letter}: {name}", None, cells, facts))
    cells = [
        canvas.Cell(picture.grey(one / (top or 1), signed=True), f"at most {top:.2f}")
        for one, top in zip(a - b, most, strict=True)
    ]
    facts = ["of maps that go from 0 to 1"]
    rows.append(canvas.Row("A minus B", None, cells, facts, rule=True, signed=True))
    style = canvas.Style(overlaid=False, top="largest in its layer", poles=("more in B", "more in A"))
    canvas.draw(found.layers, rows, style, key="look-means")


def shares(found, in_a: np.ndarray, in_b: np.ndarray, name_a: str, name_b: str) -> None:
    """Share of heat by layer and region, with intervals over people; a difference only where its interval is off 0."""
    theme.heading("Share of heat")
    share_a, share_b, gap = found.share_of(in_a), found.share_of(in_b), found.difference(in_a, in_b)
    area = found.area.mean(0)
    lines = []
    for i, layer in enumerate(found.layers):
        for r, region in enumerate(regions.REGIONS):
            cells = _cell(share_a, i, r) + _cell(share_b, i, r) + _gap(gap, i, r)
            head = f'<td class="lab-left">{escape(layer) if r == 0 else ""}</td><td class="lab-left">{region}</td>'
            lines.append(f"<tr>{head}<td>{area[r]:.0%}</td>{cells}</tr>")
    head = (
        '<tr><th>Layer</th><th class="lab-left">Region</th><th>Area</th>'
        f"<th>A: {escape(name_a)}</th><th>B: {escape(name_b)}</th><th>A minus B</th></tr>"
    )
    st.html(f'{_CSS}<div class="lab-scroll"><table class="lab-table look-shares">{head}{"".join(lines)}</table></div>')
    st.caption(
        f"Mean share of a map's heat, with the 95 % interval over {noun(found.persons)} (bootstrap). Area is the share "
        "of the picture: heat that is spread evenly lies there to that share. A difference is bold where its interval "
        "leaves out 0."
    )


def downloads(run: Run, found, groups: dict[str, np.ndarray], which: str, method: str) -> None:
    """Mean maps and their difference as a picture and as numbers, in the form that single faces have."""

    def means(scaled: bool) -> list[FaceMaps]:
        """scaled: as the page paints them; otherwise in the unit of a single face's map."""
        maps = {name: found.mean_map(mask) for name, mask in groups.items()}
        first, second = maps.values()
        maps["A minus B"] = first - second
        if scaled:
            tops = [np.nanmax([first, second], axis=(0, 2, 3))] * 2 + [np.nanmax(np.abs(first - second), axis=(1, 2))]
            maps = {
                name: one / np.where(top > 0, top, 1)[:, None, None]
                for (name, one), top in zip(maps.items(), tops, strict=True)
            }
        told = {"photo": None, "method": method, "which": which, "fold": None, "held_out": True}
        return [
            FaceMaps(run.id, run.config().name, name, model="held-out folds", layers=found.layers, maps=one,
                 signed=name == "A minus B", **told)
            for name, one in maps.items()
        ]  # fmt: skip

    with st.container(horizontal=True):
        st.download_button(
            "Download PNG", lambda: picture.sheet(means(scaled=True), overlaid=False), f"means-{run.id[-4:]}.png",
            "image/png", icon=":material/image:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download NPZ", lambda: picture.arrays(means(scaled=False)), f"means-{run.id[-4:]}.npz",
            "application/octet-stream", icon=":material/data_array:", on_click="ignore",
        )  # fmt: skip


def _cell(found: HeatInterval, i: int, r: int) -> str:
    mean, low, high = (float(x[i, r]) for x in (found.mean, found.low, found.high))
    if np.isnan(mean):
        return "<td>–</td>"
    spread = "" if np.isnan(low) else f" <small>[{100 * low:.0f}, {100 * high:.0f}]</small>"
    return f"<td>{100 * mean:.0f} %{spread}</td>"


def _gap(found: HeatInterval, i: int, r: int) -> str:
    mean, low, high = (100 * float(x[i, r]) for x in (found.mean, found.low, found.high))
    if np.isnan(mean):
        return "<td>–</td>"
    words = f"{_signed(mean)} pt"
    if np.isnan(low):
        return f"<td>{words}</td>"
    words = f"<b>{words}</b>" if low > 0 or high < 0 else words
    return f"<td>{words} <small>[{_signed(low)}, {_signed(high)}]</small></td>"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-0.0", "+0.0").replace("-", "\N{MINUS SIGN}")
