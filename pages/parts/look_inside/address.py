"""The selection of Look inside lives in the address, so that a link opens the same view.

run, runs (several, for the maps), which, view, the filters, sort, page, samples (chosen faces), class, layers, method,
models. What an address says wrongly is taken as not said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import unquote

import streamlit as st

from core.answers.mistakes import ORDERS, Answers, Filter
from core.data.tasks import GENDERS, MASKS
from pages.parts.shared.fields import field

MOST_FACES = 8  # chosen at once
PARTS = ("fold", "true", "predicted", "fault", "person", "mask", "gender", "age", "low", "high", "far", "answer")


def get(name: str, options: Sequence[str], default: str | None = None) -> str | None:
    """One of the options, or the default."""
    value = st.query_params.get(name)
    return value if value in options else default


def put(**values: str | None) -> None:
    """Write into the address; None takes out."""
    for name, value in values.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value


def listed(name: str) -> list[str]:
    """A comma-separated parameter, without what is said twice. A comma inside an entry is written %2C."""
    return list(dict.fromkeys(part for part in st.query_params.get(name, "").split(",") if part))


def put_list(name: str, values: Iterable[str]) -> None:
    put(**{name: ",".join(value.replace("%", "%25").replace(",", "%2C") for value in values) or None})


def chosen(answers: Answers) -> list[str]:
    """The chosen faces, those that the run has, at most MOST_FACES."""
    known = set(answers.table["sample"])
    found = (name if name in known else unquote(name) for name in listed("samples"))
    return list(dict.fromkeys(name for name in found if name in known))[:MOST_FACES]


def turn_choice(answers: Answers, sample: str) -> None:
    """Choose a face, or let it go; the oldest choice makes room for a ninth."""
    now = chosen(answers)
    now = [name for name in now if name != sample] if sample in now else [*now, sample]
    put_list("samples", now[-MOST_FACES:])


def read_filter(answers: Answers) -> Filter:
    table = answers.table
    fold = get("fold", [str(fold) for fold in answers.folds])
    person = st.query_params.get("person")
    low, high = sorted((_share("low", 0.0), _share("high", 1.0)))
    return Filter(
        answer=get("answer", ("wrong", "right", "all"), "wrong"),
        fold=int(fold) if fold is not None else None,
        true=get("true", answers.class_names),
        predicted=get("predicted", answers.class_names),
        fault=get("fault", answers.attributes),
        low=low,
        high=high,
        person=person if person and (table["person"] == person).any() else None,
        mask=get("mask", MASKS),
        gender=get("gender", GENDERS),
        age=get("age", age_groups(answers)),
        far=st.query_params.get("far") == "1",
    )


def read_order() -> str:
    return get("sort", ORDERS, "loss")


def age_groups(answers: Answers) -> list[str]:
    """Youngest first."""
    table = answers.table[answers.table["age_group"].notna()]
    return table.groupby("age_group")["age"].min().sort_values().index.tolist()


def forget_filter() -> None:
    put(**dict.fromkeys((*PARTS, "page")))


def page_number(last: int) -> int:
    """0-based, at most `last`."""
    asked = st.query_params.get("page", "1")
    return min(last, max(0, int(asked) - 1)) if asked.isdecimal() and len(asked) < 8 else 0


def box(
    name: str, label: str, options: Sequence[str], shown: Callable[[str], str] = str, *, default: str | None = None,
    width: int = 150, placeholder: str = "Any", help: str | None = None, keep: tuple[str, ...] = (),
) -> str | None:  # fmt: skip
    """A select box whose choice lives in the address under `name`. Without a default it can be empty.

    keep: parameters that a change leaves alone besides; the gallery goes back to its first page otherwise.
    """
    return field(
        st.selectbox, label, options, key=f"look-{name}", holds=get(name, options, default),
        take=_taker(name, default, "page" not in keep), format_func=shown, placeholder=placeholder, width=width,
        help=help,
    )  # fmt: skip


def segments(
    name: str, label: str, options: Sequence[str], shown: Callable[[str], str] = str, *, default: str,
    help: str | None = None, hide_label: bool = False,
) -> str:  # fmt: skip
    """A segmented control whose choice lives in the address under `name`."""
    return field(
        st.segmented_control, label, options, key=f"look-{name}", holds=get(name, options, default),
        take=_taker(name, default, False), format_func=shown, required=True, help=help,
        label_visibility="collapsed" if hide_label else "visible",
    )  # fmt: skip


def _taker(name: str, default: str | None, first_page: bool) -> Callable[[str | None], None]:
    def take(value: str | None) -> None:
        put(**{name: None if value == default else value})
        if first_page:
            put(page=None)

    return take


def _share(name: str, default: float) -> float:
    try:
        value = float(st.query_params.get(name, ""))
    except ValueError:
        return default
    return value if 0 <= value <= 1 else default
