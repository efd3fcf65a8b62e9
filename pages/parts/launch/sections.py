"""What a launch would train on: faces as the network sees them, and people, folds, steps and time of one run."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.augment.preview import crop_effects, fit_crops, pick
from core.config import TransformConfig
from core.data.counts import thin_classes
from core.data.persons import units
from core.data.pictures.photo import photo_of
from core.data.readers.attributes import TEST
from core.data.tasks import not_used
from core.data.yes_no import pairs
from core.plan import apart
from core.plan.folds import fold_table
from core.plan.plan import Plan
from core.text import count, number_of, plain
from pages.parts.data import split_bars
from pages.parts.form import draft
from pages.parts.shared import faces, fold_verdict, tables

FACES = 2  # of each class
FOLD_TABLE = "launch_fold_table"  # in the session: (photos of a plan, their counts)
THIN = "launch_thin_classes"  # in the session: (photos of a plan, folds, its rare classes) of each
MOST_CLASSES = 18
MOST_THIN = 4  # rare classes that are told one by one


def faces_section(plan: Plan) -> None:
    config = plan.config
    for effect in crop_effects(config.transforms, plan.samples["width"], plan.samples["height"]):
        crop, photo = (f"{w} × {h} px" for w, h in (effect.crop, effect.photo))
        if effect.padded > 0:
            st.warning(
                f"CenterCrop ({crop}, width × height) is larger than {effect.padded:.0%} of the photos (typically "
                f"{photo}): they get black borders.",
                icon=":material/crop_free:",
            )
            fitted = fit_crops(config.transforms, plan.samples["width"], plan.samples["height"])
            if fitted is not None:
                kept = next((t for t in fitted if t.name == "CenterCrop" and t.enabled), None)
                size = (
                    f"to {kept.params['width']:d} × {kept.params['height']:d} px" if kept else "by taking whole photos"
                )
                st.button(
                    f"Fit the crop, {size}",
                    key=f"fit-crop-{effect.crop[0]}-{effect.crop[1]}",
                    icon=":material/fit_screen:",
                    on_click=_take_crops,
                    args=(fitted,),
                )
        elif effect.kept < 2 / 3:
            st.info(
                f"CenterCrop ({crop}, width × height) cuts {1 - effect.kept:.0%} off the area of a typical photo "
                f"({photo}). See below that what matters stays whole.",
                icon=":material/crop:",
            )
    draw = st.session_state.setdefault("launch_draw", 0)
    one_by_one = config.task.one_by_one
    every = plan.class_names[1::2] if one_by_one else plan.class_names  # of attributes those that are yes
    class_names = every[:MOST_CLASSES]
    if one_by_one:
        of_class = {name: plan.samples[pairs.of_class(plan.samples, name)] for name in class_names}
        counts = {name: len(table) for name, table in of_class.items()}
        chosen = [(name, pick(table, FACES, draw // 4)) for name, table in of_class.items()]
    else:
        counts = plan.samples["class_name"].value_counts().to_dict()
        table = pick(plan.samples, FACES, draw // 4)
        chosen = [(name, table[table["class_name"] == name]) for name in class_names]
    photos = tuple((photo_of(row), int(row.Index), name) for name, table in chosen for row in table.itertuples())
    transforms = json.dumps([t.model_dump(mode="json") for t in config.transforms])
    with st.spinner("Preparing photos", show_time=True):
        html = faces.class_grid(
            transforms, photos, {name: int(counts[name]) for name in class_names}, config.training.seed, 1 + draw
        )
    st.html(html)
    height, width = config.input_size
    of_what = "attributes" if one_by_one else "classes"
    more = f" The first {MOST_CLASSES} of {len(every)} {of_what}." if len(every) > MOST_CLASSES else ""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            f"Above: as in validation. Beneath: one draw of training. {width} × {height} px, before colours are "
            f"normalised; the number is photos of the class.{more}",
            width="stretch",
        )
        st.button("Draw again", icon=":material/casino:", on_click=_draw_again)


def _take_crops(fitted: list[TransformConfig]) -> None:
    draft.draft()["transforms"] = [transform.model_dump(mode="json") for transform in fitted]
    draft.edited("transforms")
    draft.replace_draft(draft.draft())


def _draw_again() -> None:
    st.session_state["launch_draw"] += 1


def plan_section(plan: Plan) -> None:
    config = plan.config
    with st.container(horizontal=True, gap="medium"):
        for label, value, help in (
            *([("People", count(plan.people), None)] if plan.persons.are_known else []),
            ("Photos", count(plan.photos), None),
            *_answers(plan),
            (
                "Folds",
                count(config.folds.count),
                "Each is trained once, as many at a time as there are slots (page Settings).",
            ),
            (
                "Steps",
                count(plan.total_steps),
                f"{plan.steps_per_epoch:,} an epoch, {number_of(config.epochs, 'epoch')} a fold.",
            ),
        ):
            st.metric(label, value, help=help, width="content")
    fold_verdict.show([(plan.samples, plan.class_names)], config.data.root, reader=config.data.reader)
    rare([plan])
    if config.task.one_by_one:
        _attributes(plan)
    if notes := notes_of(plan):
        st.caption(f"{'; '.join(notes)}.")
    split_bars.show(_fold_table(plan), tested=int((plan.set_aside["split"] == TEST).sum()))
    tables.table(_fold_table(plan), "folds.csv", row_height=32, key="fold-table")


def _fold_table(plan: Plan) -> pd.DataFrame:
    """Counted once for the photos of a plan."""
    remembered = st.session_state.get(FOLD_TABLE)
    if remembered is None or remembered[0] is not plan.samples:
        table = fold_table(plan.samples)
        table.index = [f"fold {k}" for k in table.index]
        remembered = st.session_state[FOLD_TABLE] = plan.samples, table
    return remembered[1]


def _answers(plan: Plan) -> list[tuple[str, str, str | None]]:
    """How many classes there are, or attributes that are told one by one."""
    if not plan.config.task.one_by_one:
        return [("Classes", count(len(plan.class_names)), None)]
    help = "Each is answered on its own, yes or no; a photo counts for those whose answer is known of it."
    return [("Attributes", count(len(plan.class_names) // 2), help)]


def rare(plans: Sequence[Plan]) -> None:
    """Classes that a fold judges on one or two people: each of them weighs as much in its F1 as any other."""
    classes, state = thin(plans), plans[0].persons.state
    with st.container(gap="xxsmall"):
        for name, people, means in classes[:MOST_THIN]:
            st.markdown(f":orange[:material/warning: {plain(name)}: {units(people, state)}, {plain(means)}.]")
        if (more := len(classes) - MOST_THIN) > 0:
            st.caption(f"{number_of(more, 'more class is', 'more classes are')} rare.")


def thin(plans: Sequence[Plan]) -> list[tuple[str, int, str]]:
    """(class, its people, what that means) of the rare ones of all runs, the rarest first; counted once for photos."""
    remembered: list[tuple[pd.DataFrame, int, list[tuple[str, int, str]]]] = st.session_state.get(THIN, [])
    counted: list[tuple[pd.DataFrame, int, list[tuple[str, int, str]]]] = []
    for plan in plans:
        samples, folds = plan.samples, plan.config.folds.count
        if any(samples is each[0] and folds == each[1] for each in counted):
            continue
        at_hand = (each for each in remembered if samples is each[0] and folds == each[1])
        counted.append(next(at_hand, None) or (samples, folds, thin_classes(samples, folds, is_split=True)))
    st.session_state[THIN] = counted
    every = dict.fromkeys(row for _, _, of_photos in counted for row in of_photos)
    return sorted(every, key=lambda row: row[1])


def _attributes(plan: Plan) -> None:
    """Photos and people of each attribute."""
    table = pairs.counts(plan.samples).sort_values("share", kind="stable").reset_index()
    if not plan.persons.are_known:
        table = table.drop(columns="people yes")
    tables.table(
        table,
        "attributes.csv",
        key="plan-attributes",
        hide_index=True,
        height=300 if len(table) > MOST_CLASSES else "content",
        column_config={
            "share": st.column_config.ProgressColumn("share of yes", format="percent", min_value=0, max_value=1)
        },
    )


def notes_of(plan: Plan) -> list[str]:
    """What of the dataset is not trained on as it stands, in a few words each."""
    notes = []
    if plan.dropped:
        notes.append(plain(not_used(plan.dropped, plan.config.task)))
    if plan.left_out:
        notes.append(f"{count(plan.left_out)} bad {'entry is' if plan.left_out == 1 else 'entries are'} left out")
    notes += [plain(sentence.rstrip(".")) for sentence in apart.sentences(plan.apart.record())[1:]]
    if corrected := len(plan.corrections):
        notes.append(f"{count(corrected)} label {'correction is' if corrected == 1 else 'corrections are'} applied")
    if plan.set_aside_note:
        notes.append(plan.set_aside_note)
    return notes
