"""Controls that show what a page holds: what the browser sends back, and what of it is a choice."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page_whose_names_change() -> None:
    """A select box whose options are called otherwise at every rerun, as a name with a time in it is."""
    import streamlit as st

    from pages.parts.shared.fields import field

    held, drawn = st.session_state.setdefault("held", ["a"]), st.session_state.setdefault("drawn", [0])
    drawn[0] += 1

    def take(chosen: str) -> None:
        held[0] = chosen

    field(
        st.selectbox,
        "Dataset",
        ["a", "b"],
        key="dataset",
        holds=held[0],
        take=take,
        format_func=lambda name: f"{name}, drawn {drawn[0]}",
    )
    st.text(f"holds {held[0]}")


def test_an_option_that_is_called_otherwise_by_now_is_no_choice() -> None:
    page = AppTest.from_function(page_whose_names_change).run()
    as_drawn_first = page._tree.get_widget_states()  # what a browser goes on sending while nobody touches the box
    for _ in range(3):
        page._run(as_drawn_first)
        assert not page.exception
        assert page.text[0].value == "holds a"
    page.selectbox[0].select("b")
    page.run()
    assert page.text[0].value == "holds b"
