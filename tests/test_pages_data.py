"""The data page, driven through Streamlit's own test runner."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import recent
from tests.photos import draw

PAGE = Path(__file__).parents[1] / "pages" / "data.py"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))


def pets(root: Path, each: int = 40) -> Path:
    for kind in ("cats", "<b>dogs</b>".replace("/", "")):
        for number in range(each):
            draw(root / kind / f"{number:02d}.jpg", (number * 5, len(kind) * 10, 0))
    return root


def open_page(**address) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def test_without_a_dataset_the_page_says_how_to_get_one(lab):
    page = open_page()
    assert "Choose a folder of labelled photos" in page.info[0].value


def test_the_address_opens_a_dataset_and_it_becomes_a_recent_one(lab, tmp_path):
    page = open_page(root=str(pets(tmp_path / "pets")))
    table = page.dataframe[0].value
    assert table["photos"].tolist() == [40, 40]
    assert [entry.root for entry in recent.recent()] == [str(tmp_path / "pets")]


def test_the_gallery_turns_pages_and_shows_names_as_text(lab, tmp_path):
    page = open_page(root=str(pets(tmp_path / "pets")))
    assert html(page).count("<figure>") == 60
    assert "<b>dogs" not in html(page)
    next(b for b in page.button if b.label == "Next").click().run()
    assert page.query_params["page"] in ("2", ["2"])
    assert html(page).count("<figure>") == 20


def test_choosing_a_class_starts_at_its_first_page(lab, tmp_path):
    page = open_page(root=str(pets(tmp_path / "pets")), page="2")
    page.selectbox(key="data-class").set_value("cats").run()
    assert html(page).count("<figure>") == 40


@pytest.mark.parametrize("asked", ["-3", "0", "999999999999999999999", "abc", "²"])
def test_a_page_that_is_not_there_is_the_nearest_one(lab, tmp_path, asked):
    page = open_page(root=str(pets(tmp_path / "pets")), page=asked)
    assert "<figure>" in html(page)


def test_a_missing_folder_is_an_error_and_no_traceback(lab, tmp_path):
    page = open_page(root=str(tmp_path / "nowhere"))
    assert "there is no such folder" in html(page)
