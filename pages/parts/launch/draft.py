"""The launch form's draft on disk: kept while somebody edits it, found again after a reload; and the form before it,
where another took its place, for one way back."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from core.config import drafts, recipes
from core.config.run_config import PhaseConfig
from core.config.settings import leaves
from core.config.transforms import TRANSFORMS, default_params
from core.errors import LabError
from core.text import number_of, plain
from pages.parts.dataset import picker
from pages.parts.form import draft
from pages.parts.form.summary import differences
from pages.parts.launch import ids, study_draft
from pages.parts.people import people
from pages.parts.shared import badges

RESTORED, _WRITTEN = "launch_restored", "launch_written"
_UNREAD = "launch_unread"  # in the session: the form whose draft was out of reach as it was opened, and the error
_THEIRS = "launch_theirs"  # in the session: what somebody else's draft was when it was restored here
_BEFORE = "launch_before"  # in the session: the form that somebody prepared and another took the place of
_TOLD = "launch_told_before"  # in the session: the one of which a message was shown
_PUT = "launch_put"  # in the session: the form as it was put there, before somebody changed anything on it
_PUT_STUDY = "launch_put_study"  # in the session: its study, as that was put there; None where none was
_LEFT = "launch_left"  # in the session: the token at the last Undo, and the study that the form before it joined
_JOINS = "launch_joins"  # in the session: the study that the form joined as the page showed it last; None for none
_BROUGHT = "launch_brought"  # in the session: settings that the page Data brought to the form last, and as what
DEPTHS = (18, 34, 50, 101, 152)
LISTS = ("phases", "transforms")
STAY = ("data", "task", "folds", "name", "description")  # parts that may stay where another form comes


def keep() -> None:
    """Write the form down under its token when something was changed on it since the last time.

    A draft of somebody else, or one that could not be read, stays as it is: with the first change the form is another
    one, of whoever changed it.
    """
    st.session_state[_JOINS] = st.query_params.get("study")
    token, now = ids.form_token(), _contents()
    text = json.dumps(now)
    before = st.session_state.get(_WRITTEN)
    nothing_yet = before is None and now["before"] is None
    if before == (token, text) or (nothing_yet and now["draft"] == now["base"] and study_draft.is_blank()):
        return
    if st.session_state.get(_THEIRS) == _changeable(token, now):
        return
    if _stays(token):
        ids.go_apart()
        token = ids.form_token()
    drafts.save(token, now)
    st.session_state[_WRITTEN] = (token, text)


def _contents() -> dict[str, Any]:
    """The form as its draft on disk has it."""
    return {
        "draft": draft.draft(),
        "base": st.session_state["launch_base"],
        "source": list(st.session_state["launch_source"]),
        "study": study_draft.contents(),
        "put": _put(),
        "put_study": st.session_state.get(_PUT_STUDY),
        "asked": study_draft.asked(),
        "by": people.me(),
        "before": st.session_state.get(_BEFORE),
    }


def _changeable(token: str, now: dict[str, Any]) -> str:
    """What of a form only a person changes. The rest follows: a task that the dataset has no labels for is another."""
    return json.dumps([token, now["draft"]["data"], now["study"], now["asked"], draft.edit_number()])


def _is_theirs(by: Any) -> bool:
    """Whether a draft is somebody else's. by: as it says, empty in drafts of older labs."""
    return isinstance(by, str) and by not in ("", people.me())


def _unread(token: str) -> LabError | None:
    """Why the draft under a token could not be taken up here; None where it was, and where there was none."""
    of_form, error = st.session_state.get(_UNREAD, ("", None))
    return error if of_form == token else None


def _stays(token: str) -> bool:
    """Whether what lies under a token is not to be written over here."""
    try:
        return _unread(token) is not None or _is_theirs(drafts.whose(token))
    except LabError:
        return True


def restore(beginning: tuple[str, str] | None, prefix: str) -> bool:
    """Take up the draft of the form that the address names; False where there is none, or it is not one.

    beginning: what the address asks to begin with; a draft that began with something else is left alone. prefix: of
    the keys of the dataset's controls.
    """
    token = ids.token_in_address()
    try:
        record = drafts.load(token) if token else None
    except LabError as error:
        st.session_state[_UNREAD] = (token, error)
        return False
    if record is None or not _fits(record):
        return False
    if beginning is not None and beginning != tuple(record["source"]):
        return False
    _show({**record, **_put_of(record)}, prefix)
    study_draft.take_asked(record.get("asked"))
    st.session_state[RESTORED] = ""
    if _is_theirs(record.get("by")):
        begins_here(with_study=True)
        st.session_state[RESTORED] = record["by"]
        st.session_state[_THEIRS] = _changeable(token, _contents())
    elif _fits_before(record.get("before")):
        before: dict[str, Any] = record["before"]
        st.session_state[_BEFORE] = st.session_state[_TOLD] = {**before, **_put_of(before)}
    return True


