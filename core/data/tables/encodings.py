"""The letters of a text file: one encoding where it is certain, else the likeliest one and a question.

UTF-8 proves itself. Any other file decodes in several encodings at once, so each reading is judged by its letters:
Korean text is made of the syllables that Korean uses, Chinese text of the characters of GB 2312, words of an alphabet
are of one script. Where file names of the dataset stand in the text, only readings that spell them count.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.data.readers.reading import Fact
from core.errors import LabError

LANGUAGES = {  # encoding -> what it is usual for, the likelier ones first
    "cp949": "Korean",
    "gb18030": "Chinese, simplified",
    "big5": "Chinese, traditional",
    "cp932": "Japanese",
    "euc_jp": "Japanese, EUC",
    "cp1252": "Western Europe",
    "cp1250": "Central Europe",
    "cp1251": "Cyrillic",
    "cp1253": "Greek",
    "cp1254": "Turkish",
    "cp1255": "Hebrew",
    "cp1256": "Arabic",
    "cp1257": "Baltic",
    "cp874": "Thai",
    "koi8_r": "Russian, KOI8-R",
    "mac_roman": "Western Europe, old Macintosh",
}
RARE = ("cp1254", "cp1255", "cp1256", "cp1257", "cp874", "mac_roman")  # asked even where nothing else is plausible
_FREQUENT = dict.fromkeys(("cp1251", "koi8_r", "cp866"), "оеаинтсрвл") | {"cp1253": "αοιετσνηυρ"}
JUDGED = 20_000  # bytes of lines with foreign letters that are judged
_USUAL_SYLLABLES = set(
    "이다는을가의에하고지은나를사기리어자도인그시아서라한대것부수해일로스장정들보주있여전구소제게상과원조공동안내면위만비신년모유성치"
    "경우진마국반문중으생무세미관선연요화할간음실영교용물통였된했개적분당재계체방발단양호오바러와데저거명식작품산업불량폐암남강웃슬픔"
    "노놀람행복립피표얼굴크착파트드니야까말차입출금생활건린학습검증평험결함손상나토마끼토새닭소돼말양파랑빨초검흰색참거짓맞틀유없있"
)


@dataclass(frozen=True)
class Decoded:
    """text: the whole file. fact: what a person should see of how it was read; None where it proved itself."""

    text: str
    encoding: str
    fact: Fact | None = None


def decode(data: bytes, name: str, encoding: str | None, is_photo: Callable[[str], bool]) -> Decoded:
    """A file's bytes as text. encoding: as a person chose it, else it is found.

    is_photo(cell): whether a photo of the dataset is called so. Raises LabError (kind "csv") naming what was tried.
    """
    if encoding:
        return _decode_as_chosen(data, name, encoding)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried = ["utf-16"]
    elif data.startswith(b"\xef\xbb\xbf"):
        tried = ["utf-8-sig"]
    else:
        tried = ["utf-8"]
    text = _text(data, tried[0])
    if text is not None:
        return Decoded(text, tried[0])
    if tried == ["utf-8"] and b"\0" not in data:
        tried += LANGUAGES
        if decoded := _judged(data, name, is_photo):
            return decoded
    listed = ", ".join(tried[:-1]) + (" or " if tried[1:] else "") + tried[-1]
    raise LabError(
        f"{name}: its text is not in {listed} (the encodings tried)",
        "Save it as CSV UTF-8 (in a spreadsheet: Save as, CSV UTF-8), or name its encoding (data.encoding).",
        "csv",
    )


def _decode_as_chosen(data: bytes, name: str, encoding: str) -> Decoded:
    chosen = "utf-8-sig" if encoding in ("utf-8", "utf8") else encoding
    try:
        return Decoded(data.decode(chosen), encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = f"{name}, line {line}: its text is not in {encoding}, the encoding that was chosen"
        raise LabError(text, "Choose another encoding, or none: then it is judged by its letters.", "csv") from error


def _text(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _judged(data: bytes, name: str, is_photo: Callable[[str], bool]) -> Decoded | None:
    """The likeliest reading of a text that is not UTF-8; None where no reading looks like words."""
    plausible = plausible_readings(data, is_photo)
    if not plausible:
        return None
    best, *others = plausible
    text = f"{name} is read as {called(best)}: {plausible[best]}"
    for other in others[:3]:
        text += f"; as {called(other)} it says {plausible[other]}"
    is_asked = bool(others) or best not in LANGUAGES or best in RARE
    return Decoded(data.decode(best), best, Fact("encoding", f"{text}.", ("encoding",), probable=is_asked))


def plausible_readings(
    data: bytes, is_photo: Callable[[str], bool], languages: Mapping[str, str] = LANGUAGES
) -> dict[str, str]:
    """encoding -> a preview of its words, of the readings that look like words, the likeliest first; {} for none.

    is_photo: as in `decode`. languages: the encodings that are judged, as LANGUAGES.
    """
    sample = _foreign_lines(data)
    texts = {encoding: _text(sample, encoding) for encoding in languages if _text(data, encoding) is not None}
    readings = {encoding: lines for encoding, lines in texts.items() if lines is not None}
    named = {encoding: _photos_named(lines, is_photo) for encoding, lines in readings.items()}
    most = max(named.values(), default=0)
    readings = {encoding: lines for encoding, lines in readings.items() if named[encoding] == most}
    plausible: dict[str, str] = {}  # of two encodings that give the same letters the first
    for encoding, lines in readings.items():
        if lines not in plausible.values() and _looks_like_words(encoding, lines):
            plausible[encoding] = lines
    if _is_surely_korean(plausible.get("cp949", "")):
        plausible = {"cp949": plausible["cp949"]}
    if "euc_jp" in plausible and len(plausible) > 1 and not _has_kana(plausible["euc_jp"]):
        del plausible["euc_jp"]  # hardly ever written, and like Chinese where it has no kana
    plausible = plausible or (readings if most else _of_another_language(data, sample))
    ranked = sorted(plausible, key=lambda encoding: -_likelihood(encoding, plausible[encoding]))
    return {encoding: _preview(plausible[encoding]) for encoding in ranked}


def _of_another_language(data: bytes, sample: bytes) -> dict[str, str]:
    """What charset-normalizer takes a text for whose letters are of none of LANGUAGES; {} if it sees no text."""
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_exclusion=list(LANGUAGES))
    readings = {match.encoding: _text(sample, match.encoding) for match in matches if match.coherence > 0}
    return {
        encoding: lines
        for encoding, lines in readings.items()
        if lines is not None and _words_of_one_script(lines) and _text(data, encoding) is not None
    }


def called(encoding: str) -> str:
    """ "cp949 (Korean)"."""
    return f"{encoding} ({LANGUAGES[encoding]})" if encoding in LANGUAGES else encoding


def _foreign_lines(data: bytes) -> bytes:
    """The different lines that are more than ASCII, up to JUDGED bytes: all that readings can differ in."""
    lines: dict[bytes, None] = {}
    size = 0
    for line in data.splitlines():
        if size < JUDGED and not line.isascii() and line not in lines:
            lines[line] = None
            size += len(line)
    return b"\n".join(lines) + b"\n"


def _photos_named(lines: str, is_photo: Callable[[str], bool]) -> int:
    """How many different cells with foreign letters are names of photos."""
    cells = {cell.strip().strip('"') for line in lines.splitlines() for cell in re.split(r"[,;\t|]", line)}
    return sum(is_photo(cell) for cell in cells if not cell.isascii())


def _looks_like_words(encoding: str, lines: str) -> bool:
    """Whether a reading's foreign letters are those that people write in its languages."""
    foreign = [letter for letter in dict.fromkeys(lines) if not letter.isascii() and letter not in "‘’“”–—…"]
    if not foreign:  # typographic marks alone
        return encoding not in _OF_THE_EAST
    letters = [letter for letter in foreign if unicodedata.category(letter)[0] in "LM"]
    if not letters or 4 * (len(foreign) - len(letters)) > len(foreign):
        return False
    if encoding in _OF_THE_EAST:
        return not _within_ascii_words(lines) and _OF_THE_EAST[encoding](letters)
    return _words_of_one_script(lines) and not (encoding == "cp874" and re.search("[฿ฯ๏-๛]", lines))


