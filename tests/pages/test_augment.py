"""The Augmentation page, driven through Streamlit's own test runner."""

import base64
import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
import streamlit
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.augment import exchange
from core.config import from_dict, recipes
from core.config import run_config as configs
from core.config.parts import CHOOSE
from core.config.run_config import study_transforms
from core.config.transforms import TRANSFORMS
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.pictures.photo import photos_of
from core.data.scan import scan
from core.inside import fold_models
from core.jobs import control as jobs
from core.places import HOME
from core.plan.plan import make_plan
from core.runs import FoldState
from core.training.batches import AugmentedBatches, Source
from pages.parts.augment import beside, change, views
from pages.parts.augment import photo as photo_part
from pages.parts.form.transforms import search_line
from pages.parts.launch import source
from tests import celeba
from tests.answered import judged, made, photo, table_of
from tests.photos import png_bomb
from tests.yes_no_runs import NAMES as ATTRIBUTES

REPLACED = "What you had prepared was replaced"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))
    monkeypatch.setattr(jobs, "start_worker", lambda root: None)


def open_page(**address) -> AppTest:
    page = AppTest.from_file(str(HOME / "app.py"), default_timeout=60)
    page.switch_page("pages/augment.py")
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def look(page: AppTest, view: str) -> AppTest:
    page.segmented_control(key="augment-view").set_value(view).run()
    assert not page.exception
    return page


def text_of(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info, page.success)
    texts = [each.value for kind in kinds for each in kind] + [each.proto.body for each in page.get("html")]
    return html.unescape("\n".join(texts)).replace("\\", "").replace("\u200b", "")


def html_of(page: AppTest) -> str:
    return "".join(each.proto.body for each in page.get("html"))


def names(page: AppTest) -> list[str]:
    return [entry["name"] for entry in page.session_state["augment_draft"]["transforms"]]


def control(page: AppTest, kind: str, end: str):
    """The one control of this kind whose key ends so."""
    controls = [each for each in getattr(page, kind) if (each.key or "").endswith(end)]
    assert len(controls) == 1, [each.key for each in getattr(page, kind)]
    return controls[0]


def test_a_recipe_that_was_removed_since_it_was_drawn_is_said_and_the_list_stays(lab, tiny_dataset):
    file = recipes.save_recipe("mine", recipes.load_recipe("study"))
    page = open_page(root=str(tiny_dataset), recipe="quick")
    before = names(page)
    file.unlink()
    control(page, "selectbox", f"augment-recipe-{page.session_state['augment_version']}").set_value("mine").run()
    assert not page.exception and "recipe 'mine' is not there any more" in text_of(page)
    assert names(page) == before and page.session_state["augment_recipe"] == "quick"


def controls_of_the_photo(page: AppTest) -> dict[str, str]:
    """What is chosen in the row that chooses a photo; empty where the row is not drawn."""
    controls = [*page.segmented_control, *page.selectbox]
    return {each.label: each.value for each in controls if each.label in ("Photo", "Class", "Person")}


# What is read on each view; those that show no photo have no row that chooses one.
OF_A_PHOTO = {
    "draws": "Epoch 16",
    "beside": "with the same draws where a transform stands in both",
    "steps": "not applied this time",
    "walk": "the others that draw are off",
    "cost": "On this machine, one thread",
}
OF_NONE = {
    "batch": "of epoch 1, fold 0: not mixed",
    "effect": "draws of each, every transform",
    "text": "Import",
    "stress": "No run has a finished fold yet",
}


