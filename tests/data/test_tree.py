import pytest

from tests.photos import draw, read


def facts_of(scanned, kind):
    return [fact for fact in scanned.facts if fact.kind == kind]


def two_classes(root, each=3):
    for label in ("cat", "dog"):
        for i in range(each):
            draw(root / label / f"{i}.jpg", (40 * i, 90, 60))
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
