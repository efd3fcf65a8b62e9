"""DICOM pictures: the window, the frames, the patients; what is said where the package is missing."""

import sys

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from core.data import images
from core.data.images import load_image, photo_fault
from core.data.pictures.photo import photos_of
from core.data.readers import tree
from core.data.readers.whom import LOOKED_AT
from core.errors import LabError
from tests.photos import draw, read

RAMP = np.arange(4096).reshape(64, 64)


def dicom(path, pixels, *, bits=12, patient="", frames=1, photometric="MONOCHROME2", **elements):
    """A DICOM file of pixels, int (height, width) or (height, width, 3), in 16 bits of which `bits` are used."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    data.PatientID = patient
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    data.PhotometricInterpretation = photometric
    data.BitsAllocated = 8 if bits <= 8 else 16
    data.BitsStored, data.HighBit = bits, bits - 1
    data.PixelRepresentation = int(pixels.min() < 0)
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    if frames > 1:
        data.NumberOfFrames = frames
    for name, value in elements.items():
        setattr(data, name, value)
    kind = "u1" if bits <= 8 else "<i2" if pixels.min() < 0 else "<u2"
    data.PixelData = np.stack([pixels] + [np.zeros_like(pixels)] * (frames - 1)).astype(kind).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def through_window(values, centre, width):
    """0..255 by the formula of PS3.3 C.11.2.1.2.1, not rounded."""
    return 255 * np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("slope, intercept, stored", [(1, 0, RAMP), (1, -1024, RAMP), (2, -100, RAMP - 1000)])
def test_a_picture_is_seen_through_its_window(tmp_path, photometric, slope, intercept, stored):
    window = {"WindowCenter": 300, "WindowWidth": 900, "RescaleSlope": slope, "RescaleIntercept": intercept}
    path = dicom(tmp_path / "a.dcm", stored, bits=13, photometric=photometric, **window)
    expected = through_window(stored * slope + intercept, 300, 900)
    expected = 255 - expected if photometric == "MONOCHROME1" else expected
    pixels = load_image(path, 12)  # the bits of the dataset's other photos are none of the window's
    assert pixels.shape == (64, 64, 3) and np.abs(pixels - expected[..., None]).max() <= 0.51
    width, height, fault, depth = photo_fault(path)
    assert (width, height, fault, depth.bits, depth.remarks) == (64, 64, None, 0, "window")


def test_a_table_of_values_of_interest_is_obeyed(tmp_path):
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    table.LUTData = np.minimum(np.arange(4096) * 32, 65535).astype("<u2").tobytes()
    path = dicom(tmp_path / "a.dcm", RAMP, VOILUTSequence=[table])
    assert np.abs(load_image(path, 0)[..., 1] - np.minimum(RAMP * 32, 65535) * 255 / 65535).max() <= 0.51


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_without_a_window_the_bits_of_the_dataset_count(tmp_path, photometric):
    for number, name in enumerate(("ill/0", "ill/1", "well/0", "well/1")):
        dicom(tmp_path / f"{name}.dcm", RAMP // (1 + number), bits=16, photometric=photometric)
    scanned = read(tmp_path)
    assert set(scanned.samples["bits"]) == {12}
    for number, photo in enumerate(photos_of(scanned.samples)):
        expected = (RAMP // (1 + number)) * 255 / 4095
        expected = 255 - expected if photometric == "MONOCHROME1" else expected
        assert np.abs(photo.pixels() - expected[..., None]).max() <= 0.51
    words = [fact.text for fact in scanned.facts if fact.kind == "pictures"]
    assert any("without a window" in text for text in words) and any("12 bits" in text for text in words)


def test_colour_and_several_frames(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 3))
    dicom(tmp_path / "cat/a.dcm", colours, bits=8, photometric="RGB")
    dicom(tmp_path / "dog/b.dcm", RAMP, frames=3, WindowCenter=2048, WindowWidth=4096)
    np.testing.assert_array_equal(load_image(tmp_path / "cat/a.dcm", 0), colours)
    assert load_image(tmp_path / "dog/b.dcm", 0)[-1, -1, 0] == 255  # the other frames are black
    scanned = read(tmp_path)
    words = [fact.text for fact in scanned.facts if fact.kind == "pictures"]
    assert "Of several frames the first is taken: dog/b.dcm." in words
    assert scanned.samples[["width", "height"]].to_numpy().tolist() == [[30, 20], [64, 64]]


def fault(path):
    with pytest.raises(LabError) as refusal:
        load_image(path, 0)
    assert photo_fault(path)[2].kind == refusal.value.kind
    return refusal.value.kind


def test_what_cannot_be_read_is_named(tmp_path, monkeypatch):
    whole = dicom(tmp_path / "a.dcm", RAMP).read_bytes()
    for size in range(100, len(whole) - 10, 1500):
        (tmp_path / "cut.dcm").write_bytes(whole[:size])
        assert fault(tmp_path / "cut.dcm") == "unreadable"
    dicom(tmp_path / "plan.dcm", RAMP)
    plan = pydicom.dcmread(tmp_path / "plan.dcm")
    del plan.Rows, plan.PixelData
    plan.save_as(tmp_path / "plan.dcm")
    assert fault(tmp_path / "plan.dcm") == "unreadable"
    monkeypatch.setenv("FACET_MEGAPIXELS", "64")
    huge = pydicom.dcmread(tmp_path / "a.dcm")
    huge.Rows = huge.Columns = 5000
    huge.save_as(tmp_path / "huge.dcm")
    assert fault(tmp_path / "huge.dcm") == "bomb"


def test_without_its_package_a_dicom_file_is_no_photo_and_told_with_the_remedy(tmp_path, monkeypatch):
    dicom(tmp_path / "cat/a.dcm", RAMP)
    monkeypatch.setattr(tree, "SUFFIXES", images.SUFFIXES - {".dcm", ".dicom"})
    with pytest.raises(LabError, match=r"Not read: 1 of \.dcm \(DICOM\)\. Install the package.*\.\[dicom\]"):
        read(tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom.pixels", None)
    assert fault(tmp_path / "cat/a.dcm") == "dicom"


def test_patients_are_proposed_as_persons_and_taken_once_somebody_says_so(tmp_path):
    for number in range(LOOKED_AT + 8):
        label, patient = ("ill", "well")[number % 2], f"P{number // 4}"
        dicom(tmp_path / label / f"{number}.dcm", RAMP[:8, :8], patient=patient)
    draw(tmp_path / "ill/photo.png")
    scanned = read(tmp_path)
    assert not scanned.persons.are_known
    (asked,) = [fact for fact in scanned.facts if fact.probable]
    assert "DICOM files name their patients" in asked.text and asked.settings == ("persons",)
    chosen = read(tmp_path, persons="patient")
    person = chosen.samples.set_index("sample")["person"]
    assert person["ill/0.dcm"] == person["well/3.dcm"] == "P0" and person["ill/4.dcm"] == "P1"
    assert chosen.samples["person_known"].sum() == LOOKED_AT + 8
    assert any("1 photo names none" in fact.text for fact in chosen.facts)
    with pytest.raises(LabError, match="no photo is a DICOM file that names its patient"):
        draw(tmp_path / "other/cat/0.png")
        draw(tmp_path / "other/dog/0.png")
        read(tmp_path / "other", persons="patient")