def _show(record: dict[str, Any], prefix: str) -> None:
    """Put a form there as it was kept, its study with it unless that was not kept."""
    kind, name = record["source"]
    draft.replace_draft(record["draft"])
    st.session_state["launch_base"], st.session_state["launch_source"] = record["base"], (kind, name)
    st.session_state[_PUT] = copy.deepcopy(record["put"])
    if record["study"] is not None:
        study_draft.take_contents(copy.deepcopy(record["study"]))
        st.session_state[_PUT_STUDY] = record["put_study"]
    elif record.get("as_study") is not None:
        study_draft.state()["on"] = record["as_study"] is True
    picker.show_choice(record["draft"]["data"], prefix)
    for each in ("from", "recipe"):
        st.query_params.pop(each, None)
    if kind != "file":
        st.query_params[kind] = name


# The form before, and the way back to it


@contextlib.contextmanager
def replacing(*, with_study: bool = False, whole: bool = True, since: dict[str, Any] | None = None) -> Iterator[None]:
    """Something takes the place of the form: where that loses something which somebody changed, the form is kept for
    *Undo*, unless the one that is kept has it too. Of two of these, one within the other, the outer one counts.

    with_study: another study comes with it. whole: what somebody changes on the form comes after, but for what they
    changed before that stays; else another part was put there, by somebody. since: the form whose differences from the
    one so far are what can be lost; without one, the form as it was put there.
    """
    if draft.DRAFT not in st.session_state:
        yield
        begins_here(with_study=with_study)
        return
    kept = st.session_state.get(_BEFORE)
    before = {
        "draft": draft.draft(),
        "base": st.session_state["launch_base"],
        "source": list(st.session_state["launch_source"]),
        "study": study_draft.contents() if with_study else None,
        "as_study": study_draft.is_on() if whole else None,  # None: it stays as it is
        "joins": st.session_state.get(_JOINS),  # by now the address may name the study that what comes is to join
        "put": _put(),
        "put_study": st.session_state.get(_PUT_STUDY),
        "since": since,
    }
    before = copy.deepcopy(before)
    yield
    lost = _lost(before)
    changed = {path for path, _ in _lost({**before, "since": None})}
    counts = [each for each in lost if each[0] in changed]  # what nobody changed is worth no form that is kept
    is_offered = kept is not None and bool(_lost(kept)) and all(_has(kept, *each) for each in counts)
    st.session_state[_BEFORE] = before if lost and not is_offered else kept
    if whole:
        if kept is not None and kept.get("as_study") is None:  # of a part; what comes now may be no study
            kept["as_study"] = before["as_study"]
        begins_here(with_study=with_study)
        stay = {part: before["put"][part] for part in STAY if before["draft"][part] == draft.draft()[part]}
        st.session_state[_PUT].update(copy.deepcopy(stay))


def begins_here(*, with_study: bool = False) -> None:
    """What stands on the form was put there, or launched: what somebody changes on it comes after."""
    st.session_state[_PUT] = copy.deepcopy(draft.draft())
    if with_study:
        st.session_state[_PUT_STUDY] = copy.deepcopy(study_draft.contents())


def comes_by_itself(*paths: str) -> None:
    """These settings were put there, too, and changed by nobody."""
    st.session_state[_PUT] = put_with(*paths)


def put_with(*paths: str) -> dict[str, Any]:
    """The form as it was put there, but for these settings, which are as they stand now."""
    put = copy.deepcopy(_put())
    for path in paths:
        with contextlib.suppress(KeyError, IndexError):  # of a phase that the form was put there without
            draft.put(put, path, copy.deepcopy(draft.value_of(path)))
    return put


