"""Comparisons of made-up finished runs: what is paired, what is refused, what is said."""

import errno
import json
import math
import os
import re
import shutil
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score
from statsmodels.stats.multitest import multipletests

from core.compare import contrast, cost, members, pairs
from core.compare.verdict import best_of
from core.errors import LabError
from core.figures import comparison
from core.places import lab_folder
from core.runs import FoldState
from core.stats import paired
from core.storage import files, parquet
from core.storage.remembered import bytes_of
from core.studies import records
from core.studies.records import Study
from core.studies.relocate import relocate
from tests.answered import answer, probabilities_of
from tests.closed import close
from tests.compared import CLASSES, make_run, samples
from tests.moving import draw_dataset, frozen_run


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Four runs on the same five folds: the first is the baseline, the last is far better."""
    folder = tmp_path_factory.mktemp("study")
    table = samples(folder, people=90)
    for number, skill in enumerate((0.5, 0.52, 0.5, 0.97)):
        depth = (18, 34, 50, 101)[number]
        run_id = f"20260101-00000{number}-resnet{depth}-000{number}"
        config = {"model": {"depth": depth}}
        make_run(folder, table, f"ResNet-{depth}", skill=skill, seed=number, run_id=run_id, config=config)
    return folder


def load(folder, ids=None):
    runs, problems = members.load_all(ids or sorted(p.name for p in folder.glob("2026*")), folder)
    assert not problems
    return runs


def copy(study, tmp_path):
    for path in study.glob("2026*"):
        shutil.copytree(path, tmp_path / path.name)
    return load(tmp_path)


def test_runs_of_one_study_lose_its_name_while_its_record_is_there(study, tmp_path):
    copy(study, tmp_path)
    for path in tmp_path.glob("2026*"):
        config, info = path / "config.yaml", path / "run.json"
        config.write_text(re.sub(r"^name: (.*)$", r"name: Depths, old and new \1", config.read_text(), flags=re.M))
        info.write_text(json.dumps({**json.loads(info.read_text()), "study": "20260101-000000-depths-abcd"}))
    long = ["Depths, old and new ResNet-18", "Depths, old and new ResNet-34"]
    runs = load(tmp_path)[:2]
    assert [m.name for m in members.told_apart(runs)] == long
    record = Study("20260101-000000-depths-abcd", "Depths, old and new", "", 0.0, {}, [])
    folder = records.folder_of(tmp_path)
    folder.mkdir(parents=True)
    (folder / f"{record.id}.json").write_text(json.dumps(vars(record)))
    assert [m.name for m in members.told_apart(runs)] == ["ResNet-18", "ResNet-34"]
    assert [m.name for m in members.told_apart(runs[:1])] == long[:1], "alone, it keeps the study's name"
    odd = [replace(m, info={**m.info, "study": ["no", "id"]}) for m in runs]
    assert [m.name for m in members.told_apart(odd)] == long
    stranger = load(study)[:1]
    assert [m.name for m in members.told_apart([*runs, *stranger])] == [*long, "ResNet-18"]
    for config in tmp_path.glob("2026*/config.yaml"):
        config.write_text(config.read_text("utf-8").replace("Depths, old and new ", "Depths, old… "), "utf-8")
    cut = load(tmp_path)[:2]
    assert [m.name for m in members.told_apart(cut)] == ["ResNet-18", "ResNet-34"], "also where it was cut in theirs"


def test_against_one_that_was_chosen_for_its_score_all_pairs_count(study):
    runs = load(study)
    top = best_of(runs)
    in_pairs = [pairs.pair(m, top) for m in runs if m is not top]
    named, chosen = (pairs.differences(in_pairs, highest=highest) for highest in (False, True))
    assert [d.comparisons for d in named] == [3] * 3 and [d.comparisons for d in chosen] == [6] * 3
    raw = [d.interval.p for d in chosen]
    assert [d.p for d in chosen] == pytest.approx(multipletests([*raw, 1, 1, 1], method="holm")[1][:3])
    worse = [d.sentence for d in chosen if d.verdict == "worse"]
    assert worse and all("corrected for 6 comparisons)" in sentence for sentence in worse)
    (two,) = pairs.differences(in_pairs[:1], highest=True)
    assert two.comparisons == 1 and two.p == two.interval.p


def test_tables_of_answers_are_held_by_their_bytes_and_intervals_by_a_digest(study, monkeypatch):
    runs = load(study)
    members.POOLED.forget()
    first = members.out_of_fold(runs[0], "best")
    monkeypatch.setattr(members.POOLED, "most", 2.5 * bytes_of(first))
    for run in runs:
        for which in members.WHICH:
            members.out_of_fold(run, which)
            assert bytes_of(first) <= members.POOLED.held <= 2.5 * bytes_of(first)
    monkeypatch.setattr(pairs, "_INTERVALS", OrderedDict())
    interval = pairs.pair(runs[3], runs[0]).tests.bootstrap
    ((key, remembered),) = pairs._INTERVALS.items()
    assert remembered is interval and len(repr(key)) < 200
    monkeypatch.setattr(paired, "bootstrap_f1_difference", lambda *answers: pytest.fail("drawn again"))
    assert pairs.pair(runs[3], runs[0]).tests.bootstrap is interval


def compared(runs, **settings):
    in_pairs = [pairs.pair(m, runs[0], metric=settings.get("metric", "f1")) for m in runs[1:]]
    return pairs.differences(in_pairs, **settings)


def test_deltas_are_scikit_learns_scores_of_each_fold(study):
    base, _, _, best = load(study)
    pair = pairs.pair(best, base)
    for fold, ours in zip(pair.folds, pair.scores - pair.base_scores, strict=True):
        f1 = []
        for member in (best, base):
            table = member.run.predictions(fold)
            f1.append(f1_score(table["label"], table["predicted"], labels=CLASSES, average="macro", zero_division=0))
        assert ours == pytest.approx(f1[0] - f1[1])
    assert pair.folds == (0, 1, 2, 3, 4) and pair.test_fraction == pytest.approx(0.25) and not pair.notes


def test_only_what_is_far_better_is_called_better(study):
    differences = compared(load(study), cost_ratios={load(study)[3].id: 4.3})
    assert [d.verdict for d in differences] == ["undecided", "undecided", "better"]
    assert differences[2].sentence.startswith("ResNet-101 is better than ResNet-18 (F1 +")
    assert differences[2].sentence.endswith("corrected for 3 comparisons) and costs 4.3 times as much per image.")
    assert "is not shown to be" in differences[0].sentence and differences[0].comparisons == 3
    assert differences[2].people.mid_p < 0.001 and differences[2].bootstrap.low > 0 and differences[2].bootstrap.n == 90
    assert [d.p for d in differences] == pytest.approx(paired.holm([d.interval.p for d in differences]))


def test_what_lies_within_the_region_is_not_better(study):
    assert compared(load(study), within=0.9)[2].verdict == "same"
    assert "within 90 points" in compared(load(study), within=0.9)[2].sentence


def test_accuracy_can_be_compared_too(study):
    runs = load(study)
    difference = compared(runs, metric="accuracy")[2]
    table = runs[3].run.predictions(0)
    base = runs[0].run.predictions(0)
    right = [accuracy_score(t["label"], t["predicted"]) for t in (table, base)]
    assert difference.deltas[0] == pytest.approx(right[0] - right[1]) and "accuracy +" in difference.sentence


def test_per_class_f1_is_scikit_learns(study):
    runs = load(study)
    scores = contrast.class_scores(runs)
    for member in runs:
        table = members.out_of_fold(member, "best")
        theirs = f1_score(table["label"], table["predicted"], labels=CLASSES, average=None, zero_division=0)
        assert scores.loc[member.id].to_numpy() == pytest.approx(theirs)
    assert list(scores.columns) == CLASSES


def test_attribute_accuracy_is_over_summed_probabilities(study):
    runs = load(study)[:1]
    table = members.out_of_fold(runs[0], "best")
    male = table[[f"p_{name}" for name in CLASSES if name.startswith("male")]].sum(axis=1) > 0.5
    right = (male == table["label"].str.startswith("male")).mean()
    accuracy = contrast.attribute_accuracy(runs)
    assert list(accuracy.columns) == ["gender", "age"] and accuracy.iloc[0]["gender"] == pytest.approx(right)


def test_only_settings_that_differ_are_listed(study):
    table = contrast.config_differences(load(study))
    assert list(table.index) == ["model.depth"]
    assert list(table.loc["model.depth"]) == ["18", "34", "50", "101"]


def test_settings_that_nothing_obeys_are_no_difference(study, tmp_path):
    samples = load(study)[0].samples.assign(y=0)
    first = members.load(make_run(tmp_path, samples, "first").id, tmp_path)
    data = first.config.model_dump(mode="json")
    phases = [{**phase, "step_epochs": 3, "momentum": 0.5} for phase in data["phases"]]
    changed = {"phases": phases, "mix": {**data["mix"], "alpha": 0.9}}
    other = members.load(make_run(tmp_path, samples, "same", config=changed).id, tmp_path)
    assert {phase["optimizer"] for phase in phases} <= {"adam", "adamw"} and data["mix"]["method"] == "none"
    assert contrast.config_differences([first, other]).empty
    stepped = {"phases": [{**phase, "schedule": "step", "warmup_epochs": 0} for phase in phases]}
    other = members.load(make_run(tmp_path, samples, "stepped", config=stepped).id, tmp_path)
    assert {"phases.1.schedule", "phases.1.step_epochs"} <= set(contrast.config_differences([first, other]).index)


def test_a_transform_that_one_run_lacks_is_a_difference_and_its_place_is_none(study, tmp_path):
    first, second = load(study)[:2]
    data = first.config.model_dump(mode="json")
    flip = next(t for t in data["transforms"] if t["name"] == "HorizontalFlip")
    data["transforms"].remove(flip)
    run = make_run(tmp_path, first.samples.assign(y=0), "without flip", config={"transforms": data["transforms"]})
    without_flip = members.load(run.id, tmp_path)
    table = contrast.config_differences([first, without_flip])
    assert table.loc["transforms.HorizontalFlip", without_flip.id] == contrast.UNSET
    assert second.config.transforms == first.config.transforms


def test_flips_are_photos_that_one_alone_gets_right_the_clearest_first(study):
    base, second = load(study)[:2]
    flips = contrast.flips(pairs.pair(second, base))
    a, b = (members.out_of_fold(m, "best").set_index("sample") for m in (second, base))
    right_a, right_b = a["predicted"] == a["label"], b["predicted"] == b["label"]
    assert set(flips["sample"]) == set(a.index[right_a != right_b.reindex(a.index)])
    for row in flips.head(20).itertuples():
        assert row.p_a == pytest.approx(a.loc[row.sample, f"p_{row.label}"])
        assert row.q_b == pytest.approx(b.loc[row.sample, f"p_{b.loc[row.sample, 'predicted']}"])
        assert (row.right == "run") == bool(right_a[row.sample])
    gaps = (flips["p_a"] - flips["p_b"]).abs().to_numpy()
    assert (np.diff(gaps) <= 1e-12).all()
    test = compared([base, second])[0].photos
    assert (flips["right"] == "run").sum() == test.only_a and (flips["right"] == "baseline").sum() == test.only_b


# bad input


def test_a_failed_and_a_waiting_fold_are_named_and_left_out(study, tmp_path):
    base = copy(study, tmp_path)[0]
    run = make_run(tmp_path, base.samples.assign(y=0), "half", states={1: "failed", 4: "queued"})
    pair = pairs.pair(members.load(run.id, tmp_path), base)
    assert pair.folds == (0, 2, 3)
    assert "Fold 1 of half is failed and left out." in pair.notes
    assert "Fold 4 of half is queued and left out." in pair.notes
    assert "3 shared folds" in pairs.differences([pair])[0].sentence
    assert set(contrast.flips(pair)["fold"]) <= {0, 2, 3}


def test_one_shared_fold_gives_a_difference_without_an_interval(study, tmp_path):
    base = copy(study, tmp_path)[0]
    run = make_run(tmp_path, base.samples.assign(y=0), "one", states={f: "failed" for f in range(1, 5)})
    difference = pairs.differences([pairs.pair(members.load(run.id, tmp_path), base)])[0]
    assert difference.verdict == "undecided" and "no interval, 1 shared fold" in difference.sentence
    assert difference.bootstrap is not None and math.isnan(difference.p) and difference.comparisons == 0
    figure = comparison.deltas([difference], {difference.run: "#0072b2"}, within=0.01)
    dots = next(trace for trace in figure.data if trace.mode == "markers" and len(trace.x) == 1)
    assert dots.x[0] == pytest.approx(100 * difference.deltas[0])


def test_no_finished_fold_is_said(study, tmp_path):
    base = copy(study, tmp_path)[0]
    run = make_run(tmp_path, base.samples.assign(y=0), "none", states={f: "queued" for f in range(5)})
    difference = pairs.differences([pairs.pair(members.load(run.id, tmp_path), base)])[0]
    assert "share no finished fold" in difference.warning and difference.interval is None
    assert contrast.class_scores([base, members.load(run.id, tmp_path)]).iloc[1].isna().all()


def test_scores_that_are_not_numbers_leave_their_fold_out(study, tmp_path):
    runs = copy(study, tmp_path)
    state = runs[1].run.fold_state(2)
    runs[1].run.write_state(type(state)(**{**vars(state), "scores": {**state.scores, "best_f1": math.nan}}))
    pair = pairs.pair(members.load(runs[1].id, tmp_path), runs[0])
    assert pair.folds == (0, 1, 3, 4) and any("no finite F1" in note for note in pair.notes)
    assert set(pair.table["fold"]) == {0, 1, 3, 4}


def test_other_classes_are_refused_by_name(study, tmp_path):
    base = copy(study, tmp_path)[0]
    names = ["blue", "green"]
    run = make_run(
        tmp_path, samples(tmp_path, classes=names), "colours", classes=names, config={"task": {"name": "label"}}
    )
    with pytest.raises(LabError) as caught:
        pairs.pair(members.load(run.id, tmp_path), base)
    assert caught.value.kind == "classes" and "'blue' is a class of the first alone" in caught.value.message


def test_yes_and_no_of_another_attribute_are_other_classes_and_merged_across_one_they_are_the_same(tmp_path):
    answers = ["no", "yes"]
    table = samples(tmp_path, people=10, photos=1, classes=answers)
    tasks = [{"name": "attributes", "attributes": [name]} for name in ("Smiling", "Male", "Smiling")]
    settings = [{"task": task} for task in tasks]
    columns = ("Male", "Smiling", None)  # that the label of a run on a table is in; one on folders has none
    settings += [{"task": {"name": "label"}, "data": {"root": "/photos", "label_column": each}} for each in columns]
    made = [make_run(tmp_path, table, "answers", classes=answers, config=each) for each in settings]
    smiling, *others = load(tmp_path, [run.id for run in made])
    comparable, refused = members.same_classes(smiling, others)
    assert comparable == [others[1], *others[3:]] and [error.kind for error in refused] == ["classes"] * 2
    assert all("those of the first are of Male, of the second of Smiling" in error.message for error in refused)
    assert members.same_classes(others[-1], [*others[:-1], smiling])[0] == [others[0], others[2]], "folders tell either"
    merged = {"name": "mask-gender-age", "merge": {name: [f"mask {name}", f"normal {name}"] for name in CLASSES}}
    chosen = {"name": "attributes", "attributes": ["sex", "age"]}
    chosen["merge"] = {name: [name.replace(" ", " + ", 1)] for name in CLASSES}
    ages = [{"name": "gender-age"}, merged, chosen]
    made = [make_run(tmp_path, samples(tmp_path, people=12, photos=1), "age", config={"task": task}) for task in ages]
    unmasked, *others = load(tmp_path, [run.id for run in made])
    assert members.same_classes(unmasked, others) == (others, []), "as task and classes mean the same"


def test_different_folds_are_a_warning_and_never_a_paired_test(study, tmp_path):
    base = copy(study, tmp_path)[0]
    run = make_run(tmp_path, samples(tmp_path, seed=5), "elsewhere")
    pair = pairs.pair(members.load(run.id, tmp_path), base)
    difference = pairs.differences([pair])[0]
    assert "different folds" in difference.warning and "no paired test" in difference.warning
    assert difference.interval is None and difference.photos is None and difference.bootstrap is None
    assert "cannot be tested against" in difference.sentence and len(contrast.flips(pair)) == 0


def test_people_of_another_dataset_cannot_be_paired(study, tmp_path):
    base = copy(study, tmp_path)[0]
    table = samples(tmp_path)
    run = make_run(tmp_path, table.assign(person="x" + table["person"]), "strangers")
    assert "no person in common" in pairs.pair(members.load(run.id, tmp_path), base).warning


def test_photos_of_one_run_alone_are_left_out_and_scores_are_taken_on_the_rest(study, tmp_path):
    base = copy(study, tmp_path)[0]
    table = base.samples.assign(y=0)
    fewer = table[~table["sample"].str.endswith("-2.jpg")]
    run = make_run(tmp_path, fewer, "fewer", skill=0.8)
    pair = pairs.pair(members.load(run.id, tmp_path), base)
    assert len(pair.table) == len(fewer) and "90 photos held out by one" in " ".join(pair.notes)
    rows = pair.table[pair.table["fold"] == 0]
    theirs = f1_score(rows["label"], rows["predicted_b"], labels=CLASSES, average="macro", zero_division=0)
    assert pair.base_scores[0] == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("replaced", "note"),
    [
        (0, ""),
        (1, "1 photo of the same name has another content in the two runs: a difference may come from that."),
        (2, "2 photos of the same name have another content in the two runs: a difference may come from that."),
    ],
)
def test_photos_that_were_replaced_under_their_names_between_two_runs_are_counted(study, tmp_path, replaced, note):
    older = copy(study, tmp_path)[0]
    table = older.samples.assign(y=0, hash=older.samples["sample"])
    other = table.assign(hash=table["hash"].where(np.arange(len(table)) >= replaced, "other"))
    runs = [make_run(tmp_path, each, "again") for each in (table, other.iloc[::-1])]
    base, run = (members.load(each.id, tmp_path) for each in runs)
    assert pairs.pair(run, base).notes == ((note,) if note else ())
    assert pairs.pair(run, older).notes == (), "an older lab kept no hash"


def test_without_predictions_the_recorded_scores_still_carry_the_interval(study, tmp_path):
    runs = copy(study, tmp_path)
    whole = compared(runs)[2]
    runs[3].run.predictions_file(1, "best").unlink()
    difference = compared(load(tmp_path))[2]
    assert difference.interval == whole.interval and difference.bootstrap is None and difference.photos is None
    assert any("are gone" in note for note in difference.notes)


def test_a_run_deleted_while_compared_is_gone_and_the_others_stay(study, tmp_path):
    runs = copy(study, tmp_path)
    shutil.rmtree(runs[1].run.dir)
    readable, problems = members.load_all([m.id for m in runs], tmp_path)
    assert [m.id for m in readable] == [runs[0].id, runs[2].id, runs[3].id]
    assert problems[0].kind == "gone"
    with pytest.raises(LabError) as caught:  # and when it goes between two looks
        members.out_of_fold(runs[1], "final")
    assert caught.value.kind == "gone"


def test_what_this_account_may_not_read_is_not_said_to_be_damaged_nor_to_be_trained_anew(study, tmp_path, monkeypatch):
    runs = copy(study, tmp_path)

    def refuse(path):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "read", refuse)
        with pytest.raises(LabError, match=r"cannot be read \(Permission denied\)") as caught:
            members.out_of_fold(runs[0], "best")
    assert caught.value.remedy == files.CHECK
    close(monkeypatch, runs[1].run.dir)
    readable, (problem,) = members.load_all([m.id for m in runs], tmp_path)
    assert len(readable) == 3 and "a file of it cannot be read (Permission denied)" in problem.message
    assert (problem.kind, problem.remedy) == ("unreadable", files.CHECK)


@pytest.mark.parametrize("name", ["config.yaml", "run.json", "samples.parquet"])
def test_a_damaged_run_is_named(study, tmp_path, name):
    runs = copy(study, tmp_path)
    (runs[0].run.dir / name).write_text("{nope: [")
    problems = members.load_all([runs[0].id], tmp_path)[1]
    assert len(problems) == 1 and runs[0].id in str(problems[0])


def test_ids_from_an_address_are_checked():
    assert members.load_all(["../../etc", "a"])[1][0].kind == "bad-id"


# cost


def test_multiply_adds_and_parameters_are_the_published_ones(study, tmp_path):
    """torchvision's model table: 11.7 M parameters and 1.81 GFLOPS for ResNet-18 with 1,000 classes at 224 px."""
    config = load(study)[0].config
    size = cost.size_of(config, [f"c{i}" for i in range(1000)], tmp_path)
    assert config.input_size == (224, 224)
    assert size.parameters == 11_689_512 and size.multiply_adds / 1e9 == pytest.approx(1.81, abs=0.005)
    counts = cost.files.read_json(lab_folder(tmp_path) / "costs.json")
    assert list(counts.values()) == [vars(size)]


