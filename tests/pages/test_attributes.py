"""A table of attributes on the pages: seen on Data, made a task of and launched on Launch, corrected."""

import pytest
from streamlit.testing.v1 import AppTest

from core.config.parts import DataConfig
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.scan import scan
from core.places import HOME
from core.runs import Run
from core.runs.lists.summaries import summaries
from tests.data.tables import table
from tests.pages.launch_form import button, faces, open_on, shown, text_of
from tests.photos import draw


@pytest.fixture
def hair(tmp_path):
    """60 photos: hair of three colours, smiling or not, and a height."""
    lines = ["image,hair,smiling,height_cm"]
    for i in range(60):
        draw(tmp_path / f"hair/{i}.jpg")
        lines.append(f"{i}.jpg,{('dark', 'fair', 'red')[i % 3]},{i % 2},{150 + 5 * (i % 16)}")
    (tmp_path / "hair/labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "hair"


def attribute_choice(page):
    return next(each for each in page.multiselect if each.label == "Attributes")


def test_a_task_is_made_of_attributes_and_launched(opened, hair):
    page = open_on(hair, "task")
    assert attribute_choice(page).value == ["hair"], "the form proposes a first one, and says that it did"
    assert "Task set to attributes: this dataset has no labels for the task" in text_of(page)
    attribute_choice(page).set_value(["smiling", "height_cm"]).run()
    (limits,) = [each for each in page.text_input if each.label.startswith("Limits of height")]
    limits.set_value("180").run()
    only = next(each for each in page.multiselect if each.label == "Only photos with")
    only.set_value(["hair: dark", "hair: fair"]).run()
    assert not page.exception
    button(page).click().run()
    (summary,) = summaries()
    run = Run(summary["id"])
    assert summary["task"] == "smiling x height_cm"
    assert run.config().task.limits == {"height_cm": [180]} and run.config().task.only == {"hair": ["dark", "fair"]}
    assert run.info()["class_names"] == [
        "smiling no + <180",
        "smiling no + >=180",
        "smiling yes + <180",
        "smiling yes + >=180",
    ]
    assert set(run.samples()["attribute:hair"]) == {"dark", "fair"}


def test_a_form_begins_with_what_a_table_of_patients_is_for_and_keeps_what_somebody_chose_instead(opened, hair):
    rows = [f"{n}.jpg,{20 + 2 * n},{'fm'[n % 2]},{('nv', 'mel')[n // 2 % 2]}" for n in range(30)]
    skin = table(hair.parent / "skin", rows, *(f"{n}.jpg" for n in range(30)), header="image,age,sex,dx")
    page = open_on(skin, "task")
    assert attribute_choice(page).value == ["dx"] and "Task set to dx: the dataset's table is for that" in text_of(page)
    data = page.session_state["launch_draft"]["data"]
    for root, name in ((faces(hair.parent / "faces", people=1), "gender-age"), (skin, "attributes")):
        data["root"] = str(root)
        assert shown(page).session_state["launch_draft"]["task"]["name"] == name, "what was the other dataset's stayed"
    next(each for each in page.selectbox if each.label == "Task").set_value("gender-age").run()
    page.button(key="launch-data.again").click().run()
    assert page.session_state["launch_draft"]["task"]["name"] == "gender-age" and "Task set" not in text_of(page)
    page = AppTest.from_file(str(HOME / "pages" / "data.py"), default_timeout=60)
    page.query_params["root"] = str(skin)
    assert attribute_choice(shown(page)).value == ["dx"], "Data begins with another task than Launch"


def test_the_data_page_shows_classes_of_the_attributes_in_the_address(opened, hair):
    page = AppTest.from_file(str(HOME / "pages" / "data.py"), default_timeout=60)
    page.query_params["root"], page.query_params["attributes"] = str(hair), "smiling"
    page.run()
    assert not page.exception and attribute_choice(page).value == ["smiling"]
    assert "2 classes." in text_of(page)
    page.query_params["view"], page.query_params["photo"] = "faces", "0.jpg"
    page.run()
    assert not page.exception and "dark" in text_of(page)


def test_the_gallery_shows_only_photos_with_the_chosen_values(opened, hair):
    page = AppTest.from_file(str(HOME / "pages" / "data.py"), default_timeout=60)
    page.query_params["root"], page.query_params["view"] = str(hair), "faces"
    page.query_params["only"] = "hair: dark|hair: red|smiling: yes|height_cm: >=200|no such: value"
    page.run()
    (only,) = [each for each in page.multiselect if each.label == "Only photos with"]
    assert only.value == ["hair: dark", "hair: red", "smiling: yes"], "what is no group of the dataset is not said"
    assert not page.exception and "20 photos" in text_of(page)
    only.set_value(["hair: dark", "height_cm: >=197"]).run()
    assert page.query_params["only"] in ("hair: dark|height_cm: >=197", ["hair: dark|height_cm: >=197"])


def test_a_value_of_any_attribute_is_corrected(opened, hair):
    scanned = scan(DataConfig(root=str(hair)))
    for attribute, before, after in (("hair", "dark", "red"), ("height_cm", "150", "201"), ("eyes", "", "blue")):
        what = {"attribute": attribute, "before": before, "after": after}
        corrections.add(scanned.root, Correction(kind="relabel", sample="0.jpg", **what))
    corrected, effects = corrections.lay_over(scanned, corrections.load(scanned.root))
    row = corrected.samples.set_index("sample").loc["0.jpg"]
    assert row["attribute:hair"] == "red" and row["attribute:height_cm"] == 201
    assert [effect.photos for effect in effects] == [1, 1, 0] and "no attribute 'eyes'" in effects[2].why
