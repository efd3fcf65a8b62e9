"""`python -m core study FILE`: what is refused before anything is queued, and what is launched."""

import shutil

import pytest
import yaml

from core.cli import progress
from core.errors import LabError
from core.jobs import control, halt
from core.runs import FoldState, Run
from core.runs.lists.summaries import summaries
from core.studies import grid as study
from core.studies import record_file
from tests.closed import close

SET = {"folds.count": 2, "task.name": "label", "phases.0.epochs": 2, "training.batch_size": 8}
SEEDS = {"training.seed": [0, 1]}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """write(grid, set) -> a study file on the recipe quick; no worker is started."""
    monkeypatch.setattr(control, "start_worker", lambda root: None)

    def write(grid, **shared):
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump({"name": "trial", "recipe": "quick", "set": {**SET, **shared}, "grid": grid}))
        return path

    return write


def refused(done) -> str:
    assert done.code == 1 and "Traceback" not in done.out + done.err
    assert not summaries() and not control.waiting() and not record_file.all_studies()
    return done.err


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"mix.alpha": [0.2, 0]}, "mix.alpha: input should be greater than 0, found 0"),
        ({"mix.alpha": [-1]}, "mix.alpha: input should be greater than 0, found -1"),
        ({"phases.0.epochs": [0]}, "phases.0.epochs: input should be greater than or equal to 1, found 0"),
        ({"model.depth": []}, "the grid is empty"),
        ({"folds.count": [2, 3]}, "ask for different folds"),
        ({"model.init": ["run:20260101-000000-gone-0000"]}, "there is no run '20260101-000000-gone-0000'"),
    ],
)
def test_a_study_that_cannot_be_is_refused_by_name(lab, write, tiny_dataset, grid, said):
    assert said in refused(lab("study", write(grid), "--data", tiny_dataset))


@pytest.mark.parametrize("content", [None, "name: mine\n".encode("utf-16"), b"grid: {a: ["])
def test_a_study_file_that_cannot_be_read_is_named(lab, tmp_path, tiny_dataset, content):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    assert "error: " in (message := refused(lab("study", path, "--data", tiny_dataset))) and message.count("\n") == 2


def test_a_dataset_that_the_file_names_is_not_taken_in_place_of_the_one_that_was_typed(lab, write, tiny_dataset):
    for grid, shared in (({"training.seed": [0, 1]}, {"data.root": "/other"}), ({"data.root": ["/other"]}, {})):
        message = refused(lab("study", write(grid, **shared), "--data", tiny_dataset))
        assert f"its file names the dataset /other, and --data {tiny_dataset}" in message
        assert "Take data.root out of the file" in message


