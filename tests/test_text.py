import math

import pytest

from core.text import ago, count, duration, estimate, in_full, ordinal, plain, rate, score, so_far, spread, sure


@pytest.mark.parametrize("number", [0.0, 31.0, -7.25, 61.5, 1e-05, 0.1, 1234567.0, 20240131.0, 1250000.5, 2.0**52 + 1])
def test_a_number_in_full_is_the_number_when_it_is_read_again(number):
    text = in_full(number)
    assert float(text) == number and not text.endswith(".0")
    short = f"{number:g}"
    assert text == short or float(short) != number, "what six digits say stays as it was"


def test_a_number_of_millions_has_no_exponent_and_a_sum_no_tail():
    assert in_full(1e6) == "1000000" and in_full(0.1 + 0.2) == "0.3"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3540, "59 min"),
        (3599, "1 h 00 min"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
        (-5, "0 s"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_durations_read_as_a_person_says_them(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12, "12 s"),
        (296, "5 min"),
        (3600, "1 h"),
        (5300, "88 min"),
        (6660, "1.9 h"),
        (7200, "2 h"),
        (46_500, "13 h"),
        (273_600, "3 d 4 h"),
        (None, "–"),
        (math.inf, "–"),
    ],
)
def test_what_nobody_knows_exactly_is_not_said_to_the_second(seconds, words):
    assert estimate(seconds) == words


def test_numbers_have_separators_units_and_three_decimals():
    assert count(2100) == "2,100"
    assert score(0.71349) == "0.713"
    assert score(None) == score(math.nan) == "–"
    assert rate(28.4) == "28 img/s"
    assert rate(3.14) == "3.1 img/s"


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.934, "93 % sure"),
        (0.5, "50 % sure"),
        (0.9949, "99 % sure"),
        (0.9999, "over 99 % sure"),
        (1.0, "over 99 % sure"),
        (0.0049, "under 1 % sure"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_a_probability_is_said_in_percent_and_never_rounded_to_certainty(probability, words):
    assert sure(probability) == words


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0%"), (0.5, "50%"), (0.9958, "99%"), (1 - 1e-9, "99%"), (1.0, "100%")]
)
def test_what_goes_on_is_never_rounded_to_its_end(share, words):
    assert so_far(share) == words


def test_ordinals_are_words_as_far_as_a_run_has_folds():
    said = [ordinal(n) for n in (1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 101, 111, 1002)]
    assert said[:5] == ["first", "second", "third", "tenth", "11th"]
    assert said[5:] == ["12th", "13th", "20th", "21st", "22nd", "23rd", "101st", "111th", "1,002nd"]


def test_a_mean_comes_with_its_deviation_and_number_of_folds():
    assert spread([0.7, 0.72, None, math.nan]) == "0.710 ± 0.014 (2)"
    assert spread([0.7]) == "0.700 (1)"
    assert spread([]) == "–"


def test_a_clock_that_went_back_is_just_now():
    assert ago(1000, now=900) == "just now"
    assert ago(1000, now=1130) == "2 min ago"
    assert ago(0, now=86_400 * 12) == "12 days ago"
    assert ago(None) == "–"


@pytest.mark.parametrize("markup", ["**bold**", "<b>x</b>", "[a](http://b)", "$x$", "`x`", "# x", "1. x", "~~x~~"])
def test_markup_is_escaped(markup):
    escaped = plain(markup)
    for mark in "*<>[]()$`#.-~":
        assert escaped.count(mark) == escaped.count("\\" + mark)


def test_what_markdown_finds_after_parsing_is_broken_up():
    for raw in (":smile:", ":material/check:", ":red[x]", "https://x.org", "www.x.org", "a@b.org"):
        assert raw not in plain(raw).replace("\\", "")
    assert "--" not in plain("a -- b").replace("\\", "")


def test_plain_words_and_class_names_stay_readable():
    assert plain("resnet18 study") == "resnet18 study"
    assert plain("female >=60").replace("\\", "") == "female >=60"
    assert plain("two\nlines\x00") == "two lines"
