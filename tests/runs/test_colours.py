"""Colours of runs and folds: a run's own for life, told apart from each other, from states and from paper."""

import dataclasses
import itertools
import re
import shutil
import tomllib

import cv2
import numpy as np
import pandas as pd
import pytest

from core.compare import members, pairs
from core.figures import comparison, comparison_curves, curves
from core.jobs import trash
from core.places import HOME
from core.runs import Run, colours
from core.runs.lists import index
from core.runs.lists.summaries import summaries
from pages.parts.run import curves as page_curves
from pages.parts.shared import run_picker, theme
from tests.compared import make_run, samples

# Severity 1 of Machado, Oliveira & Fernandes 2009, in linear RGB.
BLIND = {
    "red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(colour, seen=None):
    """CIELAB of a colour, as somebody with that blindness sees it."""
    light = linear(colour) if seen is None else np.clip(np.array(BLIND[seen]) @ linear(colour), 0, 1)
    return cv2.cvtColor(np.array([[light]], np.float32), cv2.COLOR_LRGB2Lab)[0, 0]


def themes():
    return tomllib.loads((HOME / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]


def state_colours():
    """What is read or tells a state on a page: (light, dark) of each, from the pages' own style."""
    styled = dict(re.findall(r"--(?:st|lab)-(\w+)(?:-color)?: light-dark\(([^)]*)\)", theme.STYLE))
    assert set(styled) == {"primary", "link", "good", "warn", "bad", "quiet"}, (
        "theme.py says its colours in another way"
    )
    return {name: pair.split(", ") for name, pair in styled.items()}


def test_the_pages_accent_is_that_of_the_theme():
    accents = [themes()[paper]["primaryColor"] for paper in ("light", "dark")]
    assert state_colours()["primary"] == state_colours()["link"] == accents


@pytest.mark.parametrize(("at", "paper"), [(0, "light"), (1, "dark")])
def test_what_tells_a_state_is_read_on_every_paper(at, paper):
    """WCAG 2.2, 1.4.3: 4.5 : 1 for text, here on the page and on its grey boxes."""
    for name, pair in state_colours().items():
        for place in ("backgroundColor", "secondaryBackgroundColor"):
            weak, strong = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (pair[at], themes()[paper][place]))
            assert (strong + 0.05) / (weak + 0.05) >= 4.5, f"{name} on {paper} {place}"


def hue(colour):
    """(degrees, chroma) in CIELAB."""
    _, a, b = lab(colour)
    return float(np.degrees(np.arctan2(b, a))) % 360, float(np.hypot(a, b))


@pytest.mark.parametrize(("seen", "apart"), [(None, 30), ("red", 15), ("green", 15)])
def test_runs_are_told_apart_by_every_eye(seen, apart):
    assert len(colours.RUN_COLOURS) >= 12  # as many as Compare shows
    seen_colours = [lab(colour, seen) for colour in colours.RUN_COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen_colours, 2)) > apart


@pytest.mark.parametrize("colour", colours.RUN_COLOURS)
def test_no_run_has_the_colour_or_the_hue_of_a_state(colour):
    for state in sorted({each for pair in state_colours().values() for each in pair}):
        assert np.linalg.norm(lab(colour) - lab(state)) > 18, state
        (ours, strong), (theirs, vivid) = hue(colour), hue(state)
        if min(strong, vivid) > 15:
            assert abs((ours - theirs + 180) % 360 - 180) > 20, state


