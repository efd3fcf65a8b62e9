"""The form answers what a table leaves open: its encoding, its persons, its words for nothing."""

from streamlit.testing.v1 import AppTest

from core.config.run_config import DataConfig
from core.places import HOME
from tests.data.tables import table
from tests.photos import draw


def open_form(root):
    page = AppTest.from_file(str(HOME / "pages" / "data.py"), default_timeout=60)
    page.session_state["groups_open"] = {"labels-data-choice"}
    page.session_state["data-choice"] = DataConfig(root=str(root)).model_dump(mode="json")
    return page.run()


def choose(page, label, value):
    (control,) = [each for each in (*page.selectbox, *page.text_input) if each.label == label]
    control.set_value(value).run()
    assert not page.exception
    return page.session_state["data-choice"]


def words(page):
    return " ".join(element.value for element in (*page.markdown, *page.caption))


def test_what_a_table_leaves_open_is_answered_on_the_form(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    photos = [f"{i}.jpg" for i in range(6)]
    root = table(tmp_path / "photos", [], *photos, header="")
    rows = [f"{i}.jpg,{'猫狗'[i % 2] if i < 5 else 'none'},p{i // 2}" for i in range(6)]
    (root / "labels.csv").write_bytes("\n".join(["path,label,person", *rows]).encode("gbk"))
    page = open_form(root)
    assert "猫" in words(page) and "챔" in words(page), "nobody is asked which letters are right"
    assert choose(page, "Encoding", "cp949")["encoding"] == "cp949"
    assert "챔" in words(page) and "猫" not in words(page)
    assert choose(page, "Person column", "none")["person_column"] == "none"
    assert "Persons are unknown" in words(page)
    assert choose(page, "Words for no label", "")["no_label"] in ("", None)
    assert "none 1" in words(page)
    assert choose(page, "Encoding", "")["encoding"] is None


def test_lists_of_parts_can_be_refused_on_the_form(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    for n in range(8):
        draw(tmp_path / f"photos/{'ab'[n % 2]}/{n}.jpg")
    (tmp_path / "photos/train.txt").write_text("2.jpg\n3.jpg\n4.jpg\n5.jpg\n6.jpg\n7.jpg\n")
    (tmp_path / "photos/test.txt").write_text("0.jpg\n1.jpg\n")
    page = open_form(tmp_path / "photos")
    assert "Set aside as the test set" in words(page)
    assert choose(page, "Split column", "none")["split_column"] == "none"
    assert "Set aside as the test set" not in words(page)
    assert choose(page, "Split column", "")["split_column"] is None, "it cannot be taken back"
