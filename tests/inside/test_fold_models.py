import contextlib
import dataclasses
import gc
import os
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import safetensors.torch
import torch

from core.data.images import load_image
from core.errors import LabError
from core.inside import face_maps, fold_answers, fold_models, stress
from core.inside.fold_models import as_seen, faces, fold_model, held_out_fold, prepare
from core.jobs import queue
from core.runs import Run
from core.storage.remembered import bytes_of
from core.training.device import exact_float32
from tests.fold_runs import alone, draw_faces, make_run, pictures

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return draw_faces(tmp_path_factory.mktemp("faces") / "utk")


@pytest.fixture(scope="module")
def template(dataset, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("template"), dataset)


@pytest.fixture
def run(template, tmp_path):
    """A copy of one made run; its files are links, so a test removes a file before it writes another."""
    fold_models.free()
    shutil.copytree(template.dir, tmp_path / "runs" / template.id, copy_function=os.link)
    yield Run(template.id, tmp_path / "runs")
    fold_models.free()


def hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules())


def rewrite(path, change):
    state = safetensors.torch.load_file(path)
    change(state)
    path.unlink()
    safetensors.torch.save_file(state, path)


def test_a_fold_model_answers_as_the_folds_own_network_does(run):
    names = run.samples()["sample"].tolist()[:3]
    for fold in run.folds():
        with fold_model(run, fold) as opened, torch.no_grad():
            assert not opened.model.training
            torch.testing.assert_close(opened.model(prepare(run, names)), alone(run, fold)(pictures(run, names)))


def test_prepare_is_the_trainers_own_picture(run):
    names = run.samples()["sample"].tolist()
    inputs = prepare(run, names)
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs, pictures(run, names), atol=1e-5, rtol=0)
    path = run.samples()["path"].iloc[0]
    assert np.array_equal(as_seen(run.config(), load_image(path, 0)), faces(run, names[:1])[0])


def test_the_fold_of_a_sample_is_the_one_that_held_its_person_out(run):
    table = run.samples()
    for row in table.itertuples():
        assert held_out_fold(run, row.sample) == row.fold
        assert held_out_fold(run, "another photo of the same person", row.person) == row.fold
    for person in (None, "a stranger"):
        with pytest.raises(LabError) as caught:
            held_out_fold(run, "upload.jpg", person)
        assert caught.value.kind == "unknown-sample"


def test_frozen_samples_are_held_by_their_bytes(run):
    """Those of 180,000 photos take hundreds of megabytes, and the lab goes on for weeks."""
    fold_models.FROZEN.forget()
    table = fold_models.frozen_samples(run)
    assert fold_models.frozen_samples(run) is table
    assert fold_models.FROZEN.held == bytes_of(table) > 0


def test_a_model_is_read_once_by_ten_threads_and_held_by_one_at_a_time(run, monkeypatch):
    reads, inside = [], []
    original = fold_models.unfilled
    monkeypatch.setattr(fold_models, "unfilled", lambda *a: reads.append(1) or original(*a))

    def look(_):
        with fold_model(run, 0) as opened:
            inside.append(1)
            most = len(inside)
            opened.model(prepare(run, run.samples()["sample"].tolist()[:1]))
            inside.pop()
            return most

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(look, range(10))) == {1}
    assert len(reads) == 1


def test_one_thread_may_open_what_it_holds(run):
    with fold_model(run, 0) as outer, fold_model(run, 0) as inner:
        assert outer.model is inner.model


@pytest.mark.parametrize("error", [None, IndexError, KeyboardInterrupt])
def test_hooks_modes_and_gradients_are_as_before(run, error):
    with fold_model(run, 0) as opened:
        model = opened.model
    try:
        with fold_model(run, 0) as opened:
            model.layer3.register_forward_hook(lambda *_: None)
            model.layer4.register_full_backward_hook(lambda *_: None)
            model.train()
            for parameter in model.parameters():
                parameter.requires_grad_(True)
            model(torch.rand(2, 3, 64, 64)).sum().backward()
            if error:
                raise error
    except BaseException as raised:
        assert type(raised) is error
    assert hooks(model) == 0
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    with fold_model(run, 0) as opened:
        assert opened.model is model


