import itertools
import math
import shlex
import warnings

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, SequentialLR

from core.config import RunConfig, from_dict, from_yaml, to_yaml
from core.config.recipes import all_recipes, load_recipe
from core.config.run_config import with_setting, with_value
from core.errors import LabError

RECIPES = sorted(all_recipes())


def refused(text, *named):
    """The message with which YAML is refused; it names everything in `named`."""
    with pytest.raises(LabError) as caught:
        from_yaml(text, "mine.yaml")
    assert caught.value.kind == "config"
    assert caught.value.message.startswith("mine.yaml: ")
    for name in named:
        assert name in caught.value.message
    return caught.value.message


def test_the_recipes_that_the_readme_names_are_there():
    assert {"quick", "study", "study-adam-sgd"} <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_yaml_and_is_complete(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert from_yaml(to_yaml(recipe)) == recipe
    written = yaml.safe_load(to_yaml(recipe))
    assert written.keys() == RunConfig.model_fields.keys()
    assert all("params" in t and "p" in t for t in written["transforms"])


def test_the_study_is_the_study():
    study = load_recipe("study")
    names = [t.name for t in study.transforms]
    assert names[:3] == ["CenterCrop", "Resize", "RandomBrightnessContrast"]
    assert names[3:] == ["HorizontalFlip", "InvertImg", "CoarseDropout", "Normalize"]
    crop, _, _, _, _, holes, _ = study.transforms
    assert crop.params == {"height": 400, "width": 256}
    assert study.input_size == (224, 224)
    assert holes.params["num_holes_range"] == [4, 4]
    assert holes.params["hole_height_range"] == holes.params["hole_width_range"] == [50, 50]
    phase = study.phases[0]
    assert (phase.optimizer, phase.lr_backbone, phase.lr_head, phase.weight_decay) == ("adam", 1e-5, 6e-4, 3e-5)
    assert (study.model.depth, study.model.init) == (18, "imagenet")
    assert (study.training.label_smoothing, study.training.batch_size) == (0.1, 128)
    assert (study.epochs, study.folds.count, study.task.name) == (50, 5, "gender-age")
    assert study.task.age_limits == (30, 60)


def test_names_that_look_like_other_types_and_other_scripts_survive_yaml():
    for name in ("null", "1e5", "yes", "2024-01-01", "얼굴 <b>x</b>", "a: b", "'", '"', "\\n"):
        config = from_dict({"name": name})
        assert from_yaml(to_yaml(config)).name == name


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("epochs: 3", "epochs: unknown setting"),
        ("phases: [{learning_rate: 1}]", "phases.0.learning_rate: unknown setting"),
        ("training: {batchsize: 3}", "training.batchsize: unknown setting"),
        ("transforms: [{name: Resize, param: {}}, {name: Normalize}]", "transforms.0.param: unknown setting"),
        ("transforms: [{name: Resize, params: {size: 3}}, {name: Normalize}]", "transforms.0: Resize: unknown"),
        ("transforms: [{name: Mirror}, {name: Normalize}]", "transforms.0: unknown transform 'Mirror'"),
        ("{1: 2}", "1: keys should be strings"),
    ],
)
@pytest.mark.fault(26)
def test_unknown_keys_are_refused_by_name(text, named):
    refused(text, named)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("phases: [{epochs: many}]", "phases.0.epochs"),
        ("phases: [{epochs: 1.5}]", "phases.0.epochs"),
        ("phases: [{epochs: true}]", "phases.0.epochs"),
        ("phases: {epochs: 3}", "phases"),
        ("name: 5", "name"),
        ("name: 2024-01-01", "name"),
        ("training: 7", "training"),
        ("training: {batch_size: [8]}", "training.batch_size"),
        ("training: {label_smoothing: yes}", "training.label_smoothing"),
        ("data: {leave_out_problems: perhaps}", "data.leave_out_problems"),
        ("data: null", "data"),
        ("transforms: [{name: Resize, params: {height: tall}}, {name: Normalize}]", "Resize.height"),
        ("transforms: [{name: Resize, params: {height: [9, 9]}}, {name: Normalize}]", "Resize.height"),
        ("transforms: [{name: Resize, params: {height: 9.5}}, {name: Normalize}]", "Resize.height"),
        ("transforms: [{name: Resize, params: {height: true}}, {name: Normalize}]", "Resize.height"),
        ("transforms: [{name: Resize, params: 3}, {name: Normalize}]", "transforms.0"),
        ("transforms: [Resize]", "transforms.0"),
        ("- a list", "list"),
        ("just text", "str"),
        ("", "NoneType"),
    ],
)
def test_wrong_types_are_refused_with_the_key(text, named):
    refused(text, named)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("phases: [{lr_head: -1}]", "phases.0.lr_head: input should be greater than 0, found -1"),
        ("phases: [{lr_backbone: -1}]", "phases.0.lr_backbone"),
        ("phases: [{lr_head: .nan}]", "phases.0.lr_head"),
        ("phases: [{lr_head: .inf}]", "phases.0.lr_head"),
        ("phases: [{epochs: 0}]", "phases.0.epochs: input should be greater than or equal to 1, found 0"),
        ("phases: []", "phases"),
        ("phases: [{epochs: 2, warmup_epochs: 2}]", "phases.0: warmup_epochs 2 must be shorter"),
        ("phases: [{optimizer: adam, nesterov: true}]", "phases.0: nesterov"),
        ("phases: [{optimizer: lion}]", "phases.0.optimizer"),
        ("training: {batch_size: 1}", "training.batch_size"),
        ("training: {label_smoothing: 1}", "training.label_smoothing"),
        ("folds: {count: 1}", "folds.count"),
        ("model: {depth: 20}", "model.depth"),
        ("model: {init: 'file:'}", "model.init"),
        ("model: {init: hub}", "model.init"),
        ("task: {age_limits: [60, 30]}", "task: age_limits"),
        ("task: {age_limits: [30]}", "task.age_limits"),
        ("data: {person_pattern: '('}", "data.person_pattern: not a regular expression"),
        ("data: {person_pattern: 'x'}", "data.person_pattern: needs one group"),
        ("transforms: []", "transforms: the list must end with one enabled Normalize"),
        ("transforms: [{name: Normalize}]", "transforms: the list needs an enabled Resize or CenterCrop"),
        ("transforms: [{name: Normalize}, {name: Resize}]", "must end with one enabled Normalize"),
        ("transforms: [{name: Resize, enabled: false}, {name: Normalize}]", "enabled Resize or CenterCrop"),
        ("transforms: [{name: Resize, params: {height: .inf}}, {name: Normalize}]", "Resize.height: inf is outside"),
        ("transforms: [{name: Resize, params: {height: .nan}}, {name: Normalize}]", "Resize.height: nan is outside"),
        ("transforms: [{name: Resize, p: 2}, {name: Normalize}]", "transforms.0.p"),
        (
            "transforms: [{name: Resize, params: {height: 49}}, {name: CoarseDropout}, {name: Normalize}]",
            "transforms: CoarseDropout.hole_height_range: holes of 50 px do not fit an image height of 49 px",
        ),
        ("transforms: [{name: CoarseDropout}, {name: Resize}, {name: Normalize}]", "must stand after a Resize"),
    ],
)
def test_values_that_make_no_sense_are_refused_with_the_key(text, named):
    refused(text, named)