def test_every_view_shows_something_and_the_photo_is_chosen_where_one_shows_it_and_stays_chosen(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick", view="batch")
    assert OF_NONE["batch"] in text_of(page), "the address opens a view"
    assert controls_of_the_photo(page) == {}
    look(page, "draws")
    kinds = page.selectbox(key="augment-class").options
    page.selectbox(key="augment-class").set_value(kinds[-1]).run()
    people = page.selectbox(key="augment-person").options
    page.selectbox(key="augment-person").set_value(people[-1]).run()
    chosen = {"Photo": "dataset", "Class": kinds[-1], "Person": people[-1]}
    photo = page.query_params["photo"]
    for view in ("effect", "beside", "text", "steps", "stress", "walk", "batch", "cost", "draws"):
        assert (OF_A_PHOTO | OF_NONE)[view] in text_of(look(page, view)), view
        assert controls_of_the_photo(page) == (chosen if view in OF_A_PHOTO else {}), view
        assert page.query_params["view"] in (view, [view]) or view == "draws"
        assert page.query_params["photo"] == photo, view


def test_an_upload_stays_the_photo_of_all_views_until_it_is_removed(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick")
    page.segmented_control(key="augment-origin").set_value("upload").run()
    content = saved(Image.new("RGB", (50, 40), (10, 20, 30)), "PNG")
    page.file_uploader(key="augment-upload").set_value(("mine.png", content, "image/png")).run()
    assert "mine.png" in text_of(page) and "Epoch 16" in text_of(page)
    assert controls_of_the_photo(look(page, "text")) == {} and "mine.png" not in text_of(page)
    assert "Measured on the uploaded photo" in text_of(look(page, "effect"))
    assert controls_of_the_photo(page) == {"Photo": "upload"}, "it is measured there, so it can be changed there"
    assert "mine.png · uploaded" in text_of(look(page, "draws"))
    control(page, "button", "augment-upload-remove").click().run()
    assert "Choose a dataset or upload a photo." in text_of(page)


def test_a_label_that_is_corrected_meanwhile_is_that_of_the_photo(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick", photo="red/red3.jpg")
    assert "red/red3.jpg · red" in text_of(page)
    said = {"attribute": "label", "before": "red", "after": "blue"}
    corrections.add(tiny_dataset, Correction(kind="relabel", sample="red/red3.jpg", person="red/red3.jpg", **said))
    page.run()
    assert not page.exception and "red/red3.jpg · blue" in text_of(page)


def test_photos_stand_in_the_folds_of_the_run_to_start_from_once_one_is_chosen(lab, tiny_dataset):
    settings = recipes.load_recipe("quick").model_dump(mode="json") | {"task": {"name": "label"}}
    settings["data"] = {"root": str(tiny_dataset)}
    made = [from_dict(settings | {"folds": {"count": 2, "seed": seed}}) for seed in (0, 1)]
    plans = [make_plan(config, scan(config.data)) for config in made]
    own, inherited = (plan.samples.set_index("sample")["fold"] for plan in plans)
    sample = (own != inherited).idxmax()
    parent = jobs.launch(plans[1])
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"weights")
    started = made[0].model_copy(update={"model": configs.ModelConfig(init=f"run:{parent.id}")})
    recipes.save_recipe("second-stage", started)
    page = open_page(root=str(tiny_dataset), recipe="second-stage", photo=sample)
    assert f"transfer: fold 0 of {parent.id} is queued" in text_of(look(page, "batch"))
    for fold in parent.folds():
        parent.write_state(FoldState(fold, "done"))
    assert f"held out in fold {inherited[sample]}" in text_of(look(page, "draws"))
    page = open_page(root=str(tiny_dataset), recipe="study-masked", photo=sample)
    assert f"run:{CHOOSE}" == page.session_state["augment_draft"]["model"]["init"]
    assert "held out in fold" in text_of(page), "its run is chosen in Launch"


def test_photos_of_which_no_plan_can_be_made_are_planned_once(lab, tiny_dataset, monkeypatch):
    asked = []
    monkeypatch.setattr(photo_part, "make_plan", lambda *of: (asked.append(of), make_plan(*of))[1])
    page = open_page(root=str(tiny_dataset), recipe="quick", view="batch")
    page.session_state["augment_draft"]["folds"]["count"] = 20
    asked.clear()
    for _ in range(2):
        page.run()
        assert not page.exception and "but 20 folds" in text_of(page)
    assert len(asked) == 1


def pixels_of(page: AppTest, alt: str) -> np.ndarray:
    """The picture of this name as it is sent to the browser."""
    (data,) = re.findall(rf'alt="{alt}" src="data:image/webp;base64,([^"]+)"', html_of(page))
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_what_stands_on_the_page_is_byte_for_byte_what_training_gets(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="study")
    config = configs.RunConfig.model_validate(page.session_state["augment_draft"])
    plan = make_plan(config.model_copy(update={"task": configs.TaskConfig(name="label")}), scan(config.data))
    photo = page.query_params["photo"]
    chosen = plan.samples["sample"] == (photo[0] if isinstance(photo, list) else photo)
    (row,) = plan.samples.index[chosen].tolist()
    fold = 1 if plan.samples["fold"][row] == 0 else 0  # one that trains on the photo
    batches = AugmentedBatches(Source(photos_of(plan.samples), None, config.transforms), 0, fold, "train")
    for epoch in (1, 9, 16):
        (fed,) = batches[epoch, np.array([row]), np.array([0])].numpy()
        assert np.array_equal(pixels_of(page, f"Epoch {epoch}"), fed)
    control(page, "selectbox", "augment-count").set_value(4).run()
    assert "Epoch 5<" not in html_of(page)
    next(each for each in page.button if each.label == "Draw again").click().run()
    (fed,) = batches[5, np.array([row]), np.array([0])].numpy()
    assert np.array_equal(pixels_of(page, "Epoch 5"), fed)


def test_what_inverting_does_to_dark_faces_is_shown_and_measured_on_the_photos_that_lie_there_now(lab, tmp_path):
    paths = [tmp_path / "faces" / kind / f"{n}.png" for kind in ("dark", "light") for n in range(6)]
    for n, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 48), ((50 if path.parent.name == "dark" else 210) + n % 6,) * 3).save(path)
    page = open_page(root=str(tmp_path / "faces"), recipe="study", view="effect")
    text = text_of(page)
    assert "InvertImg turns dark photos light and light photos dark" in text
    assert "Dark and light photos" in text
    assert "darkest" in text and f"5. {TRANSFORMS['InvertImg'].title}" in text
    title = TRANSFORMS["InvertImg"].title
    assert f'title="InvertImg">{html.escape(title)}<' in html_of(page)
    assert "get black borders, 98% of what is left of them" in text
    assert "photos become 1.56 times as broad" in text
    for path in paths:
        Image.new("RGB", (48, 48), (127,) * 3).save(path)
    page.run()
    assert not page.exception and "InvertImg turns dark photos light" not in text_of(page)


