import asyncio
import os
import shutil
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from core.cli.main import main
from core.errors import LabError
from core.export import serving
from core.export.runtime import package_folder, server
from core.export.runtime.guard import Limits
from core.export.runtime.package_folder import PackageFolder
from core.runs import FoldState, Run
from tests.export.odd_runs import TOKEN, torch_answers
from tests.serving import port_of
from tests.serving import served as serving_here
from tests.workers import until

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("half")]  # long: its fixtures, once


def files_of(run, count=None):
    paths = list(run.samples()["path"])[:count]
    return [("photos", (os.path.basename(path), Path(path).read_bytes())) for path in paths]


def test_health_is_open_and_the_rest_needs_the_token(served, joint):
    stranger = httpx.Client(base_url=served.base_url)
    assert stranger.get("/healthz").json() == {
        "status": "ok",
        "run": joint.run.id,
        "folds": [0, 1],
        "network": "float32",
    }
    for path in ("/card", "/metrics", "/openapi.json", "/"):
        refused = stranger.get(path)
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert refused.json()["error"]["kind"] == "token"
        assert served.get(path).status_code == 200
    wrong = stranger.post("/predict", content=b"x", headers={"Authorization": f"Bearer {TOKEN}x"})
    assert wrong.status_code == 401


def test_many_photos_of_a_form_are_answered_as_torch_does(served, joint):
    answer = served.post("/predict", files=files_of(joint.run)).json()
    samples, names = joint.run.samples(), joint.run.info()["class_names"]
    reference = np.mean([torch_answers(joint.run, fold, samples["sample"]) for fold in (0, 1)], axis=0)
    shares = np.array([[photo["probabilities"][name] for name in names] for photo in answer["photos"]])
    assert np.abs(shares - reference).max() < 1e-4
    assert [photo["class"] for photo in answer["photos"]] == [names[place] for place in reference.argmax(1)]
    assert [photo["name"] for photo in answer["photos"]] == [os.path.basename(path) for path in samples["path"]]


def test_one_photo_is_the_body(served, joint):
    path = joint.run.samples()["path"].iloc[3]
    answer = served.post("/predict", content=Path(path).read_bytes())
    (photo,) = answer.json()["photos"]
    assert answer.status_code == 200 and abs(sum(photo["probabilities"].values()) - 1) < 1e-4
    assert photo["probability"] == max(photo["probabilities"].values()) == photo["probabilities"][photo["class"]]


def test_garbage_is_told_in_its_place(served, joint):
    answer = served.post("/predict", files=[*files_of(joint.run, 2), ("photos", ("x.jpg", b"garbage"))])
    assert answer.status_code == 200
    assert ["class" in photo for photo in answer.json()["photos"]] == [True, True, False]
    assert answer.json()["photos"][2]["error"]["kind"] == "unreadable"
    alone = served.post("/predict", content=b"garbage")
    assert alone.status_code == 422 and "not an image" in alone.json()["photos"][0]["error"]["message"]


@pytest.mark.parametrize(
    ("request_of", "status", "kind"),
    [
        ({"content": b""}, 400, "empty"),
        ({"data": {"a": "b"}, "files": {"photos": ("", b"")}}, 400, "empty"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "form"),
        ({"files": [("photos", (f"{number}.jpg", b"x")) for number in range(1000)]}, 413, "photos"),
    ],
)
def test_what_cannot_be_answered_is_refused_as_json(served, request_of, status, kind):
    refused = served.post("/predict", **request_of)
    assert (refused.status_code, refused.json()["error"]["kind"]) == (status, kind)
    assert refused.json()["error"]["remedy"] or kind == "form"


def test_unknown_paths_and_methods_are_json_too(served):
    for answer, status in ((served.get("/predict"), 405), (served.get("/nothing"), 404)):
        assert answer.status_code == status and answer.json()["error"]["kind"] == "http"


@pytest.mark.parametrize("announced", [True, False])
def test_half_a_gigabyte_is_refused_without_being_read(served, announced):
    sent = 0

    def body():
        nonlocal sent
        for _ in range(500):
            sent += 1_000_000
            yield b"x" * 1_000_000

    headers = {"content-length": "500000000"} if announced else {}
    refused = served.post("/predict", content=body(), headers=headers)
    assert refused.status_code == 413 and refused.json()["error"]["message"] == "The body is larger than 64 MB."
    assert sent < (20_000_000 if announced else 250_000_000)  # what lies between the two was sent before it was read
    assert "facet_held_bytes 0\n" in served.get("/metrics").text


