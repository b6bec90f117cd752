"""The student's runs and words on the page, and what the page says when they are missing."""

from __future__ import annotations

import shutil

import pytest
import torch
from PIL import Image

from hw5.kit import images, runs, strict_json
from hw5.kit.checks import InputError
from report import build, page, parts
from report.check import check_page
from report.runs import find_runs

HISTORY = [{"evaluations": n, "best_losses": [1 / n, None]} for n in (1, 5, 9)]
RECORD = {"generator": "stylegan2", "loss": 0.5, "seconds": 2.0, "evaluations": 9,
          "settings": {"space": "w+", "optimiser": "adam"}, "history": HISTORY}  # fmt: skip


@pytest.fixture
def words(tmp_path):
    """A copy of the page's sources with short words."""
    folder = tmp_path / "words"
    (folder / "text").mkdir(parents=True)
    for name in ("template.html", "style.css", "script.js"):
        shutil.copy(page.HERE / name, folder)
    write(folder, "{{projections}}\n\n{{drawings}}\n\n{{films}}\n\n{{others}}\n\n{{missing}}")
    return folder


def write(folder, text):
    (folder / "text/1.md").write_text(f"# My cats\n\n## Here\n\n{text}\n", encoding="utf-8")


def save(root, name, *pictures, **record):
    shown = {p: torch.full((1, 3, 16, 16), i / 4) for i, p in enumerate(pictures)}
    runs.save_run(root / name, images=shown, arrays={}, record={**RECORD, **record})


@pytest.fixture
def folder(tmp_path):
    """A projection, a drawing, a film and a run of another kind."""
    root = tmp_path / "runs"
    save(root, "my_cat", "target", "result", picture="my_cat.jpg")
    save(root, "later/sketchy", "sketch", "result", sketch="s.json", distance=0.8)
    save(root, "odd", "pictures")
    (root / "film").mkdir()
    frames = torch.linspace(-1, 1, 4)[:, None, None, None].expand(4, 3, 16, 16)
    images.save_gif(root / "film/film.gif", frames)
    images.save(root / "film/strip.png", images.strip(frames))
    strict_json.write(root / "film/record.json", {"first": "1", "second": "<b>2</b>"})
    return root


@pytest.fixture
def html(words, folder, tmp_path):
    return build.set_page(tmp_path / "out", folder, words=words).page.read_text("utf-8")


def test_runs_are_found_wherever_they_lie_and_told_apart(folder):
    kinds = {run.name: run.kind for run in find_runs(folder)}
    assert kinds == {"my_cat": "projections", "later/sketchy": "drawings", "film": "films",
                     "odd": "others"}  # fmt: skip


def test_every_run_has_a_figure_with_its_name(html, tmp_path):
    for name in ("my_cat", "later/sketchy", "film", "odd"):
        assert f"<b>runs/{name}.</b>" in html
    assert check_page(tmp_path / "out/index.html") == []


def test_a_projection_has_a_slider_a_curve_its_time_and_its_settings(html):
    figure = html.split('id="run-my-cat"')[1].split("</figure>")[0]
    assert figure.count("<img") == 2 and '<input type="range"' in figure
    assert "<polyline" in figure and "9 evaluations, 2.0 s" in figure
    assert "PSNR 18.3 dB" in figure  # levels 128 and 159 of 255: 20 log10(255 / 31)
    assert "<dt>settings space</dt><dd>w+</dd>" in figure


def test_a_film_moves_and_has_a_still_for_who_wants_none(html, tmp_path):
    figure = html.split('id="run-film"')[1].split("</figure>")[0]
    assert "prefers-reduced-motion" in figure and "run-film-film.gif" in figure
    assert Image.open(tmp_path / "out/media/run-film-film-still.png").size == (16, 16)


def test_words_of_records_are_shown_and_not_obeyed(html):
    assert "<b>2</b>" not in html and "&lt;b&gt;2&lt;/b&gt;" in html


