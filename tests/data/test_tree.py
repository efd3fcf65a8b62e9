import os

import pytest

from core.data.content.unchanged import changes
from core.data.images import load_image
from core.data.readers import tree
from core.errors import LabError
from tests.photos import draw, problems_of, read


def facts_of(scanned, kind):
    return [fact for fact in scanned.facts if fact.kind == kind]


def two_classes(root, each=3):
    for label in ("cat", "dog"):
        for i in range(each):
            draw(root / label / f"{i}.jpg")
    return root


def test_thumbnails_of_a_network_storage_are_no_photos(tmp_path):
    two_classes(tmp_path)
    for label in ("cat", "dog"):
        for i in range(3):
            draw(tmp_path / label / "@eaDir" / f"{i}.jpg" / "THUMB_M.jpg")
    draw(tmp_path / "$RECYCLE.BIN" / "old.jpg")
    (tmp_path / "cat" / "Thumbs.db").write_bytes(b"thumbs")
    scanned = read(tmp_path)
    assert scanned.samples["sample"].tolist() == [f"{label}/{i}.jpg" for label in ("cat", "dog") for i in range(3)]
    assert scanned.samples["label"].value_counts().to_dict() == {"cat": 3, "dog": 3}
    assert scanned.problems.empty
    (fact,) = facts_of(scanned, "left-out")
    assert "3 folders ($RECYCLE.BIN, @eaDir) and 1 file (Thumbs.db)" in fact.text and not fact.probable


NAMES = ["@eaDir", "__MACOSX", ".thumbnails", "lost+found", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information"]


@pytest.mark.parametrize("name", [*NAMES, "#recycle", ".git", ".ipynb_checkpoints"])
def test_a_systems_own_folder_is_left_out_at_any_depth_and_told(tmp_path, name):
    two_classes(tmp_path)
    draw(tmp_path / name / "cat" / "0.jpg")
    draw(tmp_path / "dog" / name / "0.jpg")
    scanned = read(tmp_path)
    assert len(scanned.samples) == 6 and scanned.problems.empty
    assert [fact.text for fact in facts_of(scanned, "left-out")] == [
        f"Left out, as the storage's or the system's own: 2 folders ({name})."
    ]


def test_nothing_is_told_where_nothing_was_left_out_and_a_photo_may_be_called_as_a_folder(tmp_path):
    two_classes(tmp_path)
    draw(tmp_path / "cat" / "lost+found.jpg")
    draw(tmp_path / "cat" / ".hidden" / "1.jpg")
    scanned = read(tmp_path)
    assert len(scanned.samples) == 7 and scanned.facts == ()


def linked(root):
    """Two classes whose photos are links to files of a store beside the dataset."""
    for label in ("cat", "dog"):
        for i in range(3):
            draw(root / "store" / f"{label}{i}.jpg")
            link = root / "set" / label / f"{i}.jpg"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(f"../../store/{label}{i}.jpg")
    return root / "set"


def test_a_dataset_of_links_says_how_they_are_followed_and_then_opens(tmp_path):
    root = linked(tmp_path)
    with pytest.raises(LabError, match=r"6 links are not followed \(cat/0.jpg.*and 3 more") as caught:
        read(root)
    assert caught.value.kind == "links" and "data.follow_links" in caught.value.remedy
    scanned = read(root, follow_links=True)
    assert scanned.samples["sample"].tolist() == [f"{label}/{i}.jpg" for label in ("cat", "dog") for i in range(3)]
    assert scanned.problems.empty and changes(scanned.samples) == []
    (fact,) = facts_of(scanned, "links")
    assert "6 links are followed" in fact.text and "6 photos lie out of" in fact.text
    assert fact.settings == ("follow_links",)
    assert load_image(scanned.samples["path"][0], 0).shape == (6, 8, 3)


def test_links_beside_photos_wait_for_consent(tmp_path):
    root = linked(tmp_path)
    two_classes(root / "more")
    scanned = read(root)
    assert len(scanned.samples) == 6 and len(problems_of(scanned, "outside")) == 6
    (fact,) = facts_of(scanned, "links")
    assert "6 links are not followed" in fact.text and fact.settings == ("follow_links",)


def test_a_folder_behind_a_link_is_read_and_loops_end(tmp_path):
    two_classes(tmp_path / "store")
    (tmp_path / "store" / "cat" / "up").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "labels.csv").write_text("path,label,patient\n")
    root = two_classes(tmp_path / "set")
    (root / "bird").symlink_to(tmp_path / "store" / "cat")
    (root / "dog" / "home").symlink_to(root)
    (root / "table.csv").symlink_to(tmp_path / "store" / "labels.csv")
    scanned = read(root, follow_links=True)
    birds = scanned.samples[scanned.samples["label"] == "bird"]["sample"].tolist()
    assert birds == ["bird/0.jpg", "bird/1.jpg", "bird/2.jpg"]
    assert set(problems_of(scanned, "link")) == {"dog/home", "bird/up"}
    assert set(problems_of(scanned, "outside")) == {"table.csv"}
    assert len(scanned.samples) == 9