def test_the_list_is_built_reordered_and_switched_off(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="study")
    assert names(page) == [t.name for t in study_transforms()]
    control(page, "selectbox", "transforms.new").set_value("GaussianBlur").run()
    control(page, "button", "transforms.add").click().run()
    assert names(page)[-2:] == ["GaussianBlur", "Normalize"]
    control(page, "button", "transforms.6.arrow_upward").click().run()
    assert names(page)[5:7] == ["GaussianBlur", "CoarseDropout"]
    control(page, "slider", "transforms.5.p.slider").set_value(1.0).run()
    control(page, "slider", "transforms.5.params.sigma_limit.slider").set_value((1.0, 4.0)).run()
    entry = page.session_state["augment_draft"]["transforms"][5]
    assert (entry["p"], entry["params"]["sigma_limit"]) == (1.0, [1.0, 4.0])
    control(page, "toggle", "transforms.4.enabled").set_value(False).run()
    assert page.session_state["augment_draft"]["transforms"][4]["enabled"] is False
    look(page, "steps")
    text = text_of(page)
    assert f"5. {TRANSFORMS['GaussianBlur'].title}" in text  # its place among those that are on
    assert f"{TRANSFORMS['InvertImg'].title}</div>" not in text
    control(page, "button", "transforms.5.remove").click().run()
    assert "GaussianBlur" not in names(page)
    assert not page.exception


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        *(("rotate", "Affine"), ("zoom", "Affine"), ("cutout", "CoarseDropout"), ("flip", "HorizontalFlip")),
        *(("grey", "ToGray"), ("grain", "GaussNoise"), ("JPEG", "ImageCompression"), ("affine", "Affine")),
    ],
)
def test_a_transform_is_found_by_what_it_does(typed, name):
    fitting = [each for each in TRANSFORMS if typed.lower() in search_line(each).lower()]
    assert name in fitting
    assert len(fitting) <= 2
    assert len({transform.title for transform in TRANSFORMS.values()}) == len(TRANSFORMS)


