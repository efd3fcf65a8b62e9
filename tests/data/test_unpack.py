import io
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from itertools import pairwise

import pytest

from core.data.zips import contents, limits, unpack
from core.data.zips.limits import Limits
from core.errors import LabError
from core.places import HOME, datasets_folder
from tests.photos import read
from tests.zips import (
    FLAGS,
    HEADER,
    LOCAL_FLAGS,
    LOCAL_PACKING,
    LOCAL_UNPACKED_SIZE,
    PACKING,
    UNPACKED_SIZE,
    everything_below,
    in_code_page,
    patched,
    pets,
    picture,
    zipped,
)

PETS = sorted(pets())


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


def refused(stream, runs, name="pets.zip", **options):
    """The refusal of a zip, of which then nothing lies anywhere."""
    with pytest.raises(LabError) as caught:
        unpack.unpack(stream, name, runs=runs, **options)
    home = datasets_folder(runs)
    assert not home.exists() or not [path for path in home.rglob("*") if path.name != ".naming.lock"]
    return caught.value


def test_a_zip_becomes_a_dataset_that_is_called_as_it_is(runs):
    dataset = unpack.unpack(zipped(pets()), "My pets.zip", runs=runs)
    assert dataset.root == datasets_folder(runs) / "My pets"
    assert (dataset.files, dataset.is_new, dataset.notes) == (4, True, ())
    assert everything_below(dataset.root) == [unpack.RECORD, *PETS]
    assert (dataset.root / "cat" / "1.png").read_bytes() == pets()["cat/1.png"]
    scanned = read(dataset.root)
    assert scanned.samples["label"].value_counts().to_dict() == {"cat": 2, "dog": 2}
    assert scanned.set_aside.empty and scanned.problems.empty


def test_the_same_bytes_are_the_same_dataset_and_another_zip_of_that_name_is_another(runs):
    first = unpack.unpack(zipped(pets()), "pets.zip", runs=runs)
    again = unpack.unpack(zipped(pets()), "copy of pets.zip", runs=runs)
    assert (again.root, again.is_new) == (first.root, False)
    assert unpack.unpacked_before(zipped(pets()), runs).root == first.root
    others = [unpack.unpack(zipped(pets(each)), name, runs=runs) for each, name in ((3, "PETS.zip"), (4, "pets.ZIP"))]
    assert [other.root.name for other in others] == ["PETS-2", "pets-3"]
    assert unpack.unpacked_before(zipped(pets(5)), runs) is None
    assert everything_below(first.root) == [unpack.RECORD, *PETS]


def test_photos_that_a_power_cut_emptied_are_unpacked_again_and_what_people_took_out_is_not(runs):
    first = unpack.unpack(zipped(pets()), "pets.zip", runs=runs).root
    emptied = first / PETS[0]
    emptied.write_bytes(b"")
    again = unpack.unpack(zipped(pets()), "pets.zip", runs=runs)
    assert again.is_new and again.root.name == "pets-2"
    assert {name: (again.root / name).read_bytes() for name in PETS} == pets()
    (again.root / PETS[0]).unlink()
    assert unpack.unpacked_before(zipped(pets()), runs).root == again.root
    shutil.rmtree(again.root)
    record = json.loads((first / unpack.RECORD).read_text())
    del record["bytes"]
    (first / unpack.RECORD).write_text(json.dumps(record))
    assert unpack.unpacked_before(zipped(pets()), runs).root == first, "an older lab did not say how long they are"


@pytest.mark.parametrize(
    ("zip_name", "name"),
    [
        ("../../evil.zip", "evil"),
        (r"C:\photos\cats.zip", "cats"),
        ("..zip", "dataset"),
        (".hidden.zip", "hidden"),
        ("a\x00b\n.zip", "a b"),
        ("고양이.zip", "고양이"),
        ("x" * 300 + ".zip", "x" * 80),
        ("con:1?.zip", "con 1"),
    ],
)
def test_no_name_of_a_zip_leads_elsewhere(zip_name, name):
    assert unpack.folder_name(zip_name) == name


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../outside.png", "leads out"),
        ("cat/../../outside.png", "leads out"),
        ("/etc/outside.png", "leads out"),
        ("C:/outside.png", "leads out"),
        ("c:outside.png", "leads out"),
        ("..\\outside.png", "leads out"),
        ("\\\\server\\outside.png", "leads out"),
        ("cat/a\x07.png", "control characters"),
        (f"cat/{'é' * 128}.png", "longer than 255 bytes"),
        ("/".join(["deep" * 20] * 15) + ".png", "longer than 1,000 bytes"),
    ],
)
def test_a_path_that_leads_out_or_cannot_be_is_refused(runs, path, words):
    error = refused(zipped({**pets(), path: picture()}), runs)
    assert words in error.message and "Nothing was unpacked" in error.message
    assert not list(runs.parent.rglob("outside*"))


