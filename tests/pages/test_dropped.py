"""A dataset for whom types no path: a zip is dropped, a folder is clicked to, a recent one is picked."""

import tomllib
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from core.data.zips import limits, unpack
from core.places import HOME, datasets_folder
from pages.parts.dataset import browse, dropped
from tests.photos import draw
from tests.zips import in_code_page, pets, zipped

PAGES = {"launch": "launch-data", "data": "data-choice", "augment": "augment-data"}


def open_page(name) -> AppTest:
    page = AppTest.from_file(str(HOME / "pages" / f"{name}.py"), default_timeout=60)
    page.session_state["groups_open"] = {"augment-dataset"}
    page.run()
    assert not page.exception
    return page


def drop(page, key, stream, name="pets.zip"):
    page.segmented_control(key=f"{key}.source").set_value("zip").run()
    page.file_uploader(key=uploader(page, key)).set_value((name, stream.getvalue(), "application/zip")).run()
    assert not page.exception
    return page


def uploader(page, key):
    return f"{key}.zip{page.session_state[dropped.NUMBER]}"


def text_of(page):
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info)
    bodies = [element.value for kind in kinds for element in kind]
    bodies += [element.proto.body for element in page.get("html")]
    return unescape("\n".join(bodies)).replace("\\", "").replace("\u200b", "")


