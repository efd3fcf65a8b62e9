"""Where the lab may not look nothing is opened, listed or counted, whatever a path, a link, a table or a zip says.

What is opened is seen by the kernel (tests/watched.py), so that native readers are seen as well.
"""

import shutil
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.config import from_dict, from_yaml, to_yaml
from core.config.run_config import DataConfig
from core.data import recent, thumbnails
from core.data.content.unchanged import changes, check_unchanged
from core.data.labels import corrections
from core.data.pictures import kept
from core.data.pictures.photo import StoredPhoto, photos_of
from core.data.reach import bounds
from core.data.readers.csv_table import csv_columns
from core.data.scan import detect_reader, scan
from core.data.zips import unpack
from core.errors import LabError
from core.network.weights import check_weights
from core.places import HOME, datasets_folder
from core.plan.plan import make_plan
from core.predict import photos
from core.runs.ancestry import written_origin
from core.studies.relocate import relocate
from pages.parts.dataset import browse
from tests.conftest import TINY
from tests.hidden import WRITTEN, Hidden
from tests.moving import draw_dataset, frozen_run
from tests.photos import draw
from tests.watched import Watched
from tests.zips import pets, picture, zipped

LINK = 0o120777 << 16  # a symbolic link, as Unix writes it into a zip


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    return Hidden(tmp_path_factory.mktemp("hidden").resolve())


@pytest.fixture(scope="module")
def old_run(hidden):
    """A run on photos outside, launched while the lab looked anywhere; and its small pictures, made then."""
    runs = hidden.folder / "runs"
    run = frozen_run(runs, hidden.outside / "parts")
    thumbnails.thumbnails(photos_of(run.samples()), folder=runs)
    return run


@pytest.fixture
def held(hidden, old_run, monkeypatch):
    """The lab looks in its folder alone; what is opened outside of it is seen."""
    monkeypatch.setenv("FACET_RUNS", str(hidden.folder / "runs"))
    monkeypatch.setenv("FACET_DEMO", str(hidden.folder / "demo"))
    with bounds.holding([hidden.allowed]), Watched(hidden.outside) as watched:
        yield watched


def doors(run):
    """Everything that takes a path as people type it, by name."""
    return {
        "scan": lambda path: scan(DataConfig(root=path), threads=1),
        "follow": lambda path: scan(DataConfig(root=path, follow_links=True), threads=1),
        "reader": detect_reader,
        "columns": lambda path: csv_columns(path, "labels.csv"),
        "browse": lambda path: browse.list_folder(Path(path)),
        "predict": lambda path: photos.of_path(path),
        "folder": lambda path: photos.of_folder(path),
        "table": lambda path: photos.of_table(path),
        "photo": lambda path: photos.Photo("a", path).pixels(0),
        "bytes": lambda path: photos.Photo("a", path).whole(),
        "thumbnail": lambda path: StoredPhoto(path, Path(path).name, 0).pixels(),
        "set aside": lambda path: photos.set_aside(DataConfig(root=path)),
        "relocate": lambda path: relocate(run, path),
        "weights": lambda path: check_weights(18, f"file:{path}"),
    }


DOORS = tuple(doors(None))


def test_the_watch_sees_what_a_lab_opens_that_may_look_anywhere(hidden, old_run, monkeypatch):
    """Else the tests below would find nothing because they cannot see."""
    ways = {"columns": "", "table": "labels.csv", "weights": "weights.safetensors"} | dict.fromkeys(
        ("photo", "bytes", "thumbnail"), "faces/cat/0.png"
    )
    with Watched(hidden.outside) as watched:
        for name, enter in (doors(old_run) | {"weights": lambda path: written_origin(Path(path))}).items():
            try:
                enter(str(hidden.outside / ways.get(name, "faces")))
            except LabError as error:
                assert error.kind != bounds.KIND
            assert watched.opened(), name


def test_no_typed_path_opens_what_lies_outside(hidden, held, old_run):
    enter = doors(old_run)

    @settings(max_examples=250)
    @given(some.sampled_from(DOORS), some.sampled_from(hidden.ways), some.sampled_from(WRITTEN))
    def try_it(door, way, how):
        path = hidden.written(way, how)
        with pytest.raises((LabError, OSError)):
            enter[door](path)
        assert held.opened() == set(), (door, path)

    try_it()


