"""The columns of the runs list: those that can be shown, and those that whoever looks has chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from urllib.parse import unquote

import streamlit as st

from core.config.names import last_epoch, titles_of
from core.errors import LabError
from core.runs.everybody.unmeasured import NOT_MEASURED
from core.runs.lists import views
from core.runs.lists.index import Listed, settings_of
from core.studies import record_file
from core.text import NOTHING, ago, count, duration, number_of, size, spread_of
from pages.parts.hand import results
from pages.parts.people import people
from pages.parts.shared import badges
from pages.parts.shared.fields import field

VIEW = "view"  # in the address: the id of the saved view that is open
CURVE, STARRED = "curve", "best_f1"
ADDRESS = "columns"  # in the address: keys, see in_address; absent where they are those that are kept
_PROBLEM = "runs-columns-problem"  # in the session


@dataclass(frozen=True)
class Column:
    """key: what the list is sorted by; a dotted one is a setting. cell: what stands there, as text."""

    key: str
    title: str
    help: str
    cell: Callable[[Listed], str]
    number: bool = False


def _told(entry: Listed, name: str) -> str:
    return str(entry.summary.get(name) or NOTHING)


def _number(entry: Listed, name: str) -> str:
    value = entry.summary.get(name)
    return NOTHING if value is None else count(value)


def _state(entry: Listed) -> str:
    word = badges.state_badge(entry.state).word
    done, total = entry.done
    return word if entry.state in ("done", "unreadable") else f"{word}, {done} of {number_of(total, 'fold')}"


def _score(entry: Listed, name: str) -> str:
    return NOT_MEASURED if entry.summary.get("everybody") else spread_of(*entry.scores[name])


def _study(entry: Listed) -> str:
    study_id = entry.summary.get("study")
    if not study_id:
        return NOTHING
    try:
        return _study_name(study_id) if record_file.exists(study_id) else f"{study_id}, deleted"
    except LabError:  # out of reach or damaged now: asked for anew at the next look
        return study_id


@lru_cache(maxsize=512)
def _study_name(study_id: str) -> str:
    """A study is never renamed. Raises LabError."""
    return record_file.load(study_id).name


def _size(entry: Listed) -> str:
    """What the run takes on the disk, and what of it was dropped on purpose."""
    weights = entry.dropped
    left = "results only" if len(weights) > 1 else f"no {weights[0]} weights" if weights else ""
    return f"{size(entry.bytes)}, {left}" if left else size(entry.bytes)


def _setting(entry: Listed, name: str) -> str:
    value = settings_of(entry).get(name)
    return NOTHING if value is None or value == "" else str(value)


NAME = Column("name", "Run", "", lambda entry: entry.name)
ALL = (
    Column("state", "State", "The folds that are finished, of all folds.", _state),
    Column("dataset", "Dataset", "", partial(_told, name="dataset")),
    Column("task", "Task", "", partial(_told, name="task")),
    Column(
        "depth",
        "Network",
        "",
        lambda entry: f"ResNet-{entry.summary['depth']}" if "depth" in entry.summary else NOTHING,
    ),
    Column(
        "recipe",
        "Recipe",
        "The nearest recipe, and how many settings of its training differ; folds, seed and depth are not counted.",
        lambda entry: entry.recipe or NOTHING,
    ),
    Column(
        "best_f1",
        "F1 best",
        "Macro F1 at the best epoch of each fold: chosen on the validation fold, which flatters. A star marks the "
        "highest mean among finished runs on the same photos, classes and folds.",
        partial(_score, name="best_f1"),
        number=True,
    ),
    Column(
        CURVE,
        "Learning",
        "Macro F1 of validation epoch by epoch, mean over the finished folds (before there is one, over those that "
        "have begun) up to the epoch that all of them reached. All lines shown have one scale, from the "
        "lowest value to the highest.",
        lambda entry: "",
    ),
    Column(
        "final_f1",
        "F1 last",
        f"Macro F1 at the last epoch: {last_epoch((None, 1))}.",
        partial(_score, name="final_f1"),
        True,
    ),
    Column(
        "best_accuracy",
        "Acc. best",
        "Accuracy at the best epoch of each fold.",
        partial(_score, name="best_accuracy"),
        number=True,
    ),
    Column("final_accuracy", "Acc. last", "Accuracy at the last epoch.", partial(_score, name="final_accuracy"), True),
    Column(
        "seconds",
        "Training",
        "Time in the epochs of all folds that have ended, added up; then the time by the clock.",
        results.trained,
        number=True,
    ),
    Column(
        "wall",
        "By the clock",
        "Time in which a fold of it trained; folds side by side count once.",
        lambda entry: duration(entry.wall_seconds),
        number=True,
    ),
    Column("bytes", "Size", "All that the run takes on the disk. Make room says what may be dropped.", _size, True),
    Column("created", "Launched", "", lambda entry: ago(entry.summary.get("created")), True),
    Column("study", "Study", "The study that it was launched in.", _study),
    Column("epochs", "Epochs", "Of each fold, as its settings say.", partial(_number, name="epochs"), True),
    Column("folds", "Folds", "", lambda entry: count(entry.done[1]), True),
    Column("classes", "Classes", "", partial(_number, name="classes"), True),
    Column("samples", "Photos", "", partial(_number, name="samples"), True),
    Column("people", "People", "", partial(_number, name="people"), True),
    Column("init", "First weights", "", partial(_told, name="init")),
    Column("id", "Id", "What names its folder.", lambda entry: entry.id),
)
WHO = Column("by", "Who", "Who launched it, and may change it.", lambda entry: entry.by or NOTHING)
BEGINS = (
    *("state", "dataset", "task", "depth", "recipe", "best_f1", CURVE, "final_f1", "seconds", "bytes", "created", "by"),
)


def offered(varying: Sequence[str]) -> dict[str, Column]:
    """All that can be shown. varying: dotted settings in which the runs differ."""
    own = [*ALL, *([WHO] if people.shared() else [])]
    titles = titles_of([name for name in varying if "." in name], others=[column.title for column in (NAME, *own)])
    of_settings = [
        Column(name, title, f"The setting {name}.", partial(_setting, name=name)) for name, title in titles.items()
    ]
    return {column.key: column for column in (*own, *of_settings)}


def shown(varying: Sequence[str]) -> list[Column]:
    """The columns that the address names, else those that are kept for whoever looks, else those of the beginning."""
    columns = offered(varying)
    named = st.query_params.get(ADDRESS)
    keys = _keys(named, columns) if named else views.columns() or list(BEGINS)
    chosen = [columns[key] for key in dict.fromkeys(keys) if key in columns]
    return chosen or [columns[key] for key in BEGINS if key in columns]


def in_address(keys: Iterable[str]) -> str:
    """A comma inside a key is written %2C: a setting may be called after a class."""
    return ",".join(key.replace("%", "%25").replace(",", "%2C") for key in keys)


def _keys(named: str, columns: Collection[str]) -> list[str]:
    """What `in_address` wrote, or an older lab, which wrote keys as they are."""
    return [part if part in columns else unquote(part) for part in named.split(",")]


def choose(varying: Sequence[str]) -> None:
    """The box in which columns are chosen; they stand in the order in which they were."""
    columns = offered(varying)
    now = [column.key for column in shown(varying)]
    with st.popover("Columns", icon=":material/view_column:", key="runs-columns"):
        field(
            st.multiselect,
            "Columns, in the order in which they are chosen",
            list(columns),
            key="runs-columns-chosen",
            holds=now,
            take=_take,
            format_func=lambda key: columns[key].title if key in columns else key,
            help="Kept for you, and in the address of this page. Settings in which runs differ can be chosen too.",
        )
        begins = [key for key in BEGINS if key in columns]
        st.button(
            "As in the beginning",
            icon=":material/undo:",
            key="runs-columns-reset",
            disabled=now == begins,
            on_click=_take,
            args=(None,),
        )
    if (problem := st.session_state.pop(_PROBLEM, None)) is not None:
        badges.show_error(problem)


def _take(keys: list[str] | None) -> None:
    """While a view is open they are the view's; else they are kept for whoever looks."""
    if keys or VIEW in st.query_params:
        st.query_params[ADDRESS] = in_address(keys or BEGINS)
    else:
        st.query_params.pop(ADDRESS, None)
    if VIEW in st.query_params:
        return
    try:
        views.keep_columns(keys or None)
    except LabError as error:
        st.session_state[_PROBLEM] = error


def highest_first(key: str) -> bool:
    """Whether a first click on a column's heading sorts the highest to the top: of numbers, not of words."""
    return key == "depth" or any(column.number for column in ALL if column.key == key)
