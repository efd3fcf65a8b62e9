"""The selection of Look inside lives in the address, so that a link opens the same view.

run, runs (several, for the maps), which, view, the filters, sort, page, size (photos on a page), samples (chosen
faces), first (how many of them came with a link), class, layers, method, models. What an address says wrongly is taken
as not said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote

import streamlit as st

from core.answers.mistakes import ORDERS, Answers, Filter
from core.data.readers.spelling import as_spelt
from core.inside.layers import class_key
from pages.parts.selection import bar
from pages.parts.shared.fields import field

MOST_FACES = 8  # chosen at once
PARTS = ("fold", "true", "predicted", "fault", "person", "mask", "gender", "age", "low", "high", "far", "answer")
PARTS += (bar.ONLY,)
IS = "is-"  # before the name of an attribute
PLAIN = ("mask", "gender", "age")  # attributes that links have always called by their name alone
FIRST = "first"  # how many of the chosen faces came with a link
Options = Sequence[str] | Mapping[str, str]  # names, or names with the words that are shown for them


def get(name: str, options: Options, default: str | None = None) -> str | None:
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
    samples = set(answers.table["sample"])
    names = (name if name in samples else unquote(name) for name in listed("samples"))
    return list(dict.fromkeys(name for name in names if name in samples))[:MOST_FACES]


def linked(answers: Answers) -> list[str]:
    """The chosen faces that a link brought with it, which stand first whatever the filters keep."""
    number = st.query_params.get(FIRST, "")
    return chosen(answers)[: int(number)] if number.isdecimal() and len(number) < 3 else []


def turn_choice(answers: Answers, sample: str) -> None:
    """Choose a face, or let it go; the oldest choice makes room for a ninth."""
    now, first = chosen(answers), linked(answers)
    now = [name for name in now if name != sample] if sample in now else [*now, sample]
    put_list("samples", now[-MOST_FACES:])
    first = [name for name in first if name in now[-MOST_FACES:]]
    put(**{FIRST: str(len(first)) if first else None})


def read_filter(answers: Answers, only: frozenset[str] | None = None) -> Filter:
    """only: the photos to which the page is narrowed, as bar.only tells."""
    table = answers.table
    fold = get("fold", [str(fold) for fold in answers.folds])
    if person := st.query_params.get("person"):
        person = as_spelt(person, table["person"].unique())
    low, high = sorted((_share("low", 0.0), _share("high", 1.0)))
    return Filter(
        answer=get("answer", ("wrong", "right", "all"), usual_answer(only)),
        fold=int(fold) if fold is not None else None,
        true=get("true", answers.class_names),
        predicted=get("predicted", answers.class_names),
        fault=get("fault", answers.attributes),
        low=low,
        high=high,
        person=person if person and (table["person"] == person).any() else None,
        groups=tuple(
            (name, value)
            for name, group in answers.groups.items()
            for value in (unquote(part) for part in listed(attribute_key(name)))
            if value in group.cat.categories
        ),
        far=st.query_params.get("far") == "1",
        samples=only,
    )


def usual_answer(only: frozenset[str] | None) -> str:
    """What is shown where nobody said: mistakes; of selected photos all."""
    return "wrong" if only is None else "all"


def read_order() -> str:
    return get("sort", ORDERS, "loss")


def attribute_key(name: str) -> str:
    """What the address calls an attribute: its name cannot be taken for another part of the address."""
    return name if name in PLAIN else IS + name


def put_groups(chosen: Iterable[tuple[str, str]], answers: Answers) -> None:
    """Keep only faces with these values, (attribute, value) each."""
    pairs = list(chosen)
    for name in answers.groups:
        put_list(attribute_key(name), [value for attribute, value in pairs if attribute == name])


def forget_filter() -> None:
    put(**dict.fromkeys((*PARTS, *(name for name in st.query_params if name.startswith(IS)), "page")))


def page_number(last: int) -> int:
    """0-based, at most `last`."""
    number = st.query_params.get("page", "1")
    return min(last, max(0, int(number[:18]) - 1)) if number.isdecimal() else 0  # int refuses thousands of digits


def with_classes(words: Mapping[str, str], class_names: Iterable[str]) -> dict[str, str]:
    """Options that stand for a class, such as the predicted one, and after them every class by its name.

    A class may be called as one of them is; of two that are called alike only one could be chosen.
    """
    taken = set(words.values())
    return dict(words) | {class_key(name): f"class {name}" if name in taken else name for name in class_names}


def box(
    name: str,
    label: str,
    options: Options,
    *,
    default: str | None = None,
    width: int = 150,
    placeholder: str = "Any",
    help: str | None = None,
    keep_page: bool = False,
) -> str | None:
    """A select box whose choice lives in the address under `name`. Without a default it can be empty.

    keep_page: whether a change leaves the gallery on its page; otherwise it goes back to the first one.
    """
    return field(
        st.selectbox,
        label,
        list(options),
        key=f"look-{name}",
        holds=get(name, options, default),
        take=_taker(name, default, first_page=not keep_page),
        format_func=_words(options),
        placeholder=placeholder,
        width=width,
        help=help,
    )


def segments(
    name: str,
    label: str,
    options: Options,
    *,
    default: str,
    help: str | None = None,
    hide_label: bool = False,
) -> str:
    """A segmented control whose choice lives in the address under `name`."""
    return field(
        st.segmented_control,
        label,
        list(options),
        key=f"look-{name}",
        holds=get(name, options, default),
        take=_taker(name, default, first_page=False),
        format_func=_words(options),
        required=True,
        help=help,
        label_visibility="collapsed" if hide_label else "visible",
    )


def _words(options: Options) -> Callable[[str], str]:
    return options.get if isinstance(options, Mapping) else str


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
