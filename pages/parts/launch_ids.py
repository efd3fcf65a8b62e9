"""Ids that are known before the click: of a form with these settings there is one run, and one study."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime

import streamlit as st

from core import config as configs
from core import runs
from core.config import RunConfig


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


def run_id_of(token: str, config: RunConfig) -> str:
    """A function of form and settings, known before the click: a double click, a reload or a second tab of the same
    form with the same settings name the same run, and a run can be made only once."""
    slug = runs.new_id(config.name)[16:-5]
    digest = hashlib.sha256(f"{token}\n{configs.to_yaml(config)}".encode()).hexdigest()[:4]
    return f"{token[:15]}-{slug}-{digest}"


def next_run_id(config: RunConfig) -> str:
    """The id that Launch will use. A form that was launched before this session opened it is a new form."""
    run_id = run_id_of(form_token(), config)
    if st.session_state.pop("launch_token_adopted", False) and runs.Run(run_id).exists():
        st.session_state["launch_token"] = new_token()
        run_id = run_id_of(form_token(), config)
    return run_id


def study_id_of(token: str, name: str, settings: str) -> str:
    """The id of the study that this form would launch with these settings; settings: all that it depends on."""
    slug = runs.new_id(name)[16:-5]
    digest = hashlib.sha256(f"{token}\n{settings}".encode()).hexdigest()[:4]
    return f"{token[:15]}-{slug}-{digest}"
