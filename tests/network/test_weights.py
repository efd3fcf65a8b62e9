import functools
import hashlib
import http.server
import threading
from pathlib import Path

import pytest
import torch
from torchvision.models import get_model_weights, resnet18

from core.config.run_config import ModelConfig
from core.errors import LabError
from core.network import weights
from core.network.weights import IMAGENET, check_weights, download, imagenet_file, imagenet_line, weights_folder


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_the_table_names_torchvisions_own_files_and_sizes(depth):
    theirs = get_model_weights(f"resnet{depth}").IMAGENET1K_V1
    name, megabytes = IMAGENET[depth]
    assert theirs.url == f"{weights.SOURCE}/{name}"
    assert theirs.meta["_file_size"] == pytest.approx(megabytes, abs=1)


def test_the_table_has_every_depth_of_the_configuration():
    assert set(ModelConfig.model_fields["depth"].annotation.__args__) == set(IMAGENET)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"TORCH_HOME": "{tmp}/torch home"},
        {"XDG_CACHE_HOME": "{tmp}/cache"},
        {"TORCH_HOME": "{tmp}/a", "XDG_CACHE_HOME": "{tmp}/b"},
        {"TORCH_HOME": "~/torch"},
    ],
)
def test_the_folder_is_the_one_that_torch_uses(environment, tmp_path, monkeypatch):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("{tmp}", str(tmp_path)))
    assert weights_folder() == Path(torch.hub.get_dir()) / "checkpoints"


@pytest.mark.fault(34)
def test_missing_weights_are_told_with_the_file_the_folder_and_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(LabError) as caught:
        check_weights(50, "imagenet")
    assert caught.value.kind == "weights"
    assert "resnet50-0676ba61.pth, 98 MB" in caught.value.message
    assert str(tmp_path / "hub" / "checkpoints") in caught.value.remedy
    assert "python -m core weights 50" in caught.value.remedy
    assert "train from scratch" in caught.value.remedy
    path = imagenet_file(50)
    path.parent.mkdir(parents=True)
    path.touch()
    check_weights(50, "imagenet")
    with pytest.raises(LabError):
        check_weights(18, "imagenet")


def test_weights_from_a_file_must_be_there_and_scratch_needs_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("HOME", str(tmp_path))
    check_weights(18, "scratch")
    torch.save(resnet18(weights=None).state_dict(), tmp_path / "w.pth")
    check_weights(18, f"file:{tmp_path}/w.pth")
    check_weights(18, "file:~/w.pth")
    with pytest.raises(LabError, match=r"w\.pth does not fit this network") as caught:
        check_weights(34, "file:~/w.pth")
    assert caught.value.kind == "weights"
    for missing in (f"file:{tmp_path}/v.pth", f"file:{tmp_path}"):
        with pytest.raises(LabError, match="there is no file") as caught:
            check_weights(18, missing)
        assert caught.value.kind == "weights"


def test_a_download_without_a_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("FACET_WEIGHTS", "http://127.0.0.1:9/")  # the discard port: nobody answers
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nobody answers
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LabError, match=r"resnet18-f37072fd\.pth \(45 MB\) could not be downloaded") as caught:
        download(18)
    assert str(weights_folder()) in caught.value.remedy
    assert not list(tmp_path.rglob("*.pth"))


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder that a local server gives away in the place of torchvision's files; no file of weights is here yet."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("FACET_WEIGHTS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        yield folder
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def published(folder: Path, monkeypatch, content: bytes) -> str:
    """A file of weights as torchvision would name it, by its own SHA-256."""
    name = f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(content)
    monkeypatch.setitem(weights.IMAGENET, 18, (name, 1))
    return name


def test_a_download_tells_how_far_it_is_and_ends_with_the_file_in_place(served, monkeypatch):
    content = bytes(range(256)) * 3000
    name = published(served, monkeypatch, content)
    told = []
    assert download(18, lambda done, total: told.append((done, total))) == imagenet_file(18)
    assert imagenet_file(18).name == name and imagenet_file(18).read_bytes() == content
    assert told[-1] == (len(content), len(content)) and [done for done, _ in told] == sorted(done for done, _ in told)
    assert [path.name for path in weights_folder().iterdir()] == [name]
    check_weights(18, "imagenet")


def test_other_bytes_than_torchvisions_are_refused_and_leave_nothing(served, monkeypatch):
    name = published(served, monkeypatch, b"weights")
    (served / name).write_bytes(b"other weights")
    with pytest.raises(LabError, match="SHA-256 is another one"):
        download(18)
    assert not list(weights_folder().iterdir())


def test_a_download_that_somebody_ends_leaves_nothing(served, monkeypatch):
    published(served, monkeypatch, bytes(1_000_000))

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(18, stop)
    assert not list(weights_folder().iterdir())


def test_the_line_about_imagenet_weights_says_where_they_are_or_how_large(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    line = imagenet_line(50)
    assert "resnet50-0676ba61.pth is not on this machine: a download of 98 MB" in line and str(tmp_path) in line
    imagenet_file(50).parent.mkdir(parents=True)
    imagenet_file(50).write_bytes(bytes(3_000_000))
    assert imagenet_line(50).startswith("resnet50-0676ba61.pth (3 MB) is on this machine")