def test_many_clients_share_passes(served, joint):
    photo = Path(joint.run.samples()["path"].iloc[5]).read_bytes()
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: served.post("/predict", content=photo), range(96)))
    assert {answer.status_code for answer in answers} == {200}
    shares = np.array([list(answer.json()["photos"][0]["probabilities"].values()) for answer in answers])
    assert np.abs(shares - shares[0]).max() <= 2e-6  # whoever it shared a pass with
    counted = dict(line.rsplit(" ", 1) for line in served.get("/metrics").text.splitlines() if line[0] != "#")
    assert int(counted["facet_pass_photos_count"]) < float(counted["facet_pass_photos_sum"])
    assert counted["facet_waiting_photos"] == "0"


def test_the_description_names_every_path_and_class(served, joint):
    description = served.get("/openapi.json").json()
    assert set(description["paths"]) == {"/predict", "/healthz", "/card", "/metrics"}
    assert (
        description["components"]["schemas"]["Answer"]["properties"]["class"]["enum"]
        == (joint.run.info()["class_names"])
    )
    page = served.get("/").text
    assert "http://" not in page and "https://" not in page  # nothing of others is loaded


def in_process(package, limits, ask):
    """What `ask(client)` gives, of a server without a process."""

    async def served_here():
        app = server.make_app(package, limits=limits)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):
            return await ask(client)

    return asyncio.run(served_here())


def test_who_comes_when_the_queue_is_full_is_asked_to_come_again(joint):
    photo, package = Path(joint.run.samples()["path"].iloc[0]).read_bytes(), PackageFolder(joint.folder, [0])
    begun, go, of_folds = threading.Event(), threading.Event(), package.of_folds

    def held(photos):
        begun.set()
        go.wait(60)
        return of_folds(photos)

    package.of_folds = held

    async def ask(client):
        first = asyncio.create_task(client.post("/predict", content=photo))
        await asyncio.to_thread(begun.wait, 60)
        second = await client.post("/predict", content=photo)
        go.set()
        return await first, second

    first, second = in_process(package, Limits(queue=1), ask)
    assert (first.status_code, second.status_code) == (200, 503)
    assert second.headers["retry-after"] == "1" and second.json()["error"]["kind"] == "busy"


def test_requests_share_passes(joint):
    photo, package = Path(joint.run.samples()["path"].iloc[0]).read_bytes(), PackageFolder(joint.folder, [0])
    passes, of_folds = [], package.of_folds

    def counted(photos):
        passes.append(len(photos))
        return of_folds(photos)

    package.of_folds = counted

    async def ask(client):
        return await asyncio.gather(*(client.post("/predict", content=photo) for _ in range(8)))

    answers = in_process(package, Limits(batch=4, wait=60.0), ask)
    assert {answer.status_code for answer in answers} == {200} and passes == [4, 4]


def test_a_network_that_fails_is_told_to_who_waits_and_the_next_is_answered(joint):
    photo, package = Path(joint.run.samples()["path"].iloc[0]).read_bytes(), PackageFolder(joint.folder, [0])
    faults, of_folds = [RuntimeError("no memory")], package.of_folds

    def failing_once(photos):
        if faults:
            raise faults.pop()
        return of_folds(photos)

    package.of_folds = failing_once

    async def ask():
        app = server.make_app(package)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
        ):
            answers = [await client.post("/predict", content=photo) for _ in range(2)]
            return *answers, (await client.get("/metrics")).text.splitlines()

    failed, answered, metrics = asyncio.run(ask())
    assert failed.status_code == 500 and failed.json()["error"]["kind"] == "server"
    assert answered.status_code == 200
    for status in (200, 500):
        assert f'facet_requests_total{{path="/predict",status="{status}"}} 1' in metrics