@contextlib.contextmanager
def bringing() -> Iterator[None]:
    """The page Data brings a dataset, with its classes, to the form, if there is one: what it brought before, and the
    dataset that it is to replace, are nothing that is lost."""
    if draft.DRAFT not in st.session_state:
        yield
        return
    before = copy.deepcopy(draft.draft())
    brought = {path: was for path, was in st.session_state.get(_BROUGHT, {}).items() if draft.value_of(path) == was}
    with replacing(whole=False, since=put_with("data", *brought)):
        yield
    now = {path: copy.deepcopy(draft.value_of(path)) for path in ("task", "folds.count")}
    others = {path: value for path, value in now.items() if path in brought or value != draft.get(before, path)}
    st.session_state[_BROUGHT] = others


def _put() -> dict[str, Any]:
    put: dict[str, Any] = st.session_state.get(_PUT, st.session_state["launch_base"])
    return put


def _lost(before: dict[str, Any]) -> list[tuple[str, Any]]:
    """(path, value) of each setting that somebody changed on the form before and that stands otherwise on the one that
    is there now; with "study" its study, where that is so of it."""
    since = before["since"] or before["put"]
    was, changed, now = (dict(leaves(settings)) for settings in (since, before["draft"], draft.draft()))
    paths = {path for path in {*was, *changed} if was.get(path) != changed.get(path) != now.get(path)}
    lost = [(path, changed.get(path)) for path in paths]
    study, others = before["study"], (before["put_study"], study_draft.contents())
    is_lost = study is not None and all(study_draft.differs(study, other) for other in others)
    return [*lost, ("study", study)] if is_lost else lost


def _has(kept: dict[str, Any], path: str, value: Any) -> bool:
    if path == "study":
        return kept["study"] is not None and not study_draft.differs(kept["study"], value)
    return dict(leaves(kept["draft"])).get(path) == value


def way_back(prefix: str) -> None:
    """That another form took the place of what somebody prepared, with *Undo*, until that was read."""
    before = st.session_state.get(_BEFORE)
    if before is None or not _lost(before):
        return
    if st.session_state.get(_TOLD) is not before:  # who pressed a recipe's card has scrolled past the line
        st.session_state[_TOLD] = before
        st.toast("What you had prepared was replaced: Undo stands at the top of this page.", icon=":material/history:")
    changed = len(differences(before["base"], before["draft"]))
    what = began_with(before["source"], before["base"]) + (f", {number_of(changed, 'setting')} changed" * bool(changed))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/history: What you had prepared was replaced: {what}.", width="content")
        st.button(
            "Undo",
            key="launch-undo",
            type="tertiary",
            icon=":material/undo:",
            help="Back to the form as it was.",
            on_click=_undo,
            args=(before, prefix),
        )
        st.button(
            "Dismiss", key="launch-undo-not", type="tertiary", on_click=st.session_state.pop, args=(_BEFORE, None)
        )


def _undo(before: dict[str, Any], prefix: str) -> None:
    """The form before again; where something was changed on the one that took its place, that one is set aside."""
    if st.session_state.get(_BEFORE) is not before:  # a second click
        return
    del st.session_state[_BEFORE]
    was_study = study_draft.is_on()
    with replacing(with_study=before["study"] is not None, whole=False):
        _show(before, prefix)
    if (aside := st.session_state.get(_BEFORE)) is not None and before.get("as_study") is not None:
        aside["as_study"] = was_study
    st.session_state[_LEFT] = ids.form_token(), st.session_state.get(_JOINS)
    _join(before.get("joins"))
    draft.edited("")


def _join(study: Any) -> None:
    """study: id of the one that the form joins; anything else is none, as in drafts of older labs."""
    st.query_params.pop("study", None)
    if isinstance(study, str):
        st.query_params["study"] = study
    st.session_state[_JOINS] = st.query_params.get("study")


def follow_undo() -> None:
    """The address from before Undo, which a quick second click brings, and Back, names the study of the form that was
    left: the one that is there joins what it joined."""
    token, left = st.session_state.get(_LEFT, (None, None))
    joins = st.session_state.get(_JOINS)
    of_this_form = token is not None and token == ids.token_in_address() == st.session_state.get(ids.TOKEN)
    if of_this_form and st.query_params.get("study") == left != joins:
        _join(joins)


def began_with(source: Sequence[str], base: dict[str, Any]) -> str:
    """Markdown: what a form began with."""
    kind, name = source
    if kind == "recipe":
        return f"Recipe **{plain(recipes.title(name))}**"
    if kind == "file":
        return f"Settings of file **{plain(name)}**"
    return f"Settings and dataset of run **{plain(base['name'])}** :small[:gray[{plain(name)}]]"