def test_use_in_launch_takes_the_list_along(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick")
    control(page, "selectbox", "transforms.new").set_value("ToGray").run()
    control(page, "button", "transforms.add").click().run()
    transforms = page.session_state["augment_draft"]["transforms"]
    page.button(key="augment-use").click().run()
    assert not page.exception
    draft = page.session_state["launch_draft"]
    assert draft["transforms"] == transforms
    assert draft["data"]["root"] == str(tiny_dataset)
    assert "Launch" in [each.label for each in page.button]
    assert "1 change" in text_of(page)  # of the recipe, on the ticket


def test_a_list_without_normalize_or_resize_is_refused_in_words(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick")
    listed = page.session_state["augment_draft"]["transforms"]
    whole = list(listed)
    for name, message in (("Normalize", "must end with one enabled Normalize"), ("Resize", "needs an enabled Resize")):
        listed[:] = [each for each in whole if each["name"] not in (name, "CoarseDropout")]
        page.run()
        assert not page.exception
        assert message in text_of(page)
    page.button(key="augment-use").click().run()
    assert "The transforms cannot be used yet" in text_of(page)
    assert "launch_draft" not in page.session_state


def test_a_value_out_of_bounds_is_said_beside_its_control_and_what_does_nothing_or_destroys_is_warned_of(
    lab, tiny_dataset
):
    page = open_page(root=str(tiny_dataset), recipe="study")
    control(page, "text_input", "transforms.0.params.height").set_value("5").run()
    assert "5 is outside 8 to 2048" in text_of(page)
    control(page, "text_input", "transforms.0.params.height").set_value("48")
    listed = page.session_state["augment_draft"]["transforms"]
    listed[2]["params"] = {"brightness_limit": [0, 0], "contrast_limit": [0, 0]}
    listed[5]["params"] = {"num_holes_range": [9, 9], "hole_height_range": [150, 150], "hole_width_range": [150, 150]}
    page.run()
    text = text_of(page)
    assert "outside" not in text
    assert "RandomBrightnessContrast does nothing with these settings." in text
    assert "CoarseDropout takes" in text
    assert "of the photo's middle away" in text, "these photos tell nothing that only faces have"


def test_one_click_mends_what_is_warned_of_and_another_brings_it_back(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="study")
    before = [dict(entry) for entry in page.session_state["augment_draft"]["transforms"]]
    assert "CenterCrop (256 × 400 px) is larger than 100% of the photos (typically 48 × 48 px)" in text_of(page)
    mended = 0
    while buttons := [each for each in page.button if (each.key or "").endswith(".mend")]:
        buttons[0].click().run()
        assert not page.exception
        assert "Measured again, nothing is warned of there." in text_of(page)
        mended += 1
        assert mended <= 3
    assert not [words for words in ("larger than", "proportions", "away when") if words in text_of(page)]
    page.button(key="augment-undo-it").click().run()
    assert len([each for each in page.button if (each.key or "").endswith(".mend")]) >= 1
    assert page.session_state["augment_draft"]["transforms"] != before, "only the last one is taken back"


def test_undo_takes_back_nothing_that_was_changed_in_the_same_click(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick")
    page.segmented_control(key="augment-preset").set_value("strong").run()
    strong = names(page)
    toggle = next(each for each in page.toggle if (each.key or "").endswith("transforms.1.enabled"))
    toggle.set_value(False)
    page.button(key="augment-undo-it").click().run()
    assert not page.exception and "Nothing was taken back: the list was changed just before." in text_of(page)
    listed = page.session_state["augment_draft"]["transforms"]
    assert names(page) == strong and listed[1]["enabled"] is False
    assert "augment-undo-it" not in [each.key for each in page.button]


def test_a_preset_replaces_what_is_drawn_and_a_walked_value_is_taken(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick", view="walk")
    page.segmented_control(key="augment-preset").set_value("strong").run()
    assert names(page)[0] == "Resize" and names(page)[-1] == "Normalize" and "Affine" in names(page)
    affine = next(i for i, name in enumerate(names(page)) if name == "Affine")
    page.selectbox(key="augment-walk").set_value((affine, "rotate")).run()
    page.select_slider(key="augment-walk-Affine-rotate").set_value(-26.0).run()
    page.button(key="augment-use-lowest").click().run()
    assert page.session_state["augment_draft"]["transforms"][affine]["params"]["rotate"] == [-26.0, 20.0]
    page.select_slider(key="augment-walk-Affine-rotate").set_value(26.0)  # with the click
    page.button(key="augment-use-highest").click().run()
    assert page.session_state["augment_draft"]["transforms"][affine]["params"]["rotate"] == [-26.0, 26.0]
    page.select_slider(key="augment-walk-Affine-rotate").set_value(-26.0).run()
    page.button(key="augment-use-highest").click().run()
    assert page.session_state["augment_draft"]["transforms"][affine]["params"]["rotate"] == [-26.0, -26.0]
    assert f"{TRANSFORMS['Affine'].title}: rotate -26 to 26 → -26 to -26 °." in text_of(page)


def drawn(recipe):
    """What the views are given of a recipe, without photos; the draft may be changed after it was drawn."""
    config = recipes.load_recipe(recipe)
    return views.ViewInputs(config, None, None, config.model_dump(mode="json"), restart=lambda: None)


def test_a_walked_value_and_a_change_made_just_before_both_stand():
    inputs = drawn("study")
    draft = inputs.draft
    index, name = views._walkable(inputs.config.transforms)[0]
    entry, before = draft["transforms"][index], draft["transforms"][index]["p"]
    draft["transforms"][index - 1]["p"], entry["p"] = 0.125, before / 2
    low, high = entry["params"][name]
    views._take_value(inputs, entry, name, low, 1)
    changed = draft["transforms"][index]
    assert (changed["params"][name], changed["p"]) == ([low, low], before / 2)
    assert draft["transforms"][index - 1]["p"] == 0.125
    moved = [draft["transforms"].pop(index), *draft["transforms"]]
    draft["transforms"] = moved
    views._take_value(inputs, moved[0], name, high, 1)
    assert draft["transforms"][0]["params"][name] == [low, high], "wherever it stands by now"
    kept = [dict(each) for each in draft["transforms"]]
    views._take_value(inputs, moved[0], name, low, 1)
    assert draft["transforms"] == kept, "that entry was replaced meanwhile"
    draft["transforms"][1]["p"] = 5
    views._take_value(inputs, draft["transforms"][0], name, low, 1)
    assert draft["transforms"][0] == kept[0], "the list has an error, which the page says"


def test_another_list_that_is_taken_keeps_a_change_of_the_size_made_just_before(monkeypatch):
    monkeypatch.setattr(streamlit, "session_state", {})
    inputs = drawn("quick")
    resize = inputs.draft["transforms"][0]
    other = beside._transforms("preset:strong", inputs.config.transforms)
    resize["params"]["height"] = 48
    beside._take(inputs.draft, "preset:strong", other, inputs.restart)
    assert inputs.draft["transforms"][0]["params"]["height"] == 48
    assert [each["name"] for each in inputs.draft["transforms"]] == [each.name for each in other]
    study = recipes.load_recipe("study").transforms
    beside._take(inputs.draft, "recipe:study", study, inputs.restart)
    assert [configs.TransformConfig.model_validate(each) for each in inputs.draft["transforms"]] == list(study)
    assert streamlit.session_state[change.OTHER], "it replaces the list of Launch"
    beside._take(inputs.draft, "launch", study, inputs.restart)
    assert not streamlit.session_state[change.OTHER]


def test_the_other_list_is_taken_that_is_chosen_with_the_click_and_as_it_was_shown(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick", view="beside", **{"with": "preset:gentle"})
    page.selectbox(key="augment-beside").set_value("recipe:study")
    page.button(key="augment-take-other").click().run()
    assert not page.exception and "The list of Recipe" in text_of(page)
    study = recipes.load_recipe("study")
    assert names(page) == [each.name for each in study.transforms] and "Both lists do the same." in text_of(page)

    recipes.save_recipe("own", study)
    page = open_page(root=str(tiny_dataset), recipe="quick", view="beside", **{"with": "recipe:own"})
    recipes.save_recipe("own", recipes.load_recipe("quick"), replace=True)  # by another tab, after it was shown here
    page.button(key="augment-take-other").click().run()
    assert not page.exception and names(page) == [each.name for each in study.transforms]


def test_the_page_goes_on_from_launch_until_something_is_changed_here(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset))
    assert names(page) == [t.name for t in recipes.load_recipe("quick").transforms], "as Launch begins"
    page.button(key="augment-use").click().run()
    page.session_state["launch_draft"]["transforms"][1]["p"] = 0.125  # changed in Launch
    page.session_state["launch_draft"]["transforms"][2]["enabled"] = False
    page.query_params.clear()  # a browser comes by the menu
    page.switch_page("pages/augment.py").run()
    assert page.session_state["augment_draft"]["transforms"][1]["p"] == 0.125
    control(page, "toggle", "transforms.2.enabled").set_value(True).run()
    look(page, "walk").button(key="augment-use-lowest").click().run()
    page.button(key="augment-use").click().run()
    assert REPLACED not in text_of(page), "it went on from what stood on Launch"
    page.query_params.clear()
    page.switch_page("pages/augment.py").run()
    control(page, "toggle", "transforms.2.enabled").set_value(False).run()
    page.switch_page("pages/launch.py").run()
    page.session_state["launch_draft"]["transforms"][1]["p"] = 0.25
    page.query_params.clear()  # a browser comes by the menu
    page.switch_page("pages/augment.py").run()
    listed = page.session_state["augment_draft"]["transforms"]
    assert (listed[1]["p"], listed[2]["enabled"]) == (0.125, False), "what somebody changed here stays"
    page.button(key="augment-use").click().run()
    assert REPLACED in text_of(page), "what was changed on Launch meanwhile"
    page.query_params.clear()
    page.switch_page("pages/augment.py").run()
    for preset in ("strong", "gentle"):
        page.segmented_control(key="augment-preset").set_value(preset).run()
    page.button(key="augment-undo-it").click().run()
    page.button(key="augment-use").click().run()
    kept = page.session_state["launch_before"]["draft"]["transforms"]
    assert kept == listed, "a preset goes on from none of it, nor does the one before that comes back"
    assert not page.exception


def test_a_recipes_list_that_another_one_takes_the_place_of_costs_no_form_that_is_kept(monkeypatch):
    quick = recipes.load_recipe("quick").model_dump(mode="json")
    form = {"launch_draft": quick, "launch_base": quick, "launch_source": ("recipe", "quick")}
    monkeypatch.setattr(streamlit, "session_state", {**form, "launch_study": {"on": False, "version": 0}})
    for recipe in ("study", "study-mixup", "quick"):
        source.take_pipeline(drawn(recipe).draft, recipe, goes_on=False)
        assert streamlit.session_state["launch_before"] is None
    own = drawn("study").draft
    own["transforms"][1]["p"] = 0.125
    source.take_pipeline(own, "study", goes_on=False)
    source.take_pipeline(drawn("quick").draft, "quick", goes_on=False)
    assert streamlit.session_state["launch_before"]["draft"]["transforms"][1]["p"] == 0.125, "that was somebody's"
    streamlit.session_state["launch_draft"]["transforms"][1]["p"] = 0.25  # in place, as the fields of Launch do
    source.take_pipeline(drawn("study").draft, "study", goes_on=False)
    assert streamlit.session_state["launch_before"]["draft"]["transforms"][1]["p"] == 0.25, "so was that"
    monkeypatch.setattr(streamlit, "session_state", {"launch_study": {"on": False, "version": 0}})
    source.take_pipeline(own, "removed", goes_on=False)  # its file, since Augmentation began with it
    assert streamlit.session_state["launch_source"] == ("recipe", "quick")


def test_a_runs_own_list_stands_beside_this_one_and_can_be_taken(lab, tiny_plan, tiny_dataset):
    run = jobs.launch(tiny_plan)
    page = open_page(root=str(tiny_dataset), recipe="study", view="beside", **{"with": f"run:{run.id}"})
    own = run.config().transforms
    assert f"Run {run.config().name} · " in text_of(page)
    assert "Crop the middle" in text_of(page) and "only in this list" in text_of(page)
    before = names(page)
    page.button(key="augment-take-other").click().run()
    assert page.session_state["augment_draft"]["transforms"] == [t.model_dump(mode="json") for t in own]
    assert "Both lists do the same." in text_of(page)
    for epoch in (1, 8):
        assert np.array_equal(pixels_of(page, f"Epoch {epoch}, left"), pixels_of(page, f"Epoch {epoch}, right"))
    page.button(key="augment-undo-it").click().run()
    assert names(page) == before
    assert not page.exception


def test_import_replaces_the_list_and_what_is_not_known_is_refused(lab, tiny_dataset):
    page = look(open_page(root=str(tiny_dataset), recipe="quick"), "text")
    transforms = study_transforms(64)
    page.text_area(key="augment-import").set_value(exchange.to_python(transforms)).run()
    control(page, "button", "do-import").click().run()
    assert names(page) == [t.name for t in transforms]
    page.text_area(key="augment-import").set_value("A.Compose([A.Blur(p=1)])").run()
    control(page, "button", "do-import").click().run()
    assert "'Blur' is not in the lab's table" in text_of(page)
    assert names(page) == [t.name for t in transforms]
    assert not page.exception


def test_a_batch_that_no_training_would_draw_is_refused_in_words(lab, tmp_path):
    root = celeba.drawn(tmp_path / "celeba", photos=24, people=12, attributes=ATTRIBUTES, side=20)
    own = {
        "task": {"name": "attributes", "together": "each"},
        "folds": {"count": 2},
        "training": {"sampling": "balanced"},
    }
    recipes.save_recipe("balanced", from_dict(recipes.load_recipe("quick").model_dump(mode="json") | own))
    page = open_page(root=str(root), recipe="balanced", view="batch")
    assert "classes cannot be drawn equally often" in text_of(page)
    (refusal,) = (info.value for info in page.info if "A batch needs a dataset" in info.value)
    assert refusal.endswith(".") and not refusal.endswith("..")
    page.session_state["augment_draft"]["training"]["sampling"] = "natural"
    page.run()
    assert not page.exception and "of epoch 1, fold 0: not mixed" in text_of(page)


def test_a_batch_shows_mixed_labels(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick", view="batch")
    page.segmented_control(key="augment-mix").set_value("mixup").run()
    assert not page.exception
    assert "fold 0: mixed" in text_of(page)
    assert page.session_state["augment_draft"]["mix"]["method"] == "mixup"


def test_what_is_to_be_corrected_leads_to_its_field_with_a_click(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="quick")
    listed = page.session_state["augment_draft"]["transforms"]
    for part, at in (("params", "height"), ("p", "p")):
        place = next(i for i, each in enumerate(listed) if TRANSFORMS[each["name"]].deterministic == (part == "params"))
        of_it = listed[place]["params"] if part == "params" else listed[place]
        right, of_it[at] = of_it[at], 10**6
        page.run()
        assert not page.exception and "To correct first" in text_of(page)
        (line,) = [each for each in page.button if (each.key or "").startswith("augment-correct-")]
        assert line.label.replace("\\", "") == f"{place + 1}. {listed[place]['name']}"
        line.click().run()
        _, where, names = page.session_state["lead_to"]
        keys = ["st-key-" + re.sub(r"[^\w-]", "-", each.key) for each in page.text_input if each.key]
        there = next(key for name in names for key in keys if re.search(f"^st-key-(.*-)?{name}(-\\d+)?$", key))
        assert where == "augment-correct" and re.search(f"-{at}(-\\d+)?$", there), "the first that stands on the page"
        of_it[at] = right


def test_save_as_recipe(lab, tiny_dataset):
    page = open_page(root=str(tiny_dataset), recipe="study")
    page.text_input(key="augment-save-name").set_value("my-faces").run()
    control(page, "button", "augment-save").click().run()
    assert "Saved." in text_of(page)
    assert recipes.load_recipe("my-faces").transforms == study_transforms()
    control(page, "button", "augment-save").click().run()
    assert "there is one already" in text_of(page)
    (recipes.recipes_home() / "bad.yaml").write_text("a: [")
    page.run()
    assert "bad.yaml" in text_of(page)


@pytest.fixture
def answered(lab, narrow, tmp_path):
    """A run whose networks answered, its photos its own."""
    samples = table_of(tmp_path / "photos", people=16)
    for row, path in enumerate(samples["path"]):
        photo(Path(path), row)
    (tmp_path / "runs").mkdir()
    yield judged(made(tmp_path / "runs", samples, root=tmp_path / "photos"))
    fold_models.free()


def test_the_stress_test_of_a_finished_fold_shows_no_photo_that_was_replaced_since(answered):
    page = open_page(view="stress", run=answered.id)
    offered = page.selectbox(key="stress-name").options
    assert TRANSFORMS["InvertImg"].title in offered and not set(offered) & set(TRANSFORMS)
    page.selectbox(key="stress-name").set_value("InvertImg")
    page.slider(key="stress-count").set_value(8).run()
    page.button(key="stress-go").click().run(timeout=120)
    assert not page.exception
    text = text_of(page)
    assert f"{TRANSFORMS['InvertImg'].title}, always applied" in text
    assert html_of(page).count("<figure>") == 9
    assert "One photo" in text
    assert "on 8 held-out photos. Without it: accuracy" in text
    assert len(page.get("plotly_chart")) == 2
    chosen = page.selectbox(key="stress-face")
    shown, face = chosen.options[0], chosen.value
    table = answered.samples().set_index("sample")
    photo(Path(table.loc[shown.split(" · ")[1], "path"]), 99, (80, 48))
    page.run()
    assert "changed or replaced since it was tested" in text_of(page) and "<figure>" not in html_of(page)
    page.selectbox(key="stress-face").set_value((face + 1) % 8).run()
    assert "since it was tested" not in text_of(page) and "<figure>" in html_of(page)
    page.button(key="stress-go").click().run(timeout=120)
    page.selectbox(key="stress-face").set_value(face).run()
    assert not page.exception and "since it was tested" not in text_of(page) and "<figure>" in html_of(page)


# Uploads


def saved(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def grey16() -> Image.Image:
    return Image.fromarray((np.arange(4096, dtype=np.uint16) * 16).reshape(64, 64))


def uploads():
    """Name, content and what the page says of it."""
    yield "notes.jpg", b"these are my notes", "notes.jpg: is not an image in a known format"
    yield "dot.png", saved(Image.new("RGB", (1, 1), "red"), "PNG"), "dot.png: 1 × 1 px"
    yield "empty.png", b"", "empty.png: the file is empty"
    yield "deep.png", saved(grey16(), "PNG"), "deep.png: 64 × 64 px"
    yield "zip.jpg", b"PK\x03\x04" + bytes(200), "zip.jpg: is not an image in a known format"
    yield "huge.png", png_bomb(30_000, 30_000), "the limit is 64 million"
    yield "print.jpg", saved(Image.new("CMYK", (50, 40), (10, 20, 30, 0)), "JPEG"), "print.jpg: 50 × 40 px"
    yield "cut.jpg", saved(Image.new("RGB", (64, 64)), "JPEG")[:300], "cut.jpg: "
    yield "<b>x</b>.png", saved(Image.new("LA", (9, 9)), "PNG"), "<b>x</b>.png: 9 × 9 px"
    yield "heavy.png", bytes(51 * 2**20), "heavy.png: is larger than 50 MB."  # which the element does not take
    yield "large.png", saved(Image.new("L", (10_000, 6_000), 120), "PNG"), "large.png: 10,000 × 6,000 px"


@pytest.mark.fault(25)
def test_any_upload_is_shown_or_refused_in_words(lab):
    page = open_page()
    assert "Choose a dataset or upload a photo." in text_of(page)
    assert page.file_uploader(key="augment-upload").proto.max_upload_size_mb == 50
    for name, content, message in uploads():
        page.file_uploader(key="augment-upload").set_value((name, content, "image/jpeg")).run(timeout=120)
        assert not page.exception, name
        text = text_of(page)
        assert message in text
        assert ("Epoch 16" in text) == (" px" in message), name
