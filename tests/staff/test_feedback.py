"""The page that goes back to a student: complete, quiet about secrets, only text and pictures."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from staff.batch import feedback
from staff.batch.marks import Line, Marks
from staff.grading.graded import (
    CRASHED,
    FAILED,
    GRADED,
    PASSED,
    REFUSED,
    CaseResult,
    Graded,
    NotebookResult,
    TaskResult,
)

EVIL = "<script>alert(1)</script>\x1b[31m\u202egnp.exe<img src=x onerror=alert(1)> \"'&amp;"
MARKS = Marks(
    parts=(
        Line("losses", "Part 1: losses", 5.5, 8, ("1.1", "1.2"),
             manual=(Line("words", "What you wrote", None, 10),)),
    ),
    days_late=7,
    penalty=1.1,
    final=4.4,
    out_of=18,
    late_words="7 days, of which 5 are free",
)  # fmt: skip


def case(name, **rest):
    return CaseResult(name, "1.2", FAILED, **{"seen": "got 3, expected 4", "hint": "eq. 4"} | rest)


@pytest.fixture
def graded():
    return Graded(
        "ada",
        GRADED,
        tasks=(
            TaskResult("1.1", "masked_mean", 4, 4, (CaseResult("m", "1.1", PASSED, score=1),)),
            TaskResult(
                "1.2",
                "pixel_loss",
                1.5,
                4,
                (case("mean over channels"), case("secret input 77", visible=False, seen="0.123")),
            ),
        ),
        notebooks=(NotebookResult("02_inversion", 1, 2, 5, ("cell 3: PSNR 12.1, at least 30",),
                                  (("cell 3", "a.png", "b.png"),)),),
        printed="hello\nworld",
        seed=987654321,
        backend="bubblewrap",
        digests={"submission": "d" * 64},
    )  # fmt: skip


@pytest.fixture
def pictures(tmp_path):
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (8, 8), colour).save(tmp_path / name)
    return tmp_path


class Elements(HTMLParser):
    """Collects every element with its attributes, and all text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_data(self, data):
        self.text += data


def test_points_reasons_and_hints_are_there(graded, pictures):
    text = Elements(feedback.page(graded, MARKS, pictures)).text
    for words in ("4.4 of 18", "1.5 of 4", "mean over channels", "got 3, expected 4", "eq. 4",
                  "7 days, of which 5 are free", "not marked yet"):  # fmt: skip
        assert words in text


def test_a_bar_is_as_full_as_the_points(graded, pictures):
    found = Elements(feedback.page(graded, MARKS, pictures)).attributes
    widths = [value for tag, name, value in found if (tag, name) == ("rect", "width")]
    assert widths == ["100", f"{100 * 5.5 / 8:.1f}"]


def test_each_task_is_marked_complete_or_not_in_words(graded, pictures):
    found = Elements(feedback.page(graded, MARKS, pictures)).attributes
    words = [value for tag, name, value in found if (tag, name) == ("span", "aria-label")]
    assert words == ["complete", "points missing"]


def test_hidden_cases_are_counted_and_not_told(graded, pictures):
    html = feedback.page(graded, MARKS, pictures)
    assert "1 of 1 further cases on other inputs failed" in html
    assert "secret input 77" not in html
    assert "0.123" not in html


@pytest.mark.parametrize("secret", ["987654321", "hello", "world"])
def test_seed_and_printed_text_do_not_leave_the_house(graded, pictures, secret):
    assert secret not in feedback.page(graded, MARKS, pictures)


@pytest.mark.parametrize(
    "change",
    [
        {"submission": EVIL},
        {"message": EVIL, "state": REFUSED},
        {"notes": (EVIL,)},
        {"tasks": (TaskResult("1.2", "pixel_loss", 0, 4, (case(EVIL, seen=EVIL, hint=EVIL),)),)},
        {"notebooks": (NotebookResult(EVIL, 0, 1, 1, (EVIL,), ((EVIL, EVIL, EVIL),)),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_words_of_a_student_stay_text(graded, pictures, change):
    plain = Elements(feedback.page(graded, MARKS, pictures))
    found = Elements(feedback.page(replace(graded, **change), MARKS, pictures))
    assert "alert(1)" in found.text
    assert set(found.tags) <= {*plain.tags, "div", "strong"}
    assert not [a for a in found.attributes if a[1].startswith("on")]
    assert not re.search("[\x00-\x08\x1b\u202e]", found.text)


def test_nothing_is_loaded_from_anywhere(graded, pictures):
    html = feedback.page(graded, MARKS, pictures)
    found = Elements(html)
    assert "script" not in found.tags
    assert not [a for a in found.attributes if a[1] == "style"]
    sources = [value for _, name, value in found.attributes if name in ("src", "href")]
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in sources)
    assert not re.search(r"url\(|@import", html)


def test_the_policy_allows_the_style_sheet_and_nothing_else(graded, pictures):
    html = feedback.page(graded, MARKS, pictures)
    rules = dict(
        rule.split(" ", 1)
        for rule in re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1].split("; ")
    )
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rules["style-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules


def test_both_pictures_are_inside_the_page_with_words_for_those_who_do_not_see(graded, pictures):
    found = Elements(feedback.page(graded, MARKS, pictures))
    alts = [value for tag, name, value in found.attributes if (tag, name) == ("img", "alt")]
    assert alts == ["yours: cell 3", "expected: cell 3"]


@pytest.mark.parametrize("content", [None, b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_picture_that_is_none_leaves_a_line(graded, pictures, content):
    (pictures / "a.png").unlink()
    if content is not None:
        (pictures / "a.png").write_bytes(content)
    found = Elements(feedback.page(graded, MARKS, pictures))
    assert "yours: no picture" in found.text
    assert found.tags.count("img") == 1


def test_one_reason_is_told_once(graded, pictures):
    cases = tuple(case(f"input {i}") for i in range(5))
    task = TaskResult("1.2", "pixel_loss", 0, 4, cases)
    html = feedback.page(replace(graded, tasks=(task,)), MARKS, pictures)
    assert html.count("got 3, expected 4") == 1


def test_a_crash_without_words_still_has_a_reason(graded, pictures):
    crashed = CaseResult("adds up", "1.2", CRASHED)
    task = TaskResult("1.2", "pixel_loss", 0, 4, (crashed,))
    assert (
        "crashed" in Elements(feedback.page(replace(graded, tasks=(task,)), MARKS, pictures)).text
    )
