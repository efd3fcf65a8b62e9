"""Fetching ImageNet weights from a page: it goes on while the form is used, and tells how far it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

from core.errors import LabError
from core.network.weights import IMAGENET, download, imagenet_file
from core.text import plain


class Stopped(Exception):
    """Somebody cancelled it."""


@dataclass
class Fetch:
    """A download under way, for all sessions of this lab. done, total: bytes. error: why it ended early."""

    depth: int
    done: int = 0
    total: int = 0
    error: LabError | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def begin(self) -> None:
        self.thread = threading.Thread(target=self._work, name=f"weights-{self.depth}", daemon=True)
        self.thread.start()

    @property
    def under_way(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def _work(self) -> None:
        try:
            download(self.depth, self._look)
        except LabError as error:
            self.error = error
        except Stopped:
            pass

    def _look(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self.stop.is_set():
            raise Stopped


_FETCHES: dict[int, Fetch] = {}
_LOCK = threading.Lock()


def begin(depth: int) -> None:
    """Fetch the weights of a depth, unless they are being fetched already."""
    with _LOCK:
        fetch = _FETCHES.get(depth)
        if fetch is None or not fetch.under_way:
            _FETCHES[depth] = Fetch(depth)
            _FETCHES[depth].begin()


def button(depth: int, key: str, *, primary: bool = False) -> None:
    """What fetches the weights of a depth; nothing where they are here."""
    if imagenet_file(depth).is_file():
        return
    fetch = _FETCHES.get(depth)
    st.button(
        f"Download {IMAGENET[depth][1]:d} MB",
        key=key,
        icon=":material/download:",
        type="primary" if primary else "tertiary",
        disabled=fetch is not None and fetch.under_way,
        on_click=begin,
        args=(depth,),
        help=f"ImageNet weights of ResNet-{depth:d}, once for this machine.",
    )


def follow() -> None:
    """Bars of what is fetched; the page is drawn anew when one has ended. Call it at one place of the page."""
    with st.container(key="weights-downloads", gap="xsmall"):  # always there
        under_way = any(fetch.under_way for fetch in _FETCHES.values())
        (st.fragment(_bars, run_every=0.5) if under_way else _bars)(under_way)


def _bars(ticking: bool) -> None:
    for fetch in list(_FETCHES.values()):
        if fetch.under_way:
            of = f" of {fetch.total / 1e6:.0f}" if fetch.total else ""
            words = f"Weights of ResNet-{fetch.depth:d}: {fetch.done / 1e6:.0f}{of} MB"
            st.progress(min(1.0, fetch.done / fetch.total) if fetch.total else 0.0, text=words)
            st.button(
                "Cancel",
                key=f"weights-{fetch.depth}-cancel",
                type="tertiary",
                icon=":material/close:",
                on_click=fetch.stop.set,
            )
        elif fetch.error is not None:
            st.error(plain(str(fetch.error)), icon=":material/cloud_off:")
            st.button("Dismiss", key=f"weights-{fetch.depth}-dismiss", type="tertiary", on_click=_forget, args=(fetch,))
    if ticking and not any(fetch.under_way for fetch in _FETCHES.values()):
        st.rerun()


def _forget(fetch: Fetch) -> None:
    with _LOCK:
        _FETCHES.pop(fetch.depth, None)
