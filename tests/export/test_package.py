import csv
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import safetensors.torch
from PIL import Image

from core.config.run_config import from_dict
from core.config.transforms import TRANSFORMS, Transform
from core.errors import LabError
from core.export import archive, card, network, parity
from core.export import package as packages
from core.export.runtime import command, decoders
from core.export.runtime.package_folder import PackageFolder, check_sums
from core.export.steps import steps_of
from core.export.temperatures import temperatures
from core.inside.fold_models import fold_model
from core.places import HOME
from core.runs import FoldState, Run
from core.runs.origins import Origin
from core.training import checkpoint
from tests.answered import answer
from tests.export.odd_runs import torch_answers
from tests.fold_runs import make_run

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("half")]  # long: its fixtures, once

BARE = ("onnxruntime", "numpy", "numpy.libs", "PIL", "pillow.libs")


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A folder with three packages, and nothing else, to be imported from."""
    folder = tmp_path_factory.mktemp("bare")
    installed = Path(sysconfig.get_path("purelib"))
    for name in BARE:
        if (installed / name).is_dir():
            (folder / name).symlink_to(installed / name)
    return folder


def run_bare(bare, folder, *arguments):
    """predict.py of a package in a Python that has three packages."""
    code = (
        f"import sys, runpy; sys.path.append({str(bare)!r}); sys.argv[0] = 'predict.py'; "
        "runpy.run_path('predict.py', run_name='__main__')"
    )
    command_line = [sys.executable, "-I", "-S", "-B", "-c", code, *map(str, arguments)]
    return subprocess.run(command_line, cwd=folder, capture_output=True, text=True)


def rows_of(text):
    return list(csv.DictReader(text.splitlines()))


def test_the_packaged_networks_answer_as_the_run_did(taken):
    table = pd.read_csv(taken.folder / "parity.csv")
    samples = taken.run.samples()
    forms = set(table["network"])
    assert {"onnx"} <= forms and ("pt2" in forms) == (taken.folder / "folds/0/model.pt2").exists()
    for form in forms:
        rows = table[table["network"] == form]
        assert list(rows["fold"]) == taken.run.folds()
        assert rows["photos"].sum() == rows["checked"].sum() == len(samples)
    exact = table[table["network"] != "int8"]
    assert (exact["changed_answers"] == 0).all()
    assert (exact["largest_difference"] < 1e-5).all() and (exact["largest_difference"] >= 0).all()
    assert all(fold.holds for fold in taken.packaged.parity)
    assert not taken.packaged.notes


def test_parity_would_show_networks_of_other_folds(joint, tmp_path):
    swapped = tmp_path / "swapped"
    shutil.copytree(joint.folder, swapped)
    for fold, other in ((0, 1), (1, 0)):
        shutil.copy(joint.folder / f"folds/{other}/model.onnx", swapped / f"folds/{fold}/model.onnx")
    opened = PackageFolder(swapped, [0])
    (of_fold,) = parity.of_fold(opened, joint.run, 0, {"onnx": opened.answers}, 1.0).of_networks
    assert of_fold.checked == of_fold.photos and of_fold.largest > 1e-3
    assert not of_fold.holds


def test_predict_py_needs_three_packages_and_answers_photo_files_as_torch_does(taken, request, capsys):
    samples = taken.run.samples()
    if taken is request.getfixturevalue("joint"):
        done = run_bare(request.getfixturevalue("bare"), taken.folder, *samples["path"])
        assert done.returncode == 0, done.stderr
        rows = rows_of(done.stdout)
    else:  # the same file, with answers of another head
        assert command.main(taken.folder, samples["path"].tolist()) == 0
        rows = rows_of(capsys.readouterr().out)
    reference = np.mean([torch_answers(taken.run, fold, samples["sample"]) for fold in taken.run.folds()], axis=0)
    names = taken.run.info()["class_names"]
    shares = np.array([[float(row[f"p_{name}"]) for name in names] for row in rows])
    assert np.abs(shares - reference).max() < 1e-4
    assert [row["class"] for row in rows] == [names[place] for place in reference.argmax(1)]
    assert [row["photo"] for row in rows] == list(samples["path"])


def test_one_fold_alone_gives_the_runs_out_of_fold_table(joint, tmp_path, capsys):
    answered = joint.run.predictions(1)
    paths = joint.run.samples().set_index("sample")["path"]
    out = tmp_path / "fold.csv"
    assert command.main(joint.folder, [*paths[answered["sample"]], "--fold", "1", "--out", str(out)]) == 0
    assert capsys.readouterr() == ("", "")
    rows = rows_of(out.read_text("utf-8"))
    columns = [column for column in answered if column.startswith("p_")]
    shares = np.array([[float(row[column]) for column in columns] for row in rows])
    assert np.abs(shares - answered[columns].to_numpy()).max() < 1e-4
    assert [row["class"] for row in rows] == list(answered["predicted"])
    assert "folds_agree" not in rows[0]


def test_predict_py_says_which_photo_is_none_and_answers_the_others(joint, tmp_path, capsys):
    good = joint.run.samples()["path"].iloc[0]
    (tmp_path / "=none.jpg").write_bytes(b"no photo")
    shutil.copy(good, tmp_path / f"photo{Path(good).suffix}")
    assert command.main(joint.folder, [str(tmp_path)]) == 1
    printed = capsys.readouterr()
    none, photo = rows_of(printed.out)
    assert "1 of 2 photos could not be read" in printed.err
    assert none["class"] == "" and "not an image" in none["fault"]
    assert photo["class"] in joint.run.info()["class_names"] and not photo["fault"]


def test_predict_py_answers_every_photo_whatever_bytes_its_name_is_made_of(joint, bare, tmp_path):
    """An archive of another country unpacks to such names; the answers to all the others were lost with it."""
    good, table = joint.run.samples()["path"].iloc[0], tmp_path / "answers.csv"
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in (b"a.png", b"caf\xe9.png", b"z.png"):
        shutil.copy(good, photos / os.fsdecode(name))
    done = run_bare(bare, joint.folder, photos)
    assert done.returncode == 0, done.stderr
    assert command.main(joint.folder, [str(photos), "--out", str(table)]) == 0
    for rows in map(rows_of, (done.stdout, table.read_text("utf-8"))):
        assert [row["photo"] for row in rows] == [f"{photos}/{name}" for name in ("a.png", "caf\\udce9.png", "z.png")]
        assert len({row["class"] for row in rows}) == 1 and not any(row["fault"] for row in rows)


def test_predict_py_overlooks_no_folder_and_takes_nothing_of_a_systems(joint, tmp_path, monkeypatch, capsys):
    good, listing = joint.run.samples()["path"].iloc[0], os.scandir
    photos = tmp_path / "photos"
    left_out = ("@eaDir/x.png", "a/__MACOSX/x.png", ".thumbnails/x.png", "a/._x.png", ".x.png")
    for name in ("x.png", "a/y.png", *left_out):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(good, photos / name)
    (photos / "closed").mkdir()
    (photos / "gone.png").symlink_to("nowhere.png")

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert command.main(joint.folder, [str(photos)]) == 1
    printed = capsys.readouterr()
    faults = {os.path.relpath(row["photo"], photos): row["fault"] for row in rows_of(printed.out)}
    assert list(faults) == ["a/y.png", "closed", "gone.png", "x.png"]
    assert faults["closed"] == "the folder cannot be listed (Permission denied). Check its rights."
    assert "there is no such file" in faults["gone.png"] and not faults["x.png"] and not faults["a/y.png"]
    assert "2 of 4 photos could not be read" in printed.err
    assert command.main(joint.folder, [str(photos / "closed")]) == 1
    assert "cannot be listed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nothing"], "no photo"), (["photo.jpg", "--fold", "9"], "no fold 9"), (["x.jpg", "--out", "no/x.csv"], "no/")],
)
def test_predict_py_refuses_in_words(joint, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing").mkdir()
    assert command.main(joint.folder, arguments) == 1
    printed = capsys.readouterr()
    assert words in printed.err and "Traceback" not in printed.err


def test_a_name_that_a_spreadsheet_would_run_is_text(joint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(joint.folder, ["=1+1.jpg"]) == 1
    assert "\n'=1+1.jpg," in capsys.readouterr().out


def test_every_file_is_listed_with_its_sum(joint):
    listed_sums = dict(line.split("  ")[::-1] for line in (joint.folder / "SHA256SUMS").read_text().splitlines())
    files = {p.relative_to(joint.folder).as_posix(): p for p in joint.folder.rglob("*") if p.is_file()}
    assert set(listed_sums) == set(files) - {"SHA256SUMS"}
    for name, digest in listed_sums.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == digest


def test_a_damaged_file_is_named(joint, tmp_path):
    shutil.copytree(joint.folder, tmp_path / "damaged")
    check_sums(tmp_path / "damaged")
    (tmp_path / "damaged/folds/1/model.onnx").write_bytes(b"cut off")
    with pytest.raises(LabError, match=r"folds/1/model\.onnx"):
        check_sums(tmp_path / "damaged")
    with pytest.raises(LabError, match="no network") as caught:
        PackageFolder(tmp_path / "damaged", [1])
    assert caught.value.kind == "package"


def test_the_weights_are_those_of_the_run(taken):
    for fold in taken.run.folds():
        copied = taken.folder / f"folds/{fold}/model.safetensors"
        assert copied.read_bytes() == taken.run.weights_file(fold, "best").read_bytes()


def test_the_card_tells_classes_scores_and_limits_and_no_place_of_this_machine(taken):
    card = (taken.folder / "README.md").read_text("utf-8")
    for words in ("female 30-59", "must not be used for", "0 changed answers", "Not calibrated", taken.run.id):
        assert words in card
    root = str(Path(taken.run.config().data.root).parent)
    for path in taken.folder.rglob("*"):
        if path.is_file():
            assert root.encode() not in path.read_bytes(), path
    assert "core." not in "".join(p.read_text("utf-8") for p in (taken.folder / "facet").glob("*.py"))


@pytest.fixture(scope="module")
def many(half, tmp_path_factory):
    """A run whose folds held out enough photos to be calibrated; a quarter of their answers is wrong."""
    root = tmp_path_factory.mktemp("many")
    (root / "faces").mkdir()
    rng = np.random.default_rng(2)
    for number, (age, gender) in enumerate([(age, gender) for age in (20, 40, 70) for gender in (0, 1)] * 18):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((64, 64))
        coarse.save(root / f"faces/{age}_{gender}_0_2017010920365{number:04d}.jpg", quality=95)
    run = make_run(root / "runs", root / "faces", kept=("best",))
    samples, names = run.samples(), run.info()["class_names"]
    shares = np.zeros((len(samples), len(names)))
    for fold in run.folds():
        weights = safetensors.torch.load_file(run.weights_file(fold, "best"))
        surer = {name: value * (100 if name.startswith("fc.") else 1) for name, value in weights.items()}
        safetensors.torch.save_file(surer, run.weights_file(fold, "best"))  # random ones find all classes as likely
        rows = np.flatnonzero(samples["fold"] == fold)
        shares[rows] = torch_answers(run, fold, samples["sample"].iloc[rows])
    ranked = np.argsort(-shares, axis=1)
    samples["y"] = np.where(np.arange(len(samples)) % 4, ranked[:, 0], ranked[:, 1])
    samples["class_name"] = [names[label] for label in samples["y"]]
    samples.to_parquet(run.samples_file, index=False)
    answer(run, samples, shares, which=("best",), names=names)
    return run


@pytest.mark.usefixtures("exported")
def test_what_is_held_against_the_run_after_a_temperature_is_told_so_with_it(many, joint, tmp_path):
    """The card and the page promised the run's answers to the seventh digit; those of Predict were others."""
    fitted = temperatures(many, many.folds()).of_fold
    assert all(value != 1 for value in fitted.values())
    (tmp_path / "package").mkdir()
    packaged = packages.build(many, tmp_path / "package", formats=["onnx"])
    said = json.loads((tmp_path / "package/preprocess.json").read_text())["parity"]
    assert said == parity.sentence(packaged.parity) and said in (tmp_path / "package/README.md").read_text("utf-8")
    assert "108 of 108 held-out photos" in said and ": 0 changed answers" in said
    assert said.endswith(f", on both sides after each fold's temperature ({fitted[0]:.2f} and {fitted[1]:.2f}).")
    assert "temperature" not in parity.sentence(joint.packaged.parity), "it has too few photos for one"