def chosen_root(page, name):
    return (
        page.session_state["launch_draft"]["data"]["root"]
        if name == "launch"
        else page.session_state[PAGES[name]]["root"]
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_zip_that_is_dropped_becomes_the_dataset(opened, name):
    page = drop(open_page(name), PAGES[name], zipped(pets()))
    root = datasets_folder() / "pets"
    assert chosen_root(page, name) == str(root)
    if name != "augment":  # it shows no card
        assert "4 files, unpacked into" in text_of(page)
        assert "2 classes: cat 2, dog 2." in text_of(page)
    assert page.file_uploader(key=uploader(page, PAGES[name])).value is None, "a place for the next one"
    again = drop(open_page(name), PAGES[name], zipped(pets()), "again.zip")
    assert chosen_root(again, name) == str(root)
    assert [folder.name for folder in unpack.datasets()] == ["pets"]


def test_the_upload_leaves_the_memory(opened, monkeypatch):
    removed = []
    real = dropped.get_script_run_ctx

    def context():
        found = real()
        remove = found.uploaded_file_mgr.remove_file
        monkeypatch.setattr(
            found.uploaded_file_mgr,
            "remove_file",
            lambda session_id, file_id: (removed.append(file_id), remove(session_id, file_id)),
        )
        return found

    monkeypatch.setattr(dropped, "get_script_run_ctx", context)
    drop(open_page("data"), "data-choice", zipped(pets()))
    assert len(removed) == 1


def test_a_zip_that_is_refused_says_why_and_the_dataset_stays(opened, tmp_path):
    for kind in ("a", "b"):
        draw(tmp_path / "photos" / kind / "1.png")
    page = open_page("data")
    page.segmented_control(key="data-choice.source").set_value("folder").run()
    page.text_input(key="data-choice.path").set_value(str(tmp_path / "photos")).run()
    page = drop(page, "data-choice", zipped({**pets(), "../out.png": b"x"}))
    assert "pets.zip: a path in it leads out of the dataset: '../out.png'. Nothing was unpacked." in text_of(page)
    assert chosen_root(page, "data") == str(tmp_path / "photos")
    page = drop(page, "data-choice", zipped(pets()))
    assert "leads out" not in text_of(page) and "4 files, unpacked into" in text_of(page)


def test_names_with_two_readings_are_a_question_with_a_preview_each(opened):
    page = drop(open_page("launch"), "launch-data", in_code_page(["猫/1.png", "狗/2.png"], "gb18030"))
    assert "How are the file names in pets.zip to be read?" in text_of(page)
    assert unpack.datasets() == []
    answers = [button for button in page.button if ".names-" in (button.key or "")]
    assert [answer.label.split()[0] for answer in answers[:3:2]] == ["猫\\,", "챔\\,"]
    answers[0].click().run()
    assert "2 classes: 狗 1, 猫 1." in text_of(page)
    assert (datasets_folder() / "pets" / "猫" / "1.png").is_file()


def test_the_limits_are_set_on_the_page_and_told(opened):
    page = open_page("launch")
    page.segmented_control(key="launch-data.source").set_value("zip").run()
    assert "20 GB in 300,000 files" in text_of(page)
    page.text_input(key="zip-limit-files").set_value("3").run()
    assert limits.read().files == 3 and "in 3 files" in text_of(page)
    assert "more than 3 files" in text_of(drop(page, "launch-data", zipped(pets())))
    page.text_input(key="zip-limit-files").set_value("many").run()
    assert "files must be a whole number from 1" in text_of(page) and limits.read().files == 3


def test_the_size_of_an_upload_is_the_servers_setting_and_what_the_memory_can_bear(monkeypatch):
    assert tomllib.loads((HOME / ".streamlit" / "config.toml").read_text())["server"]["maxUploadSize"] == 1000
    monkeypatch.setattr(dropped.st, "get_option", {"server.maxUploadSize": 1000}.get)
    monkeypatch.setattr(dropped.machine, "memory", lambda: 64 * 2**30)
    assert dropped.largest_upload() == 1000
    monkeypatch.setattr(dropped.machine, "memory", lambda: 2 * 2**30)
    assert dropped.largest_upload() == 512


# A folder by clicks


def test_a_folder_is_found_by_clicks_from_home_on(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for kind in ("a", "b"):
        draw(tmp_path / "Pictures" / "**my** pets" / kind / "1.png")
    (tmp_path / ".hidden").mkdir()
    page = open_page("launch")
    page.segmented_control(key="launch-data.source").set_value("folder").run()
    labels = [button.label for button in page.button if ".into-" in (button.key or "")]
    assert "Pictures" in labels and ".hidden" not in labels

    def enter(label):
        next(button for button in page.button if button.label == label).click().run()

    enter("Pictures")
    enter(r"\*\*my\*\* pets")
    assert "0 pictures in this folder itself" in text_of(page)
    enter("Up")
    enter(r"\*\*my\*\* pets")
    enter("Use this folder")
    assert chosen_root(page, "launch") == str(tmp_path / "Pictures" / "**my** pets")
    assert "2 classes: a 1, b 1." in text_of(page)
    enter("Browse")
    assert "**my** pets" in [button.label.replace("\\", "") for button in page.button if ".into-" in (button.key or "")]


def test_a_folder_that_cannot_be_listed_is_told(opened, tmp_path):
    page = open_page("data")
    page.segmented_control(key="data-choice.source").set_value("folder").run()
    page.session_state[browse.AT]["data-choice"] = str(tmp_path / "gone")
    page.run()
    assert not page.exception
    assert "gone cannot be listed (No such file or directory)." in text_of(page)


def test_of_many_folders_some_are_shown_and_the_others_counted(tmp_path, monkeypatch):
    for number in range(7):
        (tmp_path / f"f{number}").mkdir()
    draw(tmp_path / "a.PNG")
    (tmp_path / "table.csv").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    monkeypatch.setattr(browse, "MOST_FOLDERS", 5)
    listing = browse.list_folder(tmp_path)
    assert (listing.folders, listing.photos, listing.more, listing.whole) == (
        ["f0", "f1", "f2", "f3", "f4"],
        1,
        3,
        True,
    )
    monkeypatch.setattr(browse, "MOST_ENTRIES", 2)
    assert not browse.list_folder(tmp_path).whole


@pytest.mark.parametrize("name", PAGES)
def test_a_recent_dataset_and_an_unpacked_zip_are_picked_by_clicks_wherever_one_is_chosen(opened, tmp_path, name):
    unpack.unpack(zipped(pets()), "pets.zip")
    page = open_page(name)
    page.segmented_control(key=f"{PAGES[name]}.source").set_value("recent").run()
    box = page.selectbox(key=f"{PAGES[name]}.recent")
    assert box.options == [f"pets · from a zip · {datasets_folder() / 'pets'}"]
    box.set_value(str(datasets_folder() / "pets")).run()
    assert not page.exception
    assert chosen_root(page, name) == str(datasets_folder() / "pets")
    if name != "augment":
        assert "4 photos" in page.run().selectbox(key=f"{PAGES[name]}.recent").options[0]