def test_a_name_does_not_end_at_a_nul(runs):
    content = zipped({**pets(), "cat/good.png?.exe": b"x"}).getvalue().replace(b"good.png?", b"good.png\0")
    assert "control characters" in refused(io.BytesIO(content), runs).message


def test_backslashes_between_folders_are_folders(runs):
    flat = {name.replace("/", "\\"): content for name, content in pets().items()}
    assert everything_below(unpack.unpack(zipped(flat), "a.zip", runs=runs).root) == [unpack.RECORD, *PETS]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_left_out_and_told(runs, tmp_path, kind):
    stream = zipped(pets())
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("cat/way-out.png")
        link.create_system, link.external_attr = 3, (kind | 0o777) << 16
        archive.writestr(link, str(tmp_path))
    dataset = unpack.unpack(stream, "pets.zip", runs=runs)
    assert everything_below(dataset.root) == [unpack.RECORD, *PETS]
    assert "1 link or device (cat/way-out.png)" in dataset.notes[0]


def test_what_systems_put_into_a_zip_is_left_out_and_told(runs):
    system = {"__MACOSX/cat/._0.png": b"x", ".DS_Store": b"x", "cat/Thumbs.db": b"x", "@eaDir/cat/0.png": picture()}
    dataset = unpack.unpack(zipped({**pets(), **system, "inside.zip": b"x"}), "pets.zip", runs=runs)
    assert everything_below(dataset.root) == [unpack.RECORD, *PETS, "inside.zip"]
    assert dataset.notes == (
        "Left out: 4 files of a system, or hidden (__MACOSX, .DS_Store, Thumbs.db and @eaDir).",
        "Not unpacked: 1 archive in it (inside.zip).",
    )


