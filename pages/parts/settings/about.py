"""What this lab is: versions, licence, where its documents lie, and who chooses light or dark."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import streamlit as st

from core import __version__
from core.places import HOME
from core.text import plain

LIBRARIES = ("torch", "torchvision", "albumentations", "streamlit", "ray")
DOCUMENTS = {
    "README.md": "how to begin, pages and commands",
    "docs/architecture.md": "how it is built, and where to put what one adds",
    "docs/decisions.md": "why things are as they are",
    "docs/faults.md": "what goes wrong, what to expect then, and the test that makes it happen",
    "docs/security.md": "who gets in, what is promised, and what is not",
    "docs/gpu.md": "what an NVIDIA GPU gives, measured",
    "docs/remote.md": "the lab on another machine, and the ways to reach it",
    "docs/scale.md": "beyond one machine: what grows how",
    "docs/alerts.md": "what is sent when a run ends, and to whom",
    "CONTRIBUTING.md": "how to change the lab",
    "CHANGELOG.md": "what changed",
    "LICENSE": "MIT",
}


def section() -> None:
    st.markdown(
        "**Light, dark, or as the system**: in the menu at the top right (:material/more_vert:). It is kept in this "
        "browser."
    )
    st.markdown(
        f"**Facet Lab {plain(__version__)}**, under the MIT licence. Python {plain(platform.python_version())}, "
        f"{', '.join(plain(words) for words in _versions())}. It sends nothing anywhere by itself but what the "
        "addresses above are told; docs/security.md says what leaves the machine when you ask for it."
    )
    with st.expander("Documents", icon=":material/menu_book:"):
        st.caption(plain(f"They lie in {HOME}."))
        for name, about in DOCUMENTS.items():
            path = HOME / name
            if path.is_file():
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.download_button(
                        name,
                        path.read_bytes,
                        path.name,
                        "text/plain",
                        type="tertiary",
                        on_click="ignore",
                        key=f"doc-{name}",
                    )
                    st.caption(about, width="content")


def _versions() -> list[str]:
    installed = []
    for name in LIBRARIES:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return installed