def test_temperature_is_inside_the_network(joint, tmp_path):
    with fold_model(joint.run, 0, device="cpu") as opened:
        graph = onnx.load(joint.folder / "folds/1/model.onnx")
        for temperature in (1.0, 2.5):
            network.write_onnx(graph, opened, tmp_path / f"{temperature}.onnx", temperature, {"run": joint.run.id})
    photos = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    plain, tempered = (
        onnxruntime.InferenceSession(str(tmp_path / f"{name}.onnx")).run(None, {"photos": photos})[0]
        for name in ("1.0", "2.5")
    )
    logits = np.log(plain) / 2.5
    reference = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    packaged = PackageFolder(joint.folder, [0]).answers(photos)
    assert np.abs(plain - packaged).max() < 1e-6  # the weights of fold 0 in the graph that fold 1's file holds
    assert np.abs(tempered - reference).max() < 1e-6 and np.abs(tempered - plain).max() > 1e-3


def test_a_zip_holds_one_folder_and_is_not_overwritten_unasked(joint, tmp_path):
    with zipfile.ZipFile(joint.zip) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {joint.run.id}
        assert archive.testzip() is None
    before = joint.zip.read_bytes()
    with pytest.raises(LabError, match="exists already") as caught:
        packages.package(joint.run, joint.zip)
    assert caught.value.kind == "exists" and joint.zip.read_bytes() == before