def test_a_factored_head_costs_its_linear_layers(study, tmp_path):
    config = load(study)[0].config
    factored = config.model_copy(update={"model": config.model.model_copy(update={"head": "factored"})})
    joint, split = (cost.size_of(c, CLASSES, tmp_path) for c in (config, factored))
    assert joint.parameters - split.parameters == 513  # 6 outputs against 2 + 3


def test_a_damaged_table_of_counts_is_counted_anew(study, tmp_path):
    lab_folder(tmp_path).mkdir()
    (lab_folder(tmp_path) / "costs.json").write_text("[1, 2")
    assert cost.size_of(load(study)[0].config, CLASSES, tmp_path).parameters > 11e6


def test_cost_of_a_run_from_its_metrics(study):
    member = load(study)[0]
    run_cost = cost.cost_of(member, member.run.all_metrics())
    assert (run_cost.training_rate, run_cost.validation_rate) == (28.0, 80.0)
    assert run_cost.epoch_seconds == pytest.approx(4.0) and run_cost.seconds == pytest.approx(5 * 6 * 4.0)
    assert run_cost.checkpoint_bytes == 4096 and run_cost.device == "cpu" and run_cost.memory_bytes == 512e6


def test_pareto_front_is_what_nobody_beats():
    assert cost.pareto_front([1, 2, 3, 3, 4], [0.6, 0.7, 0.65, 0.8, 0.8]).tolist() == [True, True, False, True, False]
    assert cost.pareto_front([1, 1], [0.5, 0.5]).tolist() == [True, True]
    assert cost.pareto_front([1, math.nan, 2], [math.nan, 0.9, 0.4]).tolist() == [False, False, True]


