"""What was understood of a dataset, before anything else: facts, each with the way to what changes it, some photos."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from core.data.pictures import alike
from core.data.pictures.photo import photo_of
from core.data.reach import bounds
from core.data.readers.reading import Fact
from core.data.scan import Scan
from core.data.thumbnails import thumbnails
from core.data.understood import bad_files, examples, facts_of
from core.errors import LabError
from core.places import HOME
from core.text import count, plain
from pages.parts.dataset import lead
from pages.parts.dataset.picker import corrected, forget
from pages.parts.shared import faces, groups
from pages.parts.shared.fields import value_of

DATA = HOME / "pages" / "data.py"
UNDERSTOOD = "understood"  # in the session: (scan, where the lab looked, its facts, its photos)
PHOTOS = 10
SIDE = 160  # px of a photo as it is sent; it is shown at less than half
OF_PROBLEMS = ("problems", "left-out")  # kinds of facts that the list of problems tells more about
ICONS = {
    "layout": "folder_open",
    "table": "table",
    "encoding": "translate",
    "match": "join_inner",
    "names": "text_fields",
    "classes": "category",
    "values": "sell",
    "persons": "group",
    "split": "call_split",
    "unlabelled": "label_off",
    "left-out": "filter_alt",
    "links": "link",
    "pictures": "image",
    "other": "info",
}
_CSS = """<style>
[class*="st-key-understood-"] { padding: .7rem 1rem .85rem; gap: .35rem; }
[class*="st-key-understood-head-"] { padding: 0; flex-wrap: nowrap; align-items: baseline; }
[class*="st-key-fact-"] { flex-wrap: nowrap; align-items: flex-start; gap: .8rem; border-radius: 6px; }
[class*="st-key-fact-"] > div:first-child { flex: 0 1 auto; min-width: 0; }
[class*="st-key-fact-"] .stMarkdown [data-testid="stMarkdownContainer"] { margin: 0; }
[class*="st-key-fact-"] .stMarkdown p { margin: 0; padding-left: 1.6rem; text-indent: -1.6rem; line-height: 1.5;
  overflow-wrap: anywhere; }
