"""A split as bars: the photos that each fold holds out, class by class, and those of the test set."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from core.text import count, number_of

STRONGEST, FAINTEST = 92, 24  # per cent of the accent, of the first class and of the last
_CSS = """<style>
.lab-split { display: grid; grid-template-columns: max-content 1fr max-content; gap: .3rem .8rem; align-items: center;
  font-size: .87rem; max-width: 44rem; font-variant-numeric: tabular-nums; }
.lab-split > div { display: flex; gap: 1px; height: .95rem; min-width: 0; }
.lab-split i { flex: 0 0 auto; min-width: 1px; }
.lab-split i:first-child { border-radius: 3px 0 0 3px; } .lab-split i:last-child { border-radius: 0 3px 3px 0; }
.lab-split .lab-apart { background: repeating-linear-gradient(45deg, color-mix(in srgb, currentColor 45%, transparent)
  0 2px, transparent 2px 6px); box-shadow: inset 0 0 0 1px color-mix(in srgb, currentColor 45%, transparent); }
</style>"""


def show(counts: pd.DataFrame, *, tested: int = 0) -> None:
    """counts: as core.plan.folds.fold_table gives them, by "fold 0" and so on. tested: photos of the test set."""
    st.html(html_of(counts, tested))
    photos = number_of(int(counts["photos"].sum()), "photo")
    apart = ", never on the test set" if tested else ""
    st.caption(
        f"Each fold is held out once, by a network that is trained on the others{apart}. In the end one more may be "
        f"trained on all {photos}, which nobody measures."
    )


def html_of(counts: pd.DataFrame, tested: int) -> str:
    names = [str(name) for name in counts if name not in ("people", "photos")]
    is_whole = bool(names) and (counts[names].sum(axis=1) == counts["photos"]).all()  # of attributes, photos overlap
    names = names if is_whole else ["photos"]
    longest = max(int(counts["photos"].max()), tested, 1)
    rows = []
    for fold, row in counts.iterrows():
        held = [(name, int(row[name])) for name in names]
        bar = "".join(
            f'<i style="width:calc({100 * photos / longest:.2f}% - 1px);background:{_shade(place, len(names))}" '
            f'title="{escape(_words(name, photos))}"></i>'
            for place, (name, photos) in enumerate(held)
            if photos
        )
        each_class = ", ".join(_words(name, photos) for name, photos in held)
        rows.append(_row(str(fold), bar, int(row["photos"]), each_class))
    if tested:
        bar = f'<i class="lab-apart" style="width:{100 * tested / longest:.2f}%" title="test set: {count(tested)}"></i>'
        rows.append(_row("test set", bar, tested, "never trained or validated on"))
    return f'{_CSS}<div class="lab-split">{"".join(rows)}</div>'


def _row(name: str, bar: str, photos: int, each_class: str) -> str:
    label = escape(f"{name}: {number_of(photos, 'photo')}; {each_class}")
    return f'<span>{escape(name)}</span><div role="img" aria-label="{label}">{bar}</div><span>{count(photos)}</span>'


def _words(name: str, photos: int) -> str:
    return f"{name} {count(photos)}"


def _shade(place: int, classes: int) -> str:
    share = STRONGEST if classes < 2 else STRONGEST - (STRONGEST - FAINTEST) * place / (classes - 1)
    return f"color-mix(in srgb, var(--st-primary-color) {share:.0f}%, transparent)"
