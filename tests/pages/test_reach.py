"""Pages look where lab.toml says, whatever stands in their address or is typed into them."""

import base64
import re

import pytest
from streamlit.testing.v1 import AppTest

from core.config.run_config import DataConfig
from core.data.pictures.photo import StoredPhoto
from core.data.reach import bounds
from core.data.thumbnails import small_photo
from core.inside.face_maps import MapRequest
from core.places import HOME, datasets_folder
from core.runs import FoldState
from pages.parts.dataset import browse, card, strip
from pages.parts.look_inside import maps
from pages.parts.predict import sources
from tests.answered import judged, made, photo, probabilities_of, table_of
from tests.hidden import Hidden
from tests.pages.app import button, captions, html, labels, page
from tests.watched import Watched


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    """With photos of people outside, whom a run was trained on."""
    world = Hidden(tmp_path_factory.mktemp("hidden").resolve())
    for row in table_of(world.outside / "people", people=12).itertuples():
        photo(world.outside / "people" / row.sample, seed=row.Index)
    return world


@pytest.fixture
def held(hidden, folder, monkeypatch):
    """lab.toml names the one folder; what is opened outside of it is seen."""
    monkeypatch.setenv("FACET_LAB_FILE", str(folder / "lab.toml"))
    monkeypatch.setenv("FACET_DEMO", str(folder / "demo"))
    monkeypatch.delenv("FACET_DOOR", raising=False)
    (folder / "lab.toml").write_text(f'[data]\nfolders = ["{hidden.allowed}"]\n')
    with Watched(hidden.outside) as watched:
        yield watched


@pytest.fixture
def old_run(hidden, folder):
    """A finished run on photos outside."""
    samples = table_of(hidden.outside / "people", people=12)
    wrong = {0: 3, 5: 1}
    probabilities = probabilities_of(samples["y"], wrong=wrong)
    return made(folder, samples, probabilities=probabilities, root=hidden.outside / "people", run_id="old-run")


def pictures(markup):
    return set(re.findall(r'data:image/[^"]+', markup))


def markdown(at):
    return "\n".join(text.value for text in at.markdown).replace("\\", "")


def test_no_address_opens_what_lies_outside_and_none_shows_a_traceback(hidden, held, old_run):
    faces, again = str(hidden.outside / "faces"), f"file://{hidden.outside}/labels.csv"
    up = "../../outside/faces"
    addresses = [
        ("data", {"root": faces, "view": "faces", "photo": "cat/0.png", "page": up, "task": faces, "form": up}),
        ("data", {"root": str(hidden.allowed / "out" / "faces"), "view": "problems", "kind": "outside", "photo": up}),
        ("data", {"root": str(hidden.allowed / "faces"), "view": "faces", "photo": "out/cat/0.png"}),
        ("augment", {"root": faces, "photo": "cat/0.png", "recipe": up, "view": faces, "run": old_run.id}),
        ("launch", {"from": old_run.id, "form": up, "study": faces, "as": "study"}),
        ("launch", {"recipe": f"{faces}/recipe.yaml", "from": again, "form": again}),
        ("live", {"run": old_run.id}),
        ("live", {"run": up}),
        ("look_inside", {"run": old_run.id, "samples": f"p000/0.jpg,{up}", "person": faces, "boxes": up, "page": up}),
        ("compare", {"runs": f"{old_run.id},{up},{faces}", "baseline": up, "sample": up}),
        ("predict", {"run": old_run.id, "from": "folder", "part": up, "attribute": faces}),
        ("studies", {"study": up}),
        ("runs", {"page": up, "sort": faces, "runs": f"{old_run.id},{up}"}),
    ]
    for name, address in addresses:
        at = page(name, **address)
        assert held.opened() == set(), (name, address)
        if name == "data" and address["root"] != str(hidden.allowed / "faces"):
            assert f"{address['root']}: lies where this lab does not look" in html(at)


def test_a_run_whose_photos_lie_outside_opens_with_its_results_and_says_why_they_are_not_shown(hidden, held, old_run):
    at = page("live", run=old_run.id)
    assert f"not shown: {hidden.outside / 'people'} lies where this lab does not look" in html(at)
    assert "Its results are all here" in html(at) and "lab.toml ([data] folders)" in html(at)
    assert "Where is the dataset now?" not in [field.label for field in at.text_input]
    at = page("look_inside", run=old_run.id)
    assert "not shown" in html(at) and "Maps</div>" in html(at)
    for state in old_run.states():
        old_run.write_state(FoldState(state.fold, "cancelled"))
    at = page("live", run=old_run.id)
    button(at, "Resume").click().run()
    assert not at.exception and "12 of 12 photos lie where this lab does not look" in html(at)
    assert {state.state for state in old_run.states()} == {"cancelled"}
    assert held.opened() == set()


def test_a_dataset_is_chosen_from_the_allowed_folders_on(hidden, held):
    at = AppTest.from_file(HOME / "pages" / "data.py", default_timeout=60).run()
    at.segmented_control(key="data-choice.source").set_value("folder").run()
    assert f"This lab looks for datasets in {hidden.allowed}" in captions(at).replace("\\", "")
    assert "faces" in labels(at) and "out" not in labels(at), "a link that leads out is not offered"
    assert button(at, "Up").disabled and "Home" not in labels(at)
    at.text_input(key="data-choice.path").set_value(str(hidden.outside / "faces")).run()
    assert f"{hidden.outside / 'faces'}: lies where this lab does not look" in html(at) and not at.exception
    at.session_state[browse.AT]["data-choice"] = str(hidden.outside)
    at.run()
    assert f"{hidden.outside}: lies where this lab does not look" in html(at) and not at.exception
    at.text_input(key="data-choice.path").set_value(str(hidden.allowed / "faces")).run()
    assert not at.exception and at.session_state["data-choice"]["root"] == str(hidden.allowed / "faces")
    assert f"{hidden.allowed / 'faces'}: lies where" not in html(at) and 'title="cat"' in html(at), "it is read"
    assert held.opened() == set()


