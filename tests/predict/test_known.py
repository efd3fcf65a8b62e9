"""Whom a run knows: people by the names that its launch gave them, whatever the dataset calls them."""

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from core.config import from_dict
from core.config.run_config import ModelConfig
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.scan import scan
from core.plan import everybody
from core.plan.plan import make_plan
from core.predict import photos
from core.predict.known import BY_BYTES, BY_FILE, BY_PATH, BY_PERSON, Known
from core.predict.photos import Photo
from core.runs import FoldState
from core.runs.create import create
from core.runs.everybody.unmeasured import NOBODY
from tests.conftest import TINY
from tests.everybody_runs import ended, frozen
from tests.photos import draw

COMPOSED, APART = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
MADE = [
    Correction(kind="relabel", person="p7", attribute="person", before="p7", after="p3"),
    Correction(kind="relabel", sample="out/p5.png", person="p5", attribute="person", before="p5", after="p4"),
    Correction(kind="relabel", person="Z", attribute="person", before="Z", after=COMPOSED),
]
LEFT_OUT = {"p7": "p3", "p5": "p4", APART: COMPOSED, "Z": COMPOSED, "p6": "p6"}  # as the table says -> as launched


@pytest.fixture
def launched(tmp_path):
    """launched(made, run it starts from) -> a run on photos of hair of eight people, and of COMPOSED.

    Of LEFT_OUT there is a photo without hair in out/, and one of a test set in test/.
    """
    root, folder = tmp_path / "faces", tmp_path / "runs"
    people = [*(f"p{i}" for i in range(1, 5)), "p6", "p8", "p9", COMPOSED]
    rows = [
        (f"in/{i}{k}.png", person, ("dark", "fair")[i % 2], "train") for i, person in enumerate(people) for k in "ab"
    ]
    names = {APART: "apart"}
    rows += [(f"out/{names.get(person, person)}.png", person, "", "train") for person in LEFT_OUT]
    rows += [(f"test/{names.get(person, person)}.png", person, "dark", "test") for person in LEFT_OUT]
    for i, (path, *_) in enumerate(rows):
        draw(root / path, (i, 5 * i, 7 * i))
    lines = [f"{path},{person},{hair},{split},{i % 2}" for i, (path, person, hair, split) in enumerate(rows)]
    (root / "faces.csv").write_text("\n".join(["image,person,hair,split,smiling", *lines]) + "\n", "utf-8")

    def launch(made=MADE, parent=None):
        task = {"name": "attributes", "attributes": ["hair"]}
        data = {
            "root": str(root),
            "attributes": {"hair": "categories", "smiling": "yes/no"},
            "leave_out_problems": True,
        }
        config = from_dict({**TINY, "task": task, "data": data})
        if parent is not None:
            config = config.model_copy(update={"model": ModelConfig(init=f"run:{parent.id}")})
        corrections.file(root, folder).unlink(missing_ok=True)
        corrections.add_all(root, made, folder)
        plan = make_plan(config, scan(config.data, threads=1), folder=folder)
        text = corrections.to_csv(plan.corrections) if made else ""
        frozen = {"class_names": plan.class_names, "info": {}, "ancestors": plan.ancestors, "corrections": text}
        return create(plan.config, plan.samples, folder=folder, **frozen)

    return launch


def left_out(run, person):
    """The photo of a person that the run's task has no use for, as a path, and the one of the test set."""
    name = "apart" if person == APART else person
    aside = {photo.sample: photo for group in photos.set_aside(run.config().data).values() for photo in group}
    return Photo("a photo", f"{run.config().data.root}/out/{name}.png"), aside[f"test/{name}.png"]


def fold_of(run, person):
    (fold,) = set(run.samples().loc[run.samples()["person"] == person, "fold"])
    return fold


@pytest.mark.parametrize("person", LEFT_OUT)
def test_a_person_is_known_by_the_name_that_the_launch_gave_them(launched, person):
    run = launched()
    corrected = LEFT_OUT[person]
    by_path, of_test = map(Known(run).of, left_out(run, person))
    assert (by_path.how, by_path.name, by_path.fold) == (BY_PERSON, corrected, fold_of(run, corrected))
    if person != "p5":  # the photo alone is somebody else's
        assert of_test == by_path


def test_what_was_corrected_after_the_launch_is_not_what_it_was_trained_by(launched):
    run = launched(made=[])
    launched()
    assert Known(run).of(left_out(run, "p7")[0]) is None
    assert Known(run).of(left_out(run, "p6")[0]).name == "p6"


