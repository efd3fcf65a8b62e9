"""Data, problems: what the scan found wrong, each with its photos where they can be shown."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import streamlit as st

from core.data.images import SUFFIXES
from core.data.labels.corrections import value_text
from core.data.paths import inside
from core.data.pictures import alike
from core.data.pictures.photo import StoredPhoto, photo_of
from core.data.reach.opening import is_file, is_folder, listing
from core.data.thumbnails import thumbnails
from core.errors import LabError
from core.storage.spreadsheet import spreadsheet_csv
from core.text import count, plain
from pages.parts.data.gallery import Tile, gallery
from pages.parts.data.view import View, address, address_choice, describe, go, pager, pick_photo, turner
from pages.parts.dataset.card import pairs_in_words
from pages.parts.shared import badges
from pages.parts.shared.fields import field

PAGE = 12  # problems with their photos
SHOWN = 14  # photos of one problem
PERSON = re.compile(r"^person (?P<quoted>'.*'|\".*\") has ")


def draw(view: View) -> None:
    problems = view.corrected.problems
    settled = len(view.raw.problems) - len(problems)
    if pairs := alike.number_among(view.raw.root, view.corrected.samples):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f":orange[:material/content_copy: {plain(pairs_in_words(pairs, view.raw.root))}.]", width="content"
            )
            st.button("See the pairs", key="data-problem-pairs", on_click=go, kwargs={"view": "duplicates"})
    if not len(problems) and pairs:
        st.caption("The scan itself found nothing wrong.")
        return
    if not len(problems):
        st.success(
            "The scan found nothing wrong." if not len(view.raw.problems) else "Corrections settle every problem.",
            icon=":material/check_circle:",
        )
        return
    kinds = problems["kind"].value_counts()
    options = ["all", *kinds.index]
    kind = address_choice("kind", options, "all")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        field(
            st.selectbox,
            "Kind",
            options,
            key="data-kind",
            holds=kind,
            width=280,
            take=lambda choice: go(kind=choice, page=None),
            format_func=lambda option: f"{option} ({len(problems) if option == 'all' else kinds[option]:,})",
        )
        st.download_button(
            "Download as CSV",
            spreadsheet_csv(problems),
            "problems.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    if settled > 0:
        st.caption(f"{count(settled)} more are settled by corrections.")
    chosen = together(problems if kind == "all" else problems[problems["kind"] == kind])
    part = pager(len(chosen), PAGE)
    photos = by_person(view.corrected.samples, chosen.iloc[part])
    for number, problem in enumerate(chosen.iloc[part].itertuples(index=False), part.start):
        one(view, problem, photos, f"data-problem-{number}")
    turner(part, len(chosen), PAGE, "problems")


def together(problems: pd.DataFrame) -> pd.DataFrame:
    """One row for what is said of several files in the same words; `files` has them all, `sample` the first."""
    said = ["where", "kind", "problem", "remedy", "severity"]
    return problems.groupby(said, sort=False, as_index=False).agg(sample=("sample", "first"), files=("sample", list))


def by_person(samples: pd.DataFrame, problems: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The photos of each person that a problem names."""
    people = [person for text in problems["problem"] if (person := person_of(text)) is not None]
    theirs = samples[samples["person"].isin(people)]
    return dict(iter(theirs.groupby("person")))


def person_of(text: str) -> str | None:
    """The person of a warning about contradictory labels."""
    match = PERSON.match(text)
    return match["quoted"][1:-1].replace("\\'", "'").replace("\\\\", "\\") if match else None


def one(view: View, problem: Any, photos: dict[str, pd.DataFrame], key: str) -> None:
    """A problem in words, its photos below; a click on a photo opens its correction."""
    state = "failed" if problem.severity == "error" else "interrupted"
    fault = badges.fault(problem.problem, problem.remedy, problem.where, state)
    person = person_of(problem.problem)
    if person in photos:
        st.html(fault)
        rows = [row for _, row in photos[person].head(SHOWN).iterrows()]
        tiles = [Tile(photo_of(r), describe(r), r["sample"]) for r in rows]
        gallery(tiles, pick_photo, key=key, chosen=[address("photo")])
        if len(photos[person]) > SHOWN:
            st.caption(f"The first {SHOWN} of {count(len(photos[person]))} photos of {plain(person)}.")
        return
    whole_row = len(problem.files) == 1 and view.row(problem.sample) is None and problem.severity == "error"
    if whole_row and problem.sample and problem.kind not in ("outside", "bad-folder"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(fault, width="stretch")
            st.button(
                "Leave it out",
                icon=":material/hide_image:",
                key=f"{key}-open",
                on_click=go,
                kwargs={"photo": problem.sample},
                help="Opens its correction, where you give the reason.",
            )
    else:
        st.html(fault)
    tiles = [tile for sample in problem.files[:SHOWN] for tile in tiles_of(view, sample)][:SHOWN]
    if tiles:
        pick = (lambda _: pick_photo(problem.sample)) if whole_row else pick_photo
        gallery(tiles, pick, key=key, chosen=[address("photo")])
    if len(problem.files) > SHOWN:
        st.caption(f"The first {SHOWN} of {count(len(problem.files))} photos.")


def tiles_of(view: View, sample: str) -> list[Tile]:
    """The photo; the photos of a folder; none where there is nothing to show, as of a file that cannot be decoded."""
    row = view.row(sample) if sample else None
    if row is not None:
        return [Tile(photo_of(row), describe(row), value_text(row["person"]))]
    root = Path(view.raw.root)
    place = inside(root, sample) if sample else None
    if place is None:
        return []
    names = [place]
    if is_folder(root / place):
        try:
            with listing(root / place) as entries:
                listed = [entry.name for entry in entries if not entry.name.startswith(".")]
        except (OSError, LabError):  # that it cannot be listed is what the problem says
            return []
        names = sorted(f"{place}/{name}".lstrip("/") for name in listed)
    pictures = [name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES]
    tiles = []
    for name in [name for name in pictures if inside(root, name) is not None][:SHOWN]:
        if is_file(path := root / name):  # of one behind a closed folder it says no
            photo = StoredPhoto(str(path), name, view.raw.bits, path.stat().st_mtime_ns)
            tiles.append(Tile(photo, name.rpartition("/")[2], "not used"))
    good = thumbnails([tile.photo for tile in tiles])
    return [tile for tile, picture in zip(tiles, good, strict=True) if isinstance(picture, bytes)]
