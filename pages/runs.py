"""Runs: every run, to be found, compared, written up, put aside and taken back."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.config.names import titles_of
from core.errors import LabError
from core.jobs import trash
from core.runs.colours import colour_of
from core.runs.lists import best, conditions, expression, index, query
from core.runs.lists.index import Listed
from core.text import count, number_of, plain
from pages.parts.people import people
from pages.parts.runs import actions, asking, columns, pressed, see, table, views
from pages.parts.shared import badges, frame
from pages.parts.shared.fields import begin, turning
from pages.parts.tab import out_of_reach, ticking

HERE = Path(__file__).parent
PAGE = 100  # rows
TICK = 4.0  # seconds between two looks while something trains, of a page that is open alone
TABLE = "runs-table"
CLICKED = "runs-clicked"  # in the session: time of the last click in the table
FILTERS = (("state", "State"), ("dataset", "Dataset"), ("task", "Task"), ("depth", "Depth"), ("tag", "Tag"))
SEARCH_HELP = (
    "Words that occur in name, id, dataset, study, recipe, tags or note, and conditions on a column or any setting, "
    "such as f1>0.7 or batch\\_size=64, joined by and, or, not and parentheses: (f1>0.7 or tag=paper) and not "
    "state=failed. Parts with nothing between them all have to hold. What holds spaces or signs stands in quotes: "
    'study="a name". Conditions, beside this field, lists all that can be asked.'
)
GROUPS = {name.capitalize(): name for name in (*query.FIELDS, "tag") if name != "by"}
WHO = "Who"
SHELVES = ("Runs", "Archive", "Trash")


def act() -> None:
    """What was clicked in the table becomes the address."""
    done = st.session_state[TABLE]["act"] or {}
    if "runs" in done:
        pressed.choose(done["runs"])
        st.session_state[CLICKED] = done["at"]
    if (by := done.get("sort")) in query.SORTS or "." in str(by or ""):
        same = st.query_params.get("sort", "created") == by
        downward = not query_descending() if same else columns.highest_first(by)
        st.query_params["sort"], st.query_params["order"] = by, "down" if downward else "up"
        st.query_params.pop("page", None)
    if (tag := done.get("tag")) and (asked := conditions.as_typed("tag", tag)) is not None:
        asking.ask(expression.narrowed(st.session_state.get(asking.SEARCH) or "", asked))
    if opened := done.get("open"):
        st.session_state["runs-open"] = opened


def query_descending() -> bool:
    return st.query_params.get("order", "down") != "up"


def first_page() -> None:
    st.query_params.pop("page", None)


def search(entries: list[Listed], archived: bool | None, varying: list[str]) -> tuple[query.Query, str]:
    """The controls above the table, filled from the address; the query that they make, and what to group by.

    varying: settings in which the runs differ.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Search",
            key="q",
            bind="query-params",
            icon=":material/search:",
            width=300,
            on_change=first_page,
            placeholder="name, f1>0.7 and not tag=old",
            help=SEARCH_HELP,
        )
        asking.builder(entries, text or "")
        filters = {name: ticked for name, title in FILTERS if (ticked := pick_filter(entries, name, title)) is not None}
        mine = people.shared() and st.toggle("Mine", key="mine", bind="query-params", on_change=first_page)
        named = [views.NO_GROUPS, *GROUPS, *([WHO] if people.shared() else [])]
        titles = titles_of(varying, others=named)
        views.of_older_address(titles)
        by = st.selectbox(
            "Group by",
            [*named, *varying],
            format_func=lambda key: titles.get(key, key),
            key="group",
            bind="query-params",
            width=200,
            on_change=first_page,
            help="Any setting in which runs differ can be chosen.",
        )
        columns.choose(varying)
        if archived is not None:
            views.box([column.key for column in columns.shown(varying)])
    asking.goes_on(entries, text or "")
    depths = tuple(int(depth) for depth in filters.pop("depth", ()))
    sort = st.query_params.get("sort", "created")
    question = query.Query(
        text=text or "",
        depth=depths,
        by=(people.me(),) if mine else (),
        archived=archived,
        sort=sort,
        descending=query_descending(),
        **filters,
    )
    return question, "" if by in (None, views.NO_GROUPS) else by


def pick_filter(entries: list[Listed], name: str, title: str) -> tuple[str, ...] | None:
    """The values of a field that are ticked; None, and no box, where the runs do not differ in it."""
    options = query.choices(entries, name)
    if len(options) < 2 and name not in st.query_params and name != "state":
        return None
    ticked = st.multiselect(
        title,
        [str(option) for option in options],
        key=name,
        bind="query-params",
        width=170,
        placeholder="All",
        on_change=first_page,
    )
    return tuple(ticked)


def grouped(entries: list[Listed], by: str) -> list[tuple[str, str, list[Listed]]]:
    """(title, what it holds, its runs) of every group; one without a title where nothing groups them."""
    if not by:
        return [("", "", entries)]
    groups = []
    for value, rows in query.grouped(entries, "by" if by == WHO else GROUPS.get(by, by)):
        means = [entry.scores["best_f1"][0] for entry in rows if entry.scores["best_f1"][2]]
        about = f"{count(len(rows))} run{'s' if len(rows) > 1 else ''}"
        about += f" · F1 best {min(means):.3f} to {max(means):.3f}" if len(means) > 1 else ""
        groups.append((f"{by}: {value}", about, rows))
    return groups


