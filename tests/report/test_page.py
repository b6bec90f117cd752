"""The page: words and figures come together, and an incomplete page is found out."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hw5.kit.checks import InputError
from report import check, page
from report.charts import Line, label_places, line_chart, log_ticks, round_ticks
from report.markup import Picture, figure, img, table, tile

TEMPLATE = (
    '<html lang="en"><title>$title</title><style>$style</style><nav>$contents</nav>$body</html>'
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "template.html").write_text(TEMPLATE)
    (tmp_path / "style.css").write_text("p {}")
    (tmp_path / "script.js").write_text("")
    (tmp_path / "text" / "1.md").write_text(
        "# A cat\n\nIt took {{seconds}} s.\n\n## First part\n\n{{cat}}\n"
    )
    return tmp_path


@pytest.fixture
def finished(folder):
    (folder / "cat.png").write_bytes(b"picture")
    body = figure("cat", 1, img(Picture("cat.png", "an orange cat", 64, 64)), "A cat.")
    (folder / "index.html").write_text(page.assemble({"seconds": "3", "cat": body}, folder=folder))
    return folder / "index.html"


def complaints(path, change=lambda html: html):
    path.write_text(change(path.read_text()))
    return check.check_page(path, required=("cat",))


def test_a_finished_page_has_no_faults(finished):
    assert complaints(finished) == []


def test_numbers_are_set_into_sentences_and_figures_stand_alone(finished):
    html = finished.read_text()
    assert "<p>It took 3 s.</p>" in html
    assert "<p><figure" not in html


def test_headings_can_be_linked_to(finished):
    assert '<h2 id="first-part">' in finished.read_text()
    assert '<a href="#first-part">First part</a>' in finished.read_text()


def test_an_unknown_name_in_the_text_names_the_known_ones(folder):
    with pytest.raises(InputError, match=r"1\.md.*one of cat, second"):
        page.assemble({"cat": "", "second": ""}, folder=folder)


def test_the_text_decides_which_figures_are_shown(folder):
    html = page.assemble({"cat": "", "seconds": "", "dog": "<b>dog</b>"}, folder=folder)
    assert "dog" not in html


def test_html_in_the_text_is_shown_and_not_obeyed(folder):
    text = folder / "text" / "1.md"
    text.write_text(text.read_text() + "\n<script>alert(1)</script>\n")
    assert "<script>" not in page.assemble({"cat": "", "seconds": ""}, folder=folder)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('src="cat.png"', 'src="dog.png"', "dog.png does not exist"),
        ('src="cat.png"', 'src="/cat.png"', "not a relative link"),
        ('src="cat.png"', 'src="https://cats.example/cat.png"', "not a relative link"),
        ('alt="an orange cat"', 'alt=""', "not described"),
        ('alt="an orange cat"', 'alt="picture cat.png"', "not described"),
        ('href="#first-part"', 'href="#last-part"', "#last-part is nowhere"),
        ("<figcaption>", "<p>", "has no caption"),
        ('id="cat"', 'id="dog"', "figure cat is missing"),
        ("It took 3 s", "It took {{seconds}} s", "is not filled in"),
        ("<h2", "<h4", "a level is skipped"),
        ("</p>", "", "closes p"),
        ('src="cat.png"', 'src="../cat.png"', "leads out of the page's folder"),
        ('src="cat.png"', 'src="Cat.png"', "at.png"),
        ("p {}", "p { background: url(https://cats.example/a.png) }", "the style loads"),
        ("p {}", "@import 'b.css';", "the style loads"),
        ("<nav>", '<nav onclick="x()">', "would run a script"),
        ("</nav>", '<input type="range"></nav>', "has no label"),
        ('href="#first-part"', 'href="javascript:x()"', "would run"),
        ('lang="en"', "", "says no language"),
        ("<h2 id=\"first-part\">", '<h1 id="cat">', "stands twice"),
    ],
)  # fmt: skip
def test_the_checker_finds_what_is_wrong(finished, old, new, complaint):
    assert old in finished.read_text()
    assert complaint in "\n".join(complaints(finished, lambda html: html.replace(old, new)))


def test_an_empty_picture_file_counts_as_missing(finished):
    (finished.parent / "cat.png").write_bytes(b"")
    assert any("empty" in fault for fault in complaints(finished))


def test_text_from_outside_is_escaped():
    html = tile(Picture("a.png", 'a "quoted" <cat>', 1, 1), "<b>", "x & y")
    assert "<cat>" not in html and "<b>" not in html and "x &amp; y" in html
    assert "<i>" not in table("t", "c", ["<i>"], [["<i>", "<i>"]])


def test_a_chart_names_every_line_and_stays_inside_its_frame():
    lines = [Line("one", [0, 1, 2], [1.0, 0.1, 0.01]), Line("two", [0, 4], [2.0, 0.02])]
    svg = line_chart(lines, x_label="steps", y_label="loss", alt="two falling curves")
    assert svg.count("<polyline") == 2 and ">one</text>" in svg and ">two</text>" in svg
    points = [
        p.split(",") for part in svg.split('points="')[1:] for p in part.split('"')[0].split()
    ]
    assert all(0 <= float(x) <= 720 and 0 <= float(y) <= 300 for x, y in points)
    assert float(points[0][1]) < float(points[2][1])  # a larger loss is drawn higher


def test_names_of_lines_that_end_together_do_not_overlap():
    lines = [Line(str(i), [0, 1], [1.0, 0.5]) for i in range(5)]
    places = sorted(label_places(lines, lambda y: 100 * y))
    assert all(b - a >= 15 for a, b in pairwise(places))


def test_ticks_are_round_and_cover_the_data():
    assert log_ticks(0.03, 1.4) == pytest.approx([0.02, 0.05, 0.1, 0.2, 0.5, 1, 2])
    assert len(log_ticks(1.0, 1.0)) == 2
    assert round_ticks(430) == [0, 100, 200, 300, 400]


def test_long_curves_are_thinned_and_keep_their_end():
    line = Line("long", list(range(5000)), [1.0] * 4999 + [0.5])
    svg = line_chart([line], x_label="x", y_label="y", alt="a long curve")
    assert len(svg.split('points="')[1].split('"')[0].split()) <= 250