def notice(prefix: str) -> None:
    """Says that a draft was restored, and whose, until that was read; or that it cannot be read."""
    if (error := _unread(ids.form_token())) is not None:
        badges.show_error(error)
    if RESTORED not in st.session_state:
        return
    theirs = st.session_state[RESTORED]
    how = f"{plain(theirs)} left it. What you change is another form, of your own" if theirs else "you left it"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/history: Draft restored: the form is as {how}.", width="content")
        st.button("Start anew", type="tertiary", icon=":material/restart_alt:", on_click=_start_anew, args=(prefix,))
        st.button("Dismiss", type="tertiary", on_click=st.session_state.pop, args=(RESTORED, None))


def _start_anew(prefix: str) -> None:
    """The form as it began, before anything was changed on it."""
    st.session_state.pop(RESTORED, None)
    with replacing(with_study=True):
        draft.replace_draft(copy.deepcopy(st.session_state["launch_base"]))
        study_draft.reset()
    draft.edited("")
    picker.show_choice(draft.draft()["data"], prefix)
    if _stays(ids.form_token()):
        ids.go_apart()
    else:
        drafts.forget(ids.form_token())
    st.session_state.pop(_WRITTEN, None)


# Whether a file is a draft. Values may be wrong, as somebody may have typed them; what the form is made of may not.


def _fits(record: dict[str, Any]) -> bool:
    source = record.get("source")
    return (
        all(_is_form(record.get(name)) for name in ("draft", "base"))
        and isinstance(source, list)
        and len(source) == 2
        and source[0] in ("recipe", "from", "file")
        and isinstance(source[1], str)
        and study_draft.is_contents(record.get("study"))
    )


def _put_of(record: dict[str, Any]) -> dict[str, Any]:
    """What a form was put there as, and what it lost is told from; drafts of older labs do not say it."""
    put, study, since = (record.get(name) for name in ("put", "put_study", "since"))
    return {
        "since": since if _is_form(since) else None,
        "put": put if _is_form(put) else record["base"],
        "put_study": study if study_draft.is_contents(study) else None,
    }


def _fits_before(before: Any) -> bool:
    if not isinstance(before, dict) or "study" not in before:
        return False
    return _fits(before if before["study"] is not None else {**before, "study": study_draft.contents()})


def _is_form(form: Any) -> bool:
    if not isinstance(form, dict) or not all(isinstance(form.get(name), list) for name in LISTS):
        return False
    like = next(iter(recipes.all_recipes().values())).model_dump(mode="json")
    phase = PhaseConfig().model_dump(mode="json")
    return (
        _alike(_without_lists(form), _without_lists(like))
        and form["model"]["depth"] in DEPTHS
        and all(_alike(each, phase) for each in form["phases"])
        and all(_is_transform(each) for each in form["transforms"])
    )


def _without_lists(form: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in form.items() if key not in LISTS}


def _is_transform(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or entry["name"] not in TRANSFORMS:
        return False
    return _alike(
        {"enabled": True, **entry}, {"name": "", "p": 1.0, "enabled": True, "params": default_params(entry["name"])}
    )


def _alike(value: Any, like: Any) -> bool:
    """The same keys, lists as long, and words, switches and numbers where those belong; a number may be any text."""
    if like in ({}, []):  # a mapping or list that people fill: of texts, numbers and lists of them
        texts = [value] if isinstance(value, list) else value.values() if isinstance(value, dict) else [None]
        return type(value) is type(like) and all(map(_is_plain, texts))
    if isinstance(like, dict):
        return isinstance(value, dict) and value.keys() == like.keys() and all(_alike(value[k], like[k]) for k in like)
    if isinstance(like, list):
        return isinstance(value, list) and len(value) == len(like) and all(map(_alike, value, like))
    if isinstance(like, (str, bool)):
        return type(value) is type(like)
    if like is None and isinstance(value, dict):  # the kinds of a table's attributes, or nothing
        return all(map(_is_plain, value.values()))
    return value is None or (isinstance(value, (int, float, str)) and not isinstance(value, bool))


def _is_plain(value: Any) -> bool:
    """A text, a number, or a list of them."""
    values = value if isinstance(value, list) else [value]
    return all(isinstance(each, (int, float, str)) and not isinstance(each, bool) for each in values)
