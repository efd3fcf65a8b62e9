"""The lab as a real process and a real Chromium in front of it: fixtures of the browser tests, as a pytest plugin.

Where there is no Chromium the tests are left out and the end of the report says so; FACET_REQUIRE_BROWSER=1 makes that
a failure.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from filelock import FileLock
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core import machine
from core.config import RunConfig, from_dict
from core.config.recipes import all_recipes
from core.jobs import queue, slots, speed
from core.places import HOME
from core.runs import Run
from core.studies.shrink import shrink
from tests.browser.demo import draw_blots
from tests.entering import JAR, enter, link_of

FLAGS = ["--no-sandbox", "--no-first-run"]
# Of a test's own certificate: asked about at each connection, Chromium gives up on a file after so many of them.
FLAGS += ["--ignore-certificate-errors"]
FLAGS += [f"--disable-{what}" for what in ("gpu", "quic", "background-networking", "component-update", "sync")]
# Each window would load two pages of what drops down from an address bar that nobody sees: a third of Chromium's work
# on a page of the lab. The last such list alone counts, so that Playwright's own is here too.
OFF = "WebUIOmniboxPopup WebUIOmniboxAimPopup WebUIOmniboxFullPopup AvoidUnnecessaryBeforeUnloadCheckSync PaintHolding "
OFF += "DestroyProfileOnBrowserClose HttpsUpgrades HttpsFirstBalancedModeAutoEnable ThirdPartyStoragePartitioning "
OFF += "AvoidCorsURLLoaderRestartOnRedirect LensOverlay MediaRouter OptimizationHints NetworkTimeServiceQuerying "
OFF += "AimEnabled PreconnectToSearch"
FLAGS += [f"--disable-features={OFF.replace(' ', ',')}"]
LONGEST = 600  # seconds for one test in front of a running lab, on a machine however busy; nothing may hang for longer
SIZES = (32, 128)  # px, of the recipe "quick": what tests type, and the larger one that a page proposes
LEFT_OUT = "BROWSER TESTS WERE LEFT OUT: no Chromium on the path"
# Streamlit asks for its own health below a page's address first, gets a 404, and then asks at the root.
HARMLESS = ("/_stcore/health", "/_stcore/host-config")
T = TypeVar("T")


def chromium() -> str | None:
    paths = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in paths if path), None)


def required() -> bool:
    return os.environ.get("FACET_REQUIRE_BROWSER") == "1"


left_out = pytest.StashKey[int]()
failed = pytest.StashKey[bool]()


def has_hands(file: Path) -> bool:
    """Whether a file of tests has something of tests/browser, without which none of them can do much with a lab."""
    return "tests.browser" in file.read_text("utf-8")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With -m lab no file is imported for nothing: of all files that takes as long as the longest test of a browser.

    A file that is named on the command line is collected, whatever it holds.
    """
    if config.option.markexpr != "lab" or not collection_path.match("test_*.py"):
        return None
    if any(Path(argument.split("::")[0]).absolute() == collection_path for argument in config.args):
        return None
    return None if has_hands(collection_path) else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "lab_process" in getattr(item, "fixturenames", ()) or item.get_closest_marker("browser"):
            if not has_hands(item.path):
                raise pytest.UsageError(f"{item.nodeid}: -m lab passes over a file without tests.browser")
            item.add_marker("lab")
            item.add_marker(pytest.mark.timeout(LONGEST, func_only=True))
    if chromium() or required():
        return
    tests = [item for item in items if item.get_closest_marker("browser")]
    for item in tests:
        item.add_marker(pytest.mark.skip(reason="no Chromium on the path"))
    config.stash[left_out] = len(tests)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the session's lab is started, which takes its time."""
    if item.get_closest_marker("browser") and chromium() is None:
        pytest.fail("FACET_REQUIRE_BROWSER=1, but there is no Chromium on the path")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := config.stash.get(left_out, 0):
        terminalreporter.section(f"{LEFT_OUT} ({count} tests)", sep="!", red=True, bold=True)
        terminalreporter.line("Install Debian's chromium package, then run them again.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    item.stash[failed] = item.stash.get(failed, False) or report.failed
    return report


def soon(look: Callable[[], T], seconds: float, what: str | Callable[[], str], every: float = 0.1) -> T:
    """The first true answer of look(); fails after `seconds` with what was awaited, or what(), asked then.

    The last look begins after that time: a process that had no processor for so long looks once more.
    """
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() > deadline
        if answer := look():
            return answer
        if late:
            pytest.fail(f"after {seconds:.0f} s still not: {what() if callable(what) else what}")
        time.sleep(every)


@functools.cache
def visited() -> dict[str, RunConfig]:
    """What tests open on Launch, by name, "quick" first: its speed is what those of the others are reckoned from, so
    that what is proposed stays what it is where they are unknown."""
    recipes = all_recipes()
    quick = recipes["quick"]
    resized = {f"quick {size}": from_dict(shrink(quick.model_dump(mode="json"), size=size)) for size in SIZES}
    return {"quick": quick} | recipes | resized


def slack() -> float:
    """1 on a machine that has nothing else to do, up to 4 where others want its cores too."""
    return min(4.0, max(1.0, os.getloadavg()[0] / machine.cores()))


class Lab:
    """`streamlit run app.py` on a free port, with its own runs folder, weights folder and demo dataset.

    home: the folder of its source.
    """

    def __init__(self, folder: Path, demo: Path, home: Path = HOME):
        self.home = home
        self.runs = folder / "runs"
        self.runs.mkdir()
        self.demo = demo
        self.log = folder / "lab.log"
        self.port = _free_port()
        self.process: subprocess.Popen | None = None
        self.link = ""
        self.command = [sys.executable, "-m", "streamlit"]
        self.env = {
            **os.environ,
            "FACET_RUNS": str(self.runs),
            "FACET_DEMO": str(demo),
            "FACET_SLOTS": "1",
            "TORCH_HOME": str(folder / "torch"),  # empty: no weights on this machine
            "CUDA_VISIBLE_DEVICES": "",  # a GPU would be through before anything could be looked at
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with open(self.log, "ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            command = [*self.command, "run", "app.py", "--server.port", str(self.port)]
            self.process = subprocess.Popen(command, cwd=self.home, env=self.env, start_new_session=True, **streams)
        self.link = soon(self._prints_its_link, 90 * slack(), "the lab prints its link", every=0.2)
        soon(self.answers, 90 * slack(), "the lab answers", every=0.2)

    def _prints_its_link(self) -> str | None:
        if self.process.poll() is not None:
            pytest.fail(f"the lab ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
        return link_of(self.port, self.runs)

    def answers(self) -> bool:
        """Whether the lab lets in who has its link, and serves."""
        try:
            enter(self.link)
            health = urllib.request.Request(f"{self.url}/_stcore/health", headers={"Cookie": JAR[self.port]})
            with urllib.request.urlopen(health, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def let_in(self, context: Any) -> None:
        """A browser's context, by the link, without a page; again after each start of the lab."""
        enter(self.link)  # over a line of its own: those that a browser's context keeps, the lab may have hung up
        name, _, value = JAR[self.port].partition("=")
        cookie = {"name": name, "value": value, "url": self.url, "httpOnly": True, "sameSite": "Strict"}
        context.add_cookies([cookie])

    def kill(self) -> None:
        """SIGKILL to the lab alone: what it started is not asked."""
        self.process.kill()
        self.process.wait(10)

    def others(self) -> list[psutil.Process]:
        """Processes of this lab other than the lab itself: workers, measurements, with their children."""
        processes = []
        for process in psutil.process_iter():
            try:
                if process.pid != self.process.pid and process.environ().get("FACET_RUNS") == str(self.runs):
                    processes.append(process)
            except psutil.Error:
                continue
        return processes

    def workers(self) -> list[psutil.Process]:
        processes = []
        for process in self.others():
            try:
                if "worker" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    processes.append(process)
            except psutil.Error:
                continue
        return processes

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """What trains stands still in this block."""
        workers = self.workers()
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.suspend()
        try:
            yield
        finally:
            for worker in workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.resume()

    def run_ids(self) -> list[str]:
        """Without what a worker or page of the test before left in a folder that was cleared under it."""
        names = sorted(path.name for path in self.runs.iterdir() if not path.name.startswith("."))
        return [name for name in names if Run(name, self.runs).exists()]

    def clear(self) -> None:
        """No process but the lab, no run, no memory of datasets."""
        soon(self._alone, 60 * slack(), "no process but the lab", every=0.01)
        for path in self.runs.iterdir():
            shutil.rmtree(path, ignore_errors=True)

    def _alone(self) -> bool:
        """Whether nothing was there to kill: what is killed may have started another process a moment before."""
        others = self.others()
        _kill(others)
        return not others

    def settle(self, networks: Sequence[str] | None = None) -> None:
        """As a lab that has been used before: it knows how fast this machine trains these `visited()` networks, all of
        them if None.

        Otherwise each visit of Launch would begin with a measurement, in a process that loads torch. Two labs beside
        each other have a core each.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FACET_SLOTS", self.env["FACET_SLOTS"])
            if "PYTEST_XDIST_WORKER" in os.environ:
                slots.write(self.runs, slots.Slots(1, 1))
            for name, config in visited().items():
                if networks is None or name in networks:
                    speed.remember(config, speed.reckoned(config, self.runs) or 100.0, self.runs)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """No fold job begins in this block: its only slot is taken."""
        slot = self.take_slot()
        try:
            yield
        finally:
            slot.release()

    def take_slot(self) -> FileLock:
        """The lock of its only slot; an open page may look at it just now."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FACET_SLOTS", self.env["FACET_SLOTS"])
            _, slot = soon(lambda: queue.take_slot(self.runs), 60 * slack(), "the slot is free", every=0.01)
        return slot

    def end(self) -> None:
        if self.process is not None:
            self.clear()
            self.process.kill()
            self.process.wait(10)
            self.clear()


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    soon(lambda: not any(_lives(each) for each in processes), 60 * slack(), f"{processes} end", every=0.01)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Watch:
    """What a browser context complained about."""

    def __init__(self, context: Any):
        self.begin()
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(f"script error: {error.error}"))
        context.on("dialog", self._dialog)

    def begin(self) -> None:
        """Forget what was: another test begins."""
        self.errors: list[str] = []
        self.allowed: list[str] = list(HARMLESS)

    def allow(self, *texts: str) -> None:
        """Expect messages with these texts, because the test breaks something on purpose."""
        self.allowed += texts

    def unexpected(self) -> list[str]:
        return [error for error in self.errors if not any(text in error for text in self.allowed)]

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text} [{message.location.get('url', '')}]")

    def _dialog(self, dialog: Any) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()


class Talk:
    """What a page asks the lab, and whether the lab has answered, from its WebSocket; made before the page is opened.

    What a page asks on its own, as often as the clock tells it to, does not count.
    """

    def __init__(self, page: Any):
        self.page, self.asked, self.owed = page, 0, ""
        page.on("websocket", self._listen)

    def over(self) -> None:
        """Wait until the lab has answered the last question and the page shows the answer."""
        soon(lambda: self._heard() and self.asked and not self.owed, 60 * slack(), "the lab has answered")
        self.page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    @contextlib.contextmanager
    def answered(self) -> Iterator[None]:
        """Whoever leaves this block has seen the answer to what was done in it.

        It begins when nothing is owed any more: the end of an earlier answer would be taken for that of this one.
        """
        self.over()
        before = self.asked
        yield
        soon(lambda: self._heard() and self.asked > before, 60 * slack(), "the lab is asked")
        self.over()

    def _heard(self) -> bool:
        """Playwright tells what has happened meanwhile only when it is asked for something."""
        return self.page.evaluate("true")

    def _listen(self, line: Any) -> None:
        self.owed = "page"  # which it asks for as soon as the line stands
        line.on("framesent", self._asks)
        line.on("framereceived", self._hears)

    def _asks(self, frame: bytes | str) -> None:
        message = BackMsg.FromString(frame) if isinstance(frame, bytes) else BackMsg()
        if message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun:
            self.asked, self.owed = self.asked + 1, "fragment" if message.rerun_script.fragment_id else "page"

    def _hears(self, frame: bytes | str) -> None:
        message = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
        if message.WhichOneof("type") == "script_finished":
            whole = message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            part = message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
            if whole or (part and self.owed == "fragment"):
                self.owed = ""


def drawn_demo(folder: Path) -> Path:
    """The demo dataset, which nobody writes into: drawn once for all workers of pytest."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    demo = folder / "lab-demo"
    with FileLock(folder / "lab-demo.lock"):
        if not demo.exists():
            drawn = folder / "lab-demo-drawn"
            drawn.mkdir()
            draw_blots(drawn)
            drawn.rename(demo)
    return demo


@pytest.fixture(scope="session")
def lab_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"), drawn_demo(tmp_path_factory.getbasetemp()))
    try:
        lab.start()
        yield lab
    finally:
        lab.end()


@pytest.fixture
def lab(lab_process: Lab) -> Iterator[Lab]:
    """The running lab, empty before and after."""
    lab_process.clear()
    lab_process.settle()
    yield lab_process
    lab_process.clear()
    if lab_process.process.poll() is not None:
        lab_process.start()


def of_a_browser(fixture_name: str, config: pytest.Config) -> str:
    """The scope: its event loop must not outlive the browser tests in this process."""
    return "session" if config.option.markexpr == "lab" else "module"


@pytest.fixture(scope=of_a_browser)
def browser() -> Iterator[Any]:
    """Chromium; with -m lab one for all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium_process = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield chromium_process
        chromium_process.close()


def window_of(lab: Lab, browser: Any) -> Iterator[Any]:
    """A browser context: scripts and fonts of a lab are loaded and compiled once for all its tests."""
    context = browser.new_context(base_url=lab.url, viewport={"width": 1280, "height": 900})
    context.watch = Watch(context)
    yield context
    context.close()


@pytest.fixture(scope=of_a_browser)
def window(browser: Any, lab_process: Lab) -> Iterator[Any]:
    """With -m lab one for all tests; whoever has a lab of its own has a window of its own."""
    yield from window_of(lab_process, browser)


@pytest.fixture
def context(window: Any, lab: Lab, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """The browser at the lab, without a page, with `watch`. In the end no page may show a traceback or have complained.

    What a page leaves behind in the browser is cleared.
    """
    window.watch.begin()
    lab.let_in(window)
    window.set_default_timeout(60_000 * slack())
    yield window
    if request.node.stash.get(failed, False):
        for number, page in enumerate(window.pages):
            page.screenshot(path=tmp_path / f"page{number}.png", full_page=True)
            print(f"{page.url}: see {tmp_path / f'page{number}.png'}")
    texts = [page.locator("body").inner_text() for page in window.pages]
    crashed = sum(page.get_by_test_id("stException").count() for page in window.pages)
    for page in window.pages:
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.close()
    window.clear_cookies()
    assert window.watch.unexpected() == []
    assert not crashed
    assert not [text for text in texts if "Traceback" in text]


@pytest.fixture
def page(context: Any) -> Any:
    return context.new_page()
