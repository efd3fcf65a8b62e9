"""Look inside, likely wrong labels: one at a time, to confirm, to relabel or to leave out."""

from __future__ import annotations

from datetime import datetime
from html import escape

import numpy as np
import pandas as pd
import streamlit as st

from core.answers import label_errors
from core.answers.mistakes import Answers
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction
from core.data.tasks import GENDERS, MASKS, class_parts
from core.errors import LabError
from core.runs import Run
from core.text import count, plain
from pages.parts.look_inside import address, elements, mistakes
from pages.parts.shared import badges
from pages.parts.shared.fields import begin

PAGE = 12
SIDE = 420  # px
ON_SCREEN = "look-queue-on-screen"  # in the session: the face whose portrait was drawn last
_CSS = """<style>
.look-one { display: grid; grid-template-columns: minmax(150px, 260px) 1fr; gap: 1rem; align-items: start; }
.look-one img { width: 100%; border-radius: 6px; display: block; }
.look-one dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem .8rem; margin: 0 !important;
  padding: 0; font-size: .92rem; }
.look-one dt { opacity: .7; } .look-one dd { margin: 0; overflow-wrap: anywhere; }
.look-chance { display: grid; grid-template-columns: minmax(4rem, auto) minmax(3rem, 1fr) 3.4rem; gap: .1rem .6rem;
  font-size: .84rem;
  align-items: center; margin-top: .7rem; font-variant-numeric: tabular-nums; }
.look-chance i { height: .55rem; border-radius: 2px; background: var(--c); display: block; }
.look-others { display: flex; flex-wrap: wrap; gap: .35rem; margin-top: .7rem; }
.look-others img { width: 64px; height: 64px; object-fit: cover; border-radius: 4px; }
@media (max-width: 640px) { .look-one { grid-template-columns: 1fr; } }
</style>"""


@st.cache_data(max_entries=8, show_spinner="Looking for likely wrong labels")
def likely(run_id: str, which: str, version: tuple, _answers: Answers) -> tuple[pd.DataFrame, float]:
    """(the queue, the estimated number of wrong labels)."""
    joint = label_errors.confident_joint(_answers.table["y"].to_numpy(), _answers.probabilities)
    return label_errors.likely_errors(_answers), float(joint.estimate.sum() - np.trace(joint.estimate))


def show(run: Run, answers: Answers, version: tuple) -> None:
    found, estimate = likely(run.id, answers.which, version, answers)
    root = run.config().data.root
    try:
        waiting = undecided(found, root, float(run.info().get("created", 0)))
    except LabError as error:
        badges.show_error(error)
        return
    done = len(found) - len(waiting)
    st.html(
        f'<div class="lab-meta">{count(len(found))} of {count(len(answers.table))} labels are contradicted; '
        f"{count(done)} of them are decided. By the same count about {count(estimate)} labels are wrong, if the "
        "network is right where it is sure; a network that has learned little contradicts hard faces too.</div>"
    )
    _last_decision(root)
    if waiting.empty:
        words = "Every likely wrong label is decided." if done else "No label is confidently contradicted by this run."
        st.info(words, icon="🎯")
        if st.button("Show all mistakes", icon=":material/grid_view:"):
            address.put(view=None)
            st.rerun()
        return
    names = waiting["sample"].tolist()
    now = st.query_params.get("label")
    at = names.index(now) if now in names else 0
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        page = at // PAGE
        part = waiting.iloc[page * PAGE : (page + 1) * PAGE]
        faces = [_tile(answers, row, row.sample == names[at]) for row in part.itertuples(index=False)]
        elements.gallery(faces, lambda sample: address.put(label=sample), key="look-queue", version=run.id)
        st.caption(f"{count(page * PAGE + 1)} to {count(page * PAGE + len(part))} of {count(len(names))}, worst first.")
    with right:
        with st.container(horizontal=True, vertical_alignment="center"):
            _step("Previous", "P", ":material/chevron_left:", names, at - 1)
            _step("Next", "N", ":material/chevron_right:", names, at + 1)
            st.caption(f"{count(at + 1)} of {count(len(names))}", width="content")
        following = names[at + 1] if at + 1 < len(names) else names[at - 1] if at else None
        one(run, answers, waiting.iloc[at], root, following)