def test_all_wrong_keys_are_named_at_once():
    refused("phases: [{lr_head: -1, epochs: 0}]\ntraining: {seed: -3}", "lr_head", "epochs", "training.seed")


@pytest.mark.parametrize("version", [0, 2, 99])
@pytest.mark.fault(26)
def test_another_schema_is_refused_with_its_version(version):
    refused(f"schema_version: {version}", "schema_version", f"version {version}", "version 1")


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.mkdir ['{path}']",
        "!!python/object/new:os.mkdir ['{path}']",
        "!!python/name:os.system",
        "!!python/module:antigravity",
        "!!python/tuple [1, 2]",
        "!own {a: 1}",
    ],
)
def test_a_tag_in_yaml_is_refused_and_named_and_never_runs(tag, tmp_path):
    made = tmp_path / "made"
    refused(f"name: {tag.replace('{path}', str(made))}", "not plain YAML", tag.split()[0].removeprefix("!!"))
    assert not made.exists()


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\t", "a: 2024-13-45", "[" * 5000, "a: \x00", "a: &x [*y]"])
def test_broken_yaml_is_refused_with_the_name_of_its_source(text):
    refused(text)


def test_a_recipe_that_is_not_text_or_not_there_is_refused(tmp_path):
    bad = tmp_path / "photo.yaml"
    bad.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(LabError, match=r"photo\.yaml"):
        load_recipe(str(bad))
    with pytest.raises(LabError, match="recipe 'qick' is not known") as caught:
        load_recipe("qick")
    assert all(name in caught.value.remedy for name in RECIPES)
    with pytest.raises(LabError, match="is not known"):
        load_recipe(str(tmp_path / "absent.yaml"))
    with pytest.raises(LabError, match=r"x\.yaml: cannot be read \(File name too long\)"):
        load_recipe(f"{'x' * 300}.yaml")  # out of reach, as one below a folder that this account may not enter


def test_a_recipe_may_be_a_file(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(to_yaml(load_recipe("quick")))
    assert load_recipe(str(mine)) == load_recipe("quick")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("name", "other", "other"),
        ("phases.0.epochs", "3", 3),
        ("phases.0.lr_head", "1e-3", 1e-3),
        ("phases.0.lr_head", "1E-3", 1e-3),
        ("phases.0.lr_head", "2.5e-4", 2.5e-4),
        ("phases.0.lr_head", "+1.e-4", 1e-4),
        ("phases.0.lr_head", ".5e-3", 0.5e-3),
        ("phases.1.schedule", "constant", "constant"),
        ("training.batch_size", "1e2", 100),
        ("training.loader_workers", "2", 2),
        ("training.loader_workers", "null", None),
        ("data.leave_out_problems", "true", True),
        ("data.person_pattern", "'^(\\d+)_'", "^(\\d+)_"),
        ("data.person_pattern", "[0-9]+ #(.)", "[0-9]+ #(.)"),
        ("data.person_pattern", "null", None),
        ("data.label_column", "no", "no"),
        ("data.label_column", "012", "012"),
        ("data.label_column", '"null"', "null"),
        ("data.attributes", "{on: categories}", {"on": "categories"}),
        ("name", "1e3", "1e3"),
        ("description", "", ""),
        ("task.leave_out", "[no, 1e3, 012, 'on', ~]", ["no", "1e3", "012", "on", "~"]),
        ("task.merge", "{yes: [no, 2024-01-01]}", {"yes": ["no", "2024-01-01"]}),
        ("task.age_limits", "[20, 50]", (20, 50)),
        ("transforms.0.params.height", "300", 300),
        ("transforms.5.params.num_holes_range", "[1, 3]", [1, 3]),
        ("transforms.4.enabled", "false", False),
        ("model.init", "file:/some/where.pth", "file:/some/where.pth"),
    ],
)
def test_set_reaches_every_setting(key, value, expected):
    before = load_recipe("study-adam-sgd")
    data = before.model_dump(mode="json")
    after = from_dict(with_setting(data, key, value))
    assert data == before.model_dump(mode="json")
    setting = after.model_dump()
    for part in key.split("."):
        setting = setting[int(part)] if part.isdigit() else setting[part]
    assert setting == expected


