"""How long a hand waits: from a key press on a slider to the decoded picture, in a real browser.

Offers `measure_browser`. It starts JupyterLab as `make lab` does, and a headless Chromium.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw5.bench import lab_server
from hw5.bench.timing import percentile

if TYPE_CHECKING:
    from playwright.sync_api import Page

TARGET_MS = 60  # two frames of a film; beyond it a slider feels loose
SHARE = 0.95
PRESSES, WARM_UPS = 60, 5
HANDLE, IMAGE = ".hw5-panel .noUi-handle", ".hw5-panel img"
STAMPS = "stamps.txt"  # lines of a station and a time
# The kernel notes when it hears of the key, and when the picture's bytes are there.
PANEL = f"""
import time
from hw5 import ui, zoo
panel = ui.sampler(zoo.load("stylegan2"))
stamps = open("{STAMPS}", "w", buffering=1)

def note(station):
    stamps.write(f"{{station}} {{1000 * time.time()}}\\n")

panel.seed.observe(lambda _: note("python"), "value")
panel.pane.image.observe(lambda _: note("bytes"), "value")
panel
"""
# The page notes when a message with a JPEG comes in; it begins before JupyterLab's own scripts.
LISTEN = """
window.hw5Now = () => performance.timeOrigin + performance.now();
window.WebSocket = class extends WebSocket {
  constructor(...words) {
    super(...words);
    this.addEventListener("message", ({ data }) => {
      if (typeof data === "string") return;
      if (new TextDecoder("latin1").decode(data).includes("\\xff\\xd8\\xff"))
        window.hw5Page = window.hw5Now();
    });
  }
};
"""
# Notes in the page when a key goes down and when the next picture is there, and decoded.
STOPWATCH = """(image) => {
  window.hw5Times = [];
  let key = null;
  window.addEventListener("keydown", () => { key = window.hw5Now(); }, true);
  new MutationObserver(async () => {
    if (key === null) return;
    const times = { key, page: window.hw5Page, source: window.hw5Now() };
    key = null;
    await image.decode().catch(() => {});
    window.hw5Times.push({ ...times, decoded: window.hw5Now() });
  }).observe(image, { attributes: true, attributeFilter: ["src"] });
}"""
# The way of a picture. From, to -> what happens between: the key through page, server and kernel;
# thread, generator and encoder; kernel and server; JupyterLab; the browser's decoder.
STATIONS = ("key", "python", "bytes", "page", "source", "decoded")


def measure_browser() -> dict[str, float]:
    """Median and 95th percentile in ms from key press to decoded picture, against the target.

    "prompt" is the server as `make lab` starts it, "plain" the same without hw5/lab.py. For the
    first, the median of each stretch of the way follows, as "key_to_python_ms".

    Raises:
        InputError: no browser, or no Playwright.
    """
    found: dict[str, float] = {}
    ways = {"prompt": key_to_picture((lab_server.PROMPT,)), "plain": key_to_picture(())}
    for name, presses in ways.items():
        waits = [times["decoded"] - times["key"] for times in presses]
        found |= {
            f"{name}_median_ms": statistics.median(waits),
            f"{name}_p95_ms": percentile(waits, SHARE),
        }
    found["prompt_p95_over_target"] = found["prompt_p95_ms"] / TARGET_MS
    return found | stretches(ways["prompt"])


def stretches(presses: list[dict[str, float]]) -> dict[str, float]:
    """Median ms between neighbouring stations; without a name where a note is missing."""
    found = {}
    for start, end in itertools.pairwise(STATIONS):
        took = [times[end] - times[start] for times in presses if {start, end} <= times.keys()]
        if took:
            found[f"{start}_to_{end}_ms"] = statistics.median(took)
    return found


def key_to_picture(flags: tuple[str, ...]) -> list[dict[str, float]]:
    """When each of `PRESSES` key presses was at each station, in ms since 1970.

    Args:
        flags: of the server's command line.
    """
    with tempfile.TemporaryDirectory() as name, lab_server.open_page() as page:
        work = Path(name) / "work"
        lab_server.write_notebook(work / "slider.ipynb", [PANEL])
        page.add_init_script(LISTEN)
        with lab_server.start_lab(Path(name), flags=flags) as address:
            lab_server.open_notebook(page, address, "slider.ipynb")
            lab_server.run_all(page)
            presses = press(page)
        lines = (work / STAMPS).read_text(encoding="utf-8").split("\n")[:-1]
    stamps = [(station, float(when)) for station, when in map(str.split, lines)]
    return [with_stamps(times, stamps) for times in presses]


def with_stamps(times: dict[str, float], stamps: Sequence[tuple[str, float]]) -> dict[str, float]:
    """A key press's notes of the page, with the first of each of the kernel's that lie between."""
    between = [(s, when) for s, when in stamps if times["key"] <= when <= times["source"]]
    return {**dict(reversed(between)), **times}


def press(page: Page) -> list[dict[str, float]]:
    """Press an arrow key again and again, each time after the picture of the one before."""
    page.locator(HANDLE).first.focus()
    page.locator(IMAGE).evaluate(STOPWATCH)
    for count in range(WARM_UPS + PRESSES):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("(count) => window.hw5Times.length > count", arg=count)
    return page.evaluate("window.hw5Times")[WARM_UPS:]
