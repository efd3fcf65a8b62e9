"""A test set that leaks is told: the same bytes, names and people on both sides, and classes that only it has."""

import shutil

import pytest

from core.data.labels.corrections import Correction, lay_over
from tests.photos import draw, problems_of, read


@pytest.fixture
def parts(tmp_path):
    """train/ and test/ with cat and dog, each file of another size, no file name twice."""
    for i, path in enumerate(
        f"{part}/{name}/{part}-{name}-{k}.jpg" for part in ("train", "test") for name in ("cat", "dog") for k in (1, 2)
    ):
        with open(draw(tmp_path / path, (9 * i, 20, 30)), "ab") as stream:
            stream.write(bytes(i))
    return tmp_path


def test_a_clean_test_set_is_no_leak(parts):
    assert read(parts).problems.empty


def test_the_same_bytes_on_both_sides_are_told_with_their_number(parts):
    shutil.copy(parts / "train/cat/train-cat-1.jpg", parts / "test/cat/copy-a.jpg")
    shutil.copy(parts / "train/dog/train-dog-2.jpg", parts / "test/dog/copy-b.jpg")
    scanned = read(parts)
    assert problems_of(scanned, "leak") == {
        "test/cat/copy-a.jpg": "2 photos of the test set are trained on, too, byte by byte: test/cat/copy-a.jpg is "
        "train/cat/train-cat-1.jpg"
    }
    assert scanned.problems["severity"].tolist() == ["warning"]
    pooled = read(parts, test_set="pool")
    assert pooled.problems["severity"].tolist() == ["warning"]
    assert problems_of(pooled, "copy") == {
        "test/cat/copy-a.jpg and train/cat/train-cat-1.jpg": "4 photos are the same as another, byte by byte, and may "
        "stand in different folds: test/cat/copy-a.jpg is train/cat/train-cat-1.jpg"
    }
    shutil.move(parts / "test/cat/copy-a.jpg", parts / "train/dog/copy-a.jpg")
    assert problems_of(read(parts, test_set="pool"), "label-conflict") == {
        "train/cat/train-cat-1.jpg and train/dog/copy-a.jpg": "2 photos are the same as another, byte by byte, and "
        "labelled otherwise: train/cat/train-cat-1.jpg is train/dog/copy-a.jpg (label cat and dog)"
    }
    scanned = read(parts, test_set="pool")
    corrected, _ = lay_over(scanned, [Correction(kind="exclude-photo", sample="train/dog/copy-a.jpg")])
    assert corrected.problems["kind"].tolist() == ["copy"], "one that is left out contradicts no other"
    one = read(parts, test_set="pool", person_pattern="(jpg)")  # one person: their photos stand in one fold
    assert not one.problems["problem"].str.contains("byte by byte").any()


def test_files_of_one_size_with_other_bytes_are_no_leak(parts):
    data = (parts / "train/cat/train-cat-1.jpg").read_bytes()
    (parts / "test/cat/other.jpg").write_bytes(data[:-1] + b"\0")
    (parts / "train/cat/train-cat-9.jpg").write_bytes(data + bytes(3))
    assert problems_of(read(parts), "leak") == {}


def test_a_file_name_on_both_sides_is_told_where_names_mean_photos(parts):
    draw(parts / "test/cat/train-cat-1.jpg", (1, 2, 3))
    told = problems_of(read(parts), "leak")
    assert told == {
        "test/cat/train-cat-1.jpg": "1 photo of the test set has the file name of one that is trained on, such as "
        "train-cat-1.jpg"
    }


def test_names_that_only_count_photos_in_each_folder_say_nothing(tmp_path):
    for i, path in enumerate(f"{part}/{name}/{k}.jpg" for part in ("train", "test") for name in "ab" for k in (1, 2)):
        draw(tmp_path / path, (9 * i, 20, 30))
    assert read(tmp_path).problems.empty


def test_a_person_on_both_sides_is_told(tmp_path):
    people = {"train/cat": ("anna", "ben"), "train/dog": ("carl",), "test/cat": ("anna", "dora"), "test/dog": ("carl",)}
    for i, (folder, names) in enumerate(people.items()):
        for name in names:
            draw(tmp_path / f"{folder}/{name}_{i}.jpg", (9 * i, 20, 30))
    scanned = read(tmp_path, person_pattern=r"^([a-z]+)_")
    assert problems_of(scanned, "leak") == {
        "test/cat/anna_2.jpg": "2 people are trained on and in the test set, too, with 2 photos: anna and carl"
    }


def test_a_class_that_only_the_test_set_has_is_told(parts):
    draw(parts / "test/bird/test-bird-1.jpg", (1, 2, 3))
    scanned = read(parts)
    assert set(scanned.samples["label"]) == {"cat", "dog"}
    assert list(problems_of(scanned, "split").values()) == [
        "1 photo of the test set is of a class that no photo to train on has: bird"
    ]


def test_a_file_that_a_link_puts_on_both_sides_is_of_the_test_set_alone(parts):
    (parts / "test/dog/link.jpg").symlink_to(parts / "train/dog/train-dog-1.jpg")
    (parts / "pred").mkdir()
    (parts / "pred/link.jpg").symlink_to(parts / "train/cat/train-cat-1.jpg")
    scanned = read(parts)
    assert "train/dog/train-dog-1.jpg" not in set(scanned.samples["sample"])
    assert "train/cat/train-cat-1.jpg" in set(scanned.samples["sample"])
    assert set(scanned.set_aside["sample"]) >= {"test/dog/link.jpg"} and "pred/link.jpg" not in set(
        scanned.set_aside["sample"]
    )
    assert len(problems_of(scanned, "duplicate")) == 1


def test_max_people_counts_those_who_are_trained_on(parts):
    scanned = read(parts, max_people=2)
    assert len(scanned.samples) == 2 and len(scanned.set_aside) == 4
    assert "2 of 4 photos are used (2 of 4 photos)" in problems_of(scanned, "max-people")[""]


def test_at_most_so_many_people_are_those_that_are_trained_on(tmp_path):
    for i in range(6):
        for name, colour in (("a", 0), ("b", 9)):
            draw(tmp_path / f"train/{('cat', 'dog')[i % 2]}/t{i}_{name}.jpg", (i, colour, 0))
        draw(tmp_path / f"test/{('cat', 'dog')[i % 2]}/s{i}_a.jpg", (i, 0, 9))
    scanned = read(tmp_path, person_pattern=r"^([ts]\d)_", max_people=4)
    assert scanned.samples["person"].nunique() == 4 and len(scanned.samples) == 8
    assert set(scanned.samples["person"].str[0]) == {"t"} and set(scanned.samples["label"]) == {"cat", "dog"}
    assert set(scanned.set_aside["person"]) == {f"s{i}" for i in range(6)}, "they neither go nor count"
    (problem,) = problems_of(scanned, "max-people").values()
    assert problem == "4 of 6 people are used (8 of 12 photos), as max_people says"
