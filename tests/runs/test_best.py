from core.runs import FoldState, Run
from core.runs.lists import best as lists_best
from core.runs.lists import index
from core.runs.lists.best import among, best_of, highest, same_classes, share_done
from core.runs.lists.index import Listed
from core.storage import files
from tests.pages.trials import make_run


def scored(folder, name, *f1, **settings):
    run = make_run(folder, name, states=("done",) * len(f1), **settings)
    for fold, mean in enumerate(f1):
        scores = {f"{which}_{what}": mean for which in ("best", "final") for what in ("f1", "accuracy", "loss")}
        state = run.written_state(fold)
        run.write_state(type(state)(fold, "done", epoch=4, best_epoch=4, scores=scores))
    return run


def test_the_best_is_found_among_runs_on_the_same_photos_classes_and_folds(runs_folder):
    worse, better = scored(runs_folder, "worse", 0.5, 0.6, 0.6), scored(runs_folder, "better", 0.6, 0.7, 0.5)
    scored(runs_folder, "of two folds", 0.9, 0.9)
    scored(runs_folder, "of fewer photos", 0.8, 0.8, 0.8, lacks=1)
    half = scored(runs_folder, "half done", 0.9, 0.9, 0.9)
    half.write_state(type(half.written_state(0))(1, "queued"))
    best = best_of(index.listed(runs_folder))
    assert list(best) == [better.id]
    assert "Highest mean F1 of 2 finished runs on the same photos, classes and folds." in best[better.id].in_words()
    assert "does not show it to be better" in best[better.id].in_words()
    worse_summary = files.read_json(worse.summary_file)
    worse.summary_file.unlink()
    assert index.listed(runs_folder) and files.read_json(worse.summary_file)["split"] == worse_summary["split"]


def test_equal_means_are_all_best_and_runs_of_an_older_lab_are_compared_by_their_settings(runs_folder):
    made = [scored(runs_folder, name, 0.5, 0.5) for name in ("one", "two")]
    other = scored(runs_folder, "another seed", 0.9, 0.9, folds={"count": 2, "seed": 7})
    for run in (*made, other):
        summary = files.read_json(run.summary_file)
        del summary["split"]
        files.write_json(run.summary_file, summary)
    best = best_of(index.listed(runs_folder))
    assert best.keys() == {run.id for run in made}
    assert "as far as their settings tell" in best[made[0].id].in_words()


def test_no_run_has_the_highest_f1_where_they_tell_different_classes(runs_folder):
    worse, better = scored(runs_folder, "worse", 0.5, 0.6), scored(runs_folder, "better", 0.6, 0.7)
    assert highest(index.listed(runs_folder)).id == better.id and highest([]) is None
    worse.update_info(class_names=["a", "b", "c"])
    assert highest(index.listed(runs_folder)) is None
    better.update_info(class_names=["c", "b", "a"])
    assert highest(index.listed(runs_folder)).id == better.id
    scored(runs_folder, "of another task", 0.9, 0.9).write_state(FoldState(0, "queued"))
    assert highest(index.listed(runs_folder)) is None, "its other fold is finished"


def test_no_run_has_the_highest_f1_where_one_tells_a_yes_to_one_attribute_and_one_to_another(runs_folder):
    tasks = [{"name": "attributes", "attributes": [name]} for name in ("smiling", "male", "smiling")]
    made = [scored(runs_folder, f"run {place}", 0.5, 0.6, task=task) for place, task in enumerate(tasks)]
    for column in ("smiling", "male"):  # that a run calls its label
        data = {"root": "/photos/demo", "label_column": column}
        made.append(scored(runs_folder, f"label {column}", 0.5, 0.6, task={"name": "label"}, data=data))
    for run in made:
        run.update_info(class_names=["no", "yes"])
    entries = {entry.id: entry for entry in index.listed(runs_folder)}
    smiling, male, again, label, other = (entries[run.id] for run in made)
    assert highest(entries.values()) is highest([smiling, male]) is highest([label, other]) is None
    assert highest([smiling, again, label]) in (smiling, again, label) and highest([male, other]) in (male, other)


def test_the_mean_of_one_lucky_fold_is_not_the_highest_beside_runs_that_are_finished(runs_folder):
    better = scored(runs_folder, "better", 0.6, 0.7, 0.6)
    scored(runs_folder, "worse", 0.5, 0.6, 0.6)
    lucky = scored(runs_folder, "lucky", 0.9, 0.9, 0.9)
    for fold in (1, 2):
        lucky.write_state(FoldState(fold, "failed"))
    entries = index.listed(runs_folder)
    assert highest(entries).id == better.id
    assert among(map(share_done, entries)) == " of the finished runs"
    assert among([0.4, 0.2]) == " of the runs that have come furthest" and among([0.4, 0.4]) == among([]) == ""


def test_the_classes_of_all_runs_of_a_large_study_are_remembered(runs_folder, monkeypatch):
    entries = [Listed({"id": f"20260101-000000-r-{number:04x}"}, root=runs_folder) for number in range(5_000)]
    for entry in entries:
        run = Run(entry.id, runs_folder)
        run.dir.mkdir(parents=True)
        run.info_file.write_text('{"class_names": ["a", "b"]}')
    assert same_classes(entries)
    read, read_json = [], files.read_json
    monkeypatch.setattr(lists_best, "read_json", lambda path: read.append(path) or read_json(path))
    assert same_classes(entries) and read == []