@pytest.fixture
def damaged(joint, tmp_path):
    """A copy of the joint run, to be damaged: its files are the same, and those that a test writes anew are its own."""
    shutil.copytree(joint.run.dir, tmp_path / "runs" / joint.run.id, copy_function=os.link)
    return Run(joint.run.id, tmp_path / "runs")


@pytest.mark.usefixtures("exported")
def test_a_package_names_what_reads_the_photos_of_its_training_and_overlooks_none_without_it(damaged, bare, tmp_path):
    """A folder of DICOM pictures held no photo, it said; beside others they were left out without a word."""
    samples, good = damaged.samples(), damaged.samples()["path"].iloc[0]
    samples.loc[:1, "path"] = ["/photos/a.dcm", "/photos/b.HEIC"]
    damaged.samples_file.unlink()  # the file of the run that this one is a copy of
    samples.to_parquet(damaged.samples_file, index=False)
    (tmp_path / "package").mkdir()
    packages.build(damaged, tmp_path / "package", check=0, formats=["onnx"])
    named = (tmp_path / "package/requirements.txt").read_text("utf-8").split()[3:]
    assert named == [decoders.PYDICOM, decoders.PI_HEIF]
    assert "onnxruntime, numpy, Pillow, pydicom and pi-heif" in (tmp_path / "package/predict.py").read_text("utf-8")
    for names in (("a.dcm",), ("a.dcm", "b.heic", f"c{Path(good).suffix}")):
        photos = tmp_path / f"{len(names)}"
        photos.mkdir()
        for name in names:
            content = {"a.dcm": bytes(128) + b"DICM", "b.heic": b"\0\0\0\x18ftypheic" + bytes(40)}
            (photos / name).write_bytes(content.get(name) or Path(good).read_bytes())
        done = run_bare(bare, tmp_path / "package", photos)
        rows = rows_of(done.stdout)
        assert [Path(row["photo"]).name for row in rows] == list(names), done.stderr
        for row, package in zip(rows, (decoders.PYDICOM, decoders.PI_HEIF), strict=False):
            assert f"python -m pip install {package} " in row["fault"] and "lab's folder" not in row["fault"]
        assert [bool(row["class"]) for row in rows] == [name.startswith("c") for name in names]