@pytest.mark.fault(25)
def test_a_bomb_is_refused_by_what_it_says(runs):
    zeros = zipped({**pets(), "zeros.bmp": bytes(30_000_000)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contents, "INNOCENT", 10_000_000)
        assert "times its size" in refused(zeros, runs).message
    huge = patched(zeros, "zeros.bmp", UNPACKED_SIZE, "<L", 4_000_000_000)
    error = refused(huge, runs, limits=Limits(gigabytes=2))
    assert "4.0 GB; the limit is 2 GB" in error.message and "Raise the limit" in error.remedy


@pytest.mark.parametrize("says", [1_000, 40_000, 5_000_000])
def test_a_size_that_lies_is_found_out_by_counting(runs, says):
    stream = zipped({**pets(), "cat/big.bmp": bytes(2_000_000)})
    lying = patched(stream, "cat/big.bmp", UNPACKED_SIZE, "<L", says, local=LOCAL_UNPACKED_SIZE)
    assert "'cat/big.bmp' is broken" in refused(lying, runs).message


def test_no_more_is_written_than_was_said(runs, monkeypatch):
    monkeypatch.setattr(zipfile.ZipExtFile, "_update_crc", lambda self, data: None)  # a checksum that fits
    stream = zipped({**pets(), "cat/big.bmp": bytes(9_000_000)})
    lying = patched(stream, "cat/big.bmp", UNPACKED_SIZE, "<L", 1_000, local=LOCAL_UNPACKED_SIZE)
    root = unpack.unpack(lying, "pets.zip", runs=runs).root
    assert (root / "cat" / "big.bmp").stat().st_size == 1_000


def test_entries_that_share_their_bytes_are_refused(runs):
    stream = zipped({**pets(), "a.bmp": bytes(9), "b.bmp": bytes(9)})
    with zipfile.ZipFile(stream) as archive:
        first = archive.getinfo("a.bmp").header_offset
    assert "share their bytes" in refused(patched(stream, "b.bmp", HEADER, "<L", first), runs).message


def test_more_files_than_the_limit_are_refused_before_their_list_is_read(runs, monkeypatch):
    stream = zipped({f"cat/{n}.png": b"" for n in range(40)})
    assert "more than 30 files" in refused(stream, runs, limits=Limits(files=30)).message
    monkeypatch.setattr(contents, "ZipFile", lambda stream: pytest.fail("the list is read"))
    many = zipped({f"{'x' * 200}{n}.png": b"" for n in range(40)})
    assert "more than 10 files" in refused(many, runs, limits=Limits(files=10)).message


@pytest.mark.parametrize(("bits", "name"), [(0x1, "password"), (0x41, "password")])
def test_a_password_is_told(runs, bits, name):
    stream = patched(zipped(pets()), "dog/1.png", FLAGS, "<H", bits, local=LOCAL_FLAGS)
    error = refused(stream, runs)
    assert "protected by a password ('dog/1.png')" in error.message and "another program" in error.remedy


def test_a_way_of_packing_that_is_not_read_is_told(runs):
    stream = patched(zipped(pets()), "dog/1.png", PACKING, "<H", 9, local=LOCAL_PACKING)
    assert "Deflate64" in refused(stream, runs).message


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_wherever_a_zip_is_cut_or_changed_it_is_told_and_nothing_stays(runs, packing):
    rows = b"0123456789" * 400
    whole = zipped({**pets(), "cat/rows.csv": rows}, packing=packing).getvalue()
    for cut in range(1, len(whole), len(whole) // 12):
        refused(io.BytesIO(whole[:cut]), runs)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        entry = archive.getinfo("cat/rows.csv")
    for at in range(entry.header_offset + 42, entry.header_offset + 42 + entry.compress_size, entry.compress_size // 6):
        changed = bytearray(whole)
        changed[at] ^= 0x55
        try:
            root = unpack.unpack(io.BytesIO(bytes(changed)), "pets.zip", runs=runs).root
        except LabError as error:
            assert "'cat/rows.csv' is broken" in error.message
        else:  # bits that mean nothing, such as those that fill the last byte
            assert (root / "cat" / "rows.csv").read_bytes() == rows
            shutil.rmtree(root)
        assert everything_below(datasets_folder(runs)) in ([], [".naming.lock"])


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_or_empty_is_told(runs, content):
    assert refused(io.BytesIO(content), runs).kind == "zip"


def test_two_files_of_one_name_and_a_file_that_is_a_folder_are_refused(runs):
    with pytest.warns(UserWarning, match="Duplicate"):
        stream = zipped(pets())
        with zipfile.ZipFile(stream, "a") as archive:
            archive.writestr("cat/0.png", b"another")
    assert "two of its files are called 'cat/0.png'" in refused(stream, runs).message
    assert "'cat/0.png' is a file and a folder" in refused(zipped({**pets(), "cat/0.png/x.png": b""}), runs).message


def test_names_that_are_one_where_capitals_make_no_difference(runs, monkeypatch):
    for pair in (("cat/a.png", "cat/A.png"), ("cat/a.png", "CAT/b.png"), ("café/1.png", "cafe\u0301/2.png")):
        files = dict.fromkeys(pair, picture())
        clash = contents.same_on_some_systems(files)
        assert {name.casefold()[:3] for name in clash} == {pair[0][:3]}
    assert contents.same_on_some_systems(dict.fromkeys(PETS)) is None
    both = zipped({"cat/a.png": picture(), "cat/A.png": picture(), "dog/1.png": picture()})
    if not (runs.parent / runs.parent.name.swapcase()).exists():
        assert unpack.unpack(both, "pets.zip", runs=runs).files == 3
    monkeypatch.setattr(unpack, "takes_capitals_for_small", lambda folder: True)
    assert "are one name on this file system" in refused(both, runs.parent / "other").message


def test_a_zip_without_a_picture_says_what_it_holds(runs):
    error = refused(zipped({"train.zip": b"x", "test.zip": b"x"}), runs)
    assert "only other archives: train.zip and test.zip" in error.message and "drop those" in error.remedy
    assert "but readme.txt" in refused(zipped({"readme.txt": b"x"}), runs).message


CATS_AND_DOGS = {"cp949": ("고양이", "강아지"), "gb18030": ("正常", "异常"), "cp932": ("ねこ", "いぬ")}
CATS_AND_DOGS |= {
    "big5": ("貓", "圖片"),
    "cp437": ("Köln", "München"),
    "cp866": ("кошка", "собака"),
    "utf-8": ("고양이", "猫"),
}


@pytest.mark.parametrize(("encoding", "classes"), CATS_AND_DOGS.items())
def test_names_of_every_country_are_read_right_and_told(runs, encoding, classes):
    stream = in_code_page([f"{name}/{n}.png" for name in classes for n in range(2)], encoding)
    names = unpack.names_of(stream, "a.zip")
    dataset = unpack.unpack(stream, "a.zip", runs=runs)
    assert set(read(dataset.root).samples["label"]) == set(classes)
    assert names.encoding == encoding
    if encoding != "utf-8":
        assert f"read as {encoding}" in dataset.notes[0] and classes[0] in dataset.notes[0]


def test_names_with_two_readings_are_asked_about_and_can_be_chosen(runs):
    stream = in_code_page(["猫/1.png", "狗/2.png"], "gb18030")
    names = unpack.names_of(stream, "a.zip")
    assert not names.are_sure and next(iter(names.readings)) == "gb18030" and "cp949" in names.readings
    assert "as cp949 (Korean) they say" in unpack.unpack(stream, "a.zip", runs=runs).notes[0]
    chosen = unpack.unpack(stream, "a.zip", runs=runs, encoding="cp949")
    assert chosen.root.name == "a-2" and "cp949" in chosen.notes[0]
    assert unpack.unpack(stream, "a.zip", runs=runs, encoding="cp949").root == chosen.root
    with pytest.raises(LabError, match="not in ascii"):
        unpack.unpack(stream, "a.zip", runs=runs, encoding="ascii")


def test_names_that_say_what_they_are_need_no_judge(runs):
    stream = zipped({"고양이/1.png": picture(), "개/1.png": picture()})
    assert unpack.names_of(stream, "a.zip").are_sure
    assert unpack.unpack(stream, "a.zip", runs=runs).notes == ()
    name = "??/1.png"
    field = struct.pack("<BL", 1, zlib.crc32(name.encode())) + "개/1.png".encode()
    field = struct.pack("<HH", 0x7075, len(field)) + field
    stream = zipped({name: picture()}, extra=field)
    assert (unpack.unpack(stream, "b.zip", runs=runs).root / "개" / "1.png").is_file()


def test_whoever_stops_in_the_middle_leaves_nothing_and_begins_anew(runs, monkeypatch):
    monkeypatch.setattr(unpack, "EVERY", 0)
    told = []

    def stop(done, total):
        told.append((done, total))
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack.unpack(zipped(pets()), "pets.zip", runs=runs, progress=stop)
    assert everything_below(datasets_folder(runs)) == []
    told.clear()
    unpack.unpack(zipped(pets()), "pets.zip", runs=runs, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == sum(map(len, pets().values()))
    assert all(before < after for before, after in pairwise(told))


def test_a_kill_leaves_no_half_dataset_and_what_it_left_is_cleared(runs):
    code = f"""
import os, signal
from pathlib import Path
from core.data.zips import unpack
from tests.zips import pets, zipped
unpack.EVERY = 0
unpack.unpack(zipped(pets()), "pets.zip", runs=Path({str(runs)!r}),
    progress=lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done > total / 2 else None)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, env={**os.environ, "PYTHONPATH": str(HOME)})
    assert done.returncode == -signal.SIGKILL
    home = datasets_folder(runs)
    assert [path for path in home.iterdir() if not path.name.startswith(".")] == []
    assert len(everything_below(home)) > 1
    unpack.unpack(zipped(pets()), "pets.zip", runs=runs)
    assert everything_below(home) == [".naming.lock", f"pets/{unpack.RECORD}", *[f"pets/{name}" for name in PETS]]


def test_an_unpacking_that_lives_is_not_cleared_away(runs, monkeypatch):
    monkeypatch.setattr(unpack, "EVERY", 0)

    def begin_another(done, total):
        monkeypatch.setattr(unpack, "EVERY", 9e9)
        unpack.unpack(zipped(pets(3)), "pets.zip", runs=runs)

    assert unpack.unpack(zipped(pets()), "pets.zip", runs=runs, progress=begin_another).root.name == "pets-2"
    assert everything_below(datasets_folder(runs) / "pets-2") == [unpack.RECORD, *PETS]


def test_two_pages_with_the_same_zip_make_one_dataset(runs, monkeypatch):
    monkeypatch.setattr(unpack, "EVERY", 0)

    def begin_the_same(done, total):
        monkeypatch.setattr(unpack, "EVERY", 9e9)
        unpack.unpack(zipped(pets()), "pets.zip", runs=runs)

    dataset = unpack.unpack(zipped(pets()), "pets.zip", runs=runs, progress=begin_the_same)
    assert (dataset.root.name, dataset.is_new) == ("pets", False)
    assert [path.name for path in datasets_folder(runs).iterdir() if not path.name.startswith(".")] == ["pets"]


def test_no_room_and_no_right_to_write_are_told(runs, monkeypatch):
    monkeypatch.setattr(unpack, "SPARE", 10**18)
    assert refused(zipped(pets()), runs).kind == "disk-full"
    monkeypatch.undo()
    runs.mkdir(exist_ok=True)
    (runs / "file").touch()
    assert refused(zipped(pets()), runs / "file").kind == "zip-folder"


def test_the_limits_are_a_setting_of_this_machine(runs):
    assert limits.read(runs) == Limits()
    limits.write(Limits(gigabytes=3, files=30), runs)
    assert limits.read(runs) == Limits(3, 30)
    assert "more than 30 files" in refused(zipped({f"{n}.png": b"" for n in range(31)}), runs).message
    for wrong in (Limits(0, 1), Limits(1, "many"), Limits(True, 1)):
        with pytest.raises(LabError, match="must be a whole number"):
            limits.write(wrong, runs)
    next(runs.rglob("zips.json")).write_text("[")
    assert limits.read(runs) == Limits()