def test_a_folder_that_cannot_be_is_said_also_where_its_file_names_another(lab, write, tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for folder in ("~nosuchuser/faces", tmp_path / "loop"):
        assert f"dataset {folder}: there is no such folder" in refused(lab("study", write(SEEDS), "--data", folder))
        message = refused(lab("study", write(SEEDS, **{"data.root": "/other"}), "--data", folder))
        assert f"names the dataset /other, and --data {folder}" in message
    message = refused(lab("study", write(SEEDS, **{"data.root": "~nosuchuser\0"}), "--data", tmp_path))
    assert "cannot be a path" in message


def test_ten_thousand_runs_are_asked_about_before_anything_is_planned(lab, write, tiny_dataset, monkeypatch):
    monkeypatch.setattr(study, "make_plans", lambda *given, **options: pytest.fail("they were planned"))
    grid = {"training.seed": list(range(100)), "training.batch_size": list(range(2, 102))}
    message = refused(lab("study", write(grid), "--data", tiny_dataset))
    assert "10,000 runs" in message and "--yes" in message


def test_the_help_says_from_how_many_runs_on_a_grid_is_refused(lab):
    words = " ".join(word for word in lab("study", "--help").out.split() if word != "│")
    assert f"Launch a grid of more than {study.ASK_ABOVE} runs, too; else it is refused." in words


def test_weights_that_are_not_here_are_said_and_nothing_is_queued(lab, write, tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    file = write({"model.depth": [18, 34]}, **{"model.init": "imagenet"})
    message = refused(lab("study", file, "--data", tiny_dataset))
    assert "resnet18-f37072fd.pth, 45 MB" in message


def test_a_parent_that_is_unfinished_or_of_another_dataset_is_refused(lab, write, tiny_dataset, tmp_path):
    first = lab("study", write({"training.seed": [0]}), "--data", tiny_dataset)
    assert first.code == 0, first.err
    parent = Run(first.out.split()[0])
    again = lab("study", write({"model.init": [f"run:{parent.id}"]}), "--data", tiny_dataset)
    assert again.code == 1 and f"fold 0 of {parent.id} is queued" in again.err
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"weights")
        parent.write_state(FoldState(fold, "done"))
    samples = parent.samples()
    samples["person"] = "stranger " + samples["person"].astype(str)
    samples.to_parquet(parent.dir / "samples.parquet", index=False)
    other = lab("study", write({"model.init": [f"run:{parent.id}"]}), "--data", tiny_dataset)
    assert other.code == 1 and "is known to the parent run" in other.err
    assert len(summaries()) == 1


def test_a_study_file_launches_every_combination(lab, write, tiny_dataset, runs_folder):
    halt.stop(runs_folder, "it fails.", "Mend it.")
    done = lab("study", write({"training.seed": [0, 1], "model.depth": [18, 34]}), "--data", tiny_dataset)
    assert done.code == 0, done.err
    (record,) = record_file.all_studies()
    assert done.out.split() == record.run_ids and len(record.run_ids) == 4
    assert "4 runs, 8 fold jobs" in done.err
    assert f"study {record.id}; write it up with: python -m core report {record.id} --runs {runs_folder}" in done.err
    assert "The queue has stopped: it fails. Mend it.\nLet it go on with: python -m core worker" in done.err


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_run_that_is_refused_is_not_printed_as_launched(
    lab, write, tiny_dataset, runs_folder, monkeypatch, is_closed
):
    """Nor where the records of studies go out of reach once the first one was launched."""
    launch = control.launch

    def first_alone(plan, *given, **more):
        if plan.config.training.seed:
            raise LabError("the disk is full.", "Make room.", kind="disk-full")
        run = launch(plan, *given, **more)
        if is_closed:
            close(patch, record_file.folder_of(runs_folder))
        return run

    with monkeypatch.context() as patch:
        patch.setattr(control, "launch", first_alone)
        done = lab("study", write({"training.seed": [0, 1]}), "--data", tiny_dataset)
    (record,) = record_file.all_studies()
    assert done.code == 1 and done.out.split() == record.run_ids[:1]
    assert f"{record.run_ids[1]} was not launched: the disk is full. Make room." in done.err
    assert (f"study {record.id}: its record cannot be read (Permission denied)." in done.err) == is_closed


def test_a_run_that_is_deleted_meanwhile_does_not_end_the_waiting_for_the_others(
    lab, write, tiny_dataset, runs_folder, monkeypatch
):
    def meanwhile(root):
        first, second = (Run(run_id, root) for run_id in record_file.all_studies()[0].run_ids)
        shutil.rmtree(first.dir, ignore_errors=True)
        for fold in second.folds():
            second.write_state(FoldState(fold, "cancelled"))

    monkeypatch.setattr(progress.healing, "look_after", meanwhile)
    done = lab("study", write({"training.seed": [0, 1]}), "--data", tiny_dataset, "--wait")
    first, _, *table = done.out.splitlines()
    assert done.code == 1 and f"run '{first}' is gone. It was deleted while it trained." in done.err
    assert sum("cancelled" in line for line in table) == 2, "the other was waited for"