def test_what_reads_other_photos_is_pinned_as_the_lab_has_it_and_named_only_where_it_is_needed(joint):
    extras = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert [*extras["dicom"], *extras["heic"]] == [decoders.PYDICOM, decoders.PI_HEIF]
    needs = (joint.folder / "requirements.txt").read_text("utf-8").split()
    assert [package.partition("==")[0] for package in needs] == ["onnxruntime", "numpy", "pillow"]
    assert "Needs onnxruntime, numpy and Pillow alone:" in (joint.folder / "predict.py").read_text("utf-8")


@pytest.mark.parametrize("whose", [12, 5, 0])
def test_the_card_promises_people_only_where_it_is_known_whom_all_photos_show(damaged, whose):
    damaged.update_info(persons={"photos": 12, "known": whose, "people": 12})
    persons = damaged.persons()
    text = card.text(damaged, damaged.folds(), card.Made(["onnx"], []), "", [])
    for what in ("fold", "network"):
        assert (f"of people whom the answering {what} never saw." in text) == (whose == 12)
        honest = f"of photos that the answering {what} was not trained on. {persons.warning}"
        assert (honest in text) == (whose < 12)


def left_behind(folder):
    return [path.name for path in folder.iterdir() if path.name != "runs"]


def test_an_unfinished_run_asks_which_folds(damaged, tmp_path):
    damaged.write_state(FoldState(fold=1, state="cancelled", epoch=3))
    with pytest.raises(LabError, match="1 of 2 folds is not done: 1") as caught:
        packages.package(damaged, tmp_path / "x.zip")
    assert caught.value.kind == "unfinished" and "Name the folds to take: 0" in caught.value.remedy
    chosen, notes = packages.chosen_folds(damaged, [1])
    assert chosen == [1]
    assert notes == [
        "1 of the 2 folds of the run are in this package.",
        "fold 1 is cancelled after epoch 3: its best weights so far.",
    ]
    for folds, words in (([5], "no fold 5"), ([], "no fold is chosen")):
        with pytest.raises(LabError, match=words):
            packages.chosen_folds(damaged, folds)
    assert not left_behind(tmp_path)


