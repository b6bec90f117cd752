"""How long a hand waits: from a key press on a slider to the decoded picture, in a real browser.

Offers `measure_browser`. It starts JupyterLab as `make lab` does, and a headless Chromium.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hw5.bench import lab_server
from hw5.bench.timing import percentile

if TYPE_CHECKING:
    from playwright.sync_api import Page

TARGET_MS = 60  # two frames of a film; beyond it a slider feels loose
SHARE = 0.95
PRESSES, WARM_UPS = 60, 5
PANEL = "from hw5 import ui, zoo\nui.sampler(zoo.load('stylegan2'))"
HANDLE, IMAGE = ".hw5-panel .noUi-handle", ".hw5-panel img"
# Notes in the page when a key goes down and when the next picture is decoded.
STOPWATCH = """(image) => {
  window.hw5Times = [];
  let began = null;
  window.addEventListener("keydown", () => { began = performance.now(); }, true);
  new MutationObserver(async () => {
    if (began === null) return;
    const start = began;
    began = null;
    await image.decode().catch(() => {});
    window.hw5Times.push(performance.now() - start);
  }).observe(image, { attributes: true, attributeFilter: ["src"] });
}"""


def measure_browser() -> dict[str, float]:
    """Median and 95th percentile in ms from key press to decoded picture, against the target.

    "prompt" is the server as `make lab` starts it, "plain" the same without hw5/lab.py.

    Raises:
        InputError: no browser, or no Playwright.
    """
    found: dict[str, float] = {}
    for name, flags in (("prompt", (lab_server.PROMPT,)), ("plain", ())):
        waits = key_to_picture(flags)
        found |= {
            f"{name}_median_ms": statistics.median(waits),
            f"{name}_p95_ms": percentile(waits, SHARE),
        }
    return found | {"prompt_p95_over_target": found["prompt_p95_ms"] / TARGET_MS}


def key_to_picture(flags: tuple[str, ...]) -> list[float]:
    """Milliseconds of `PRESSES` key presses, with these flags on the server's command line."""
    with tempfile.TemporaryDirectory() as name, lab_server.open_page() as page:
        folder = Path(name)
        lab_server.write_notebook(folder / "work" / "slider.ipynb", [PANEL])
        with lab_server.start_lab(folder, flags=flags) as address:
            lab_server.open_notebook(page, address, "slider.ipynb")
            lab_server.run_all(page)
            return press(page)


def press(page: Page) -> list[float]:
    """Press an arrow key again and again, each time after the picture of the one before."""
    page.locator(HANDLE).first.focus()
    page.locator(IMAGE).evaluate(STOPWATCH)
    for count in range(WARM_UPS + PRESSES):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("(count) => window.hw5Times.length > count", arg=count)
    return page.evaluate("window.hw5Times")[WARM_UPS:]
