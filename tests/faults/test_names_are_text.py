"""A class, a person, a file, a run and a tag with every kind of markup in its name: on each page it is text."""

import json
import re
from html import escape

import pytest
from google.protobuf.descriptor import FieldDescriptor
from streamlit.testing.v1 import AppTest

from core.config import from_dict, recipes, to_yaml
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.jobs import control, speed
from core.places import HOME
from core.runs import notes
from core.runs.lists.summaries import summaries
from core.studies import record_file
from core.studies.record_file import Study, StudyRun
from core.text import plain
from tests.answered import made, photo, probabilities_of, table_of
from tests.pages.app import elements
from tests.photos import draw

NASTY = ":red[x] **b** <img src=x onerror=alert(1)> $e=mc^2$ [l](http://x)"
# Fields of Streamlit's messages that the browser reads as Markdown; options of select boxes and cells are not.
MARKDOWN = {"body", "label", "help", "text", "content", "delta", "caption", "captions"}
TEXT_ONLY = {"html", "bidi_component", "arrow_data_frame", "dataframe", "plotly_chart", "code", "imgs", "iframe"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    monkeypatch.setattr(speed, "start_measuring", lambda config, folder=None: None)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def root(tmp_path):
    """Two classes of six people; one class, one person and one file are called badly. A file is not decodable."""
    home = tmp_path / "set"
    lines = ["path,label,person"]
    for number in range(12):
        name = f"{number}.jpg" if number else f"{NASTY.replace('/', '')}.jpg"
        draw(home / name, (number * 20, 90, 60))
        label = f'"{NASTY}"' if number % 2 else "dog"
        person = f'"{NASTY}"' if number == 1 else f"p{number}"
        lines.append(f"{name},{label},{person}")
    (home / f"bad {NASTY.replace('/', '')}.jpg").write_bytes(b"no image")
    (home / "labels.csv").write_text("\n".join(lines) + "\n")
    return home


def opened(page, **address):
    at = AppTest.from_file(str(HOME / "app.py"), default_timeout=90).run()
    at.switch_page(f"pages/{page}.py")
    for key, value in address.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def texts(message):
    """Every string in a message's Markdown fields, however deep."""
    for field, value in message.ListFields():
        several = list(value) if not isinstance(value, str | bytes) and hasattr(value, "__iter__") else [value]
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in several if hasattr(value, "__len__") else [value]:
                if hasattr(each, "ListFields"):
                    yield from texts(each)
        elif field.type == FieldDescriptor.TYPE_STRING and field.name in MARKDOWN:
            yield from several


def markdown_of(at):
    fields = []

    def walk(block):
        for child in block.children.values():
            if hasattr(child, "children"):
                if child.proto is not None:
                    fields.extend(texts(child.proto) if hasattr(child.proto, "ListFields") else [])
                walk(child)
            elif child.type not in TEXT_ONLY:
                fields.extend(texts(child.proto))

    walk(at.main)
    return fields


def html_of(at):
    return [element.proto.body for element in elements(at.main) if element.type == "html"]


def assert_text(at):
    """No Markdown field and no HTML holds the name, or a part of it that means something, as it stands."""
    for text in markdown_of(at):
        assert not re.search(r":red\[x\]|(?<!\\)(\*\*b\*\*|<img|\$e=mc|\[l\]\(http)", text), text
    for body in html_of(at):
        assert "<img src=x" not in body, body


def shows(at, name):
    """Whether a page names it, in one of the ways in which a browser is sent text."""
    sent = [element.proto.json for element in elements(at.main) if element.type == "bidi_component"]
    html, markdown = "".join(html_of(at)), "".join(markdown_of(at))
    return escape(name) in html or plain(name) in markdown or json.dumps(name)[1:-1] in "".join(sent)


def test_what_the_check_would_find_and_what_it_lets_through():
    def page(name):
        import streamlit as st

        from core.text import plain

        st.caption(plain(name) if st.query_params.get("safe") else f"class {name}")

    at = AppTest.from_function(page, args=(NASTY,)).run()
    with pytest.raises(AssertionError):
        assert_text(at)
    at.query_params["safe"] = "1"
    at.run()
    assert_text(at)
    assert plain(NASTY) in "".join(markdown_of(at))

    def raw(name):
        import streamlit as st

        st.html(f"<b>{name}</b>")

    with pytest.raises(AssertionError):
        assert_text(AppTest.from_function(raw, args=(NASTY,)).run())


@pytest.mark.parametrize("view", ["overview", "faces", "folds", "problems", "corrections", "duplicates"])
@pytest.mark.fault(23)
def test_data(root, view):
    at = opened("data", root=str(root), view=view, task="label", photo=f"{NASTY.replace('/', '')}.jpg", folds="5")
    assert_text(at)
    assert_text(opened("data", root=str(root), view=view, person=NASTY, kind=NASTY, photo="1.jpg", **{"class": NASTY}))


@pytest.mark.fault(23)
def test_an_attribute_of_ones_own_with_a_saved_correction(root):
    labels = root / "labels.csv"
    header, *lines = labels.read_text().splitlines()
    told = [f"{line},{('new', 'old')[place % 2]}" for place, line in enumerate(lines)]
    labels.write_text("\n".join([f"{header},{NASTY}", *told]) + "\n")
    made = {"sample": "1.jpg", "person": NASTY, "attribute": NASTY, "before": "old", "after": NASTY, "by": NASTY}
    corrections.add(root, Correction(kind="relabel", **made))
    at = opened("data", root=str(root), view="corrections")
    assert_text(at)
    diff = next(body for body in html_of(at) if 'class="data-diff"' in body)
    assert f"{escape(NASTY)} <del>old</del>" in diff and NASTY not in diff


@pytest.mark.fault(23)
def test_launch(root):
    at = opened("launch")
    at.segmented_control(key="launch-data.source").set_value("folder").run()
    at.text_input(key="launch-data.path").set_value(str(root)).run()
    assert not at.exception
    assert_text(at)
    at = opened("launch", **{"from": NASTY, "recipe": NASTY, "study": NASTY})
    assert_text(at)


@pytest.fixture
def pair(folder, tmp_path):
    """Two answered runs with such names; one class is never mistaken."""
    samples = table_of(tmp_path / "photos")
    names = [NASTY, *(f"class {n} {NASTY}" for n in range(1, 6))]
    samples["class_name"] = [names[y] for y in samples["y"]]
    samples.loc[0, "person"] = NASTY
    for row in samples.index:
        photo(tmp_path / "photos" / samples.loc[row, "sample"], row)
    settings = {"name": NASTY[:60], "names": names, "root": tmp_path / "photos", "task": {"name": "label"}}
    shares = [probabilities_of(samples["y"], seed=seed, wrong={3: 1, 5: 2}) for seed in (0, 1)]
    made_runs = [made(folder, samples, probabilities=each, **settings) for each in shares]
    for run in made_runs:
        notes.change_notes(run, text=NASTY, add=[NASTY[:30]])
    return made_runs, names


@pytest.mark.parametrize("view", ["mistakes", "labels", "groups", "upload"])
@pytest.mark.fault(23)
def test_look_inside(pair, view):
    (run, _), names = pair
    assert_text(opened("look_inside", run=run.id, view=view, true=names[0], person=NASTY))
    at = opened("look_inside", run=run.id, view=view, true=names[0], answer="wrong")
    assert_text(at)
    if view == "mistakes":
        assert any(plain(names[0]) in text for text in markdown_of(at))  # no mistake about this class


@pytest.fixture
def study(pair, folder):
    """A study of these runs, which is called so, too."""
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in pair[0]]
    record = Study("20260101-000000-nasty-abcd", NASTY, NASTY, 0.0, {}, members)
    with record_file.locked(folder):
        record_file.write(record, folder)
    return record


@pytest.mark.parametrize("page", ["live", "compare", "runs", "studies", "home", "augment", "predict", "settings"])
@pytest.mark.fault(23)
def test_pages_of_runs(pair, study, page):
    (one, two), _ = pair
    runs = f"{one.id},{two.id}"
    assert_text(opened(page, run=one.id, runs=runs, q=NASTY, tag=NASTY, study=NASTY))
    at = opened(page, run=one.id, runs=runs, study=study.id)
    assert_text(at)
    if page not in ("augment", "settings"):  # which name no run
        assert shows(at, NASTY if page == "studies" else NASTY[:60])


@pytest.mark.fault(23)
def test_a_recipe_of_ones_own(folder):
    config = from_dict({"name": NASTY[:60], "description": NASTY})
    place = recipes.recipes_home()
    place.mkdir(parents=True)
    (place / "mine.yaml").write_text(to_yaml(config))
    assert_text(opened("launch", recipe="mine"))
    assert summaries() == []
