"""The whole app in Streamlit's own test runner: a page is opened by its address, and what stands on it is read."""

import json

from streamlit.testing.v1 import AppTest

from core.places import HOME

APP = HOME / "app.py"


def page(name, *, session=None, **params):
    """session: what it has already, as of controls that somebody has used."""
    at = AppTest.from_file(APP, default_timeout=60)
    for key, value in (session or {}).items():
        at.session_state[key] = value
    if name != "home":
        at.switch_page(f"pages/{name}.py")  # at once, as by its address: app.py names each page as its file
    for key, value in params.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def elements(block):
    """Everything that a block holds, in its order, whatever it lies in."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from elements(child)
        else:
            yield child


def html(at):
    return "\n".join(element.proto.body for element in elements(at.main) if element.type == "html")


def sent(at, component):
    """What the one element of this name was sent for the browser."""
    drawn = [element.proto for element in elements(at.main) if element.type == "bidi_component"]
    (proto,) = [proto for proto in drawn if proto.component_name.endswith(component)]
    return json.loads(proto.json)


def listed(at):
    """The rows of the list of runs."""
    return [row for group in sent(at, "facet_runs")["groups"] for row in group["rows"]]


def captions(at):
    return "\n".join(caption.value for caption in at.caption)


def labels(at):
    return [button.label for button in at.button]


def button(at, label):
    """The one button of this label."""
    (only,) = [button for button in at.button if button.label == label]
    return only
