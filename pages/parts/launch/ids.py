"""Names of runs and studies that are known before the click, so that a double click launches once."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import datetime

import streamlit as st

from core.config import RunConfig, drafts, to_yaml
from core.errors import LabError
from core.runs import Run
from core.runs.create import new_id
from core.studies import grid, records
from core.studies.grid import StudyConfig
from pages.parts.shared import frame

TOKEN, ADOPTED = "launch_token", "launch_token_adopted"
JUST_NOW = 150.0  # seconds
PARTED = "launch_parted"  # in the session: forms of others with which it began and went on apart


def form_token() -> str:
    """What names this form in its address: time and four digits, the same in a reload and in a copied tab."""
    token = st.session_state.get(TOKEN)
    if token is None:
        adopted = token_in_address()
        if was_launched(adopted):
            adopted = None
        token = adopted or new_token()
        st.session_state[TOKEN] = token
        st.session_state[ADOPTED] = token == adopted
    if st.query_params.get("form") != token:
        st.query_params["form"] = token
    return token


def token_in_address() -> str | None:
    """The form that the address names, if it names one."""
    token = st.query_params.get("form", "")
    return token if drafts.is_token(token) else None


def was_launched(token: str | None) -> bool:
    """Whether this session launched from the form: whoever comes back to its address prepares another one."""
    return token in st.session_state.get(frame.LAUNCHED, {})


def is_of_session(token: str | None) -> bool:
    """Whether this session prepares the form, launched from it, or began with it: an address may lag behind a click."""
    return token == st.session_state.get(TOKEN, "") or was_launched(token) or token in st.session_state.get(PARTED, ())


def go_apart() -> None:
    """Go on as a form of one's own; the one so far is somebody else's."""
    st.session_state.setdefault(PARTED, set()).add(form_token())
    st.session_state[TOKEN], st.session_state[ADOPTED] = new_token(), False
    form_token()


def new_token() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def use_up(token: str) -> None:
    """The form was launched: what is launched next is another one."""
    if st.session_state.get(TOKEN) == token:
        del st.session_state[TOKEN]


def id_of(token: str, name: str, content: str) -> str:
    """A function of form and settings, known before the click: a double click, a reload or a second tab of the same
    form with the same settings name the same run or study, and one can be made only once."""
    slug = new_id(name)[16:-5]
    digest = hashlib.sha256(f"{token}\n{content}".encode()).hexdigest()[:4]
    return f"{token[:15]}-{slug}-{digest}"


def run_id(token: str, config: RunConfig) -> str:
    return id_of(token, config.name, to_yaml(config))


def study_id(token: str, study: StudyConfig, root: str) -> str:
    """root: folder of the dataset, which a study file does not name."""
    return id_of(token, study.name, f"{root}\n{grid.to_yaml(study)}")


def next_run_id(config: RunConfig) -> str:
    """The id that Launch will use. A form that was launched before this session opened it is a new form, but for one
    that was launched just now: who reloads a page that seems to stand still, and clicks once more, means one run."""
    run = Run(run_id(form_token(), config))
    _renew(run.exists(), lambda: run.config_file.stat().st_mtime)
    return run_id(form_token(), config)


def next_study_id(study: StudyConfig, root: str) -> str:
    """The same of a study."""
    this = study_id(form_token(), study, root)
    _renew(records.exists(this), lambda: records.load(this).created)
    return study_id(form_token(), study, root)


def _renew(launched: bool, when: Callable[[], float]) -> None:
    """when: it was, in Unix time, if it was."""
    if not st.session_state.pop(ADOPTED, False) or not launched:
        return
    with contextlib.suppress(OSError, LabError):
        if time.time() - when() < JUST_NOW:
            return
    st.session_state[TOKEN] = new_token()