@pytest.mark.parametrize("door", DOORS)
def test_each_door_refuses_in_words_and_says_the_same_whether_or_not_there_is_something(hidden, held, old_run, door):
    said = set()
    for path in (hidden.outside / "faces" / "cat" / "0.png", hidden.outside / "nothing" / "0.png"):
        with pytest.raises(LabError) as refused:
            doors(old_run)[door](str(path))
        said.add(str(refused.value).replace(str(path), "...").replace(str(path.parent), "..."))
    (only,) = said
    assert "does not look" in only and str(hidden.allowed) in only and "lab.toml ([data] folders)" in only
    assert held.opened() == set()


CELLS = ("{out}/faces/cat/0.png", "../../outside/faces/cat/0.png", "linked/cat/0.png", "cat/link.png", "cat/good.png")
CELLS += ("file://{out}/faces/cat/0.png", "..\\..\\outside\\faces\\cat\\0.png", "/proc/self/root{out}/faces/cat/0.png")
CELLS += ("{set}/cat/good.png", "{set}/../../outside/faces/dog/1.png", "faces/cat/0.png", "0", "~/0.png", "")
TABLES = ("labels.csv", "book.xlsx", "../../outside/labels.csv", "{out}/labels.csv")
LINKS = {
    "linked": "faces",
    "cat/more": "faces/cat",
    "cat/link.png": "faces/cat/0.png",
    "dog/parts": "parts",
    "labels.csv": "labels.csv",
    "list.txt": "list.txt",
    "book.xlsx": "book.xlsx",
    "images/person": "faces/cat",
}


def test_no_dataset_leads_out_by_links_and_tables(hidden, held):
    """Of datasets with links that lead out at drawn places, in one step or two, and tables with drawn cells."""
    numbers, read = iter(range(10_000)), []

    @settings(max_examples=40)
    @given(
        links=some.sets(some.sampled_from(sorted(LINKS)), max_size=4),
        steps=some.booleans(),
        cells=some.lists(some.sampled_from(CELLS), max_size=4),
        table=some.sampled_from(["labels.csv", "train.csv", "rows.jsonl", ""]),
        chosen=some.sampled_from(
            [*[None] * 6, "labels.csv", "book.xlsx", "../../outside/labels.csv", "{out}/labels.csv"]
        ),
        choices=some.fixed_dictionaries(
            {
                "follow_links": some.booleans(),
                "reader": some.sampled_from(["auto", "auto", "folders", "csv", "mask", "utkface"]),
                "persons": some.sampled_from(["auto", "patient", "folder"]),
                "decode": some.sampled_from(["before", "first epoch"]),
                "leave_out_problems": some.just(True),
            }
        ),
    )
    def try_it(links, steps, cells, table, chosen, choices):
        root = hidden.allowed / f"set{next(numbers)}"
        for name in ("cat", "dog"):
            draw(root / name / "good.png")
            draw(root / name / "second.png", (9, 9, len(name)))
        written = [cell.format(out=hidden.outside, set=root) for cell in cells]
        if table.endswith(".jsonl"):
            (root / table).write_text("".join(f'{{"path": "{cell}", "label": "a"}}\n' for cell in written))
        elif table:
            rows = "".join(f"{n},male,Asian,30,{cell},a\n" for n, cell in enumerate(written))
            (root / table).write_text(f"id,gender,race,age,path,label\n{rows}9,male,Asian,30,cat/good.png,a\n")
        for name in links - {table}:
            (root / name).parent.mkdir(exist_ok=True)
            target = hidden.outside / LINKS[name]
            if steps:
                (step := root / f"step-{Path(name).name}").symlink_to(target)
                target = step
            if not (root / name).is_symlink():
                (root / name).symlink_to(target)
        held.opened()
        csv_file = chosen and chosen.format(out=hidden.outside)
        data = DataConfig.model_validate(choices | {"root": str(root), "csv_file": csv_file})
        for look in (partial(scan, data, threads=1), partial(photos.set_aside, data), partial(look_at_all, root)):
            try:
                seen = look()
            except LabError:
                continue
            if look.func is scan:
                read.extend(seen.samples["sample"])
                assert not hidden.hashes & {*seen.samples["hash"], *seen.set_aside["hash"]}
                made = thumbnails.thumbnails(photos_of(seen.samples) + photos_of(seen.set_aside))
                assert all(isinstance(small, bytes) for small in made)
                assert changes(seen.samples) == []
        assert held.opened() == set(), (links, steps, cells, table, chosen, choices)
        shutil.rmtree(root)

    try_it()
    assert "cat/good.png" in read and len(read) > 20, "what lies inside is read all the same"


def look_at_all(root):
    """What a person can have looked at of a dataset by naming files in it."""
    for name in ("labels.csv", "list.txt", "book.xlsx", "rows.jsonl", "cat/link.png", "linked", "cat/more", ""):
        for look in (photos.of_path, photos.of_table, photos.of_folder, lambda path: browse.list_folder(Path(path))):
            try:
                seen = look(root / name)
                if isinstance(seen, list):
                    for photo in seen:
                        photo.pixels(0)
            except (LabError, OSError):
                continue


