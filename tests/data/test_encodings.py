"""The letters of a table: right, or asked with a preview; never silently wrong."""

import pytest

from core.config.run_config import DataConfig
from core.data.tables.encodings import LANGUAGES, decode
from core.errors import LabError
from tests.data.tables import facts, labels
from tests.photos import draw, read

WORDS = {
    "cp949": [
        "개 고양이",
        "남 여",
        "정상 불량",
        "악성 양성",
        "참 거짓",
        "웃음 슬픔",
        "사과 바나나 포도",
        "정상 비정상 불량 양품",
    ],
    "gb18030": [
        "猫 狗",
        "男 女",
        "正常 异常",
        "合格 不合格",
        "好 坏",
        "是 否",
        "高兴 悲伤 愤怒",
        "飞机 汽车 鸟 猫 鹿 狗 青蛙 马",
    ],
    "big5": ["貓 狗", "正常 異常", "飛機 汽車 鳥 貓 鹿 狗 青蛙 馬"],
    "cp932": ["猫 犬", "ネコ いぬ", "良性 悪性", "飛行機 自動車 鳥 カエル"],
    "euc_jp": ["ネコ いぬ"],
    "cp1252": ["café thé", "Äpfel Öl Bär", "caféine théière forêt", "it’s"],
    "cp1250": ["pień żółw łoś"],
    "cp1251": ["кошка собака", "да нет"],
    "cp1253": ["γάτα σκύλος"],
}
ANY = [(encoding, words.split()) for encoding, texts in WORDS.items() for words in texts]


def content(words, encoding):
    return ("path,label\n" + "".join(f"{i}.jpg,{word}\n" for i, word in enumerate(words * 2))).encode(encoding)


@pytest.mark.parametrize(("encoding", "words"), ANY, ids=lambda value: "-".join(value) if value[1:] else str(value))
def test_the_right_letters_or_a_question_that_shows_them(encoding, words):
    right = content(words, encoding).decode(encoding)
    decoded = decode(content(words, encoding), "labels.csv", None, lambda cell: False)
    assert decoded.fact.kind == "encoding" and decoded.fact.settings == ("encoding",)
    if decoded.text != right:
        assert decoded.fact.probable
    assert decoded.text == right or any(word in decoded.fact.text for word in words), decoded.fact.text
    assert decode(content(words, encoding), "labels.csv", encoding, lambda cell: False).text == right


@pytest.mark.parametrize("words", [text.split() for text in WORDS["cp949"] if len(set(text)) > 4])
def test_korean_tables_open_as_before(words):
    assert decode(content(words, "cp949"), "labels.csv", None, lambda cell: False).encoding == "cp949"


def test_letters_that_are_certain_are_not_asked():
    for encoding, words in (
        ("cp949", "정상 비정상 불량 양품"),
        ("gb18030", "飞机 汽车 鸟 猫 鹿 狗 青蛙 马"),
        ("cp1252", "café thé"),
    ):
        decoded = decode(content(words.split(), encoding), "labels.csv", None, lambda cell: False)
        assert decoded.encoding == encoding and not decoded.fact.probable, decoded.fact.text
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert decode(content(["猫", "狗"], encoding), "labels.csv", None, lambda cell: False).fact is None


def test_file_names_of_the_dataset_decide(tmp_path):
    for name in ("猫", "狗"):
        draw(tmp_path / f"{name}.jpg")
    (tmp_path / "labels.csv").write_bytes("path,label\n猫.jpg,猫\n狗.jpg,狗\n".encode("gbk"))
    scanned = read(tmp_path)
    assert labels(scanned) == {"猫.jpg": "猫", "狗.jpg": "狗"}
    assert list(facts(scanned, "encoding").values()) == [False]


def test_a_table_of_few_chinese_words_is_asked_and_can_be_answered(tmp_path):
    for i in range(4):
        draw(tmp_path / f"{i}.jpg")
    (tmp_path / "labels.csv").write_bytes(content(["猫", "狗"], "gbk"))
    scanned = read(tmp_path)
    ((text, probable),) = facts(scanned, "encoding").items()
    assert probable and "猫, 狗" in text and "챔, 뭍" in text
    assert set(labels(scanned).values()) == {"猫", "狗"}
    assert set(labels(read(tmp_path, encoding="cp949")).values()) == {"챔", "뭍"}
    answered = read(tmp_path, encoding="gb18030")
    assert not facts(answered, "encoding") and set(labels(answered).values()) == {"猫", "狗"}


def test_an_encoding_that_does_not_fit_names_the_line(tmp_path):
    draw(tmp_path / "0.jpg")
    (tmp_path / "labels.csv").write_bytes("path,label\n0.jpg,é\n".encode("cp1252"))
    with pytest.raises(LabError, match=r"labels\.csv, line 2: its text is not in utf-8"):
        read(tmp_path, encoding="utf-8")


@pytest.mark.parametrize("name", ["martian", "base64", "zip"])
def test_what_is_no_encoding_of_text_is_no_setting(name):
    with pytest.raises(ValueError, match="is no encoding of text"):
        DataConfig(encoding=name)
    assert DataConfig(encoding="").encoding is None and all(DataConfig(encoding=name) for name in LANGUAGES)