def test_weights_that_are_gone_are_told(damaged, tmp_path):
    damaged.weights_file(0, "best").unlink()
    with pytest.raises(LabError, match="the best weights of fold 0 are gone") as caught:
        packages.package(damaged, tmp_path / "x.zip")
    assert caught.value.kind == "checkpoint" and not left_behind(tmp_path)


def test_files_of_two_epochs_are_not_packaged_together(damaged, tmp_path):
    frame = damaged.predictions(0)
    checkpoint.save_predictions(damaged.predictions_file(0, "best"), frame, Origin(7, "0" * 16))
    damaged.write_state(FoldState(fold=0, state="done", epoch=9, best_epoch=8))
    with pytest.raises(LabError, match="of epoch 7, the scores of epoch 8") as caught:
        packages.package(damaged, tmp_path / "x.zip")
    assert caught.value.kind == "mixed" and not left_behind(tmp_path)


def test_a_full_disk_is_told_before_anything_is_made(joint, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(packages.shutil, "disk_usage", lambda path: usage._replace(free=5_000_000))
    with pytest.raises(LabError, match="disk full: the package needs") as caught:
        packages.package(joint.run, tmp_path / "x.zip")
    assert caught.value.kind == "disk-full" and not left_behind(tmp_path)


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(joint, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packages.shutil, "copyfile", full)
    with pytest.raises(LabError, match=r"no room for x\.zip") as caught:
        packages.package(joint.run, tmp_path / "x.zip")
    assert caught.value.kind == "disk-full" and not left_behind(tmp_path)


@pytest.fixture
def quickly(monkeypatch):
    """A package is one small file; returns where it was made and what lay there then."""
    seen = []

    def build(run, folder, **options):
        (folder / "model.onnx").write_bytes(b"network")
        seen.append(folder)
        return packages.Packaged([0], [])

    monkeypatch.setattr(packages, "build", build)
    return seen


def test_what_a_packaging_left_that_was_killed_goes_with_the_next_one(tmp_path, quickly):
    out = tmp_path / "my [1].zip"
    code = f"""
import os, signal
from pathlib import Path
from core.export import package as packages
from core.runs import Run
def build(run, folder, **options):
    (folder / "model.onnx").write_bytes(b"network")
    os.kill(os.getpid(), signal.SIGKILL)
packages.build = build
packages.package(Run("any"), Path({str(out)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME)
    assert done.returncode == -signal.SIGKILL and list(tmp_path.rglob("model.onnx"))
    other = tmp_path / ".my notes.0123abcd.new"
    other.mkdir()
    packages.package(Run("any"), out)
    assert sorted(tmp_path.iterdir()) == [other, out]


def test_a_packaging_that_lives_is_not_cleared_away(tmp_path, quickly, monkeypatch):
    out, build = tmp_path / "package.zip", packages.build

    def build_while_another_does(run, folder, **options):
        monkeypatch.setattr(packages, "build", build)
        packages.package(run, out)
        return build(run, folder, **options)

    monkeypatch.setattr(packages, "build", build_while_another_does)
    packages.package(Run("any"), out)
    first, second = quickly
    assert first != second and list(tmp_path.iterdir()) == [out]


def test_a_disk_that_cannot_lock_takes_a_package_all_the_same(tmp_path, quickly, monkeypatch):
    def cannot(path, what):
        path.touch()
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(archive.locks, "held", cannot)
    assert packages.package(Run("any"), tmp_path / "x.zip").bytes and left_behind(tmp_path) == ["x.zip"]


def test_other_names_and_places_are_refused(joint, tmp_path):
    with pytest.raises(LabError, match=r"is no \.zip"):
        packages.package(joint.run, tmp_path / "x.tar")
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot be written") as caught:
        packages.package(joint.run, tmp_path / "file/x.zip")
    assert caught.value.kind == "read-only"


def test_a_step_that_a_package_cannot_repeat_is_named(monkeypatch):
    monkeypatch.setitem(TRANSFORMS, "ToGray", Transform("Grey", "", "Grey for every photo.", deterministic=True))
    steps = [{"name": "Resize"}, {"name": "ToGray"}, {"name": "Normalize"}]
    with pytest.raises(LabError, match="the step ToGray is applied to every photo") as caught:
        steps_of(from_dict({"transforms": steps}))
    assert caught.value.kind == "step"


def test_every_fixed_step_of_the_lab_is_carried():
    for name, entry in TRANSFORMS.items():
        if entry.deterministic and name != "Normalize":
            steps = steps_of(from_dict({"transforms": [{"name": "Resize"}, {"name": name}, {"name": "Normalize"}]}))
            assert steps[-1]["name"] == name


def test_preprocess_json_of_another_format_is_refused(joint, tmp_path):
    facts = json.loads((joint.folder / "preprocess.json").read_text())
    (tmp_path / "preprocess.json").write_text(json.dumps({**facts, "format": 99}))
    with pytest.raises(LabError, match="format 99"):
        PackageFolder(tmp_path)
    (tmp_path / "preprocess.json").write_text('{"format": 1}')
    with pytest.raises(LabError, match="says nothing of bits, classes"):
        PackageFolder(tmp_path)
