"""The script of the live curves by itself, with the real plotly: what a page that is left does to a drawing."""

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from pages.parts.run import curves
from tests.browser.made_runs import made_run, people_in_folders
from tests.browser.screen import slack, soon

pytestmark = pytest.mark.browser

LEAVE = """async ([data, moments]) => {
  const pause = () => new Promise(done => { const {port1, port2} = new MessageChannel();
    port1.onmessage = done; port2.postMessage(0); });
  window.left = [];
  for (let moment = 0; moment < moments; moment++) {
    const parent = document.createElement("div");
    parent.innerHTML = '<div class="lab-curves"></div>';
    document.body.append(parent);
    let leave = window.curves({parentElement: parent, data});
    if (moment % 2) {  // figures that stand, and are drawn once more
      while (parent.querySelectorAll(".main-svg").length < 6) await pause();
      window.curves({parentElement: parent, data});
    }
    for (let turn = 0; turn < moment / 2; turn++) await pause();
    leave();
    parent.remove();
    window.left.push(parent);
  }
}"""
KEPT = "() => window.left.filter(parent => parent.querySelector('.main-svg')).length"


def test_a_page_that_is_left_while_its_curves_are_drawn_leaves_no_error_and_no_figure(browser):
    """Seen once: plotly cleared a figure between two steps of its own drawing, and failed at the second."""
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[0.1, 0.4, 0.2]), go.Layout(height=220))
    figure.update_xaxes(automargin=True).update_yaxes(automargin=True)
    sent = curves.payload([(title, figure) for title in ("Loss", "Accuracy", "Macro F1")]).decode()
    page, failures = browser.new_page(), []
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    try:
        page.add_script_tag(content=get_plotlyjs())
        page.add_script_tag(content=curves._JS.replace("export default function", "window.curves = function"))
        page.evaluate(LEAVE, [sent, 60])
        soon(lambda: not page.evaluate(KEPT), 30 * slack(), "every figure is cleared")
    finally:
        page.close()
    assert failures == []


SCRIPT = """() => performance.getEntriesByType("resource").filter(each => each.name.includes("/facet/plotly-"))
  .map(each => each.transferSize)"""


def test_the_plotly_script_comes_once_for_a_browser_and_is_then_taken_from_what_it_keeps(browser, lab, tmp_path):
    run = made_run(lab, people_in_folders(tmp_path / "photos", ["cats", "dogs"]))
    fresh = browser.new_context(base_url=lab.url)  # that of other tests keeps the script already
    received: list[int] = []

    def fetched(page) -> list[int]:
        """Bytes of each time that it was asked for."""
        soon(lambda: page.locator(".lab-curves .main-svg").count() >= 6, 60 * slack(), "the curves are drawn")
        return page.evaluate(SCRIPT)

    try:
        fresh.set_default_timeout(60_000 * slack())
        lab.let_in(fresh)
        page = fresh.new_page()
        page.on("websocket", lambda line: line.on("framereceived", lambda frame: received.append(len(frame))))
        page.goto(f"/live?run={run.id}")
        (first,) = fetched(page)
        assert 1_000_000 < first < 2_000_000, "compressed"
        page.reload()
        assert fetched(page) == [0]
    finally:
        fresh.close()
    assert sum(received) < 1_500_000, "and not over the page's own line"
