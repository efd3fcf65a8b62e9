"""What a run used of its machine, in words."""

import pytest

from core.runs.use import words
from core.runs.use.used import Totals

READING = {"gpu": 87.4, "gpu_memory": 41.2e9, "gpu_memory_total": 85e9, "temperature": 64, "cpu": 93.2, "cores": 1}


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (READING, ["GPU 87%", "41.2 of 85.0 GB", "64 °C", "CPU 93% of 1 core"]),
        ({"gpu_memory": 640e6, "gpu_memory_total": 8e9}, ["GPU 640 MB of 8.0 GB"]),
        ({"gpu_memory": 640e6}, ["GPU 640 MB"]),
        ({"temperature": 64}, ["GPU 64 °C"]),
        ({"gpu": True, "cpu": -1, "temperature": None}, []),
        (None, []),
    ],
)
def test_a_moment_is_told_as_far_as_it_is_known(use, told):
    assert words.now_in_words({"use": use}) == told and words.now_in_words({}) == []


def test_a_record_is_told_with_what_it_rests_on():
    looks = Totals()
    looks.add({**READING, "held": 640e6})
    looks.add({**READING, "gpu": 50, "held": 320e6})
    assert words.in_words(looks.record()) == [
        "GPU 69% on average, 87% at most",
        "GPU memory 41.2 of 85.0 GB at most",
        "64 °C at most",
        "CPU 93% of 1 core on average",
        "its processes held 640 MB at most",
    ]
    assert words.cells(looks.record())["looks"] == "2"
    assert words.in_words({}) == [] and words.cells({}) == {}
