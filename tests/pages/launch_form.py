"""The launch page alone in Streamlit's own test runner, and hands for its form."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.config.run_config import DataConfig
from core.places import HOME
from tests.photos import draw

PAGE = HOME / "pages" / "launch.py"
AGES = (5, 40, 70)


def faces(root: Path, people: int = 5) -> Path:
    """UTKFace names: six classes of `people` photos, 8 x 6 pixels."""
    for gender in (0, 1):
        for age in AGES:
            for number in range(people):
                draw(root / f"{age}_{gender}_0_2017010917{number:02d}00000.jpg", (age * 3, 90 * gender, 60))
    return root


def unopened(**address) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    return page


def shown(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def with_open(page: AppTest, groups: tuple[str, ...]) -> AppTest:
    """As somebody left it who opened these groups of settings: drawn once, where a click on each draws it again."""
    page.session_state["groups_open"] = set(groups)
    return page


def open_page(*groups: str, **address) -> AppTest:
    return shown(with_open(unopened(**address), groups))


def open_on(root: Path, *groups: str, **address) -> AppTest:
    """The form with a dataset that the page Data brought along: drawn once, where typing its folder draws it thrice."""
    return shown(with_open(brought(unopened(**address), root), groups))


def brought(page: AppTest, root: Path) -> AppTest:
    page.session_state["launch_data"] = DataConfig(root=str(root)).model_dump(mode="json")
    return page


def take_folder(page: AppTest, root: Path) -> AppTest:
    """Through the controls, as somebody types it."""
    page.segmented_control(key="launch-data.source").set_value("folder").run()
    page.text_input(key="launch-data.path").set_value(str(root)).run()
    assert not page.exception
    return page


def field(page: AppTest, path: str):
    return page.text_input(key=f"form{page.session_state['launch_version']}.{path}")


def open_group(page: AppTest, name: str) -> AppTest:
    if name not in page.session_state["groups_open"]:
        page.button(key=f"open-{name}").click().run()
    return page


def button(page: AppTest):
    return page.button(key="launch-button")


def text_of(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.warning, page.info)
    bodies = [element.value for kind in kinds for element in kind] + [
        element.proto.body for element in page.get("html")
    ]
    return "\n".join(bodies).replace("\\", "")
