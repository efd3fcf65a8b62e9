"""The lab in the browser: `streamlit run app.py`.

Streamlit's server imports this file once and finds the app, with the lab's door before all that it serves; then it runs
the file as a script, each time a page is asked for.
"""

import contextlib
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import StopException

from core import __version__
from pages.parts.door import plotly_script
from pages.parts.door.opening import opened
from pages.parts.door.person import in_words
from pages.parts.keys.places import PAGES
from pages.parts.tab import out_of_reach


def lab() -> None:
    """One page, asked for by one browser."""
    st.set_page_config(
        page_title="Facet Lab",
        page_icon="🔬",
        layout="wide",
        menu_items={"About": f"Facet Lab {__version__}, under the MIT licence.\n\n{in_words()}".strip()},
    )
    here = Path(__file__).parent
    pages = [
        st.Page(here / "pages" / f"{name}.py", title=title, icon=icon, url_path=name, default=name == "home")
        for name, title, icon in PAGES
        if (here / "pages" / f"{name}.py").is_file()
    ]
    page = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{page.title} · Facet Lab")  # a page that watches something says more, see frame.tab
    # st.stop() in a page ends that run and not early: else whatever ticked on the page before would go on in its place
    with contextlib.suppress(StopException):
        out_of_reach.draw(page.title, page.run)


if __name__ == "__main__":
    lab()
else:
    # Whole before the first page: of a package that imports its own modules, two pages that import it at once would
    # each hold what the other waits for, and Python then gives one of them half a module.
    import core.config
    import core.runs  # noqa: F401

    app = st.App(__file__, routes=plotly_script.routes(), **opened())