def test_a_person_is_known_too_by_the_name_that_the_run_it_started_from_knew(launched):
    parent = launched(made=[])
    for fold in parent.folds():
        parent.write_state(FoldState(fold, "done", epoch=1))
        parent.weights_file(fold, "best").touch()
    made = [
        Correction(kind="relabel", person="p6", attribute="person", before="p6", after="p10"),
        Correction(kind="exclude-person", person="p10"),
    ]
    known = Known(launched(made, parent)).of(left_out(parent, "p6")[0])
    assert (known.how, known.name, known.fold) == (BY_PERSON, "p6", fold_of(parent, "p6"))


@pytest.mark.parametrize("table", [None, ""], ids=["gone", "empty"])
def test_whom_photos_show_is_said_to_be_unread_where_the_datasets_table_cannot_be_read(launched, tmp_path, table):
    run = launched()
    photo, of_test = left_out(run, "p6")
    elsewhere = Photo("elsewhere", str(draw(tmp_path / "elsewhere.png", (9, 9, 9))))
    known = Known(run)
    assert known.of(photo).how == BY_PERSON and known.of(elsewhere) is None and known.notes([elsewhere]) == []
    file = Path(run.config().data.root, "faces.csv")
    file.unlink()
    if table is not None:
        file.write_text(table)
    known = Known(run)
    assert known.of(of_test).how == BY_PERSON, "it says itself whom it shows"
    assert known.of(photo) is None and known.of(elsewhere) is None
    (note,) = known.notes([photo, elsewhere])
    reason = "no CSV file in" if table is None else "faces.csv is empty"
    assert note.startswith(f"{run.id}: whom 1 photo shows could not be read from its dataset") and reason in note
    assert known.notes([elsewhere]) == []


def labelled(root):
    """Eight photos of two hair colours and one without a label, whose persons no column names; names of the eight."""
    names = [f"{i}.png" for i in range(8)]
    for i, name in enumerate([*names, "new.png"]):
        draw(root / name, (i, 5 * i, 7 * i))
    labels = [f"{name},{('fair', 'dark')[i % 2]}" for i, name in enumerate(names)]
    (root / "faces.csv").write_text("\n".join(["image,label", *labels, "new.png,"]) + "\n")
    return names


def test_whom_photos_show_is_said_to_be_unread_where_the_list_of_persons_is_gone(tmp_path):
    root = tmp_path / "faces"
    names = labelled(root)
    people = [f"{name},{('Anna', 'Bert', 'Cleo', 'Dora')[i // 2]}" for i, name in enumerate(names)]
    (root / "identity.csv").write_text("\n".join(["image,person", *people, "new.png,Bert"]) + "\n")
    config = from_dict({**TINY, "data": {"root": str(root), "leave_out_problems": True}})
    plan = make_plan(config, scan(config.data, threads=1), folder=tmp_path / "runs")
    run = create(plan.config, plan.samples, folder=tmp_path / "runs", class_names=plan.class_names, info={})
    new = Photo("new.png", str(root / "new.png"))
    known = Known(run)
    assert known.of(new).name == "Bert" and known.notes([]) == []
    (root / "identity.csv").unlink()
    known = Known(run)
    assert known.of(new) is None
    (note,) = known.notes([new])
    assert "whom 1 photo shows could not be read" in note and "names nobody any more" in note


def test_a_dataset_that_named_nobody_at_the_launch_is_not_said_to_be_unread(tmp_path):
    root = tmp_path / "faces"
    names = labelled(root)
    for name in names[:2]:
        named = Correction(kind="relabel", sample=name, person=name, attribute="person", before=name, after="Anna")
        corrections.add_all(root, [named], tmp_path / "runs")
    config = from_dict({**TINY, "data": {"root": str(root), "leave_out_problems": True}})
    plan = make_plan(config, scan(config.data, threads=1), folder=tmp_path / "runs")
    frozen = {"class_names": plan.class_names, "info": {}, "corrections": corrections.to_csv(plan.corrections)}
    run = create(plan.config, plan.samples, folder=tmp_path / "runs", **frozen)
    assert run.samples()["person_known"].sum() == 2
    known = Known(run)
    new = Photo("new.png", str(root / "new.png"))
    assert known.of(new) is None and known.notes([new]) == []


