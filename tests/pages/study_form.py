"""The launch page as a form of studies: a grid, chosen or brought along."""

from streamlit.testing.v1 import AppTest

from tests.pages.launch_form import brought, faces, shown, unopened, with_open


def open_study(tmp_path, grid=None, *groups, size=None, epochs=None, root=None, **address) -> AppTest:
    """The form of a study, on thirty faces if no other root is given. grid: setting -> values, as if they had been
    chosen. groups: of settings, that stand open."""
    page = unopened(**{"recipe": "quick", **address})
    typed = {"on": True, "name": "study", "description": "", "version": 0, "size": size, "epochs": epochs}
    page.session_state["launch_study"] = {**typed, "grid": grid or {}}
    if root is None and not (root := tmp_path / "faces").exists():
        faces(root)
    return shown(with_open(brought(page, root), groups))


def control(page, name):
    key = f"study{page.session_state['launch_study']['version']}.{name}"
    return next(w for w in (*page.multiselect, *page.button_group) if w.key == key)


def vary(page, **grid):
    """Through the controls. grid: setting with __ for the dot -> values, those of open settings as they are typed."""
    paths = [path.replace("__", ".") for path in grid]
    control(page, "fields").set_value(paths).run()
    for path, values in zip(paths, grid.values(), strict=True):
        control(page, f"values.{path}").set_value(values).run()
        assert not page.exception
    return page


def study_button(page):
    return page.button(key="launch-study-button")
