"""Pictures of a clinic, patients as folders and 12 bits: from the folder to a run, its mistakes, maps and report."""

import io

import numpy as np
import pytest
from PIL import Image

from core.answers.mistakes import load_answers
from core.config.run_config import DataConfig
from core.data.pictures.photo import photos_of
from core.data.scan import scan
from core.data.understood import facts_of
from core.inside import face_maps, fold_models
from core.inside.face_maps import MapRequest
from core.places import lab_folder
from core.plan.plan import make_plan
from core.report import gather, render
from core.report.blocks import Faces
from core.training import pixel_cache
from pages.parts.look_inside import mistakes
from tests.narrow import narrow_worker
from tests.workers import assert_done, launch, short

pytestmark = pytest.mark.usefixtures("narrow")


def clinic(root, bits):
    """Eight patients with two pictures each; what is ill is bright in the middle. One value is the largest there is."""
    rows, columns = np.mgrid[-1:1:40j, -1:1:48j]
    for number in range(16):
        patient, label = number // 2, ("ill", "well")[number // 2 % 2]
        values = 0.35 + 0.1 * np.random.default_rng(number).random((40, 48))
        values += (0.5 if label == "ill" else 0.1) * np.exp(-4 * (rows**2 + columns**2))
        values[0, 0] = 1
        stored = np.rint(values * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
        path = root / label / f"patient {patient}" / f"{number % 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(stored).save(path)
    return root


def opened(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


def test_pictures_of_a_clinic_from_the_folder_to_the_report(tmp_path, workers, runs_folder, tiny_config):
    data = DataConfig(root=str(clinic(tmp_path / "deep", 12)), persons="folder")
    scanned, flat = scan(data, threads=1), scan(DataConfig(root=str(clinic(tmp_path / "flat", 8))), threads=1)
    words = " ".join(fact.text for fact in facts_of(scanned))
    assert "12 bits" in words and "Persons: 8 people" in words
    run = launch(short(make_plan(tiny_config.model_copy(update={"data": data}), scanned)), runs_folder, folds=(0, 1))
    assert workers.run(narrow_worker) == 0
    for fold in (0, 1):
        assert_done(run, fold)
    samples = run.samples()
    assert set(samples["bits"]) == {12} == {run.bits()}
    assert (samples.groupby("person")["fold"].nunique() == 1).all() and samples["person"].nunique() == 8

    names = samples["sample"].tolist()
    lead = run.config().transforms
    pixels = pixel_cache.pixels_file(lab_folder(runs_folder) / "cache", samples, lead)
    assert pixels.exists(), "what the folds were trained on"
    trained, seen = np.load(pixels), fold_models.faces(run, names)
    plain = [fold_models.as_seen(run.config(), photo.pixels()) for photo in photos_of(flat.samples)]
    for ours, network, eight_bits in zip(trained, seen, plain, strict=True):
        assert np.array_equal(ours, network) and np.abs(network.astype(int) - eight_bits).max() <= 1

    answers = load_answers(run).table
    assert sorted(answers["sample"]) == names
    for row in answers.itertuples():
        assert not mistakes.face(row, False)["fault"]
    uri, _ = mistakes.thumbnail(photos_of(answers)[0], 48)
    assert uri.startswith("data:image/jpeg;base64,")

    looked = face_maps.held_out(run, names[:2], MapRequest(layers=("layer4",)))
    assert not looked.faults
    for face in looked.faces:
        assert np.isfinite(face.maps).all() and np.array_equal(face.photo, seen[names.index(face.sample)])

    report = gather.gather([run], faces=names[:2], maps=True)
    galleries = [block for part in report.sections for block in part.blocks if isinstance(block, Faces)]
    cells = [face for gallery in galleries for face in gallery.faces]
    for face in cells[:2]:
        own = opened(face.jpeg)
        eight_bits = photos_of(flat.samples)[names.index(face.sample)].pixels().astype(int)
        assert np.abs(own - eight_bits).mean() < 4 and face.maps
    text = render.markdown(report)
    assert "16 photos of 8 people" in text and "16 of them hold more than 8 bits and are scaled by 12." in text
