"""Names of runs and studies that are known before the click, so that a double click launches once."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime

import streamlit as st

from core import config as configs
from core import runs, study_records
from core.config import RunConfig
from core.study import StudyConfig, to_yaml


def form_token() -> str:
    """What names this form in its address: time and four digits, the same in a reload and in a copied tab."""
    token = st.session_state.get("launch_token")
    if token is None:
        asked = st.query_params.get("form", "")
        token = asked if re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", asked) else new_token()
        st.session_state["launch_token"] = token
        st.session_state["launch_token_adopted"] = token == asked
    if st.query_params.get("form") != token:
        st.query_params["form"] = token
    return token


def new_token() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def id_of(token: str, name: str, content: str) -> str:
    """A function of form and settings, known before the click: a double click, a reload or a second tab of the same
    form with the same settings name the same run or study, and one can be made only once."""
    slug = runs.new_id(name)[16:-5]
    digest = hashlib.sha256(f"{token}\n{content}".encode()).hexdigest()[:4]
    return f"{token[:15]}-{slug}-{digest}"


def next_id(name: str, content: str, exists: Callable[[str], bool]) -> str:
    """The id that Launch will use. A form that was launched before this session opened it is a new form."""
    found = id_of(form_token(), name, content)
    if st.session_state.pop("launch_token_adopted", False) and exists(found):
        st.session_state["launch_token"] = new_token()
        found = id_of(form_token(), name, content)
    return found


def next_run_id(config: RunConfig) -> str:
    return next_id(config.name, configs.to_yaml(config), lambda run_id: runs.Run(run_id).exists())


def next_study_id(study: StudyConfig, root: str) -> str:
    """root: folder of the dataset, which a study file does not name."""
    return next_id(study.name, f"{root}\n{to_yaml(study)}", study_records.exists)
