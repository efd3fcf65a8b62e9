"""What the views of the Data page share: the dataset and its corrections, the address, a photo in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pandas as pd
import streamlit as st

from core.data.labels.corrections import CorrectionEffect, value_text
from core.data.readers.attributes import ATTRIBUTES
from core.data.scan import Scan
from core.data.values import OWN
from pages.parts.selection import selected
from pages.parts.shared import fields

MOST = 8  # words about one photo
PAGE = 60  # photos of the gallery
_BETWEEN = "|"  # entries of a list in the address
_LOOKED_AT = "data-photo-now"  # in the session: the photo that is looked at, as the last click left it


@dataclass(frozen=True)
class View:
    """raw: the scan. corrected: the scan under its label corrections. effects: what each correction did."""

    raw: Scan
    corrected: Scan
    effects: list[CorrectionEffect]

    def row(self, sample: str) -> pd.Series | None:
        """The photo under its corrections; as the dataset has it where it is left out; None where it is no sample."""
        for table in (self.corrected.samples, self.raw.samples):
            at = table["sample"].searchsorted(sample)
            if at < len(table) and table["sample"].iloc[at] == sample:
                return table.iloc[at]
        return None

    def left_out(self, sample: str) -> bool:
        table = self.corrected.samples["sample"]
        at = table.searchsorted(sample)
        return at >= len(table) or table.iloc[at] != sample

    def marks(self) -> dict[str, str]:
        """A word for each photo that a correction of its own changed."""
        own = (effect.correction.sample for effect in self.effects if effect.photos)
        return {sample: "corrected" for sample in own if sample}


def address(name: str) -> str:
    """What the address says of a name; empty where it says nothing."""
    return st.query_params.get(name, "")


def address_choice(name: str, options: Collection[str], default: str) -> str:
    """What the address says, where that is one of the options; else the default."""
    return address(name) if address(name) in options else default


def address_number(name: str, default: int, low: int, high: int) -> int:
    """A whole number from the address, the nearest one that there is; the default where it is none."""
    text = st.query_params.get(name, "")
    return min(high, max(low, int(text[:18]))) if text.isascii() and text.isdecimal() else default


def address_list(name: str, options: Collection[str]) -> list[str]:
    """Those of the options that the address names."""
    parts = ((unquote(part), part) for part in address(name).split(_BETWEEN))  # older links quoted nothing
    return [entry for entry in (quoted if quoted in options else part for quoted, part in parts) if entry in options]


def entries(values: Iterable[str]) -> str | None:
    """What `address_list` reads; None of no values."""
    return _BETWEEN.join(value.replace("%", "%25").replace(_BETWEEN, "%7C") for value in values) or None


def looked_at() -> str:
    """The photo that is looked at; "" for none. For who answers a click: the address that comes with it may be from
    before the click before it, and name a photo that was closed."""
    return st.session_state.get(_LOOKED_AT, address("photo"))


def go(**values: object) -> None:
    """Change the address; None takes a name out."""
    if "photo" in values:
        st.session_state[_LOOKED_AT] = str(values["photo"] or "")
    for name, value in values.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)


def pick_photo(sample: str) -> None:
    """Look at a photo; a second click lets it go."""
    go(photo=None if looked_at() == sample else sample)


def begin_selection(root: str) -> None:
    """Takes up what is selected of the dataset, also as addresses of older labs name it (?photos=, commas as %2C), and
    the photo that is looked at."""
    st.session_state[_LOOKED_AT] = address("photo")
    selected.begin(root)
    named = [unquote(part) for part in address("photos").split(",") if part]
    go(photos=None)
    if named:
        selected.put(root, named)


def pick_several(root: str, samples: Sequence[str]) -> None:
    """Select photos, in the place of one that is looked at alone."""
    go(photo=None)
    selected.put(root, samples)


def describe(row: pd.Series) -> str:
    """A photo's attributes in a line: "mask · female · 31 years · dark · height_cm 170 · smiling".

    row: of the samples table. Of yes and no what is true stands there, of many words the first MOST.
    """
    words = []
    for column, value in row.items():
        name = str(column).removeprefix(OWN)
        text = value_text(value) if str(column).startswith(OWN) or column in ATTRIBUTES else ""
        if column == "age" and text:
            words.append(f"{text} years")
        elif text in ("yes", "no"):
            words += [name] if text == "yes" else []
        elif text:
            words.append(f"{name} {text}" if isinstance(value, float) else text)
    return " · ".join(words[:MOST]) + (" · ..." if len(words) > MOST else "")


def pager(total: int, size: int) -> slice:
    """The rows of the page in the address (?page=, 1 first). Draw `turner` below them."""
    last = max(0, (total - 1) // size)
    text = st.query_params.get("page", "1")
    page = min(last, max(0, int(text[:18]) - 1)) if text.isascii() and text.isdecimal() else 0
    return slice(page * size, min(total, (page + 1) * size))


def turner(part: slice, total: int, size: int, what: str) -> None:
    """Back, any page, Next, and where one is. what: of what, such as "photos"."""
    if total <= size:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        fields.turning(part.start // size, -(-total // size), lambda page: go(page=page + 1), key="data-page")
        st.caption(f"{part.start + 1:,} to {part.stop:,} of {total:,} {what}", width="content")