def _korean(letters: list[str]) -> bool:
    syllables = [letter for letter in letters if _encoded_in(letter, "euc_kr") and "가" <= letter <= "힣"]
    if 10 * len(syllables) < 9 * len(letters):
        return False
    return len(syllables) < 5 or 5 * _usual(syllables) > len(syllables)


def _chinese(letters: list[str]) -> bool:
    plain = [letter for letter in letters if _encoded_in(letter, "gb2312") and _is_ideograph(letter)]
    if 10 * len(plain) < 9 * len(letters):
        return False
    # Korean syllables lie where the first two thirds of the common Chinese characters do, and nowhere else.
    among_korean = [letter for letter in plain if 0xB0 <= letter.encode("gb2312")[0] <= 0xC8]
    return len(plain) < 12 or len(among_korean) < len(plain)


def _is_surely_korean(lines: str) -> bool:
    """Whether the syllables are so usual that bytes of another language would not give them by chance."""
    syllables = [letter for letter in dict.fromkeys(lines) if "가" <= letter <= "힣"]
    number, usual = len(syllables), _usual(syllables)
    return (number >= 3 and usual == number) or (number >= 5 and 5 * usual >= 3 * number)


def _chinese_traditional(letters: list[str]) -> bool:
    usual = [letter for letter in letters if _is_ideograph(letter) and 0xA4 <= letter.encode("big5")[0] <= 0xC6]
    return 5 * len(usual) >= 4 * len(letters)