def test_folders_that_link_to_each_other_end_and_their_contradictions_are_told(tmp_path):
    root = two_classes(tmp_path)
    (root / "cat" / "other").symlink_to(root / "dog")
    (root / "dog" / "other").symlink_to(root / "cat")
    assert read(root).samples["label"].value_counts().to_dict() == {"cat": 3, "dog": 3}
    scanned = read(root, follow_links=True)
    assert scanned.samples.empty and "label cat and dog" in "".join(problems_of(scanned, "label-conflict").values())
    assert set(problems_of(scanned, "link")) == {"cat/other/other", "dog/other/other"}


def test_two_links_to_one_file_are_one_photo_and_contradictions_are_told(tmp_path):
    root = two_classes(tmp_path / "set")
    store = draw(tmp_path / "store" / "1.jpg")
    for name in ("cat/one.jpg", "cat/two.jpg"):
        (root / name).symlink_to(store)
    scanned = read(root, follow_links=True)
    assert len(scanned.samples) == 7
    assert set(problems_of(scanned, "duplicate")) == {"cat/one.jpg and cat/two.jpg"}
    (root / "dog" / "three.jpg").symlink_to(store)
    scanned = read(root, follow_links=True)
    assert len(scanned.samples) == 6
    assert "label cat and dog" in "".join(problems_of(scanned, "label-conflict").values())


def test_folders_that_link_to_each_other_many_times_are_listed_a_bounded_number_of_times(tmp_path):
    for level in range(12):
        folder = tmp_path / "store" / f"{level}"
        draw(folder / "photo.jpg", (level * 20, 0, 0))
        for way in ("left", "right"):
            (folder / way).symlink_to(tmp_path / "store" / f"{level + 1}")
    root = two_classes(tmp_path / "set")
    (root / "bird").symlink_to(tmp_path / "store" / "0")
    scanned = read(root, follow_links=True)
    assert len(scanned.samples) == 6 + 12
    assert any("16 links already" in text for text in problems_of(scanned, "link").values())
    assert {row for row in scanned.samples["label"]} == {"bird", "cat", "dog"}


def test_a_table_finds_photos_behind_links_that_are_followed(tmp_path):
    root = linked(tmp_path)
    rows = [f"{label}/{i}.jpg,{label}y" for label in ("cat", "dog") for i in range(3)]
    (root / "labels.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    scanned = read(root, follow_links=True)
    assert scanned.reader == "csv" and scanned.problems.empty
    assert scanned.samples["label"].value_counts().to_dict() == {"caty": 3, "dogy": 3}
    assert changes(scanned.samples) == []


def test_pictures_that_are_not_read_are_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "SUFFIXES", tree.SUFFIXES - {".dcm", ".dicom"})  # as without the package that reads them
    for name in ("1.dcm", "2.DCM", "3.nii.gz", "4.NEF", "notes.txt"):
        file = tmp_path / "cat" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(200))
    with pytest.raises(
        LabError, match=r"no images in this folder\. Not read: 2 of \.dcm \(DICOM\)\. Install the package"
    ):
        read(tmp_path)
    two_classes(tmp_path)
    assert [fact.text.partition(").")[0] for fact in facts_of(read(tmp_path), "pictures")] == [
        "Not read: 2 of .dcm (DICOM",
        "Not read: 1 of .nii.gz (NIfTI",
        "Not read: 1 of .nef (raw photos of cameras",
    ]


@pytest.mark.parametrize("follow_links", [False, True])
def test_a_pipe_is_not_waited_for_whatever_it_is_called(tmp_path, follow_links):
    root = two_classes(tmp_path)
    for name in ("labels.csv", "notes.txt", "dog/9.jpg"):
        os.mkfifo(root / name)
    (root / "more.csv").symlink_to("labels.csv")
    scanned = read(root, follow_links=follow_links)
    assert scanned.reader == "folders" and len(scanned.samples) == 6
    rows = scanned.problems[scanned.problems["kind"] == "unreadable"].set_index("where")
    assert rows["severity"].to_dict() == {
        "dog/9.jpg": "error",
        **dict.fromkeys(("labels.csv", "more.csv", "notes.txt"), "warning"),
    }
    assert set(rows["problem"]) == {"is not a regular file", "is a link to what is not a regular file"}