def test_a_photo_that_only_a_deleted_run_of_the_line_knew_is_not_said_to_be_new(launched, tmp_path):
    parent = launched(made=[])
    for fold in parent.folds():
        parent.write_state(FoldState(fold, "done", epoch=1))
        parent.weights_file(fold, "best").touch()
    run = launched([Correction(kind="exclude-person", person="p6")], parent)
    copy = tmp_path / "copy.png"
    row = parent.samples().set_index("person").loc["p6"].iloc[0]
    shutil.copy(row["path"], copy)
    photo, stranger = Photo("copy", str(copy)), Photo("new", str(draw(tmp_path / "new.png", (9, 9, 9))))
    known = Known(run)
    assert known.of(photo).fold == row["fold"] and known.of(stranger) is None and known.notes([stranger]) == []
    shutil.rmtree(parent.dir)
    known = Known(run)
    assert known.of(photo) is None and known.notes([]) == []
    (note,) = known.notes([photo])
    assert note.startswith(f"{run.id} started from {parent.id}, which is not here any more")


def test_whom_a_deleted_everybody_run_was_trained_on_is_known_to_the_one_that_started_from_it(launched):
    of_all, of_fewer = (launched(made) for made in ([], [Correction(kind="exclude-person", person="p6")]))
    folder, epochs = of_all.dir.parent, (of_all.config().epochs,) * len(of_all.folds())
    start = frozen(everybody.make_plan(everybody.proposed(ended(of_all, epochs)), folder), folder)
    start.write_state(FoldState(0, "done", epoch=epochs[0]))
    config = everybody.proposed(ended(of_fewer, epochs))
    config = config.model_copy(update={"model": ModelConfig(init=f"run:{start.id}")})
    run = frozen(everybody.make_plan(config, folder), folder)
    shutil.rmtree(start.dir)
    known = Known(run)
    for photo in left_out(run, "p6"):
        met = known.of(photo)
        assert (met.how, met.fold, met.name) == (BY_PERSON, NOBODY, "p6")


@pytest.mark.parametrize("follow_links", [False, True])
def test_a_person_is_known_by_the_name_that_each_runs_own_reading_gives_them(tmp_path, follow_links):
    """Two runs of one table, of which one takes the column 'mother' for the person, the other 'child'."""
    root = tmp_path / "faces"
    rows = [(f"{m}{c}.png", f"m{m}", f"c{c}", ("fair", "dark")[c % 2], "train") for m in range(4) for c in range(4)]
    rows.append(("new.png", "m1", "c2", "fair", "test"))
    lines = [",".join(row) for row in rows]
    for i, (path, *_) in enumerate(rows):
        draw(root / path, (i, 5 * i, 7 * i))
    (root / "faces.csv").write_text("\n".join(["image,mother,child,label,split", *lines]) + "\n", "utf-8")
    if follow_links:
        (tmp_path / "elsewhere").mkdir()
        (root / "new.png").rename(tmp_path / "elsewhere" / "new.png")
        (root / "new.png").symlink_to(tmp_path / "elsewhere" / "new.png")

    def launch(column):
        data = {"root": str(root), "person_column": column, "follow_links": follow_links, "leave_out_problems": True}
        config = from_dict({**TINY, "task": {"name": "label"}, "data": data})
        plan = make_plan(config, scan(config.data, threads=1), folder=tmp_path / "runs")
        return create(plan.config, plan.samples, folder=tmp_path / "runs", class_names=plan.class_names, info={})

    runs = {"m1": launch("mother"), "c2": launch("child")}
    for asked in runs.values():
        (photo,) = photos.set_aside(asked.config().data)["test"]
        assert photo.pixels(0).shape == (6, 8, 3)
        for name, run in runs.items():
            known = Known(run).of(photo)
            assert (known.how, known.name, known.fold) == (BY_PERSON, name, fold_of(run, name))


def test_a_photo_that_took_anothers_name_since_the_launch_is_known_by_what_it_shows(tmp_path):
    root = tmp_path / "faces"
    lines = ["image,person,label"]
    for i in range(8):
        os.utime(draw(root / f"{i}.png", (i, 5 * i, 7 * i)), (i + 2, i + 2))
        lines.append(f"{i}.png,p{i},{('fair', 'dark')[i % 2]}")
    (root / "faces.csv").write_text("\n".join(lines) + "\n")
    config = from_dict({**TINY, "data": {"root": str(root)}})
    plan = make_plan(config, scan(config.data, threads=1), folder=tmp_path / "runs")
    run = create(plan.config, plan.samples, folder=tmp_path / "runs", class_names=plan.class_names, info={})
    fold_of_photo = run.samples().set_index("sample")["fold"]
    one, copied, redrawn = fold_of_photo.index[fold_of_photo == 0][:3]
    other = fold_of_photo.index[fold_of_photo == 1][0]
    for old, new in ((one, "aside.png"), (other, one), ("aside.png", other)):
        (root / old).rename(root / new)
    os.utime(root / copied, (1, 1))
    draw(root / redrawn, (255, 0, 0), (9, 9))
    known = Known(run)
    for name, how, shown in (
        (one, BY_BYTES, other),
        (other, BY_BYTES, one),
        (copied, BY_PATH, copied),
        (redrawn, BY_PERSON, redrawn),
    ):
        met = known.of(Photo(name, str(root / name)))
        called = f"p{shown.removesuffix('.png')}" if how == BY_PERSON else shown
        assert (met.how, met.name, met.fold, met.copy) == (how, called, fold_of_photo[shown], None)


