"""The page in a real browser: the slider moves by keys, nothing is fetched, nothing complains."""

from __future__ import annotations

import shutil

import pytest
import torch

from hw5.kit import runs
from report import build

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]
PHONE, DESKTOP = 390, 1280  # pixels


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        # No other host can be reached: a page that needs one fails here.
        words = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=words)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    pictures = {"target": torch.ones(1, 3, 16, 16), "result": -torch.ones(1, 3, 16, 16)}
    record = {"loss": 1.0, "seconds": 1.0, "evaluations": 2}
    runs.save_run(folder / "runs/cat", images=pictures, arrays={}, record=record)
    return build.set_page(folder / "out", folder / "runs").page.as_uri()


@pytest.fixture
def opened(browser, address):
    """The page, with everything it complained about or asked for."""
    page = browser.new_page(viewport={"width": DESKTOP, "height": 900})
    page.noise = []
    page.on("console", lambda message: page.noise.append(message.text))
    page.on("pageerror", lambda error: page.noise.append(str(error)))
    page.on("request", lambda ask: ask.url.startswith("file:") or page.noise.append(ask.url))
    page.goto(address)
    yield page
    page.close()


def cut(page):
    """Where the upper picture is cut off, as the browser computed it."""
    return page.locator(".compare .over").evaluate("e => getComputedStyle(e).clipPath")


def test_the_slider_is_moved_by_keys_and_uncovers_the_picture_below(opened):
    slider = opened.get_by_role("slider")
    assert cut(opened).endswith("50%)")
    slider.focus()
    slider.press("ArrowRight")
    assert slider.input_value() == "51" and cut(opened).endswith("51%)")
    slider.press("End")
    assert cut(opened).endswith("100%)")


def test_nothing_is_fetched_from_elsewhere_and_nothing_complains(opened):
    opened.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert opened.noise == []


def test_a_script_that_got_in_would_not_run(opened):
    opened.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'window.ran = 1'}))"
    )
    assert opened.evaluate("window.ran") is None


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_nothing_sticks_out_of_the_window(opened, width):
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_and_paper_differ_enough_in_light_and_dark(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    colours = opened.evaluate(
        "() => { const s = getComputedStyle(document.documentElement);"
        " return [s.color, s.backgroundColor]; }"
    )
    ink, paper = (luminance(colour) for colour in colours)
    lighter, darker = max(ink, paper), min(ink, paper)
    assert (lighter + 0.05) / (darker + 0.05) >= 7  # WCAG 2.2, level AAA
    assert (paper > ink) is (scheme == "light")


def luminance(colour):
    """Relative luminance of "rgb(r, g, b)", WCAG 2.2."""
    levels = [int(word) / 255 for word in colour[4:-1].split(",")]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
