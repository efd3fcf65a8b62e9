"""The lab in the browser: `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="Facet Lab", page_icon="🔬", layout="wide")

here = Path(__file__).parent
pages = [
    st.Page(here / "pages" / f"{name}.py", title=title, icon=icon, url_path=name, default=name == "home")
    for name, title, icon in (
        ("home", "Home", ":material/home:"),
        ("launch", "Launch", ":material/rocket_launch:"),
        ("studies", "Studies", ":material/grid_on:"),
        ("live", "Live", ":material/show_chart:"),
        ("look_inside", "Look inside", ":material/visibility:"),
        ("data", "Data", ":material/photo_library:"),
    )
    if (here / "pages" / f"{name}.py").is_file()
]
st.navigation(pages, position="top").run()
