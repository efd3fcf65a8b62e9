"""A failure as it is told to a person."""

import pytest

from core.errors import LabError, ended, in_sentences
from pages.parts.shared import badges


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


@pytest.mark.parametrize(("message", "end"), [("a.jpg: is not an image", "image."), ("Is it there?", "there?")])
def test_a_sentence_ends_once(message, end):
    assert ended(message).endswith(end) and ended(ended(message)) == ended(message)
    assert f"{end} <i>Look.</i>" in badges.fault(message, "Look.")
    assert f"{message} <i></i>" in badges.fault(message)


def test_what_there_is_to_say_alone_stays_as_it_is():
    assert [in_sentences("a", ""), in_sentences("", "B."), in_sentences("a", "B.")] == ["a", "B.", "a. B."]