@pytest.mark.parametrize("colour", colours.RUN_COLOURS)
def test_runs_and_their_folds_stand_out_on_light_and_dark_paper(colour):
    shades = [colours.fold_colour(colour, fold) for fold in range(5)]
    assert min(np.linalg.norm(lab(a) - lab(b)) for a, b in itertools.combinations([colour, *shades], 2)) > 6
    for paper in ("#fcfcfa", "#14181b"):
        low, high = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ linear(c)) for c in (colour, paper))
        assert (high + 0.05) / (low + 0.05) > 2
        for shade in shades:
            low, high = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ linear(c)) for c in (shade, paper))
            assert (high + 0.05) / (low + 0.05) > 1.4


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A runs folder with as many runs as the palette has colours, made one after another."""
    folder = tmp_path_factory.mktemp("twelve")
    (folder / "no-run").mkdir()  # what cannot be read takes no colour
    table = samples(folder, people=12, photos=1, folds=2)
    for number in range(len(colours.RUN_COLOURS)):
        make_run(folder, table, run_id=f"20260101-0000{number:02d}-r-0000")
    return folder


@pytest.fixture
def twelve(made, tmp_path, monkeypatch):
    """The runs folder, a copy of it."""
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def shown():
    """Run id -> colour, as a page that lists all runs finds it."""
    listed = index.summaries()
    return {s["id"]: run_picker.colour_of(s["id"], listed) for s in listed if "unreadable" not in s}


def test_deleting_a_run_and_undoing_it_changes_nobodys_colour(twelve):
    before = shown()
    assert [before[run_id] for run_id in sorted(before)] == list(colours.RUN_COLOURS), "neighbours share a colour"
    gone = sorted(before)[2:4]
    trash.delete(gone)
    assert shown() == {run_id: colour for run_id, colour in before.items() if run_id not in gone}
    trash.restore(gone)
    assert shown() == before


def test_a_new_run_takes_the_colour_that_is_free(twelve):
    before = shown()
    trash.delete([sorted(before)[5]])
    run = make_run(twelve, samples(twelve, people=12, photos=1, folds=2), run_id="20260102-000000-r-0000")
    assert shown()[run.id] == before[sorted(before)[5]]
    another = make_run(twelve, samples(twelve, people=12, photos=1, folds=2), run_id="20260103-000000-r-0000")
    assert shown()[another.id] == before[sorted(before)[0]], "all are taken: the one not used for longest"


def test_the_colour_is_the_runs_own_on_every_path(twelve):
    run = Run(sorted(shown())[7])
    place = run.info()["colour"]
    assert place == next(s["colour"] for s in summaries() if s["id"] == run.id)
    member = members.load(run.id)
    assert colours.colour_of({**member.info, "id": member.id}) == shown()[run.id] == colours.run_colour(place)


@pytest.mark.parametrize("colour", [None, "red", True, -1, 1.5])
def test_runs_of_older_labs_have_a_colour_of_their_own_that_depends_on_no_other(twelve, colour):
    """What was never recorded, or damaged, follows from the id."""
    odd = {"id": "20251126-120000-old-aa41", "colour": colour}
    assert colours.colour_of(odd) == colours.colour_of({"id": odd["id"]}) in colours.RUN_COLOURS
    used = {colours.colour_of({"id": f"20251126-12{n:04d}-old-aa41"}) for n in range(200)}
    assert used == set(colours.RUN_COLOURS)


def fold_lines(runs, folds, show="validation"):
    """The lines of the folds of so many runs beside each other."""
    scores = {"f1": 0.5, "loss": 1.0, "accuracy": 0.5, "seconds": 1.0}
    rows = [
        {"fold": fold, "epoch": epoch, "split": split, **scores}
        for fold in folds
        for epoch in (1, 2)
        for split in ("train", "validation")
    ]
    histories = [
        comparison_curves.RunHistory(colour, colour, colour, pd.DataFrame(rows), {})
        for colour in colours.RUN_COLOURS[:runs]
    ]
    drawn = comparison_curves.run_curves(histories, "f1", folds=True, show=show).data
    return [trace for trace in drawn if trace.name and trace.name.startswith("fold")]


@pytest.mark.parametrize("runs", [1, 2])
def test_twenty_folds_are_told_apart_and_none_looks_like_a_mean(runs):
    lines = fold_lines(runs, range(20), show="both")
    assert len({(line.line.color, line.line.dash) for line in lines}) == len(lines) == runs * 20 * 2
    assert not {line.line.color for line in lines} & set(colours.RUN_COLOURS[:runs])
    metrics = pd.DataFrame(
        {"fold": fold, "epoch": 1, "split": split, "f1": 0.5, "loss": 1.0, "accuracy": 0.5, "seconds": 1.0}
        for fold in range(20)
        for split in ("train", "validation")
    )
    live = [
        (trace.line.color, trace.line.dash)
        for trace in curves.curves(metrics, "f1", run_colour=colours.RUN_COLOURS[0]).data
        if trace.meta["part"] == "fold"
    ]
    assert len(set(live)) == len(live) == 40
    legend = [entry for entry in page_curves.fold_legend(range(20), colours.RUN_COLOURS[0]) if "fold" in entry["key"]]
    assert len({(entry["colour"], entry["dash"]) for entry in legend}) == 20


def test_folds_have_the_colour_of_their_number_wherever_they_are_drawn(twelve):
    own = colours.RUN_COLOURS[0]
    expected = [colours.fold_colour(own, fold) for fold in (1, 3)]
    assert [line.line.color for line in fold_lines(2, (1, 3))][:2] == expected
    assert [line.line.color for line in fold_lines(1, (1, 3))] == [colours.fold_hue(own, fold) for fold in (1, 3)]

    table = samples(twelve, people=48, photos=1, folds=4)
    states_of = {0: "failed", 2: "failed"}
    base, other = (
        members.load(make_run(twelve, table, name, states=states_of, seed=n, run_id=f"20260104-00000{n}-r-0000").id)
        for n, name in enumerate(("base", "other"))
    )
    (difference,) = pairs.differences([pairs.pair(other, base)])
    figure = comparison.deltas([difference], {other.id: own}, within=0.01)
    assert difference.folds == (1, 3) and list(figure.data[0].marker.color) == expected
    many = dataclasses.replace(difference, folds=tuple(range(20)), deltas=tuple(np.linspace(-0.1, 0.1, 20)))
    dots = comparison.deltas([many], {other.id: own}, within=0.01).data[0].marker
    assert len(set(zip(dots.color, dots.symbol, strict=True))) == 20


@pytest.mark.parametrize("colour", colours.RUN_COLOURS)
def test_folds_of_a_run_alone_have_hues_that_are_neither_each_others_nor_the_means(colour):
    hues = [colours.fold_hue(colour, fold) for fold in range(len(colours.RUN_COLOURS) - 1)]
    assert len({colour, *hues}) == len(colours.RUN_COLOURS)
    assert colours.fold_hue(colour, len(hues)) == hues[0]
