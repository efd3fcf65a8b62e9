"""Flips: the faces that one of two runs gets right and the other wrong, and the way into the maps of both."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

import streamlit as st

from core.compare.contrast import flips
from core.compare.pairs import Pair
from core.data.pictures.photo import StoredPhoto, photo_of
from core.data.thumbnails import thumbnail
from core.errors import LabError
from core.places import HOME
from core.text import chance, count, plain, sure
from pages.parts.compare import decide
from pages.parts.compare.pick import segments, select
from pages.parts.look_inside.address import MOST_FACES
from pages.parts.selection import bar, selected
from pages.parts.shared import faces

LOOK = HOME / "pages" / "look_inside.py"
_ASKED = ("runs", "baseline", "which", "flip", "side")  # in the address: what says which photos these are
_NOW = "flips-now"  # in the session: what is asked by now, where a click on the button came with another choice
PAGE = 12
SIDE = 220  # px of a thumbnail
_CSS = """<style>
.cmp-flips { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .9rem .8rem; }
.cmp-flips a { color: inherit; text-decoration: none; display: block; min-width: 0; font-size: .8rem; line-height: 1.4;
  overflow-wrap: anywhere; border-radius: 6px; }
.cmp-flips a:hover img, .cmp-flips a:focus-visible img { outline: 2px solid var(--st-primary-color, #2f95b8); }
.cmp-flips img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px; display: block;
  margin-bottom: .3rem; }
.cmp-flips b { font-weight: 600; } .cmp-flips span { display: block; }
.cmp-flips i { font-style: normal; color: var(--c); }
.cmp-missing { aspect-ratio: 1; border-radius: 4px; display: grid; place-items: center; padding: .4rem;
  background: color-mix(in srgb, currentColor 8%, transparent); margin-bottom: .3rem; }
.cmp-maps { display: inline-block; margin: .2rem 0 .8rem; font-size: .92rem; font-weight: 600;
  color: var(--st-link-color, #0b6e8f) !important; }
</style>"""


def maps_link(run: str, baseline: str, samples: list[str], attribute: str = "", which: str = "best") -> str:
    """The address of Look inside with the maps of both runs for these samples; a comma in a name is quoted twice.

    attribute: the one that is looked at, where several are told one by one. which: the epoch that answered.
    """
    names = ",".join(quote(sample.replace("%", "%25").replace(",", "%2C"), safe="") for sample in samples)
    of = f"&attribute={quote(attribute, safe='')}" if attribute else ""
    of += f"&which={which}" if which != "best" else ""
    return f"look_inside?run={quote(run)}&runs={quote(run)},{quote(baseline)}&samples={names}&first={len(samples)}{of}"


def draw(pairs: dict[str, Pair], names: dict[str, str], which: str) -> None:
    """pairs: run id -> its pair with the baseline, for runs with predictions. which: the epoch that they are of."""
    address = st.query_params
    run = address.get("flip", "")
    run = run if run in pairs else next(iter(pairs))
    pair = pairs[run]
    table = flips(pair)
    counts = table["right"].value_counts()
    sides = {
        "run": f"only {names[run]} right ({count(counts.get('run', 0))})",
        "baseline": f"only {names[pair.baseline.id]} right ({count(counts.get('baseline', 0))})",
    }
    side = address.get("side", "") if address.get("side", "") in sides else "run"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(pairs) > 1:
            select("Run against the baseline", {r: names[r] for r in pairs}, run, "flip", width=300)
        segments("Photos that", {key: plain(words) for key, words in sides.items()}, side, "side")
        chosen = table[table["right"] == side]
        pages = max(1, -(-len(chosen) // PAGE))
        page = 1
        if pages > 1:
            page = st.number_input(f"Page of {pages}", 1, pages, key=f"flips-page-{run}-{side}", width=130)
    if chosen.empty:
        st.session_state.pop(_NOW, None)
        st.caption("There is no such photo: on these photos the other run is right wherever this one is.")
        return
    rows = chosen.iloc[(page - 1) * PAGE : page * PAGE]
    attribute = str(rows["attribute"].iloc[0])  # of several, Look inside shows one at a time
    first = list(rows["sample"][rows["attribute"] == attribute])[:MOST_FACES]
    link = maps_link(run, pair.baseline.id, first, attribute, which)
    of_attribute = chosen[chosen["attribute"] == attribute]
    samples = of_attribute["sample"].tolist()
    if st.session_state.pop(_NOW, None) == _asked():
        _select(pair, samples, attribute, which)
    several = f"Select all {count(len(of_attribute))} in Look inside"
    st.button(
        several if len(of_attribute) > 1 else "Select it in Look inside",
        icon=":material/select_all:",
        key="flips-select",
        help="Together, to see where they stand in the confusion matrix, their maps, or correct them.",
        on_click=decide.note,
        args=(_answer, _asked(), pair, samples, attribute, which),
    )
    words = f"Open the first {len(first)} in Look inside" if len(first) > 1 else "Open it in Look inside"
    st.html(
        f'{_CSS}<a class="cmp-maps" href="{escape(link)}" target="_self">{words}</a>'
        f'<div class="cmp-flips">{"".join(_face(row, pair, names, which) for row in rows.itertuples())}</div>'
    )
    st.caption(
        "The clearest first: by how much more one run gives to the true class than the other. Both predictions are "
        "out-of-fold; a photo opens the maps of both runs."
    )


def _asked() -> tuple[str, ...]:
    return tuple(st.query_params.get(name, "") for name in _ASKED)


def _answer(asked: tuple[str, ...], *drawn: Any) -> None:
    """A click: just the photos that the button told, also where a run has other answers by now; but where others were
    chosen with the click, those, once they are known. asked, drawn: what the button was drawn for."""
    if _asked() == asked:
        _select(*drawn)
    else:
        st.session_state[_NOW] = _asked()


def _select(pair: Pair, samples: list[str], attribute: str, which: str) -> None:
    """Leads to both runs in Look inside, narrowed to these photos, which are selected from here on."""
    root = pair.run.config.data.root
    selected.put(root, samples)
    link = {"run": pair.run.id, "runs": f"{pair.run.id},{pair.baseline.id}", bar.ONLY: "1"}
    link |= {"attribute": attribute} if attribute else {}
    link |= {"which": which} if which != "best" else {}
    st.switch_page(LOOK, query_params=link | {selected.NAME: selected.of(root).name})


def _face(row, pair: Pair, names: dict[str, str], which: str) -> str:
    answers = ""
    for member, predicted, held, true in (
        (pair.run, row.predicted_a, row.q_a, row.p_a),
        (pair.baseline, row.predicted_b, row.q_b, row.p_b),
    ):
        right = predicted == row.label
        truth = "" if right else f", true class {chance(true)}"
        answers += (
            f'<span class="lab-{"good" if right else "bad"}"><i>{"✓" if right else "✗"}</i> '
            f"{escape(names[member.id])}: {escape(str(predicted))}, {sure(held)}{truth}</span>"
        )
    link = maps_link(pair.run.id, pair.baseline.id, [row.sample], row.attribute, which)
    return (
        f'<a href="{escape(link)}" target="_self">{_picture(photo_of(row))}'
        f"<b>{escape(str(row.label))}</b> · fold {row.fold}{answers}</a>"
    )


def _picture(photo: StoredPhoto) -> str:
    try:
        return faces.encoded(thumbnail(photo, SIDE), "photo")
    except LabError as error:
        return f'<div class="cmp-missing">{escape(error.message)}</div>'
