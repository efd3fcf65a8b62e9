import itertools
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.config import from_dict
from core.config.recipes import load_recipe, save_recipe
from core.config.run_config import DataConfig
from core.data.scan import Scan, scan
from core.data.yes_no import pairs
from core.errors import LabError
from core.jobs import control
from core.plan.plan import make_plan
from core.runs import FoldState
from core.studies import grid as study
from core.studies.grid import StudyConfig
from tests.celeba import drawn
from tests.photos import draw
from tests.yes_no_runs import NAMES

YAML = """
name: depths
recipe: quick
set: {folds.count: 2, phases.0.epochs: 2}
grid:
  model.depth: [18, 34]
  recipe: [quick, study-mixup]
  model.init: [scratch]
"""


@pytest.fixture(scope="module")
def scanned(tmp_path_factory) -> Scan:
    """A UTKFace-like folder of 24 photos: gender and age in the file name, each photo its own person."""
    root = tmp_path_factory.mktemp("faces")
    for age in (20, 40, 70):
        for gender in (0, 1):
            for i in range(4):
                draw(root / f"{age}_{gender}_0_2017011{i}1234567{i}.jpg.chip.jpg")
    return scan(DataConfig(root=str(root)))


def test_a_grid_makes_every_combination_in_its_order():
    made = study.expand(study.from_yaml(YAML))
    assert [(c.model.depth, c.mix.method) for c in made] == [(18, "none"), (18, "mixup"), (34, "none"), (34, "mixup")]
    assert {c.folds.count for c in made} == {2}
    assert len({c.name for c in made}) == 4


def test_runs_that_start_elsewhere_are_named_after_it():
    first = ["scratch", "imagenet", "file:/weights/faces-v2.safetensors", "run:20260101-000000-a-long-name-2478"]
    made = study.expand(StudyConfig(name="masks", recipe="quick", grid={"model.init": first}))
    names = ["masks from scratch", "masks from ImageNet", "masks from faces-v2", "masks from run 2478"]
    assert [config.name for config in made] == names


def test_files_of_first_weights_are_found_wherever_they_stand():
    values = [{"init": "file:w.pth", "depth": 18}, {"init": "scratch"}, "odd", {"init": 3}]
    asked = StudyConfig(
        name="files",
        set={"model": {"init": "file:w.pth", "depth": 34}, "model.depth": 18},
        grid={"model": values, 'model."init"': ["file:w.pth", "scratch"], "model.init": ["imagenet", 5]},
    )
    whole = study.with_whole_paths(asked)
    init = f"file:{os.path.abspath('w.pth')}"
    assert whole.set == {"model": {"init": init, "depth": 34}, "model.depth": 18}
    assert whole.grid["model"] == [{"init": init, "depth": 18}, *values[1:]]
    assert whole.grid['model."init"'] == [init, "scratch"] and whole.grid["model.init"] == ["imagenet", 5]
    assert study.without_places(whole) == asked
    places = ["file:/first/one/w.pth", "file:/second/one/w.pth", "file:/first/v.pth", "scratch"]
    several = StudyConfig(name="of one name", set={"model.init": places[0]}, grid={"model.init": places})
    apart = study.without_places(several)
    assert apart.grid["model.init"] == ["file:first/one/w.pth", "file:second/one/w.pth", "file:v.pth", "scratch"]
    assert apart.set["model.init"] == apart.grid["model.init"][0]
    typed = ["file:~/w.pth", f"file:{os.path.expanduser('~/w.pth')}", "file:one/w.pth", "file:one/../two/w.pth"]
    home, same, *others = study.without_places(StudyConfig(name="typed", grid={"model.init": typed})).grid["model.init"]
    assert home == same == f"file:{Path.home().name}/w.pth" and others == ["file:one/w.pth", "file:two/w.pth"]


def test_a_value_is_never_cut_in_the_name_of_a_run():
    """What is left of 0.05 reads as 0.0, beside the F1 of 0.05."""
    grid = {"model.depth": [18], "training.label_smoothing": [0.0, 0.05, 0.01]}
    made = study.expand(StudyConfig(name="Does smoothing help with bad labels?", recipe="quick", grid=grid))
    assert [config.name.partition("… r18 ")[2] for config in made] == [
        f"label_smoothing={config.training.label_smoothing}" for config in made
    ]


