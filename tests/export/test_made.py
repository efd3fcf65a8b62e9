"""What is told of a package that lies in a run's folder."""

import pytest

from core.errors import LabError
from core.export.made import made_package
from core.runs import Run
from core.storage import files
from tests.closed import close


def test_a_package_that_may_not_be_read_is_not_said_to_be_damaged(tmp_path, monkeypatch):
    run = Run("a", tmp_path)
    run.dir.mkdir()
    run.package_file.write_bytes(b"cut off")
    with pytest.raises(LabError, match="is damaged") as told:
        made_package(run)
    assert told.value.remedy == "Package the run again."
    close(monkeypatch, run.package_file)
    with pytest.raises(LabError, match=r"package.zip cannot be read \(Permission denied\)") as told:
        made_package(run)
    assert told.value.remedy == files.CHECK
