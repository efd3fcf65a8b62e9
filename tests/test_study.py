import pytest

from core import runs, study
from core.data import Scan, scan
from core.errors import LabError
from core.plan import make_plan
from core.study import StudyConfig
from tests.photos import draw

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
def found(tmp_path_factory) -> Scan:
    """A UTKFace-like folder of 24 photos: gender and age in the file name, each photo its own person."""
    root = tmp_path_factory.mktemp("faces")
    for age in (20, 40, 70):
        for gender in (0, 1):
            for i in range(4):
                draw(root / f"{age}_{gender}_0_2017011{i}1234567{i}.jpg.chip.jpg")
    from core.config import DataConfig

    return scan(DataConfig(root=str(root)))


def test_a_grid_makes_every_combination_in_its_order():
    made = study.expand(study.from_yaml(YAML))
    assert [(c.model.depth, c.mix.method) for c in made] == [(18, "none"), (18, "mixup"), (34, "none"), (34, "mixup")]
    assert {c.folds.count for c in made} == {2}
    assert len({c.name for c in made}) == 4


def test_wrong_settings_are_named_with_their_run():
    with pytest.raises(LabError, match=r"depths r19.*model\.depth"):
        study.expand(StudyConfig(name="depths", recipe="quick", grid={"model.depth": [19]}))
    with pytest.raises(LabError, match="no setting 'dept'"):
        study.expand(StudyConfig(name="depths", recipe="quick", grid={"model.dept.x": [18]}))
    with pytest.raises(LabError, match="grid is empty"):
        study.expand(StudyConfig(name="depths", grid={"model.depth": []}))


def test_ten_thousand_runs_are_counted_without_being_made():
    large = StudyConfig(name="seeds", grid={"training.seed": list(range(100)), "folds.seed": list(range(100))})
    assert study.size(large) == 10_000 > study.ASK_ABOVE


def test_every_run_of_a_study_has_the_same_fold_for_a_person(found):
    grid = {"task.name": ["gender", "gender-age", "age"], "model.head": ["joint"]}
    made = study.expand(
        StudyConfig(name="heads", recipe="quick", set={"folds.count": 2}, grid=grid), {"root": found.root}
    )
    alone = [make_plan(c, found).samples.set_index("person")["fold"].to_dict() for c in made]
    assert alone[0] != alone[1], "the test needs tasks that would split people differently"
    together = [p.samples.set_index("person")["fold"].to_dict() for p in study.make_plans(made, found)]
    assert together[0] == together[1] == together[2] == alone[1]


def test_runs_with_different_folds_are_no_study(found):
    made = study.expand(StudyConfig(name="k", recipe="quick", grid={"folds.count": [2, 3]}), {"root": found.root})
    with pytest.raises(LabError, match="different folds"):
        study.make_plans(made, found)


def test_the_estimate_counts_runs_jobs_steps_and_disk(found, tmp_path):
    wanted = study.from_yaml(YAML)
    plans = study.make_plans(study.expand(wanted, {"root": found.root}), found)
    cost = study.estimate(plans, tmp_path)
    assert (cost.runs, cost.fold_jobs, cost.seconds) == (4, 8, None)
    assert cost.steps == sum(plan.total_steps for plan in plans)
    assert cost.bytes > 8 * 5 * 11e6 * 4


def test_launched_runs_know_their_study(found, tmp_path, monkeypatch):
    monkeypatch.setattr(study.jobs, "ensure_workers", lambda folder: None)
    wanted = StudyConfig(name="pair", recipe="quick", set={"folds.count": 2}, grid={"training.seed": [0, 1]})
    plans = study.make_plans(study.expand(wanted, {"root": found.root}), found)
    launched = study.launch(wanted, plans, folder=tmp_path)
    ids = {run.info()["study"] for run in launched}
    assert len(ids) == 1
    assert {s["study"] for s in runs.summaries(tmp_path)} == ids
