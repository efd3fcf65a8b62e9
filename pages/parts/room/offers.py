"""What may be dropped of runs, each choice with what is lost by it and what becomes free, behind two clicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.jobs.room import keep, use
from core.text import number_of, plain, size

MOST_REFUSED = 3


def offers(
    ids: Sequence[str],
    key: str,
    act: Callable[[Sequence[str], str], None],
    summaries: Sequence[dict[str, Any]] | None = None,
) -> None:
    """A line for each choice. act(ids, choice): the callback of the button that does it. summaries: of all runs, where
    they were just read."""
    offered = use.offers(ids, summaries=summaries)
    for choice in keep.CHOICES.values():
        offer = offered[choice.name]
        with st.container(border=True, key=f"{key}-{choice.name}"):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"**{plain(choice.title)}**", width="content")
                amount = (
                    f"{size(offer.bytes)} of {number_of(len(offer.ids), 'run')}" if offer.ids else "nothing to free"
                )
                with st.popover(
                    f"Free {amount}" if offer.ids else "Nothing to free",
                    disabled=not offer.ids,
                    icon=":material/mop:",
                    key=f"{key}-{choice.name}-ask-{offer.bytes}",  # another one, closed, once it was done
                ):
                    ends = "There is no way back." if choice.weights else "Nothing is lost by it."
                    st.markdown(f"{plain(choice.title)}, in {number_of(len(offer.ids), 'run')}? {ends}")
                    st.button(
                        f"Free {size(offer.bytes)}",
                        type="primary",
                        disabled=not offer.ids,
                        key=f"{key}-{choice.name}-do",
                        on_click=act,
                        args=(offer.ids, choice.name),
                    )
            st.caption(plain(choice.loses))
            for why in list(offer.refused.values())[:MOST_REFUSED]:
                st.caption(f":material/lock: {plain(why)}")
            if (more := len(offer.refused) - MOST_REFUSED) > 0:
                st.caption(f"{number_of(more, 'more run')} cannot be touched now.")