def test_a_network_answers_in_float32_whatever_ends_beside_it(run, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with contextlib.ExitStack() as baseline:
        baseline.enter_context(exact_float32())
        with fold_model(run, 0):
            baseline.close()
            assert not torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    with fold_model(run, 0):  # which lies open already
        assert not torch.backends.cudnn.allow_tf32


def test_what_is_used_least_recently_is_freed(run, monkeypatch):
    with fold_model(run, 0) as opened:
        first = weakref.ref(opened.model)
        size = sum(t.numel() * t.element_size() for t in opened.model.state_dict().values())
    monkeypatch.setattr(fold_models, "CACHE_BYTES", int(2.5 * size))
    del opened
    for fold, which in ((1, "best"), (0, "final")):
        with fold_model(run, fold, which):
            pass
    gc.collect()
    assert first() is None
    assert fold_models.opened() == 2


def test_new_weights_take_the_place_of_old_ones(run):
    with fold_model(run, 0) as opened:
        old = weakref.ref(opened.model)
    del opened
    rewrite(run.weights_file(0, "best"), lambda state: state["fc.bias"].fill_(7))
    os.utime(run.weights_file(0, "best"), (1, 1))
    with fold_model(run, 0) as opened:
        assert (opened.model.fc.bias == 7).all()
    gc.collect()
    assert old() is None
    assert fold_models.opened() == 1


def test_a_run_for_a_gpu_opens_on_the_cpu(run):
    text = (
        run.config_file.read_text()
        .replace("device: cpu", "device: cuda")
        .replace("  precision: auto\n", "  precision: bfloat16\n")
    )
    assert "device: cuda" in text and "precision: bfloat16" in text
    run.config_file.unlink()
    run.config_file.write_text(text)
    with fold_model(run, 0, device="cpu") as opened:
        assert next(opened.model.parameters()).dtype == torch.float32
        assert opened.device.type == "cpu"
        assert opened.config.training.device == "cuda"


def expect(run, kind, words, **where):
    with pytest.raises(LabError) as caught, fold_model(run, **{"fold": 0, **where}):
        pass
    assert caught.value.kind == kind
    assert words in caught.value.message
    assert caught.value.remedy
    assert fold_models.opened() == 0


def test_a_deleted_checkpoint_is_told(run):
    run.weights_file(0, "best").unlink()
    expect(run, "checkpoint", "are gone from the run folder")


def test_a_checkpoint_that_is_not_there_yet_is_told(run):
    run.weights_file(0, "best").unlink()
    run.write_state(dataclasses.replace(run.written_state(0), state="queued"))
    expect(run, "checkpoint", "has no best weights yet")


def test_a_damaged_checkpoint_is_told(run):
    path = run.weights_file(0, "best")
    start = path.read_bytes()[:1000]
    path.unlink()
    path.write_bytes(start)
    expect(run, "checkpoint", "cannot be read")


def test_a_checkpoint_of_another_network_is_told(run):
    rewrite(run.weights_file(0, "best"), lambda state: state.pop("layer2.0.conv1.weight"))
    expect(run, "checkpoint", "layer2.0.conv1.weight")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_told(run, value):
    rewrite(run.weights_file(0, "best"), lambda state: state["layer3.0.conv1.weight"][0].fill_(value))
    expect(run, "weights", "layer3.0.conv1.weight")


def test_a_run_or_fold_that_is_gone_is_told(run):
    expect(run, "fold", "no fold 9", fold=9)
    with fold_model(run, 1):
        pass
    run.delete()
    fold_models.free()
    expect(run, "gone", "is gone")
    expect(Run("never-was", run.dir.parent), "gone", "is gone")
    with pytest.raises(LabError) as caught:
        held_out_fold(run, "x")
    assert caught.value.kind == "gone"


def test_an_image_that_is_gone_is_named(run, tmp_path):
    table = run.samples()
    table.loc[0, "path"] = str(tmp_path / "moved" / table.loc[0, "sample"])
    (run.dir / "samples.parquet").unlink()
    table.to_parquet(run.dir / "samples.parquet")
    row = table.iloc[0]
    with pytest.raises(LabError) as caught:
        prepare(run, [row["sample"]])
    assert caught.value.kind == "missing-file"
    assert row["path"] in caught.value.message
    with pytest.raises(LabError) as caught:
        prepare(run, ["nobody.jpg"])
    assert caught.value.kind == "unknown-sample"


# On a machine with GPUs


@pytest.fixture
def two_gpus(run, monkeypatch):
    """torch sees two GPUs, each with a slot; what a model is moved to is noted and stays on the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    monkeypatch.setattr(fold_models, "_open", lambda run, fold, which, device: Opened(device))
    monkeypatch.setenv("FACET_SLOTS", "2")
    return emptied


class Opened:
    def __init__(self, device):
        self.device, self.model = device, torch.nn.Linear(2, 2)


def device_of(run, fold=0):
    with fold_model(run, fold) as opened:
        return str(opened.device)


def test_looking_leaves_a_gpu_on_which_something_trains_to_the_training(run, two_gpus):
    first, second = queue.slot_locks(run.dir.parent)
    assert device_of(run) == "cuda:0"
    with first:
        assert device_of(run) == "cuda:1"
        assert fold_models.opened() == 1, "what lay on the other is given back to its training"
        assert len(two_gpus) == 1, "and torch keeps none of it for itself"
        with second:
            assert device_of(run) == "cpu"
            assert fold_models.opened() == 1
            assert len(two_gpus) == 2
    assert device_of(run) == "cuda:0"


def test_more_slots_than_gpus_share_them(run, two_gpus, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "4")
    with queue.slot_locks(run.dir.parent)[2]:
        assert device_of(run) == "cuda:1"


def test_memory_is_given_back_after_a_while_without_use(run, monkeypatch):
    started = []

    class Timer:
        def __init__(self, seconds, act):
            self.seconds, self.act, self.cancelled = seconds, act, False
            started.append(self)

        def start(self):
            pass

        def cancel(self):
            self.cancelled = True

    monkeypatch.setattr(fold_models.threading, "Timer", Timer)
    with fold_model(run, 0):
        pass
    with fold_model(run, 1):
        pass
    assert [timer.cancelled for timer in started] == [True, False], "each use puts it off"
    assert started[-1].seconds == fold_models.IDLE
    assert fold_models.opened() == 2
    started[-1].act()
    assert fold_models.opened() == 0
    monkeypatch.setattr(fold_models, "_clock", None)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"),
        MemoryError(),
    ],
)
def test_a_lack_of_memory_is_a_sentence_and_what_was_held_is_given_back(run, monkeypatch, error):
    with pytest.raises(LabError) as caught, fold_model(run, 0):
        raise error
    assert caught.value.kind == "memory"
    assert "not enough memory" in caught.value.message
    assert "fewer photos" in caught.value.remedy
    assert fold_models.opened() == 0

    def too_large(*arguments):
        raise error

    monkeypatch.setattr(fold_models, "_open", too_large)
    names = run.samples()["sample"].tolist()[:2]
    for act in (
        lambda: face_maps.held_out(run, names, face_maps.MapRequest()),
        lambda: face_maps.every_fold(run, names, face_maps.MapRequest()),
        lambda: face_maps.of_uploads(run, {"a": faces(run, names)[0]}, face_maps.MapRequest()),
        lambda: fold_answers.between_folds(run, names),
        lambda: stress.stress(run, 0, stress.held_out(run, 0, 2, 0), "GaussianBlur", None, [0.5]),
    ):
        with pytest.raises(LabError) as caught:
            act()
        assert caught.value.kind == "memory"


def test_other_errors_stay_what_they_are(run):
    with pytest.raises(ZeroDivisionError), fold_model(run, 0):
        raise ZeroDivisionError
    assert fold_models.opened() == 1
