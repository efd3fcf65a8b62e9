"""A study as a file makes the very configurations that were frozen, whatever became of its recipe; or there is none."""

import pytest

from core.config import from_dict, recipes
from core.studies import as_file, grid
from core.studies.grid import StudyConfig
from core.studies.record_file import Study, StudyRun

ROOT = "/photos"
NAMED = {
    **{"task.name": "attributes", "task.attributes": ["waist.cm"], "task.limits": {"waist.cm": [1.5, 2.5]}},
    **{"task.only": {"fur.colour": ["fair"]}, "task.merge": {"<2.5": ["<1.5", "1.5 to <2.5"]}},
}


@pytest.fixture(autouse=True)
def mine(runs_folder):
    """A recipe of somebody's own, of two phases, with settings that no recipe of the lab's has."""
    config = recipes.load_recipe("study-adam-sgd").model_dump(mode="json")
    config["task"] |= {"name": "gender", "age_limits": [25, 50]}
    config["transforms"][1]["params"] |= {"height": 96, "width": 80}
    config["description"] = "My own."
    recipes.save_recipe("mine", from_dict(config))


def recorded(study, **data):
    """As a launch on a dataset with these settings records it."""
    configs = grid.expand(study, {"root": ROOT, **data})
    members = [StudyRun(f"run-{n}", each.name, each.model_dump(mode="json")) for n, each in enumerate(configs)]
    return Study("20260101-000000-s-abcd", study.name, "", 0.0, study.model_dump(mode="json"), members)


def frozen(record):
    return [from_dict(member.config) for member in record.runs]


def remade(file):
    """What whoever gets the file as text launches on the same folder."""
    return grid.expand(grid.from_yaml(grid.to_yaml(file.study)), {"root": ROOT})


def replace_mine():
    recipes.save_recipe("mine", recipes.load_recipe("quick"), replace=True)


def delete_mine():
    (recipes.recipes_home() / "mine.yaml").unlink()


def test_a_study_on_a_recipe_of_the_labs_is_told_as_it_was_asked_for():
    asked = StudyConfig(name="seeds", recipe="quick", set={"mix.alpha": 0.3}, grid={"training.seed": [0, 1]})
    nested = asked.model_copy(update={"set": {"data": {"root": ROOT, "reader": "auto"}, **asked.set}})
    for study in (asked, nested):
        record = recorded(study, reader="utkface", max_people=30)
        file = as_file.of(record)
        assert file.study.recipe == "quick" and file.run_ids == {"run-0", "run-1"}
        assert remade(file) == frozen(record) and ROOT not in grid.to_yaml(file.study)


@pytest.mark.parametrize("became", [replace_mine, delete_mine, lambda: None], ids=["replaced", "deleted", "as it was"])
@pytest.mark.parametrize(
    "asked",
    [
        {"grid": {"training.seed": [0, 1]}},
        {"grid": {"phases.1.epochs": [3, 4], "model.depth": [18, 34]}, "set": {"training.batch_size": 8}},
        {"grid": {"mix.method": ["none", "mixup"]}, "shrink": {"size": 32, "epochs": 4}},
        {"grid": {"training.seed": [0, 1]}, "set": NAMED},
    ],
    ids=["one setting", "of a second phase", "shrunk", "of names with dots"],
)
def test_a_study_on_somebodys_own_recipe_is_told_by_one_that_every_lab_has(asked, became):
    record = recorded(StudyConfig(name="s", recipe="mine", **asked), reader="utkface", leave_out_problems=True)
    became()
    assert as_file.as_launched(record) is None
    file = as_file.of(record)
    assert file.study.recipe in recipes.lab_recipes() and len(file.run_ids) == len(record.runs)
    assert remade(file) == frozen(record)


def test_what_joined_later_is_not_in_it_wherever_it_was_moved():
    asked = StudyConfig(name="seeds", recipe="quick", grid={"training.seed": [0, 1]})
    record = recorded(asked)
    (joined,) = recorded(StudyConfig(name="seeds", recipe="quick", grid={"training.seed": [9]})).runs
    joined = StudyRun("joined", joined.name, joined.config)
    record.runs[:] = [joined, *reversed(record.runs)]
    file = as_file.of(record)
    assert file.run_ids == {"run-0", "run-1"}
    assert {config.training.seed for config in remade(file)} == {0, 1}


def test_recipes_that_were_compared_are_named_while_every_lab_has_them():
    both = recorded(StudyConfig(name="s", grid={"recipe": ["quick", "study-adam-sgd"]}))
    assert remade(as_file.of(both)) == frozen(both)
    assert as_file.of(recorded(StudyConfig(name="s", grid={"recipe": ["quick", "mine"]}))) is None


@pytest.mark.parametrize(
    "settings", [{}, {"name": "s"}, {"name": "s", "grid": {}}, {"name": "s", "grid": {"x.y": [1]}}]
)
def test_what_no_grid_made_is_no_file(settings):
    record = recorded(StudyConfig(name="s", recipe="quick", grid={"training.seed": [0]}))
    record.settings.clear()
    record.settings.update(settings)
    assert as_file.of(record) is None


def test_a_study_whose_runs_an_older_lab_named_with_a_cut_value_is_told_by_its_first_run():
    """What the run of another value that joined it has is not what all of them share."""
    values = [0.05, 0.0, 0.01]
    varied = {"model.depth": [18], "training.label_smoothing": values}
    asked = StudyConfig(name="how much does smoothing help with noisy labels", recipe="mine", grid=varied)
    record = recorded(asked)
    cut = [f"{asked.name} r18 label_smoothing={value}"[:60] for value in values]
    assert cut[0] != record.runs[0].name
    members = [StudyRun(each.id, name, each.config) for each, name in zip(record.runs, cut, strict=True)]
    other = from_dict(record.runs[0].config | {"mix": {"method": "cutmix"}}).model_dump(mode="json")
    record.runs[:] = [StudyRun("joined", "another", other), *members]
    file = as_file.of(record)
    assert file is not None and file.run_ids == {member.id for member in members}


@pytest.mark.parametrize("typed", [{}, {"phases.0.epochs": 3, "task.age_limits": [40, 60], "description": "Another."}])
def test_a_study_that_is_asked_for_makes_the_same_runs_where_nobody_has_its_recipe(typed):
    asked = StudyConfig(
        name="seeds", recipe="mine", set=typed, shrink={"size": 64, "epochs": 8}, grid={"training.seed": [0, 1]}
    )
    runs = grid.expand(asked, {"root": ROOT})
    written = as_file.for_any_lab(asked)
    delete_mine()
    assert grid.expand(grid.from_yaml(grid.to_yaml(written)), {"root": ROOT}) == runs


def test_a_study_on_the_labs_recipes_is_written_as_it_is_asked_for_and_one_that_compares_ones_own_is_not():
    asked = StudyConfig(name="seeds", recipe="quick", grid={"training.seed": [0, 1]})
    assert as_file.for_any_lab(asked) == asked and as_file.own_recipes(asked) == []
    several = StudyConfig(name="recipes", recipe="mine", grid={"recipe": ["quick", "mine"]})
    assert as_file.for_any_lab(several) is None and as_file.own_recipes(several) == ["mine"]
    labs_own = StudyConfig(name="recipes", recipe="mine", grid={"recipe": ["quick", "study"]})
    runs = grid.expand(labs_own, {"root": ROOT})
    assert "mine" not in grid.to_yaml(as_file.for_any_lab(labs_own))
    assert grid.expand(as_file.for_any_lab(labs_own), {"root": ROOT}) == runs