def undecided(found: pd.DataFrame, root: str, since: float) -> pd.DataFrame:
    """The queue without faces that a person has decided since the run was launched. since: Unix time."""
    seen = reviews.load(root)
    after = [each for each in corrections.load(root) if datetime.fromisoformat(each.when).timestamp() >= int(since)]
    photos = {each.sample for each in after if each.sample}
    people = {each.person for each in after if not each.sample}
    right = found["sample"].map(seen).astype(object) == found["label"].astype(object)
    return found[~(right | found["sample"].isin(photos) | found["person"].isin(people))]


def one(run: Run, answers: Answers, row: pd.Series, root: str, following: str | None) -> None:
    """The face in question, what is known about it, and the three decisions."""
    face = answers.table.iloc[row["row"]]
    others = answers.table[(answers.table["person"] == face["person"]) & (answers.table["sample"] != face["sample"])]
    st.session_state[ON_SCREEN] = face["sample"]
    st.html(_CSS + _portrait(answers, row, face, others))

    def is_on_screen() -> bool:
        """Whether the face of these buttons is the one to be seen: the next one's portrait comes before its buttons."""
        if st.session_state.get(ON_SCREEN) == face["sample"]:
            return True
        st.session_state["look-queue-error"] = LabError(
            "Nothing was decided: another face came up as you clicked.", "Look at it, then decide."
        )
        return False

    def decided(what: str, undo: tuple) -> None:
        st.session_state["look-decided"] = (what, undo)
        address.put(label=following)

    def write(found: list[Correction], what: str) -> None:
        if not is_on_screen():
            return
        try:
            done = corrections.add_all(root, found)
        except LabError as error:
            st.session_state["look-queue-error"] = error
            return
        decided(what, ("correction", *(each.id for each in done)))

    def confirm() -> None:
        if not is_on_screen():
            return
        try:
            reviews.confirm(root, face["sample"], row["label"])
        except LabError as error:
            st.session_state["look-queue-error"] = error
            return
        decided(f"{face['sample']} is {row['label']} indeed.", ("review", face["sample"]))

    def leave_out(kind: str) -> None:
        sample = face["sample"] if kind == "exclude-photo" else ""
        what = face["sample"] if sample else f"person {face['person']}"
        write(
            [Correction(kind=kind, sample=sample, person=face["person"], reason=_reason(run, row))],
            f"{what} is left out.",
        )

    with st.container(horizontal=True):
        st.button("Confirm label", icon=":material/check:", on_click=confirm, help="The label is right; ask no more.")
        st.button(
            "Leave photo out", icon=":material/hide_image:", on_click=leave_out, args=("exclude-photo",),
            help="New runs do not use this photo.",
        )  # fmt: skip
        if len(others):
            st.button(
                "Leave person out", icon=":material/person_off:", on_click=leave_out, args=("exclude-person",),
                help=f"New runs use none of the {len(others) + 1} photos of this person.",
            )  # fmt: skip
    relabel(run, answers, row, face, others, write)
    if problem := st.session_state.pop("look-queue-error", None):
        badges.show_error(problem)
    st.caption("Decisions are kept beside the lab's data and count for new runs; the dataset's folder is left alone.")


def relabel(run: Run, answers: Answers, row, face, others: pd.DataFrame, write) -> None:
    """A form with one field an attribute, filled with what the network believes; an age has to be told."""
    names = list(answers.class_names)
    parts = class_parts(run.config().task, names)
    belief, says = parts[names.index(row["likely"])], parts[names.index(row["label"])]
    key = f"look-relabel-{row['sample']}"

    def submit() -> None:
        told = st.session_state
        whole = bool(told.get(f"{key}-whole"))
        everyone = pd.concat([answers.table.iloc[[row["row"]]], others])
        found = []
        for name in answers.attributes:
            of_person = whole and name in ("gender", "age")
            before = sorted({corrections.value_text(v) for v in (everyone[name] if of_person else [face[name]])})
            after = corrections.value_text(told[f"{key}-{name}"])
            if after and before != [after]:
                found.append(
                    Correction(
                        kind="relabel", sample="" if of_person else face["sample"], person=face["person"],
                        attribute=name, before=corrections.SEVERAL.join(before), after=after, reason=_reason(run, row),
                    )
                )  # fmt: skip
        if found:
            changes = ", ".join(f"{each.attribute} {each.before or 'unknown'} → {each.after}" for each in found)
            write(found, f"{face['sample']}: {changes}.")
        else:
            told["look-queue-error"] = LabError("Nothing is changed.", "Tell what is right, or confirm the label.")

    with st.form(key, border=True):
        with st.container(horizontal=True):
            for name in answers.attributes:
                now = corrections.value_text(face[name])
                if name == "age":
                    differs = belief["age"] != says["age"]
                    begin(
                        st.number_input, "Age in years", 0, 119, key=f"{key}-age", width=150,
                        begins=int(float(now)) if now and not differs else None,
                        placeholder=f"likely {belief['age']}" if differs else "unknown",
                    )  # fmt: skip
                else:
                    options = {"mask": list(MASKS), "gender": list(GENDERS), "label": names}[name]
                    begin(st.selectbox, name.capitalize(), options, key=f"{key}-{name}", begins=belief[name], width=190)
        if len(others) and {"gender", "age"} & set(answers.attributes):
            words = f"Gender and age of all {len(others) + 1} photos of this person"
            begin(st.checkbox, words, key=f"{key}-whole", begins=True)
        st.form_submit_button("Relabel", icon=":material/edit:", type="primary", on_click=submit)