def test_a_list_of_samples_that_was_tampered_with_opens_nothing_outside(hidden, held):
    """Paths as they stand in a table: with the consent to follow links, of another photo, with a link put in since."""
    root = hidden.allowed / "faces"
    for path, sample in [
        (f"{root}/./out/cat/0.png", "out/cat/0.png"),
        (f"{root}/out/cat/0.png", "out/cat/0.png"),
        (f"{root}/out/cat/0.png", "cat/0.png"),
        (f"{root}/out/cat/0.png", "0.png"),
        (f"{hidden.outside}/faces/./cat/0.png", "cat/0.png"),
        (f"{hidden.outside}/faces/cat/0.png", "cat/0.png"),
        (f"{root}/../../outside/faces/cat/0.png", "cat/0.png"),
    ]:
        (refused,) = thumbnails.thumbnails([StoredPhoto(path, sample, 0)])
        assert isinstance(refused, LabError) and refused.kind in (bounds.KIND, "outside"), (path, sample)
    assert held.opened() == set()


def test_a_run_on_photos_outside_opens_with_its_results_and_shows_none_of_them(hidden, held, old_run):
    samples = old_run.samples()
    assert len(samples) == 8 and old_run.config().data.root == str(hidden.outside / "parts")
    made = thumbnails.thumbnails(photos_of(samples))
    assert {error.kind for error in made} == {bounds.KIND}, "not even those that were made before"
    with pytest.raises(LabError, match="8 of 8 photos lie where this lab does not look") as refused:
        check_unchanged(samples)
    assert refused.value.kind == bounds.KIND
    assert held.opened() == set()
    inside = draw_dataset(hidden.allowed / "brought")
    shutil.copy2(hidden.outside / "labels.csv", inside / "copied.csv")  # the watch is awake
    assert held.opened() == {"labels.csv"}
    for file in inside.rglob("*.png"):
        file.touch()
    assert relocate(old_run, inside, others=True).agreed.keys() == {old_run.id}, "copied to where it may look"
    assert held.opened() == set()
    assert all(isinstance(small, bytes) for small in thumbnails.thumbnails(photos_of(old_run.samples())))
    old_run.moved_file.unlink()


def test_recent_datasets_outside_are_not_offered_and_not_forgotten(hidden, held):
    for root in (hidden.allowed / "faces", hidden.outside / "faces"):
        recent.remember(DataConfig(root=str(root)), reader="folders", people=6, photos=6)
    assert [entry.root for entry in recent.recent()] == [str(hidden.allowed / "faces")]
    with bounds.holding(None):
        assert len(recent.recent()) == 2
    held.opened()
    corrections.take_over(hidden.outside / "faces", hidden.allowed / "faces")
    assert held.opened() == set()


def test_no_recipe_and_no_import_leads_out(hidden, held, tmp_path):
    files = ["weights.safetensors", "weights.pth", "labels.csv"]
    for way in [hidden.outside / "faces", hidden.allowed / "out" / "faces", hidden.allowed / "again" / "parts"]:
        config = from_yaml(to_yaml(from_dict(TINY | {"data": {"root": str(way)}})), "sent.yaml")
        with pytest.raises(LabError, match="does not look"):
            scan(config.data, threads=1)
    good = scan(DataConfig(root=str(hidden.allowed / "faces")), threads=1)
    for way in [*(hidden.outside / name for name in files), hidden.allowed / "weights.safetensors"]:
        data = {"root": good.root, "leave_out_problems": True}
        config = from_dict(TINY | {"data": data, "model": {"init": f"file:{way}"}})
        with pytest.raises(LabError, match=r"weights: .* does not look") as refused:
            make_plan(config, good)
        assert refused.value.kind == "weights", "the form says it beside the field"
    assert held.opened() == set()


