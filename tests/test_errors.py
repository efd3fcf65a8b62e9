"""A failure as it is told to a person."""

import pytest

from core.errors import LabError


@pytest.mark.parametrize(
    ("message", "remedy", "sentence"),
    [
        ("a.jpg: is not an image", "Leave it out.", "a.jpg: is not an image. Leave it out."),
        ("The disk is full.", "Make room.", "The disk is full. Make room."),
        ("Is it there?", "Look.", "Is it there? Look."),
        ("a.jpg: is gone", "", "a.jpg: is gone"),
    ],
)
def test_what_happened_and_what_to_do_are_two_sentences(message, remedy, sentence):
    assert str(LabError(message, remedy)) == sentence