def test_a_name_with_dots_is_set_in_quotes_and_a_refusal_says_so():
    data = load_recipe("quick").model_dump(mode="json")
    after = with_setting(data, 'task.limits."waist.cm"', "[1.5, 2.5]")
    assert after["task"]["limits"] == {"waist.cm": [1.5, 2.5]}
    after = with_setting(after, 'task.limits."waist.cm".1', "3.5")
    assert from_dict(after).task.limits == {"waist.cm": [1.5, 3.5]}
    assert with_setting(data, '"task"."only".hair', "[dark]")["task"]["only"] == {"hair": ["dark"]}
    with pytest.raises(LabError, match="no setting 'waist' here") as refused:
        with_setting(data, "task.limits.waist.cm", "[1.5, 2.5]")
    beginning, remedy = refused.value.remedy.rstrip(".").split(" A name with dots stands in quotes: ")
    option, setting = shlex.split(remedy)
    assert (beginning, option, setting) == ("Known: none yet.", "--set", 'task.limits."waist.cm"=[1.5, 2.5]')
    assert with_setting(data, *setting.split("=", 1))["task"]["limits"] == {"waist.cm": [1.5, 2.5]}
    with pytest.raises(LabError) as refused:  # in a file, where no shell takes quotes away
        with_value(data, "task.limits.waist.cm", [1.5, 2.5], "study 's': ")
    assert refused.value.remedy == f'{beginning} A name with dots stands in quotes: task.limits."waist.cm".'
    for key in ('task.limits."waist.cm', 'task."limits.waist'):
        with pytest.raises(LabError, match="no setting"):
            from_dict(with_setting(data, key + ".x", "1"))


@pytest.mark.parametrize(
    "key", ["transforms.3.parms.height", 'task.limits."waist.cm".1', "training.batch.size", "training.batch_size.a.b"]
)
def test_quotes_are_told_only_where_people_name_something_and_left_them_out(key):
    with pytest.raises(LabError, match="no setting") as caught:
        with_setting(load_recipe("quick").model_dump(mode="json"), key, "64")
    assert "quotes" not in caught.value.remedy