def _reason(run: Run, row) -> str:
    return f"likely {row['likely']}, says {run.id}"


def _last_decision(root: str) -> None:
    """What was decided last, with its way back."""
    if (last := st.session_state.get("look-decided")) is None:
        return
    what, (kind, *ids) = last

    def undo() -> None:
        if st.session_state.get("look-decided") is not last:
            return
        try:
            if kind == "review":
                reviews.forget(root, ids[0])
            else:
                for each in ids:
                    corrections.undo(root, each)
            del st.session_state["look-decided"]
        except LabError as error:
            st.session_state["look-queue-error"] = error

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/task_alt: {plain(what)}", width="content")
        st.button("Undo", icon=":material/undo:", on_click=undo)


def _step(label: str, shortcut: str, icon: str, names: list[str], to: int) -> None:
    inside = 0 <= to < len(names)
    st.button(
        label, icon=icon, shortcut=shortcut, disabled=not inside, on_click=address.put, key=f"look-queue-{label}",
        kwargs={"label": names[to]} if inside else None,
    )  # fmt: skip


def _tile(answers: Answers, row, is_chosen: bool) -> dict:
    face = answers.table.iloc[row.row]
    image, fault = mistakes.thumbnail(face["path"], face["sample"], mistakes.SIDE)
    return {
        "sample": row.sample, "image": image, "fault": fault, "true": row.label, "predicted": row.likely,
        "right": False, "lines": [f"p {row.self_confidence:.2f} → {row.likely_confidence:.2f}"], "mark": "",
        "chosen": is_chosen,
    }  # fmt: skip


def _portrait(answers: Answers, row, face, others: pd.DataFrame) -> str:
    image, fault = mistakes.thumbnail(face["path"], face["sample"], SIDE)
    picture = f'<img alt="" src="{image}">' if image else f'<div class="faces-missing">{escape(fault)}</div>'
    facts = {"label": row["label"], "likely": row["likely"], "photo": face["sample"], "person": face["person"]}
    if face["age"] == face["age"] and face["age"] is not None:
        facts["age"] = f"{face['age']:g} years"
    facts["judged by"] = f"fold {face['fold']}, which held this person out"
    terms = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    chances = answers.probabilities[row["row"]]
    bars = ""
    for i in np.argsort(-chances)[:4]:
        name = answers.class_names[i]
        tone = "#D55E00" if name == row["likely"] else "#2a9d68" if name == row["label"] else "#7d8590"
        bars += (
            f'<span>{escape(name)}</span><i style="--c:{tone};width:{100 * chances[i]:.1f}%"></i>'
            f"<span>{chances[i]:.3f}</span>"
        )
    small = ""
    for other in others.head(8).itertuples(index=False):
        shown, _ = mistakes.thumbnail(other.path, other.sample, mistakes.SIDE)
        if shown:
            small += f'<img alt="" title="{escape(other.sample)}: {escape(other.true)}" src="{shown}">'
    if small:
        small = f'<div class="look-others" aria-label="Other photos of this person">{small}</div>'
    return (
        f'<div class="look-one"><div>{picture}</div><div><dl>{terms}</dl><div class="look-chance">{bars}</div>'
        f"{small}</div></div>"
    )