def test_no_zip_leads_out(hidden, held):
    out = str(hidden.outside)
    names = [
        "a.png",
        "cat/a.png",
        "../../../outside/a.png",
        f"{out}/a.png",
        "link",
        "cat/link",
        "labels.csv",
        "..\\b.png",
    ]

    @settings(max_examples=40)
    @given(some.dictionaries(some.sampled_from(names), some.sampled_from(["photo", "link", "table"]), min_size=1))
    def try_it(entries):
        row = f"path,label\n{out}/faces/cat/0.png,a\nlink/cat/0.png,b\ncat/a.png,b\na.png,a\n".encode()
        contents = {"photo": picture(), "link": f"{out}/faces".encode(), "table": row}
        for kind in ("photo", "table", "link"):
            files = {name: contents[each] for name, each in entries.items() if each == kind or kind != "link"}
            try:
                root = unpack.unpack(zipped(files, external_attr=LINK if kind == "link" else 0), "sent.zip").root
                seen = scan(DataConfig(root=str(root), follow_links=True, leave_out_problems=True), threads=1)
                assert not hidden.hashes & set(seen.samples["hash"])
            except LabError:
                continue
        assert held.opened() == set(), entries

    try_it()
    assert not any(path.is_symlink() for path in datasets_folder().rglob("*"))


def test_the_labs_own_places_are_open_in_a_shared_lab_that_names_no_folders(hidden, tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))
    monkeypatch.delenv("FACET_LAB_FILE", raising=False)
    monkeypatch.setenv("FACET_DOOR", "proxy")
    assert bounds.of_lab() == ()
    draw_dataset(tmp_path / "demo")
    draw_dataset(tmp_path / "elsewhere")
    with bounds.holding(bounds.of_lab()):
        root = unpack.unpack(zipped(pets()), "pets.zip").root
        assert len(scan(DataConfig(root=str(root)), threads=1).samples) == 4
        assert len(scan(DataConfig(root=str(tmp_path / "demo")), threads=1).samples) == 8
        for place in (tmp_path / "elsewhere", tmp_path, HOME, Path("/"), tmp_path / "demonstration"):
            with pytest.raises(LabError, match="Take the demo or drop a zip, or ask who runs the lab"):
                scan(DataConfig(root=str(place)), threads=1)


@pytest.mark.parametrize(
    ("text", "door", "folders"),
    [
        ("", "alone", None),
        ("", "oidc", ()),
        ("[data]\nfolders = ['/data/faces']\n", "alone", (Path("/data/faces"),)),
        ("[data]\nfolders = ['/data/faces', '/srv/a']\n", "proxy", (Path("/data/faces"), Path("/srv/a"))),
        ("[data]\nfolders = []\n", "alone", ()),
    ],
)
def test_folders_of_lab_toml_hold_in_every_mode(tmp_path, monkeypatch, text, door, folders):
    (tmp_path / "lab.toml").write_text(text)
    monkeypatch.setenv("FACET_LAB_FILE", str(tmp_path / "lab.toml"))
    monkeypatch.setenv("FACET_DOOR", door)
    assert bounds.of_lab() == folders


def test_a_broken_lab_toml_opens_nothing_instead_of_everything(hidden, tmp_path, monkeypatch):
    (tmp_path / "lab.toml").write_text("[data]\nfolder = ['/']\n")
    monkeypatch.setenv("FACET_LAB_FILE", str(tmp_path / "lab.toml"))
    with pytest.raises(LabError, match="has no 'folder'"):
        bounds.hold_page()
    assert not bounds.may_look(hidden.allowed) and bounds.allowed().folders == ()
    (tmp_path / "lab.toml").unlink()
    bounds.hold_page()
    assert bounds.may_look(hidden.allowed)


def test_no_page_chooses_a_folder_in_which_old_pixels_are_deleted(hidden, held, tmp_path):
    for folder in (hidden.outside / "faces", hidden.allowed / "out", hidden.allowed / "faces", tmp_path / "fast"):
        with pytest.raises(LabError, match="no page chooses where decoded photos lie"):
            kept.choose(tmp_path, folder=str(folder), limit=None)
    assert not (tmp_path / "fast").exists() and held.opened() == set()
    with bounds.holding(None):
        chosen = kept.choose(tmp_path, folder=str(tmp_path / "fast"), limit=None)
    assert kept.choose(tmp_path, folder=str(chosen.folder), limit=7).limit == 7, (
        "how much they take is chosen all the same"
    )


def test_what_is_no_list_of_folders_allows_none(hidden, monkeypatch):
    for text in ("", "[]", '"/"', "nonsense", "[1, 2]", '["/"]'):
        monkeypatch.setenv(bounds.GIVEN, text)
        assert not bounds.may_look("/") and not bounds.may_look(hidden.allowed)


def test_a_folder_that_begins_alike_is_another_one(hidden):
    with bounds.holding([hidden.allowed]):
        assert bounds.may_look(hidden.allowed) and bounds.may_look(hidden.allowed / "nothing" / "yet")
        assert not bounds.may_look(f"{hidden.allowed}-too") and not bounds.may_look(hidden.allowed.parent)
    with bounds.holding(["/"]):
        assert bounds.may_look(hidden.outside)
