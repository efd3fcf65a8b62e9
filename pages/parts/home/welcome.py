"""The head of Home: what this is, a strip of faces, and the two ways to begin: the demo, or one's own photos."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import streamlit as st
from PIL import Image

from core.data import thumbnails
from core.jobs.pace.ahead import Ahead
from core.places import HOME
from core.runs import Run
from pages.parts.dataset import browse, dropped, strip
from pages.parts.home import demo_run
from pages.parts.shared import faces
from pages.parts.shared.fields import field

DATA, LAUNCH = (HOME / "pages" / f"{name}.py" for name in ("data", "launch"))
OPENS = "home-opens"  # in the session: the folder that was dropped or chosen, which Data opens
OWN = "home-own"  # prefix of the keys of the controls with which a dataset comes in
WHAT = (
    "Train an image classifier on your photos, watch every fold learn, see how far its score can be trusted, and look "
    "at what it gets wrong and why. All of it on this machine."
)
STYLE = """<style>
.home-name { font-size: 2rem; font-weight: 700; line-height: 1.2; letter-spacing: -.01em; }
.home-what { max-width: 46rem; color: color-mix(in srgb, currentColor 78%, transparent); padding-top: .2rem; }
.home-card b { font-size: 1.08rem; font-weight: 650; }
.home-dot .lab-dot { margin-right: -.9rem; }
.home-dots { margin-right: .7rem; } .home-dots .lab-dot { margin-right: -.2rem; }
</style>"""


@lru_cache(maxsize=1)
def drawn_faces() -> str:
    """HTML of a strip of the demo's people, cut from their photos: they are there before the demo is drawn."""
    with Image.open(Path(__file__).with_name("faces.jpg")) as row:
        side = row.height
        heads = [row.crop((x, 0, x + side, side)) for x in range(0, row.width, side)]
    cells = []
    for head in heads:
        stream = io.BytesIO()
        head.save(stream, "JPEG", quality=thumbnails.QUALITY)
        cells.append(("", stream.getvalue()))
    return faces.strip(cells)


def open_chosen() -> None:
    """Leave for the folder that was dropped or chosen, if one was."""
    if root := st.session_state.pop(OPENS, None):
        st.switch_page(DATA, query_params={"root": root})


def newcomer() -> None:
    """For a lab without a run."""
    st.html(f'{STYLE}<div class="home-name">Facet Lab</div><div class="home-what">{WHAT}</div>')
    st.html(drawn_faces())
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, key="home-demo-card", height="stretch"):
        st.html(
            '<div class="home-card"><b>See it work</b><div class="lab-meta">Gender and age of 300 people who do not '
            "exist. Five networks learn while you look on; their mistakes come with maps of what they looked at."
            "</div></div>"
        )
        demo_run.button(None, primary=True)
        demo_run.go_on()
        st.html(f'<div class="lab-meta">{demo_run.how_long(None)}</div>')
    with right, st.container(border=True, key="home-own-card", height="stretch"):
        st.html(
            '<div class="home-card"><b>Your own photos</b><div class="lab-meta">A zip, or a folder on this machine: '
            "folders of classes, a table with labels, and more are understood by themselves.</div></div>"
        )
        _own()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html('<span class="lab-meta">Or set everything yourself:</span>', width="content")
        if st.button("Launch", icon=":material/rocket_launch:", type="tertiary"):
            st.switch_page(LAUNCH)


def at_home(newest: Run, before: Ahead | None) -> None:
    """For a lab with runs. newest: of which photos are shown. before: what is in the queue, None where nothing is."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(f'{STYLE}<div class="home-name">Facet Lab</div><div class="home-what">{WHAT}</div>', width="stretch")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if st.button("Launch", icon=":material/rocket_launch:", type="primary"):
                st.switch_page(LAUNCH)
            demo_run.button(before, primary=False)
            own = st.popover("Your own photos", icon=":material/add_photo_alternate:", key=OWN, on_change="rerun")
            if own.open:
                with own:
                    _own()
    demo_run.go_on()
    st.html(strip.of_run(newest, named=False) or drawn_faces())


def _own() -> None:
    dropped.drop("", OWN, _take, brief=True)
    if OWN not in st.session_state.get(browse.AT, {}):
        browse.close(OWN)  # a list of folders is there when somebody asks for it
    browse.browse("", OWN, _take, label="Choose a folder")
    field(
        st.text_input,
        "Or the path of a folder",
        key=f"{OWN}.path",
        holds="",
        read=str.strip,
        take=_take,
        placeholder=browse.example(),
        help="An absolute path on the machine where the lab runs. It is read, never written to.",
    )


def _take(root: str) -> None:
    """Of a dataset that came in: its own page says what was understood of it, and leads on to Launch."""
    st.session_state[OPENS] = root
