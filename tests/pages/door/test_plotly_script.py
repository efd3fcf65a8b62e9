"""The plotly script as the lab serves it; that a browser keeps it stands in tests/browser/test_curves.py."""

import gzip

import pytest
from plotly.offline import get_plotlyjs
from starlette.requests import Request
from streamlit import config

from pages.parts.door import plotly_script


@pytest.mark.parametrize(("accepted", "unpacked"), [(b"gzip, br", gzip.decompress), (b"identity", bytes)])
def test_it_is_plotlys_own_and_may_be_kept_for_ever(accepted, unpacked):
    (route,) = plotly_script.routes()
    answer = route.endpoint(Request({"type": "http", "headers": [(b"accept-encoding", accepted)]}))
    assert unpacked(answer.body).decode() == get_plotlyjs()
    assert answer.media_type == "text/javascript"
    assert "immutable" in answer.headers["Cache-Control"] and "private" in answer.headers["Cache-Control"]


def test_it_stands_below_the_address_of_the_lab():
    name = plotly_script.address()
    before = config.get_option("server.baseUrlPath")
    try:
        config.set_option("server.baseUrlPath", "lab/")
        assert plotly_script.address() == f"/lab{name}"
        assert [route.path for route in plotly_script.routes()] == [f"/lab{name}"]
    finally:
        config.set_option("server.baseUrlPath", before)