def test_wrong_settings_are_named_with_their_run():
    with pytest.raises(LabError, match=r"depths r19.*model\.depth"):
        study.expand(StudyConfig(name="depths", recipe="quick", grid={"model.depth": [19]}))
    with pytest.raises(LabError, match="no setting 'dept'"):
        study.expand(StudyConfig(name="depths", recipe="quick", grid={"model.dept.x": [18]}))
    with pytest.raises(LabError, match="grid is empty"):
        study.expand(StudyConfig(name="depths", grid={"model.depth": []}))


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "", "abc", None, float("inf"), 20_000])
def test_epochs_that_are_none_are_named_also_where_every_run_is_made_smaller(wrong):
    settings = {"recipe": "study-adam-sgd", "grid": {"training.seed": [0, 1]}, "shrink": {"epochs": 4}}
    with pytest.raises(LabError, match=r"^study 'seeds': phases\.1\.epochs: "):
        study.expand(StudyConfig(name="seeds", set={"phases.1.epochs": wrong}, **settings))
    as_number, in_quotes = (
        study.expand(StudyConfig(name="seeds", set={"phases.1.epochs": epochs}, **settings)) for epochs in (6, "6")
    )
    assert as_number == in_quotes


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"schedule_epochs": 3}, r"1: schedule_epochs 3 must not be below the phase's 50"),
        ({"schedule_epochs": 20_000}, r"1\.schedule_epochs: "),
        ({"schedule_epochs": 60, "warmup_epochs": 60}, r"1: warmup_epochs 60 must be shorter"),
    ],
)
def test_epochs_that_do_not_fit_their_phase_are_not_made_to_fit(wrong, words):
    settings = {"recipe": "study-adam-sgd", "grid": {"training.seed": [0, 1]}, "shrink": {"epochs": 4}}
    with pytest.raises(LabError, match=rf"^study 'seeds': phases\.{words}"):
        study.expand(StudyConfig(name="seeds", set={f"phases.1.{key}": wrong[key] for key in wrong}, **settings))


def test_a_size_that_is_none_is_named_also_where_every_run_is_made_smaller():
    settings = {"recipe": "quick", "set": {"transforms.0.params.height": 0}, "shrink": {"size": 64}}
    with pytest.raises(LabError, match=r"^study 'seeds': transforms\.0: Resize\.height"):
        study.expand(StudyConfig(name="seeds", grid={"training.seed": [0, 1]}, **settings))


def test_ten_thousand_runs_are_counted_without_being_made():
    large = StudyConfig(name="seeds", grid={"training.seed": list(range(100)), "folds.seed": list(range(100))})
    assert study.size(large) == 10_000 > study.ASK_ABOVE


def test_every_run_of_a_study_has_the_same_fold_for_a_person(scanned):
    grid = {"task.name": ["gender", "gender-age", "age"], "model.head": ["joint"]}
    made = study.expand(
        StudyConfig(name="heads", recipe="quick", set={"folds.count": 2}, grid=grid), {"root": scanned.root}
    )
    alone = [make_plan(c, scanned).samples.set_index("person")["fold"].to_dict() for c in made]
    assert alone[0] != alone[1], "the test needs tasks that would split people differently"
    together = [p.samples.set_index("person")["fold"].to_dict() for p in study.make_plans(made, scanned)]
    assert together[0] == together[1] == together[2] == alone[1]


def test_people_whom_the_leading_run_lacks_stand_in_one_fold_too(scanned):
    """Labels that are partly empty: the run of gender leads, and people without a gender have a mask and an age."""
    once = scanned.samples
    samples = pd.concat([once, once.assign(**{name: "again " + once[name] for name in ("person", "sample")})])
    samples = samples.sort_values(["age", "gender"]).reset_index(drop=True)
    of_four = samples.index % 4
    samples["mask"] = ["normal", "worn"] * 24
    samples.loc[of_four == 3, "gender"] = None
    samples.loc[(of_four == 0) | (samples.index < 4), "mask"] = None
    samples.loc[(of_four == 1) | (samples.index < 3), "age"] = float("nan")
    grid = {"task.name": ["mask", "gender", "age"]}
    settings = StudyConfig(name="labels", recipe="quick", set={"folds.count": 4}, grid=grid)
    plans = study.make_plans(study.expand(settings, {"root": scanned.root}), replace(scanned, samples=samples))
    mask, gender, age = (plan.samples.set_index("person")["fold"] for plan in plans)
    assert len(gender) > max(len(mask), len(age)), "the test needs gender to lead"
    assert len(mask.index.intersection(age.index).difference(gender.index)) >= 10
    for one, other in itertools.combinations([mask, gender, age], 2):
        shared = one.index.intersection(other.index)
        assert one[shared].to_dict() == other[shared].to_dict()