@pytest.mark.parametrize("has_copy", [False, True], ids=["one", "copy in another fold"])
def test_a_photo_of_nobody_known_that_was_edited_is_answered_by_the_fold_that_held_it_out(tmp_path, has_copy):
    root = tmp_path / "faces"
    for i in range(8):
        draw(root / ("fair", "dark")[i % 2] / f"{i}.png", (i, 5 * i, 7 * i))
        if has_copy:
            draw(root / ("fair", "dark")[i % 2] / f"same{i}.png", (200, 10, 10))
    settings = {"task": {"name": "label"}, "data": {"root": str(root), "leave_out_problems": True}}
    config = from_dict({**TINY, **settings})
    plan = make_plan(config, scan(config.data, threads=1), folder=tmp_path / "runs")
    frozen = {"folder": tmp_path / "runs", "class_names": plan.class_names, "info": {}}
    run = create(plan.config, plan.samples, **frozen)
    everybody = create(plan.config, plan.samples.assign(fold=NOBODY), **frozen)
    assert not run.samples()["person_known"].any()
    table = run.samples()
    edited = table[table["sample"].str.contains("same") == has_copy].iloc[0]
    assert Known(run).of(Photo("as it was", edited["path"])).how == BY_PATH
    draw(Path(edited["path"]), (255, 0, 0), (9, 9))
    met = Known(run).of(Photo("edited", edited["path"]))
    assert (met.how, met.name, met.fold) == (BY_FILE, edited["sample"], edited["fold"])
    assert met.left_out_by(edited["fold"]) is not has_copy and not met.left_out_by(1 - edited["fold"])
    assert met.words.startswith(f"the file of {edited['sample']}, changed since it was trained on")
    assert met.words.endswith("every fold was trained on it" if has_copy else "which held it out, answers")
    met = Known(everybody).of(Photo("edited", edited["path"]))
    assert met.fold == NOBODY and met.words.endswith("changed since it was trained on, which no fold held out")
    elsewhere = shutil.copy(edited["path"], tmp_path / Path(edited["path"]).name)
    assert Known(run).of(Photo("elsewhere", str(elsewhere))) is None


@pytest.mark.parametrize("hashed", [True, False], ids=["hash", "older lab"])
def test_a_photo_whose_copy_another_fold_held_out_was_left_out_by_none(tmp_path, hashed):
    root = tmp_path / "faces"
    lines = ["image,person,label"]
    for i in range(8):
        draw(root / f"{i}.png", (i, 5 * i, 7 * i))
        draw(root / f"same{i}.png", (200, 10, 10))
        lines += [f"{name}.png,p{i},{('fair', 'dark')[i % 2]}" for name in (i, f"same{i}")]
    (root / "faces.csv").write_text("\n".join(lines) + "\n")
    config = from_dict({**TINY, "data": {"root": str(root), "leave_out_problems": True}})
    plan = make_plan(config, scan(config.data, threads=1), folder=tmp_path / "runs")
    table = plan.samples if hashed else plan.samples.drop(columns="hash")
    run = create(plan.config, table, folder=tmp_path / "runs", class_names=plan.class_names, info={})
    fold_of_photo = run.samples().set_index("sample")["fold"]
    assert {fold_of_photo[f"same{i}.png"] for i in range(8)} == {0, 1}
    known = Known(run)
    for photo, how in (
        (Photo("by its path", str(root / "same3.png")), BY_PATH),
        (Photo("uploaded", "", content=(root / "same3.png").read_bytes()), BY_BYTES),
    ):
        met = known.of(photo)
        assert met.how == how and {met.fold, met.copy[1]} == {0, 1}
        assert all(fold_of_photo[name] == fold for name, fold in ((met.name, met.fold), met.copy))
        assert not met.left_out_by(0) and not met.left_out_by(1)
        assert met.words.endswith("every fold was trained on it")
    own = known.of(Photo("of nobody else", str(root / "3.png")))
    assert own.copy is None and own.left_out_by(fold_of_photo["3.png"]) and not own.left_out_by(1 - own.fold)
