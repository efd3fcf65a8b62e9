"""What is served is opened first: a damaged package is told in a sentence."""

import zipfile
import zlib

import pytest

from core.errors import LabError
from core.export import serving


def test_a_zip_whose_contents_are_damaged_is_told(tmp_path):
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/preprocess.json", "[" + ", ".join(str(n) for n in range(500)) + "]")
        packed = archive.infolist()[0]
    content = bytearray(path.read_bytes())
    begin = 30 + len(packed.filename)
    content[begin : begin + 20] = b"\xff" * 20
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive, pytest.raises(zlib.error):
        archive.read(packed.filename)
    with pytest.raises(LabError, match="is no zip, or a damaged one") as caught, serving.opened(str(path)):
        pass
    assert caught.value.kind == "package"