def test_runs_with_different_folds_are_no_study(scanned):
    made = study.expand(StudyConfig(name="k", recipe="quick", grid={"folds.count": [2, 3]}), {"root": scanned.root})
    with pytest.raises(LabError, match="different folds"):
        study.make_plans(made, scanned)


def test_runs_that_read_other_data_are_no_study(scanned):
    """One scan is of one reading of a dataset: the others would be trained on the photos of the first."""
    grid = {"data.max_people": [100, 200], "data.test_set": ["pool"]}
    settings = StudyConfig(name="k", recipe="quick", set={"folds.count": 2}, grid=grid)
    made = study.expand(settings, {"root": scanned.root})
    with pytest.raises(LabError, match=r"different data settings \(data\.max_people\)") as refused:
        study.make_plans(made, scanned)
    assert refused.value.kind == "data"


def test_the_estimate_counts_runs_jobs_steps_and_disk(scanned, tmp_path):
    config = study.from_yaml(YAML)
    plans = study.make_plans(study.expand(config, {"root": scanned.root}), scanned)
    cost = study.estimate(plans, tmp_path)
    assert (cost.runs, cost.fold_jobs, cost.seconds) == (4, 8, None)
    assert cost.steps == sum(plan.total_steps for plan in plans)
    assert cost.bytes > 8 * 2 * 11e6 * 4  # best and final weights of each, and what passes


def test_a_form_that_differs_from_its_recipe_becomes_the_settings_that_runs_share():
    base = load_recipe("study")
    now = base.model_dump(mode="json")
    now["model"]["init"], now["phases"][0]["lr_backbone"], now["name"] = "scratch", 1e-3, "mine"
    now["data"]["root"] = "/somewhere"
    assert study.changes(base, base.model_dump(mode="json")) == {}
    assert study.changes(base, now) == {"model.init": "scratch", "phases.0.lr_backbone": 1e-3}
    now["phases"] = now["phases"] * 2
    now["transforms"][0]["enabled"] = False
    changes = study.changes(base, now)
    assert len(changes["phases"]) == 2 and changes["transforms"][0]["enabled"] is False
    config = StudyConfig(name="mine", recipe="study", set=changes, grid={"training.seed": [4]})
    (made,) = study.expand(config, now["data"])
    expected = from_dict({**now, "training": {**now["training"], "seed": 4}, "name": made.name})
    assert made.model_dump() | {"description": ""} == expected.model_dump() | {"description": ""}


NAMED = {
    "name": "attributes",
    "attributes": ["waist.cm"],
    "limits": {"waist.cm": [1.5, 2.5], "age": [30]},
    "only": {"hair": ["dark"]},
    "merge": {"St. Bernard or Poodle": ["<1.5", "1.5 to <2.5"]},
}


@pytest.mark.parametrize(
    "now",
    [
        {"only": {}, "limits": {"waist.cm": [1.5]}, "merge": {}},
        {"merge": {"lean": NAMED["merge"]["St. Bernard or Poodle"]}},
        {"only": {"hair": ["dark"], "eyes.left": ["blue"]}},
    ],
    ids=["cleared", "renamed", "added"],
)
def test_what_people_named_is_shared_as_the_form_has_it_with_what_it_has_cleared(runs_folder, now):
    base = from_dict({**load_recipe("quick").model_dump(mode="json"), "task": NAMED})
    save_recipe("mine", base)
    form = base.model_dump(mode="json")
    form["task"] |= now
    changes = study.changes(base, form)
    assert changes == {f"task.{name}": value for name, value in now.items()}
    asked = StudyConfig(name="s", recipe="mine", set=changes, grid={"training.seed": [0, 1]})
    made = study.expand(study.from_yaml(study.to_yaml(asked)))
    assert [config.task.model_dump(mode="json") for config in made] == [form["task"]] * 2


def test_a_study_file_of_an_older_lab_that_names_one_narrowing_or_merge_is_understood():
    shared = {"task.name": "gender", "task.only.hair": ["dark"], "task.merge.young": ["a", "b"]}
    (made,) = study.expand(StudyConfig(name="s", recipe="quick", set=shared, grid={"task.limits.age": [[30]]}))
    assert made.task.only == {"hair": ["dark"]} and made.task.merge == {"young": ["a", "b"]}
    assert made.task.limits == {"age": [30]} and made.name == "s age=[30]"


