import errno
import os

import pytest

from core.config import recipes, run_config
from core.errors import LabError
from tests.closed import close


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    return recipes.recipes_home()


def test_a_saved_recipe_is_listed_and_loaded_beside_the_lab_s_own(home):
    before = recipes.all_recipes()
    study = before["study"].model_copy(update={"data": run_config.DataConfig(root="/nowhere")})
    path = recipes.save_recipe("my-faces", study)
    assert path.parent == home
    assert recipes.all_recipes().keys() - before.keys() == {"my-faces"}
    loaded = recipes.load_recipe("my-faces")
    assert loaded.transforms == study.transforms
    assert loaded.data.root == ""  # a recipe is for any dataset
    assert loaded.name == "my-faces"


def test_a_name_is_checked_and_nothing_is_overwritten_unasked(home):
    study = recipes.load_recipe("study")
    for name in ("", "../x", "My", "a/b", "x" * 41, "study"):
        with pytest.raises(LabError, match=r"cannot be used|lab's own"):
            recipes.save_recipe(name, study)
    recipes.save_recipe("mine", study)
    with pytest.raises(LabError, match="there is one already"):
        recipes.save_recipe("mine", study)
    recipes.save_recipe("mine", recipes.load_recipe("quick"), replace=True)
    assert recipes.load_recipe("mine").model.depth == recipes.load_recipe("quick").model.depth
    assert [path.name for path in home.glob("*.yaml")] == ["mine.yaml"]


@pytest.mark.parametrize(
    "content",
    [
        "a: [",
        "name: 3\nepochs: no\n",
        "!!python/object/apply:os.system [ls]",
        "\0",
        "transforms: [{name: [Resize]}]",
        "a: !!bool x",
        "name: !!timestamp 99",
        "folds: {count: 0x" + "f" * 5_000 + "}",
    ],
)
def test_a_broken_file_is_named_and_the_others_are_still_there(home, content):
    recipes.save_recipe("good", recipes.load_recipe("study"))
    (home / "bad.yaml").write_text(content)
    (home / "study.yaml").write_text("name: x\n")
    readable, wrong = recipes.own_recipes()
    assert list(readable) == ["good"]
    assert sorted(wrong) == ["bad", "study"]
    assert "bad.yaml" in wrong["bad"].message
    assert "good" in recipes.all_recipes()
    assert recipes.all_recipes()["study"].description  # the lab's own


@pytest.mark.parametrize("fault", [errno.EACCES, errno.EIO])
def test_a_folder_of_saved_recipes_that_is_out_of_reach_is_said_and_the_labs_own_are_there(home, monkeypatch, fault):
    assert recipes.own_recipes() == ({}, {}) and recipes.out_of_reach() is None  # nobody saved one yet
    recipes.save_recipe("mine", recipes.load_recipe("study"))
    (home / "loop.yaml").symlink_to("loop.yaml")  # as one whose disk does not answer
    assert "loop" in recipes.own_recipes()[1] and len(recipes.version()) == len(recipes.all_recipes())
    close(monkeypatch, home, fault)
    (told,) = recipes.own_recipes()[1].values()
    assert told.message == f"Saved recipes cannot be looked for in {home} ({os.strerror(fault)})."
    assert recipes.load_recipe("study").description and recipes.version()
    with pytest.raises(LabError) as caught:
        recipes.load_recipe("qick")
    assert caught.value.message == f"recipe 'qick' is not known. {told.message}"
    assert caught.value.remedy.startswith(f"Use one of {', '.join(recipes.all_recipes())}, or a YAML file. For a saved")
    with pytest.raises(LabError) as caught:
        recipes.load_recipe("./qick.yaml")
    assert caught.value.message == "recipe './qick.yaml' is not known." and str(home) not in caught.value.remedy


def test_a_file_whose_reading_fails_as_nobody_foresaw_is_named_too(home, monkeypatch):
    recipes.save_recipe("bad", recipes.load_recipe("study"))
    monkeypatch.setattr(run_config.plain_yaml, "load", lambda text, source: {}[source])
    readable, wrong = recipes.own_recipes()
    assert not readable and "bad.yaml: cannot be read (KeyError)" in wrong["bad"].message