[class*="st-key-fact-"] .stMarkdown p > span:first-child { display: inline-block; width: 1.35rem; text-indent: 0; }
[class*="st-key-fact-"] [data-testid="stBaseButton-tertiary"] { padding: 0; min-height: 1.5rem;
  color: light-dark(#0b6e8f, #4fb3d3); }
[class*="st-key-fact-asked-"] { padding: .5rem .8rem; margin-bottom: .25rem;
  background: color-mix(in srgb, #7c5cd6 13%, transparent); box-shadow: inset 3px 0 0 #7c5cd6; }
[class*="st-key-lead-"] { display: none; }
.understood-photos { display: grid; grid-template-columns: repeat(auto-fill, 66px); grid-auto-rows: 0;
  grid-template-rows: auto; column-gap: .45rem; overflow: hidden; padding-top: .25rem; }
.understood-photos figure { margin: 0; min-width: 0; font-size: .72rem; line-height: 1.3; }
.understood-photos img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 5px; display: block; }
.understood-photos figcaption { padding-top: .15rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  color: color-mix(in srgb, currentColor 78%, transparent); }
</style>"""


def card(scan: Scan, key: str, *, show_problems: Callable[[Fact], str]) -> None:
    """show_problems(fact) is called by a click that asks for more: it opens them and returns where on the page."""
    typed = value_of(f"{key}.path") if st.session_state.get(f"{key}.source") == "folder" else ""  # stands above
    with st.container(border=True, key=f"understood-{key}"):  # all of it, so that fields below stay what they are
        st.html(_CSS)
        with st.container(horizontal=True, horizontal_alignment="distribute", key=f"understood-head-{key}"):
            path = "" if typed == scan.root else f" :small[:gray[{plain(scan.root)}]]"
            st.markdown(f"**What was understood**{path}", width="stretch")
            st.button("Scan again", icon=":material/refresh:", on_click=forget, type="tertiary", key=f"{key}.again")
        facts, photos = _understood(scan)
        pairs = _pairs_left(scan)
        for number, fact in enumerate(facts):
            if fact.kind != "problems" or len(scan.problems) or not pairs:
                _fact(scan, fact, f"{key}-{number}", key, show_problems)
        if pairs:
            _pairs(scan, pairs, f"{key}-pairs")
        if photos:
            st.html(photos)
        lead.follow(key)


def _understood(scan: Scan) -> tuple[tuple[Fact, ...], str]:
    """The facts and the HTML of the photos of a scan, worked out once."""
    remembered, allowed = st.session_state.get(UNDERSTOOD), bounds.allowed()
    if remembered is None or remembered[0] is not scan or remembered[1] != allowed:
        remembered = scan, allowed, facts_of(scan), _photos(scan)
        st.session_state[UNDERSTOOD] = remembered
    return remembered[2:]


def _fact(scan: Scan, fact: Fact, name: str, key: str, show_problems: Callable[[Fact], str]) -> None:
    """One fact in its row, with the button that leads on where there is somewhere to go."""

    def change() -> None:
        groups.open_group(f"labels-{key}")
        lead.lead_to(key, [*fact.settings, f"group-labels-{key}"])

    def show() -> None:
        lead.lead_to(key, [show_problems(fact)])

    with st.container(horizontal=True, key=f"fact-{'asked-' if fact.probable else ''}{name}"):
        st.markdown(f"{_icon(scan, fact)} {plain(fact.text)}", width="content")
        if fact.kind in OF_PROBLEMS and len(scan.problems):
            st.button("Show", type="tertiary", key=f"{name}.show", on_click=show)
        elif fact.settings:
            st.button("Change", type="tertiary", key=f"{name}.change", on_click=change)


def _pairs_left(scan: Scan) -> int:
    """How many pairs of photos that look the same nobody has settled."""
    try:
        samples = corrected(scan)[0].samples
    except LabError:  # a broken file of corrections is told where they are applied
        samples = scan.samples
    return alike.number_among(scan.root, samples)


def _pairs(scan: Scan, number: int, name: str) -> None:
    """What the search for duplicates found, as long as nobody has settled it."""
    with st.container(horizontal=True, key=f"fact-{name}"):
        st.markdown(f":orange[:material/content_copy:] {plain(pairs_in_words(number, scan.root))}.", width="content")
        if st.button("See", type="tertiary", key=f"{name}.see"):
            st.switch_page(DATA, query_params={"root": scan.root, "view": "duplicates"})


def pairs_in_words(number: int, root: str) -> str:
    """number: of the pairs that the last search in this dataset found, those that are to be told of."""
    look = "pair of photos of different people looks" if number == 1 else "pairs of photos of different people look"
    return f"{alike.at_least(alike.kept(root))}{count(number)} {look} the same".capitalize()


def _icon(scan: Scan, fact: Fact) -> str:
    if fact.probable:
        return ":violet[:material/help:]"
    if fact.kind == "problems":
        if bad_files(scan):
            return ":red[:material/error:]"
        return ":orange[:material/warning:]" if len(scan.problems) else ":green[:material/check_circle:]"
    if fact.kind == "persons" and not scan.persons.are_known:
        return ":orange[:material/gpp_maybe:]"
    kind = fact.kind if fact.kind in ICONS else "other"
    return f":gray[:material/{ICONS[kind]}:]"


def _photos(scan: Scan) -> str:
    """HTML of a row of small photos of different classes, without those that cannot be read by now."""
    chosen = examples(scan, PHOTOS)
    pictures = thumbnails([photo_of(row) for _, row in chosen], SIDE)
    cells = [
        f'<figure title="{escape(name)}">{faces.encoded(picture, name)}<figcaption>{escape(name)}</figcaption></figure>'
        for (name, _), picture in zip(chosen, pictures, strict=True)
        if not isinstance(picture, LabError)
    ]
    return f'<div class="understood-photos">{"".join(cells)}</div>' if cells else ""