def test_a_study_file_is_what_the_page_exports():
    config = study.from_yaml(YAML + "shrink: {size: 64, epochs: 5}\n")
    assert study.from_yaml(study.to_yaml(config)) == config


HALVES = ("training.label_smoothing", "training.photos_on_device", "phases.0.momentum", "phases.0.step_factor")


def test_a_grid_can_vary_every_setting_and_knows_the_values_of_closed_ones():
    values_of = study.settings()
    assert values_of["model.depth"] == [18, 34, 50, 101, 152]
    assert values_of["mix.method"] == ["none", "mixup", "cutmix", "both"]
    assert values_of["phases.0.nesterov"] == [False, True]
    assert (
        "quick" in values_of["recipe"]
        and values_of["phases.0.lr_head"] is None
        and values_of["training.early_stopping"] is None
    )
    for key, values in values_of.items():
        if key not in ("recipe", "model.head", "phases.0.nesterov"):
            value = (values or [2])[0]
            value = "scratch" if key == "model.init" else value
            value = 1 if key in ("phases.0.lr_backbone", "phases.0.weight_decay", "mix.probability") else value
            value = 0.5 if key in HALVES else value
            study.expand(StudyConfig(name="x", recipe="quick", grid={key: [value]}))


def test_runs_that_start_from_runs_with_other_folds_are_no_study(scanned, tmp_path, monkeypatch):
    monkeypatch.setattr(control, "ensure_workers", lambda folder: None)
    parents = []
    for seed in (0, 1):
        config = from_dict(load_recipe("quick").model_dump(mode="json") | {"folds": {"count": 2, "seed": seed}})
        config = config.model_copy(update={"data": config.data.model_copy(update={"root": scanned.root})})
        run = control.launch(make_plan(config, scanned), folder=tmp_path)
        for fold in run.folds():
            run.weights_file(fold, "best").write_bytes(b"weights")
            run.write_state(FoldState(fold, "done"))
        parents.append(run)
    splits = [run.samples().set_index("person")["fold"].to_dict() for run in parents]
    assert splits[0] != splits[1]
    grid = {"model.init": [f"run:{run.id}" for run in parents]}
    settings = StudyConfig(name="parents", recipe="quick", set={"folds.count": 2}, grid=grid)
    with pytest.raises(LabError, match="held other people out"):
        study.make_plans(study.expand(settings, {"root": scanned.root}), scanned, folder=tmp_path)


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Scan:
    """48 photos of 24 people that tell five yes/no attributes."""
    root = drawn(tmp_path_factory.mktemp("told") / "celeba", photos=48, people=24, attributes=NAMES, side=8)
    return scan(DataConfig(root=str(root)))


def one_by_one(told, grid):
    """Runs that name none of the attributes: all of them are meant."""
    shared = {"folds.count": 2, "task.name": "attributes", "task.together": "each"}
    return study.expand(StudyConfig(name="told", recipe="quick", set=shared, grid=grid), {"root": told.root})


def test_attributes_that_no_run_of_a_study_names_stand_in_each_of_them(told):
    made = one_by_one(told, {"training.seed": [0, 1]})
    plans = study.make_plans(made, told)
    assert [(plan.config.training.seed, plan.config.task.attributes) for plan in plans] == [
        (0, list(NAMES)),
        (1, list(NAMES)),
    ]
    people = 1 - plans[0].samples.drop_duplicates("person").set_index("person")["fold"]
    for plan in study.make_plans(made, told, people=people):  # into the folds of runs that are there
        assert plan.samples.drop_duplicates("person").set_index("person")["fold"].to_dict() == people.to_dict()
        assert plan.config.task.attributes == pairs.attributes_of(plan.samples) == list(NAMES)


@pytest.mark.parametrize("sampling", [["natural", "balanced"], ["balanced", "natural"]])
def test_a_sampling_that_does_not_fit_the_task_is_refused_wherever_it_stands_in_the_grid(told, sampling):
    with pytest.raises(LabError, match="classes cannot be drawn equally often") as refused:
        study.make_plans(one_by_one(told, {"training.sampling": sampling}), told)
    assert refused.value.kind == "sampling"
