"""What a photo and a problem are, and how a person's attributes are spelt."""

import math

CATEGORIES, YES_NO, NUMBER = "categories", "yes/no", "number"  # kinds of attributes
ATTRIBUTES = ("mask", "gender", "age", "label", "race")  # with a column of that name; others are a dataset's own
TEST, UNLABELLED = "test", "unlabelled"  # what photos that are set aside are
GENDER_WORDS = {
    word: gender
    for gender, words in {"female": "female f woman 여 여자 여성", "male": "male m man 남 남자 남성"}.items()
    for word in words.split()
}
MASK_WORDS = {"mask": "mask", "incorrect": "incorrect", "incorrect_mask": "incorrect", "normal": "normal"}


def parse_gender(text: str) -> str:
    """female or male from words and letters. Digits are refused: datasets disagree on which is which."""
    gender = GENDER_WORDS.get(text.lower())
    if gender is None:
        raise ValueError(f"gender {text!r} is not female or male")
    return gender


def parse_age(text: str) -> float:
    """Years, 0 to 120."""
    try:
        age = float(text)
    except ValueError:
        raise ValueError(f"age {text!r} is not a number") from None
    if not (math.isfinite(age) and 0 <= age <= 120):
        raise ValueError(f"age {text!r} is not between 0 and 120")
    return age


def parse_mask(text: str) -> str:
    mask = MASK_WORDS.get(text.lower())
    if mask is None:
        raise ValueError(f"mask {text!r} is not mask, incorrect or normal")
    return mask


PARSERS = {"gender": parse_gender, "age": parse_age, "mask": parse_mask}


def photo(sample: str, real: str, **facts) -> dict:
    """A photo as readers give it; without a person it is its own.

    sample: its path relative to the root. real: the file it is (differs for a link). facts: person, mask, gender, age,
    label, race, row (number in the CSV), where (what to call it in a message); person_known: False for a person that
    says no more than that this is a photo; attributes: what else it is labelled with, name -> text, yes or no, or a
    number; split: "" for a photo to train and validate on, else test or unlabelled;
    part: what it stands in, as the dataset calls it, such as valid/; given_fold: the fold that the dataset puts it in;
    person_folder: the folder that may be its person.
    """
    blank = {"where": sample, "row": None, "person": sample, "person_known": facts.get("person", sample) != sample}
    blank |= {"mask": None, "gender": None, "age": math.nan, "label": None, "split": "", "attributes": {}}
    blank |= {"part": "", "given_fold": None, "person_folder": None}
    return {"sample": sample, "real": real, **blank, **facts}


def problem(kind: str, sample: str, where: str, text: str, remedy: str, severity: str = "error") -> dict:
    """One row of the problems table."""
    return {"sample": sample, "where": where, "kind": kind, "problem": text, "remedy": remedy, "severity": severity}