def _japanese(letters: list[str]) -> bool:
    if any("｡" <= letter <= "ﾟ" for letter in letters):  # half width
        return False
    usual = [letter for letter in letters if _is_kana(letter) or _is_of_jis_level_1(letter)]
    return 5 * len(usual) >= 4 * len(letters)


_OF_THE_EAST = {
    "cp949": _korean,
    "gb18030": _chinese,
    "big5": _chinese_traditional,
    "cp932": _japanese,
    "euc_jp": _japanese,
}


def _words_of_one_script(lines: str) -> bool:
    """Whether words with foreign letters are of one alphabet, written as words are: no capital after a small letter,
    and of Latin words no more than two thirds of the letters with accents."""
    words = [word for word in re.findall(r"[^\W\d_]+", lines) if not word.isascii()]
    if not words:
        return False
    latin = "".join(word for word in words if len(word) > 1 and _scripts(word) == {"LATIN"})
    if 3 * sum(not letter.isascii() for letter in latin) > 2 * len(latin):
        return False
    mixed = sum(len(_scripts(word)) > 1 or _has_capital_inside(word) for word in words)
    return 10 * mixed <= len(words)


def _scripts(word: str) -> set[str]:
    """{"LATIN"}, {"CYRILLIC"}: the first words of its letters' names."""
    return {unicodedata.name(letter, "?").split()[0] for letter in word}


def _has_capital_inside(word: str) -> bool:
    return any(before.islower() and after.isupper() for before, after in itertools.pairwise(word))


def _within_ascii_words(lines: str) -> bool:
    """Whether most runs of foreign letters stand between two letters of ASCII, as accents in words do."""
    runs = list(re.finditer(r"[^\x00-\x7f]+", lines))
    around = [lines[max(0, run.start() - 1) : run.start()] + lines[run.end() : run.end() + 1] for run in runs]
    return 2 * sum(letters.isalpha() for letters in around) > len(runs)


def _likelihood(encoding: str, lines: str) -> float:
    """What ranks plausible readings; the order of LANGUAGES decides between equals."""
    letters = [letter for letter in dict.fromkeys(lines) if not letter.isascii() and letter.isalpha()]
    if encoding == "cp949":
        return 1.0 if 2 * _usual(letters) >= len(letters) else 0.2
    if encoding in ("cp932", "euc_jp"):
        return 0.9 if _has_kana(lines) else 0.3
    if encoding == "gb18030":
        common = [letter for letter in letters if _encoded_in(letter, "gb2312") and letter.encode("gb2312")[0] < 0xD8]
        return 0.2 + 0.3 * len(common) / len(letters)
    if encoding in RARE:
        return 0.1
    frequent = _FREQUENT.get(encoding)
    words = [letter for letter in lines if not letter.isascii() and letter.isalpha()]
    if frequent and words:
        small = sum(letter.islower() for letter in words) / len(words)
        return 0.5 * sum(letter in frequent for letter in words) / len(words) + 0.2 * small
    return 0.5


def _usual(syllables: list[str]) -> int:
    return sum(syllable in _USUAL_SYLLABLES for syllable in syllables)


def _has_kana(text: str) -> bool:
    return any(map(_is_kana, text))


def _is_kana(letter: str) -> bool:
    return "ぁ" <= letter <= "ヿ"


def _is_ideograph(letter: str) -> bool:
    return "一" <= letter <= "鿿"


def _is_of_jis_level_1(letter: str) -> bool:
    return _encoded_in(letter, "euc_jp") and 0xB0 <= letter.encode("euc_jp")[0] <= 0xCF


def _encoded_in(letter: str, encoding: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _preview(lines: str) -> str:
    """The first words with foreign letters, as this reading has them."""
    cells = (cell.strip().strip('"') for line in lines.splitlines() for cell in re.split(r"[,;\t|]", line))
    words = list(dict.fromkeys(cell for cell in cells if cell and not cell.isascii()))
    return ", ".join(word[:20] for word in words[:4]) + (", ..." if len(words) > 4 else "")
