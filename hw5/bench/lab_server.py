"""A JupyterLab of our own and a browser to look at it: for measurements and for tests.

Offers `find_browser`, `start_lab`, `open_page`, `write_notebook`, `open_notebook` and `run_all`.
The server gets folders of its own, so that nobody's settings change what is measured; the browser
can reach this machine alone. Read next: browser.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from hw5.kit.checks import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge",
    "chromium-headless-shell",
)  # fmt: skip
START = 60.0  # seconds until the server must answer
SLOW = 30_000  # ms until whatever a page waits for must be there
PROMPT = "--ServerApp.kernel_websocket_connection_class=hw5.lab.PromptConnection"
FLAGS = (
    "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--ServerApp.open_browser=False",
    "--IdentityProvider.token=", "--allow-root", "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.news_url=", "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--KernelManager.shutdown_wait_time=1",  # seconds; nothing in these kernels is worth more
)  # fmt: skip
# Front ends that can be driven: their module -> where it shows a notebook. Notebook 7 is made of
# JupyterLab's parts, and answers to the same commands.
PAGES = {"jupyterlab": "lab/tree/{name}?reset", "notebook": "notebooks/{name}"}
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True,
    },
    "@jupyterlab/extensionmanager-extension/plugin": {"enabled": False},
}  # fmt: skip
# The light in Lab's corner says "idle" before there is a kernel; this does not.
IS_IDLE = """() => {
  const kernel = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle"; }"""


def find_browser() -> str | None:
    """The path of an installed Chromium, Chrome or Edge, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def missing() -> str:
    """What is missing to drive a browser, in words; empty when all is there."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright is not installed: pip install playwright (never `playwright install`)"
    if find_browser() is None:
        return f"no browser found; install one of {', '.join(BROWSERS[:3])} (Debian: chromium)"
    return ""


@contextmanager
def start_lab(
    folder: Path, *, flags: Sequence[str] = (PROMPT,), theme: str = "JupyterLab Light",
    front_end: str = "jupyterlab",
) -> Iterator[str]:  # fmt: skip
    """A JupyterLab on the notebooks in `folder`; yields its address, ends it with the block.

    Args:
        folder: a folder that may be filled with settings and logs; notebooks are in "work".
        flags: added to the command line.
        theme: of the page, as JupyterLab names it.
        front_end: a key of `PAGES`, which must be installed.

    Raises:
        InputError: the server ended, or did not answer in time; the message holds its log's end.
    """
    environment = _environment(folder, theme)
    command = [sys.executable, "-m", front_end, *FLAGS, *flags]
    command.append(f"--ServerApp.root_dir={folder / 'work'}")
    log = folder / "server.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        yield _address(server, folder / "runtime" / f"jpserver-{server.pid}.json", log)
    finally:
        server.terminate()  # it ends its kernels, too
        server.wait(15)


def _environment(folder: Path, theme: str) -> dict[str, str]:
    """Variables that keep the server inside `folder`; its settings are written there."""
    settings = SETTINGS | {"@jupyterlab/apputils-extension/themes": {"theme": theme}}
    for plugin, values in settings.items():
        path = folder / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    places = {
        "HOME": "home", "IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }  # fmt: skip
    for place in (*places.values(), "work"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    source = str(Path(__file__).resolve().parents[2])  # the kernel imports this very package
    paths = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    own = {name: str(folder / place) for name, place in places.items()}
    return kept | own | {"PYTHONPATH": paths}


def _address(server: subprocess.Popen, note: Path, log: Path) -> str:
    """The server's address, out of the note that it writes when it is bound."""
    end = time.monotonic() + START
    while time.monotonic() < end and server.poll() is None:
        try:
            url = json.loads(note.read_text(encoding="utf-8"))["url"]
            urllib.request.urlopen(url + "api/status", timeout=5).close()
            return url
        except (OSError, ValueError, KeyError):
            time.sleep(0.05)
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
    raise InputError.about("JupyterLab", expected="an answer", got=" | ".join(last) or "none")


@contextmanager
def open_page(*, width: int = 1280, height: int = 1100) -> Iterator[Page]:
    """A page in a headless browser that can reach this machine and no other.

    Raises:
        InputError: Playwright or a browser is missing.
    """
    if lacking := missing():
        raise InputError(lacking)
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(), args=arguments)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(SLOW)
        yield page
        browser.close()


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells to `path`."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def open_notebook(page: Page, address: str, name: str, *, front_end: str = "jupyterlab") -> None:
    """Open the notebook `name` and wait for its kernel."""
    page.goto(address + PAGES[front_end].format(name=name))
    page.wait_for_function(IS_IDLE)


def run_all(page: Page) -> None:
    """Run all cells and wait for the last."""
    page.evaluate(
        "(command) => window.jupyterapp.commands.execute(command)", "notebook:run-all-cells"
    )