def test_what_was_compared_is_known_by_its_files_and_not_by_where_it_lay_in_memory(tmp_path):
    """An address in memory is given to another table once the first is forgotten: two runs were then taken for one."""
    run = make_run(tmp_path, samples(tmp_path))
    first = members.load(run.id, tmp_path)
    version = members.version_of(first, "best")
    members.FROZEN.forget()
    again = members.load(run.id, tmp_path)
    assert again.samples is not first.samples and members.version_of(again, "best") == version
    run.samples().iloc[1:].to_parquet(run.samples_file, index=False)
    assert members.version_of(members.load(run.id, tmp_path), "best") != version


def test_runs_of_which_one_was_told_that_its_dataset_moved_are_of_the_same_photos(tmp_path):
    lab, dataset = tmp_path / "runs", draw_dataset(tmp_path / "photos")
    runs = [frozen_run(lab, dataset, name) for name in ("stays", "moves")]
    for seed, run in enumerate(runs):
        table, names = run.samples(), run.info()["class_names"]
        answer(
            run, table, probabilities_of(table["y"], seed, wrong={seed: 1 - table["y"][seed]}, classes=2), names=names
        )
        for fold in run.folds():
            scores = {f"{which}_{score}": 0.5 for which in ("best", "final") for score in ("f1", "accuracy")}
            run.write_state(FoldState(fold, "done", epoch=1, best_epoch=1, scores=scores))
    before = load(lab, [run.id for run in runs])
    new = dataset.rename(tmp_path / "new")
    relocate(runs[1], new)
    after = load(lab, [run.id for run in runs])
    assert {Path(path).parents[2] for path in before[1].samples["path"]} == {dataset}
    pair = pairs.pair(after[1], after[0])
    assert pair.folds == (0, 1) and len(pair.table) == 8 and not pair.warning and not pair.notes
    flips = contrast.flips(pair)
    assert len(flips) == 2 and all(Path(path).is_file() for path in flips["path"])  # as the run that knows shows them