def cut(groups: list[tuple[str, str, list[Listed]]], page: int) -> list[tuple[str, str, list[Listed]]]:
    """The rows of one page in their groups."""
    first, last, place, of_page = page * PAGE, (page + 1) * PAGE, 0, []
    for title, about, rows in groups:
        if part := rows[max(0, first - place) : max(0, last - place)]:
            of_page.append((title, about, part))
        place += len(rows)
    return of_page


def pages_line(total: int, page: int) -> None:
    last = max(0, (total - 1) // PAGE)
    if not last:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        turning(page, last + 1, turn, key="runs-page")
        first = page * PAGE
        st.caption(f"{count(first + 1)} to {count(min(total, first + PAGE))} of {count(total)} rows", width="content")


def turn(page: int) -> None:
    """page: from 0, while the address counts from 1."""
    st.query_params["page"] = str(page + 1)


def page_of(total: int) -> int:
    text = st.query_params.get("page", "1")
    number = int(text[:18]) - 1 if text.isdecimal() else 0  # int refuses thousands of digits
    return min(max(0, (total - 1) // PAGE), max(0, number))


def draw_table(
    groups: list[tuple[str, str, list[Listed]]], listed: list[Listed], varying: list[str], chosen: list[str], link: str
) -> None:
    """listed: all runs of the shelf, among which the best are marked. varying: settings in which they differ."""
    table.draw(
        groups,
        columns.shown(varying),
        best=best.best_of(listed) if link else {},
        colours={entry.id: colour_of(entry.summary) for _, _, rows in groups for entry in rows},
        chosen=chosen,
        at=st.session_state.get(CLICKED, 0),
        sort=st.query_params.get("sort", "created"),
        descending=query_descending(),
        link=link,
        on_act=act,
        key=TABLE,
    )


def empty(shelf: str) -> None:
    if shelf == "Runs":
        st.info("No run yet. Launch one, and it is listed here.", icon=":material/table_rows:")
        if st.button("Launch", type="primary", icon=":material/rocket_launch:"):
            st.switch_page(HERE / "launch.py")
    elif shelf == "Archive":
        st.info(
            "Nothing is archived. Archived runs keep their links, but lists leave them out.", icon=":material/archive:"
        )
    else:
        st.info("The trash is empty. Deleted runs wait here until they are deleted for good.", icon=":material/delete:")


def watch(drawn: tuple) -> None:
    """While something trains: a rerun of the page when a run has changed its state, or how often the page looks."""
    if (tuple(entry.state for entry in index.listed()), ticking.every(TICK)) != drawn:
        st.rerun()


every = frame.begin_page(answers=[frame.PRESSED])
if pressed.settle():
    every = index.listed()
views.arrive()
if opened := st.session_state.pop("runs-open", None):
    st.switch_page(HERE / "live.py", query_params={"run": opened})
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.html('<div class="lab-title">Runs</div>', width="content")
    ways = st.container(width="content")
    shelf = begin(
        st.segmented_control,
        "List",
        SHELVES,
        key="shelf",
        begins="Runs",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
        on_change=pressed.choose,
        args=((),),
    )
if shelf != "Trash":
    with ways:
        see.choose()
    views.row()
try:
    entries = trash.listed() if shelf == "Trash" else every
except LabError as error:
    badges.show_error(error)
    st.stop()
pressed.last_action()
here = [entry for entry in entries if shelf == "Trash" or (entry.notes.archived is not None) == (shelf == "Archive")]
if not here:
    empty(shelf)
    st.stop()
varying = query.varying(here)
question, by = search(here, None if shelf == "Trash" else shelf == "Archive", varying)
matching = query.choose(here, question)
chosen = pressed.chosen(here)
actions.bar(shelf, chosen, here, matching)
if not matching:
    not_understood = expression.problems(here, expression.read(question.text))
    for why in not_understood:
        st.warning(plain(why), icon=":material/search_off:")
    if not not_understood:
        st.info("No run fits the search and the filters.", icon=":material/search_off:")
    st.button("Clear search and filters", on_click=actions.clear_filters)
    st.stop()
asking.understood(question.text)
if shelf == "Trash" or see.way() == see.LIST:
    groups = grouped(matching, by)
    total = sum(len(rows) for _, _, rows in groups)
    page = page_of(total)
    ticked = [entry.id for entry in chosen]
    draw_table(cut(groups, page), here, varying, ticked, "" if shelf == "Trash" else "live?run=")
    pages_line(total, page)
else:
    see.draw(matching, varying, {entry.id: colour_of(entry.summary) for entry in matching}, opens=True)
of_all = f"{count(len(matching))} of " if len(matching) < len(here) else ""
st.caption(
    f"{of_all}{number_of(len(here), 'run')}. Scores are mean ± deviation (number of folds) over the finished folds."
)
people.explain()
if shelf == "Runs" and any(entry.state in badges.ACTIVE for entry in every):
    each = ticking.every(TICK)
    st.fragment(out_of_reach.noticed(watch), run_every=each)((tuple(entry.state for entry in every), each))
