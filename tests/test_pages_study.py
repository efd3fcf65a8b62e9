"""A study from the Launch page to the Studies page, through Streamlit's own test runner; nothing trains here."""

from core import runs, study_records
from core.runs import Run
from tests.test_pages_launch import faces, lab, open_page, take_folder, text_of

__all__ = ["lab"]


def chosen(page, path):
    version = page.session_state["launch_study"]["version"]
    key = f"study{version}.{path}"
    return next(w for w in (*page.multiselect, *page.button_group) if w.key == key)


def vary(page, **grid):
    """grid: setting with __ for the dot -> values."""
    paths = [path.replace("__", ".") for path in grid]
    chosen(page, "fields").set_value(paths).run()
    for path, values in zip(paths, grid.values(), strict=True):
        chosen(page, f"values.{path}").set_value(values).run()
    assert not page.exception
    return page


def study_button(page):
    return page.button(key="launch-study-button")


def open_study(tmp_path, **address):
    return take_folder(open_page(**{"as": "study", "recipe": "quick", **address}), faces(tmp_path / "faces"))


def test_a_grid_becomes_runs_on_the_same_folds(lab, tmp_path):
    page = vary(open_study(tmp_path), model__depth=[18, 34], training__seed=["0", "1"])
    chosen(page, "fields")
    assert "4 runs, 20 fold jobs are queued" in text_of(page)
    study_button(page).click().run()
    assert not page.exception
    ((name, address),) = lab
    assert name == "studies"
    record = study_records.load(address["study"])
    made = [Run(run_id) for run_id in record.run_ids]
    assert [(r.config().model.depth, r.config().training.seed) for r in made] == [(18, 0), (18, 1), (34, 0), (34, 1)]
    folds = [r.samples().set_index("person")["fold"].to_dict() for r in made]
    assert all(split == folds[0] for split in folds)


def test_a_second_tab_of_the_form_launches_no_second_study(lab, tmp_path):
    first = vary(open_study(tmp_path), training__seed=["0", "1"])
    second = vary(open_study(tmp_path, form=first.session_state["launch_token"]), training__seed=["0", "1"])
    study_button(first).click().run()
    study_button(second).click().run()
    assert lab[0] == lab[1]
    assert len(study_records.all_studies()) == 1
    assert len(runs.summaries()) == 2