@pytest.mark.parametrize("name", ['size 12"', '"', '3"x5', '"so" called', 'a"b"', "one\nbeneath"])
def test_a_quote_in_a_name_is_one_of_its_letters(name):
    data = load_recipe("quick").model_dump(mode="json")
    for written in (name, f'"{name}"'):
        after = with_setting(data, f"task.limits.{written}", "[1.5, 2.5]")
        assert from_dict(after).task.limits == {name: [1.5, 2.5]}
        assert with_setting(after, f"task.limits.{written}.1", "3.5")["task"]["limits"] == {name: [1.5, 3.5]}


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("phases.1.epochs", "3", "'1' is not one of the 1 entries"),
        ("phases.-1.epochs", "3", "'-1'"),
        ("phases.x.epochs", "3", "'x'"),
        ("phases.².epochs", "3", "'²'"),
        ("training.batch.size", "3", "no setting 'batch'"),
        ("nothing.at.all", "3", "no setting 'nothing'"),
        ("name.first", "3", "no setting 'first'"),
        ("training.batch_sise", "3", "training.batch_sise: unknown setting"),
        ("", "3", "unknown setting"),
        ("phases.0.epochs", "[", "not plain YAML"),
        ("folds.seed", "2024-13-45", "not plain YAML"),
        ("folds.seed", "!!python/name:os.system", "not plain YAML"),
        ("task.leave_out", "!!python/name:os.system", "not plain YAML"),
        ("phases.0.lr_head", "-1", "phases.0.lr_head"),
        ("phases.0.lr_head", "1e999", "phases.0.lr_head"),
        ("phases", "3", "phases"),
        ("phases.0", "3", "phases.0"),
    ],
)
def test_a_bad_setting_is_refused_by_name(key, value, named):
    data = load_recipe("quick").model_dump(mode="json")
    with pytest.raises(LabError) as caught:
        from_dict(with_setting(data, key, value))
    assert named in caught.value.message
    assert caught.value.kind == "config"


def test_input_size_is_that_of_the_last_enabled_transform_that_sets_one():
    def size(*transforms):
        return from_dict({"transforms": [*transforms, {"name": "Normalize"}]}).input_size

    crop = {"name": "CenterCrop", "params": {"height": 90, "width": 60}}
    resize = {"name": "Resize", "params": {"height": 48, "width": 32}}
    assert size(crop, resize) == (48, 32)
    assert size(resize, {"name": "HorizontalFlip"}, crop) == (90, 60)
    assert size(crop, {**resize, "enabled": False}) == (90, 60)


def torch_rates(phase, steps_per_epoch):
    """Learning rates of a phase by torch's own schedulers, one a step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=phase.lr_head)
    total, warm = phase.epochs * steps_per_epoch, round(phase.warmup_epochs * steps_per_epoch)
    if phase.schedule == "cosine":
        after = CosineAnnealingLR(optimizer, T_max=total - warm)
    else:
        after = ConstantLR(optimizer, factor=1.0)
    if warm:
        rise = LinearLR(optimizer, start_factor=1 / (warm + 1), end_factor=1.0, total_iters=warm)
        after = SequentialLR(optimizer, [rise, after], milestones=[warm])
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR's own deprecated call
        for _ in range(total):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            after.step()
    return rates


@pytest.mark.parametrize("steps_per_epoch", [1, 3, 7])
@pytest.mark.parametrize("warmup", [0, 1, 2])
def test_the_learning_rate_of_a_whole_run_is_that_of_torchs_schedulers(steps_per_epoch, warmup):
    phases = [
        {"optimizer": "adam", "epochs": 4, "lr_head": 0.3, "schedule": schedule, "warmup_epochs": warmup}
        for schedule in ("cosine", "constant", "cosine")
    ]
    config = from_dict({"phases": phases})
    expected = list(itertools.chain.from_iterable(torch_rates(phase, steps_per_epoch) for phase in config.phases))
    rates = []
    for epoch in range(1, config.epochs + 1):
        phase, before = config.phase_of(epoch)
        for step in range(steps_per_epoch):
            at = (epoch - 1 - before) * steps_per_epoch + step
            rates.append(config.phases[phase].lr_head * config.learning_rate_factor(phase, at, steps_per_epoch))
    assert rates == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(
    epochs=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    steps=st.integers(1, 20),
    share=st.floats(0, 0.99),
    schedule=st.sampled_from(["cosine", "constant"]),
)
def test_every_epoch_has_one_phase_and_the_factor_stays_between_0_and_1(epochs, steps, share, schedule):
    config = from_dict({"phases": [{"epochs": n, "schedule": schedule, "warmup_epochs": share * n} for n in epochs]})
    where = [config.phase_of(epoch) for epoch in range(1, sum(epochs) + 1)]
    assert [phase for phase, _ in where] == [index for index, n in enumerate(epochs) for _ in range(n)]
    assert {phase: before for phase, before in where} == {i: sum(epochs[:i]) for i in range(len(epochs))}
    with pytest.raises(ValueError, match="past the last phase"):
        config.phase_of(sum(epochs) + 1)
    for phase, n in enumerate(epochs):
        factors = [config.learning_rate_factor(phase, step, steps) for step in range(n * steps)]
        assert all(0 < factor <= 1 for factor in factors)
        peak = math.ceil(share * n * steps - 1e-9)
        assert factors[:peak] == sorted(factors[:peak])
