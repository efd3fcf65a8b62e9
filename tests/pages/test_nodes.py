"""Which node trains a fold, on its card."""

from core.runs import FoldState
from pages.parts.run.nodes import node_html

NODE = {"name": "gpu-<1>", "device": "NVIDIA H100", "memory": 128e9, "attempt": 1, "desk": "d"}


def test_a_fold_of_a_cluster_says_where_it_trains_how_large_and_how_fast():
    html = node_html(FoldState(0, state="running", worker=NODE), {"images_per_second": 1234.0})
    assert ">on gpu-&lt;1&gt; · NVIDIA H100 · 128 GB · 1,234 img/s<" in html
    moved = node_html(FoldState(0, state="done", worker={**NODE, "attempt": 3}), {})
    assert ">on gpu-&lt;1&gt; · NVIDIA H100 · 128 GB · attempt 3<" in moved


def test_a_fold_of_this_machine_or_one_that_waits_says_nothing():
    assert node_html(FoldState(0, state="running", worker={"pid": 3}), {}) == ""
    assert node_html(FoldState(0, state="running"), {}) == ""
    assert node_html(FoldState(0, worker=NODE), {}) == ""