def test_photos_to_predict_come_from_the_allowed_folders(hidden, held, old_run):
    at = page("predict", run=old_run.id, **{"from": "folder"})
    at.text_input(key="predict-path").set_value(str(hidden.outside / "faces" / "cat" / "0.png")).run()
    if "Predict" in labels(at):
        button(at, "Predict").click().run()
    assert not at.exception and held.opened() == set()
    at.session_state[sources.FOLDER] = str(hidden.allowed / "out" / "labels.csv")
    at.run()
    assert not at.exception and held.opened() == set()


def test_a_shared_lab_that_names_no_folders_says_what_it_opens_and_who_can_change_it(hidden, held, folder, monkeypatch):
    (folder / "lab.toml").unlink()
    monkeypatch.setenv("FACET_DOOR", "proxy")
    at = AppTest.from_file(HOME / "pages" / "data.py", default_timeout=60).run()
    at.segmented_control(key="data-choice.source").set_value("folder").run()
    assert "lab.toml names no folders of datasets" in captions(at).replace("\\", "")
    assert "Browse" not in labels(at) and "Home" not in labels(at) and not datasets_folder().exists()
    at.text_input(key="data-choice.path").set_value(str(hidden.allowed / "faces")).run()
    assert "Take the demo or drop a zip, or ask who runs the lab" in html(at) and not at.exception


def test_lab_toml_is_followed_while_the_lab_runs_and_a_broken_one_closes_it(hidden, held, folder):
    root = str(hidden.allowed / "faces")
    at = page("data", root=root)
    assert "does not look" not in html(at) and "2 classes: cat 3, dog 3" in markdown(at)
    (folder / "lab.toml").write_text("[data]\nfolders = []\n")
    at.run()
    assert f"{root}: lies where this lab does not look" in html(at), "though the session has looked at it before"
    (folder / "lab.toml").write_text("[data]\nfolder = ['/']\n")
    at.run()
    assert "[data] has no &#x27;folder&#x27;" in html(at) and f"{root}: lies where this lab does not look" in html(at)
    (folder / "lab.toml").write_text(f'[data]\nfolders = ["{hidden.allowed}"]\n')
    at.run()
    assert "does not look" not in html(at) and not at.exception
    assert bounds.allowed().folders == (str(hidden.allowed),)


@pytest.mark.usefixtures("narrow")
def test_photos_that_were_drawn_are_shown_no_more_once_lab_toml_is_narrowed(hidden, held, folder):
    """A strip on Home and maps, which the whole process remembers."""
    root = hidden.outside / "people"
    run = judged(made(folder, table_of(root, people=12), root=root, run_id="run-with-weights"))
    (folder / "lab.toml").write_text(f'[data]\nfolders = ["{hidden.allowed}", "{hidden.outside}"]\n')
    request, samples = MapRequest(layers=("layer4",)), list(run.samples()["sample"][:2])

    def looked_at(every):
        looked = maps.maps_of(run, samples, every, request)
        return [face.sample for face in looked.faces], {fault.kind for fault in looked.faults.values()}

    at = page("home")
    drawn = pictures(strip.of_run(run, named=False))
    assert len(drawn) == 12 and drawn <= pictures(html(at))
    for every in (False, True):
        assert set(looked_at(every)[0]) == set(samples)
    (folder / "lab.toml").write_text(f'[data]\nfolders = ["{hidden.allowed}"]\n')
    at.run()
    assert not at.exception and not drawn & pictures(html(at))
    for every in (False, True):
        assert looked_at(every) == ([], {bounds.KIND})
    (folder / "lab.toml").write_text(f'[data]\nfolders = ["{hidden.allowed}", "{hidden.outside}"]\n')
    assert drawn <= pictures(html(at.run())), "and again once it may look there"


def test_photos_behind_a_link_go_from_what_was_understood_once_it_leads_where_the_lab_does_not_look(
    hidden, held, folder
):
    (folder / "lab.toml").write_text(f'[data]\nfolders = ["{hidden.allowed}", "{hidden.outside}"]\n')
    at = AppTest.from_file(HOME / "pages" / "data.py", default_timeout=60)
    root = hidden.allowed / "faces"
    at.session_state["data-choice"] = DataConfig(root=str(root), follow_links=True).model_dump(mode="json")
    at.query_params["root"] = str(root)

    def understood():
        (row,) = re.findall('<div class="understood-photos">.*?</div>', html(at.run()))
        assert not at.exception
        return pictures(row)

    before = understood()
    (folder / "lab.toml").write_text(f'[data]\nfolders = ["{hidden.allowed}"]\n')
    after = understood()
    inside = {small_photo(StoredPhoto(str(path), path.name, 0), card.SIDE) for path in root.glob("[cd]*/*.png")}
    assert after < before and {base64.b64decode(each.partition(",")[2]) for each in after} <= inside
