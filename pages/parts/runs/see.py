"""The ways to see the runs that were found: as a list, as points of a chart, or in the cells of a matrix."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.config.names import title_of
from core.config.settings import name_beneath
from core.runs.lists import conditions, expression, matrix, scatter
from core.runs.lists.best import Kinds
from core.runs.lists.index import Listed, settings_of
from core.text import count, listed, number_of, plain
from pages.parts.people import people
from pages.parts.runs import cells, points, views
from pages.parts.shared.fields import field

LIST, CHART, MATRIX = WAYS = ("list", "chart", "matrix")
SEE, SCORE, ACROSS, ROWS, AGAINST = "see", "score", "across", "rows", "against"  # in the address
SCORES = {
    "f1": "F1 best",
    "last_f1": "F1 last",
    "accuracy": "Accuracy best",
    "last_accuracy": "Accuracy last",
}
COSTS = ("time", "wall", "size", "epochs", "depth", "photos", "people", "classes", "folds", "launched")
NAMED = ("dataset", "task", "state", "recipe", "study", "tag", "init")
GROUPED = (
    "depth",
    "dataset",
    "task",
    "recipe",
    "state",
    "study",
    "tag",
    "init",
    "epochs",
    "classes",
    "folds",
    "photos",
)
TITLES = {
    "time": "Training time",
    "wall": "Time by the clock",
    "size": "Size on the disk",
    "depth": "Network",
    "init": "First weights",
    "launched": "Launched",
    "who": "Who",
}
_CHART, _MATRIX = "runs-chart", "runs-matrix"


def way() -> str:
    """How the address says that the runs are seen."""
    asked = st.query_params.get(SEE, LIST)
    return asked if asked in WAYS else LIST


def choose() -> None:
    field(
        st.segmented_control,
        "See as",
        list(WAYS),
        key=views.SEE,
        holds=way(),
        take=lambda chosen: _keep(SEE, chosen or LIST),
        required=True,
        format_func=str.capitalize,
        label_visibility="collapsed",
    )


def draw(entries: Sequence[Listed], varying: Sequence[str], colours: dict[str, str], *, opens: bool) -> None:
    """The runs as a chart or a matrix, with what is chosen of it. varying: settings in which runs differ. opens:
    whether a click opens a run."""
    if way() == CHART:
        _chart(entries, varying, colours, opens)
    else:
        _matrix(entries, varying, colours, opens)


def _chart(entries: Sequence[Listed], varying: Sequence[str], colours: dict[str, str], opens: bool) -> None:
    names = [*COSTS, *NAMED, *_who(), *_dotted(varying)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        score = _score()
        across = _key(entries, "Against", ACROSS, names, "time", "A setting or cost in numbers; words make groups.")
    chart = scatter.scatter(entries, across, conditions.SCORES[score])
    lines = _left_out(chart.unscored, chart.valueless, across)
    if chart.more_groups:
        lines.append(f"{number_of(chart.more_groups, 'more group')} left out: ask for fewer in the search.")
    if not chart.points:
        st.info("No run here has both a score and a value to stand against it.", icon=":material/scatter_plot:")
    else:
        points.draw(
            chart,
            colours,
            score=conditions.SCORES[score],
            title=SCORES[score],
            across=_title(across),
            opens=opens,
            key=_CHART,
            on_act=lambda: _opened(_CHART),
        )
        if any(not point.whole for point in chart.points):
            lines.append("Hollow: not every fold is finished, so the mean is over fewer folds.")
        if chart.levels:
            lines.append(
                "A line is the mean of the finished runs of one kind in a group, whose mark stands at its end."
                if len(chart.kinds.words) > 1
                else "A line is the mean of the finished runs in a group."
            )
    _said(chart.kinds, "points of one shape")
    if lines:
        st.caption(plain(" ".join(lines)))


def _matrix(entries: Sequence[Listed], varying: Sequence[str], colours: dict[str, str], opens: bool) -> None:
    names = [*GROUPED, *_who(), *_dotted(varying)]
    begins = [name for name in names if _differs(entries, name)][:2]
    begins += [name for name in ("dataset", "depth") if name not in begins]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        score = _score()
        rows = _key(entries, "Rows", ROWS, names, begins[0], "")
        columns = _key(entries, "Columns", AGAINST, names, begins[1], "")
    table = matrix.matrix(entries, rows, columns, conditions.SCORES[score])
    cells.draw(
        table,
        colours,
        score=conditions.SCORES[score],
        rows=_short(rows),
        columns=_short(columns),
        opens=opens,
        key=_MATRIX,
        on_act=lambda: _opened(_MATRIX, table),
    )
    lines = [
        "A cell shows its best finished run; the number below opens its runs as the list. Cells of more runs had more "
        "tries. A star is the highest cell of its kind, which alone does not show it to be better: Compare tests it."
    ]
    if table.more_rows or table.more_columns:
        more = [number_of(table.more_rows, "row")] if table.more_rows else []
        more += [number_of(table.more_columns, "column")] if table.more_columns else []
        lines.append(f"{listed(more)} left out: ask for fewer in the search.")
    if "tag" in (rows, columns):
        lines.append("A run with several tags stands in several cells.")
    _said(table.kinds, "colours and stars of one kind")
    st.caption(plain(" ".join(lines)))


def _said(kinds: Kinds, alike: str) -> None:
    """That scores of different kinds of runs are not compared."""
    lines = []
    if len(kinds.words) > 1:
        lines.append(
            f"{count(len(kinds.words))} kinds of runs, which answered about other photos, classes or folds: only "
            f"{alike} compare with each other. {listed(kinds.words, 6)}."
        )
    if not kinds.exactly:
        lines.append("Runs of older labs count as alike as far as their settings tell.")
    if lines:
        st.caption(f":material/info: {plain(' '.join(lines))}")


def _left_out(unscored: int, valueless: int, across: str) -> list[str]:
    lines = [f"{number_of(unscored, 'run')} without a score left out."] if unscored else []
    return lines + ([f"{number_of(valueless, 'run')} without {_title(across)} left out."] if valueless else [])


def _score() -> str:
    asked = st.query_params.get(SCORE, "f1")
    return field(
        st.selectbox,
        "Score",
        list(SCORES),
        key="runs-score",
        holds=asked if asked in SCORES else "f1",
        take=lambda chosen: _keep(SCORE, chosen),
        format_func=SCORES.__getitem__,
        width=170,
    )


def _key(entries: Sequence[Listed], label: str, part: str, names: Sequence[str], begins: str, tip: str) -> str:
    """The column or setting that a part of the address names; `begins` where it names none that there is."""
    asked = st.query_params.get(part, begins)
    there = asked in names or asked in conditions.COLUMNS or any(asked in settings_of(entry) for entry in entries)
    return field(
        st.selectbox,
        label,
        list(dict.fromkeys((*names, *([asked] if there else [])))),
        key=f"runs-{part}",
        holds=asked if there else begins,
        take=lambda chosen: _keep(part, chosen),
        format_func=_title,
        help=tip or None,
        width=230,
    )


def _keep(part: str, chosen: str) -> None:
    st.query_params[part] = chosen
    st.query_params.pop("page", None)


def _opened(key: str, table: matrix.Matrix | None = None) -> None:
    """What was clicked: a run, or the runs of a cell."""
    done = st.session_state[key]["act"] or {}
    if opened := done.get("open"):
        st.session_state["runs-open"] = opened
    cell = table.cells.get(tuple(done["cell"])) if table is not None and "cell" in done else None
    if cell is not None and cell.asked is not None:
        st.session_state["q"] = expression.narrowed(st.session_state.get("q") or "", cell.asked)
        _keep(SEE, LIST)


def _differs(entries: Sequence[Listed], key: str) -> bool:
    values: set[object] = set()
    for entry in entries:
        values.update(matrix.values_of(entry, key))
        if len(values) > 1:
            return True
    return False


def _who() -> list[str]:
    return ["who"] if people.shared() else []


def _dotted(varying: Sequence[str]) -> list[str]:
    return [name for name in varying if "." in name and name != "model.depth"]


def _title(key: str) -> str:
    return TITLES.get(key) or (key if "." in key else key.replace("_", " ").capitalize())


def _short(key: str) -> str:
    """Where there is little room: a setting by the last part of its name, unless somebody gave it."""
    if name_beneath(key)[1]:
        return title_of(key)
    return key.rpartition(".")[2].replace("_", " ") if "." in key else _title(key)