def test_a_photo_for_which_there_is_no_memory_is_told_in_its_place(joint, monkeypatch):
    good, decode = Path(joint.run.samples()["path"].iloc[0]).read_bytes(), package_folder.decode

    def decoded(file, bits):
        if file.getvalue() == b"too large":
            raise MemoryError
        return decode(file, bits)

    monkeypatch.setattr(package_folder, "decode", decoded)

    async def ask(client):
        files = [("photos", (name, content)) for name, content in (("a.jpg", b"too large"), ("b.jpg", good))]
        return await client.post("/predict", files=files)

    answer = in_process(PackageFolder(joint.folder, [0]), None, ask)
    large, small = answer.json()["photos"]
    assert answer.status_code == 200 and large["error"]["kind"] == "memory" and "class" in small


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=x"])
def test_who_hangs_up_in_the_middle_of_a_photo_leaves_no_traceback(joint, capfd, kind):
    line = socket.create_server(("127.0.0.1", 0))
    with (
        serving_here(line, server.make_app(PackageFolder(joint.folder, [0]))),
        httpx.Client(base_url=f"http://127.0.0.1:{port_of(line)}") as client,
    ):

        def is_held():
            return "facet_held_bytes 0\n" not in client.get("/metrics").text

        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 9999\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port_of(line))) as half:
            part = '--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'
            half.sendall(f"{head}{part}".encode() + bytes(99))
            until(is_held, "half a photo that has come")
        until(lambda: not is_held(), "what was held of it to be given back")
        metrics = client.get("/metrics").text
    assert "Traceback" not in capfd.readouterr().err
    assert 'status="500"' not in metrics and 'path="/predict"' not in metrics


def test_without_a_token_a_name_of_another_site_is_refused(joint):
    app = server.make_app(PackageFolder(joint.folder, [0]))

    async def ask(host):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            return (await client.get("/healthz", headers={"host": host})).status_code

    hosts = ("127.0.0.1:8000", "localhost", "[::1]:8000", "rebound.example:8000", "127.0.0.1.example", "")
    assert [asyncio.run(ask(host)) for host in hosts] == [200, 200, 200, 421, 421, 421]


def test_others_reach_it_with_a_token_only():
    for host, token, words in (("0.0.0.0", "", "there is no token"), ("127.0.0.1", "short", "has 5 characters")):
        with pytest.raises(LabError, match=words) as caught:
            server.check_token(host, token)
        assert caught.value.kind == "token"
    server.check_token("::1", "")
    server.check_token("0.0.0.0", TOKEN)


def test_a_port_that_is_taken_is_told(joint):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LabError, match="nothing can listen") as caught:
            server.serve(PackageFolder(joint.folder, [0]), "127.0.0.1", taken.getsockname()[1], "")
    assert caught.value.kind == "port"


@pytest.mark.usefixtures("exported")
def test_a_run_is_packaged_first_and_a_folder_is_served_as_it_is(joint):
    with serving.opened(joint.run.id, joint.run.dir.parent) as (package, notes):
        assert package.folds == [0, 1] and not notes
        inside = package.folder
    assert not inside.exists()
    with serving.opened(str(joint.folder)) as (package, notes):
        assert package.folder == joint.folder


@pytest.mark.usefixtures("exported")
def test_of_an_unfinished_run_the_folds_that_are_named_answer(joint, tmp_path):
    run = Run(joint.run.id, tmp_path)
    shutil.copytree(joint.run.dir, run.dir)
    run.write_state(FoldState(0, "cancelled", epoch=3))
    with pytest.raises(LabError, match="1 of 2 folds is not done: 0") as caught, serving.opened(run.id, tmp_path):
        pass
    assert "Name the folds to take: 1." in caught.value.remedy
    with serving.opened(run.id, tmp_path, folds=[1]) as (package, notes):
        assert package.folds == [1] and notes == ["1 of the 2 folds of the run are in this package."]


def test_the_command_line_names_the_folds_that_answer(joint, monkeypatch):
    served = []
    monkeypatch.setattr(server, "serve", lambda package, *address: served.append(package.folds))
    monkeypatch.setattr(sys, "argv", ["core", "serve", str(joint.folder), "--folds", "1"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0 and served == [[1]]


def test_a_full_disk_names_what_can_be_done_where_a_run_is_served(joint, monkeypatch):
    def full(*_, **__):
        raise LabError("disk full: no room.", "Free some, choose fewer folds or forms.", "disk-full")

    monkeypatch.setattr(serving, "build", full)
    with pytest.raises(LabError, match="disk full") as caught, serving.opened(joint.run.id, joint.run.dir.parent):
        pass
    assert "forms" not in caught.value.remedy and "--folds" in caught.value.remedy and "TMPDIR" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("none.zip", None, "there is no file"), ("bad.zip", b"PK garbage", "is no zip"), ("a b", None, "not a run id")],
)
def test_what_is_no_package_is_told(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LabError, match=words), serving.opened(str(tmp_path / name) if "." in name else name):
        pass
