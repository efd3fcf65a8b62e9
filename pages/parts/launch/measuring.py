"""How fast the networks of a form train: a few steps of each, measured one network after another.

A network, with the images and batch of its steps, is in one of four states. *known*: its speed was measured on this
machine. *measuring*: its steps run now. *waiting*: its steps run as soon as no others do, because somebody asked or
because they take seconds only. *refused*: they take longer and nobody asked, or they were tried in vain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import streamlit as st

from core import places
from core.config import RunConfig
from core.jobs import speed
from core.jobs.processes import ready
from core.jobs.speed import Step, step_of

AT_ONCE = 1.5 * 18 * 224 * 224 * 128  # layers x pixels x images of a step that a processor does in seconds
PATIENCE = 120  # seconds after which a measurement is taken to have failed
COMPILING = 600  # the same of a network that is compiled first
_MEASUREMENTS, _FIRST_LOOK = "launch_measuring", "launch_first_look"


class State(Enum):
    KNOWN = "known"
    MEASURING = "measuring"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass
class Measurement:
    """A measurement that somebody asked for or that began by itself. before: the speed that was known until then.

    began: on the monotonic clock; None while it waits, minus infinity where it could not begin. process: what measures.
    """

    config: RunConfig
    before: float | None = None
    began: float | None = None
    process: ready.Measurement | None = None

    def begin(self) -> None:
        self.before, self.began = speed.known(self.config), time.monotonic()
        try:
            self.process = speed.start_measuring(self.config)
        except OSError:
            self.began = float("-inf")

    def is_under_way(self) -> bool:
        """Until it has ended, or left another speed than was known before, or for as long as it may take."""
        if self.began is None or time.monotonic() - self.began >= self._patience():
            return False
        if self.process is not None and self.process.poll() is not None:
            return False
        return speed.known(self.config) == self.before

    def _patience(self) -> float:
        return COMPILING if speed.is_compiled(self.config) else PATIENCE

    def why_not(self) -> speed.Outcome | None:
        """Why it has left no speed; None where it has, while it is under way, or where nobody knows."""
        code = self.process.poll() if self.process is not None else None
        left_none = (outcome for outcome in speed.Outcome if outcome is not speed.Outcome.MEASURED)
        return next((outcome for outcome in left_none if outcome.value[0] == code), None)


def is_heavy(config: RunConfig) -> bool:
    """Whether a step takes so long, or what comes before the first, that it is measured only when somebody asks."""
    height, width = config.input_size
    is_long = config.model.depth * height * width * config.training.batch_size > AT_ONCE
    return is_long or speed.is_compiled(config)


def state_of(config: RunConfig, images_per_second: float | None) -> State:
    """images_per_second: its speed, if it was ever measured."""
    measurement = _measurements().get(step_of(config))
    if measurement is not None and measurement.is_under_way():
        return State.MEASURING
    if measurement is not None and measurement.began is None:
        return State.WAITING
    if images_per_second is not None:
        return State.KNOWN
    return State.REFUSED if measurement is not None or is_heavy(config) else State.WAITING


def why_not(config: RunConfig) -> speed.Outcome | None:
    """Why the last measurement of a network has left no speed; None where it has, or there was none."""
    measurement = _measurements().get(step_of(config))
    return measurement.why_not() if measurement is not None else None


def ask(configs: Sequence[RunConfig]) -> None:
    """Somebody asks for these speeds, be they known or refused; the page's next run begins with the first."""
    for network, config in _networks(configs).items():
        measurement = _measurements().get(network)
        if measurement is None or not measurement.is_under_way():
            _measurements()[network] = Measurement(config)


def is_under_way() -> bool:
    """Whether some measurement is, be it of a network that the form had before: two would spoil each other's figure."""
    return any(measurement.is_under_way() for measurement in _measurements().values())


def give_way() -> None:
    """Somebody launches, and what is measured here stops; where nothing comes of it, it begins anew by itself."""
    for network, measurement in list(_measurements().items()):
        if measurement.is_under_way():
            del _measurements()[network]
    ready.stop_measuring(places.runs_folder())


def proceed(configs: Sequence[RunConfig]) -> bool:
    """Begin with the first of the networks that wait, unless another one is measured; whether one is by now."""
    if is_under_way():
        return True
    for network, config in _networks(configs).items():
        if state_of(config, speed.known(config)) is State.WAITING:
            _measurements().setdefault(network, Measurement(config)).begin()
            return True
    return False


def follow(configs: Sequence[RunConfig], draw: Callable[[bool], None]) -> None:
    """Draw what depends on the speeds of some networks, anew each second while one of them is measured.

    draw(whether a measurement is under way): a figure and a button, as high at all times: what moves under a click
    takes it away.
    """
    ticking = proceed(configs)
    st.session_state[_FIRST_LOOK] = True
    look = st.fragment(_look, run_every=1.0) if ticking else _look
    look(draw, ticking)


def _look(draw: Callable[[bool], None], ticking: bool) -> None:
    under_way = is_under_way()
    first_look = st.session_state.pop(_FIRST_LOOK, False)
    if ticking and not under_way and not first_look:  # in the page's own run it would cut off, and forget, what follows
        st.rerun()
    with st.container(width="content", gap=None):
        draw(under_way)


def button(label: str, configs: Sequence[RunConfig], *, disabled: bool, help: str) -> None:
    """What asks for the speeds of these networks."""
    st.button(
        label,
        type="tertiary",
        icon=":material/speed:",
        disabled=disabled,
        on_click=ask,
        args=(configs,),
        help=help,
    )


def _networks(configs: Sequence[RunConfig]) -> dict[Step, RunConfig]:
    """Each network once, since most runs of a study share one."""
    networks: dict[Step, RunConfig] = {}
    for config in configs:
        networks.setdefault(step_of(config), config)
    return networks


def _measurements() -> dict[Step, Measurement]:
    """Of this session, by network."""
    return st.session_state.setdefault(_MEASUREMENTS, {})