def test_a_run_that_the_text_names_stands_there_and_nowhere_else(words, folder, tmp_path):
    write(words, "{{runs/my_cat}}\n\nthen\n\n{{projections}}")
    html = build.set_page(tmp_path / "out", folder, words=words).page.read_text("utf-8")
    assert html.count('id="run-my-cat"') == 1
    assert html.index('id="run-my-cat"') < html.index("<p>then</p>")


def test_an_unknown_run_in_the_text_is_named(words, folder, tmp_path):
    write(words, "{{runs/my_dog}}")
    with pytest.raises(InputError, match=r"runs/my_dog.*did you mean 'runs/my_cat'"):
        build.set_page(tmp_path / "out", folder, words=words)
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_listed_with_the_command_that_makes_it(words, folder, tmp_path):
    write(words, "{{projections}}\n\n{{films}}\n\n{{write: why?}}\n\n{{missing}}")
    built = build.set_page(tmp_path / "out", folder, words=words)
    assert [gap.what.split(" (")[0] for gap in built.gaps] == [
        parts.JOB.what, parts.PARTS[0].what, parts.PARTS[1].what, parts.PARTS[3].what,
        "your words: why?",
    ]  # fmt: skip
    html = built.page.read_text("utf-8")
    assert "python -m hw5 ablate" in html and "To write:</b> why?" in html


def test_a_page_of_nothing_is_sound_and_says_how_to_begin(tmp_path):
    built = build.set_page(tmp_path / "out", tmp_path / "none")
    assert check_page(built.page) == []
    assert "python -m hw5 report" in built.page.read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '[click](https://a.example "x\\" onclick=\\"alert(1)")',
        "`<script>alert(1)</script>`",
        "| <script>alert(1)</script> |\n|---|\n| <script>alert(1)</script> |",
        "{{write: <script>alert(1)</script>}}",
    ],
)
def test_no_script_gets_in_by_the_students_words(words, tmp_path, text):
    write(words, text)
    html = build.set_page(tmp_path / "out", tmp_path / "none", words=words).page.read_text("utf-8")
    assert "<script>alert" not in html
    assert check_page(tmp_path / "out/index.html") == []


@pytest.mark.parametrize("text", ["[click](javascript:alert(1))", "<javascript:alert(1)>"])
def test_a_link_that_runs_a_program_is_refused(words, tmp_path, text):
    write(words, text)
    with pytest.raises(InputError, match="would run a program"):
        build.set_page(tmp_path / "out", tmp_path / "none", words=words)


def test_the_only_script_is_the_one_that_the_policy_names(html):
    assert html.count("<script") == 1 and "script-src 'sha256-" in html


def test_a_price_and_a_formula_are_not_taken_for_marks(words, tmp_path):
    write(words, "It costs $5, and $x$ is a code.")
    built = build.set_page(tmp_path / "out", tmp_path / "none", words=words)
    assert "$5" in built.page.read_text("utf-8")


def test_a_picture_beside_the_text_is_taken_along(words, tmp_path):
    Image.new("RGB", (20, 10), "red").save(words / "text/mine.jpg")
    write(words, "![a red rectangle](mine.jpg)")
    html = build.set_page(tmp_path / "out", tmp_path / "none", words=words).page.read_text("utf-8")
    assert 'src="media/own-mine.jpg" alt="a red rectangle"' in html
    assert (tmp_path / "out/media/own-mine.jpg").is_file()


@pytest.mark.parametrize("source", ["../../secret.png", "https://a.example/b.png", "none.png"])
def test_a_picture_from_elsewhere_is_refused_in_one_line(words, tmp_path, source):
    write(words, f"![somewhere else]({source})")
    with pytest.raises(InputError):
        build.set_page(tmp_path / "out", tmp_path / "none", words=words)


def test_a_damaged_picture_of_a_run_is_named_and_the_old_page_stays(words, folder, tmp_path):
    build.set_page(tmp_path / "out", folder, words=words)
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    (folder / "my_cat/result.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"result\.png"):
        build.set_page(tmp_path / "out", folder, words=words)
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before
