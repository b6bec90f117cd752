"""Rubrics: the two courses', how points are put together, and what is said about a bad file."""

from __future__ import annotations

import pytest

from staff.grading.graded import Graded, NotebookResult, TaskResult
from staff.rubric import RubricError, load, total
from staff.rubric_file import FOLDER

SMALL = """\
name = "small"
title = "A small course"

[late]
free_days = 5
percent_a_day = 10

[tolerance]
relative = 1e-6

[curve]
full = 1.5
zero = 10

[[part]]
name = "one"
title = "First"
points = 10

[part.tasks]
"1.1" = 4
"1.2" = 3

[part.notebooks]
"01_losses" = 1

[[part.manual]]
name = "page"
title = "words"
points = 2

[[part]]
name = "more"
title = "Beyond"
points = 3
is_extra = true

[part.tasks]
"6.1" = 5

[case."1.1 mean"]
hidden = true
"""
KNOWN = {"tasks": {"1.1", "1.2", "6.1"}, "cases": {"1.1 mean"}}


@pytest.fixture
def small(tmp_path):
    def write(text=SMALL):
        (tmp_path / "small.toml").write_text(text)
        return load(tmp_path / "small.toml", **KNOWN)

    return write


def graded(**points):
    notebook = NotebookResult("01_losses", points.pop("notebook", 0), 1, 3)
    tasks = (TaskResult(f"{name[1]}.{name[3]}", "f", p, p) for name, p in points.items())
    return Graded("someone", "graded", tasks=tuple(tasks), notebooks=(notebook,))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("spring2022", {"inversion": 30, "interpolation": 10, "scribble": 40, "extras": 15}),
        ("spring2025", {"inversion": 30, "scribble": 40, "diffusion": 30, "extras": 15}),
    ],
)
def test_the_courses_parts_have_the_points_that_the_course_gave(name, parts):
    rubric = load(name)
    assert {part.name: part.points for part in rubric.parts} == parts
    assert (rubric.late.free_days, rubric.late.percent_a_day) == (5, 10)
    assert [part.name for part in rubric.parts if part.is_extra] == ["extras"]
    assert rubric.out_of == sum(parts.values()) - 15


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_every_rubric_counts_every_task(path):
    from staff.grading.cases import all_cases

    assert set(load(path).tasks) == {case.task for case in all_cases()}


def test_code_notebooks_and_marks_add_up(small):
    found = total(small(), graded(t1_1=4, t1_2=1.5, notebook=0.5), {"page": 2})
    assert (found.parts, found.final) == ({"one": 8, "more": 0}, 8)
    assert found.complete


def test_extras_count_up_to_their_points_and_not_in_the_whole(small):
    found = total(small(), graded(t6_1=5), {"page": 0})
    assert (found.parts["more"], found.final, found.out_of) == (3, 3, 10)


def test_a_column_that_nobody_marked_counts_nothing_and_is_told(small):
    found = total(small(), graded(t1_1=4))
    assert (found.final, found.manual, found.complete) == (4, {"page": None}, False)


@pytest.mark.parametrize(
    ("days", "free", "final"),
    [(0, None, 10), (5, None, 10), (6, None, 9), (7, 2, 5), (15, None, 0), (99, None, 0)],
)
def test_five_days_are_free_and_each_further_one_costs_a_tenth(small, days, free, final):
    whole = graded(t1_1=4, t1_2=3, notebook=1)
    assert total(small(), whole, {"page": 2}, days, free_days=free).final == final


@pytest.mark.parametrize("marks", [{"page": 2.5}, {"page": -1}, {"pgae": 1}])
def test_a_mark_that_cannot_be_meant_is_refused(small, marks):
    with pytest.raises(ValueError, match=next(iter(marks))):
        total(small(), graded(), marks)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"1.2" = 3', '"1.2" = 2', 18, "sum to 9, expected 10"),
        ('"1.2" = 3', '"1.9" = 3', 22, "no such task"),
        ('"1.2" = 3', '"1.2" = -3', 22, "at least 0"),
        ('"1.2" = 3', '"1.2" = "3"', 22, "expected a number"),
        ('"6.1" = 5', '"1.1" = 5', 39, "counted twice, first in one"),
        ('"6.1" = 5', '"6.1" = 1', 35, "expected at least 3"),
        ("percent_a_day", "percent", 6, "expected one of"),
        ("free_days = 5\n", "", 4, "free_days is missing"),
        ("zero = 10", "zero = 1", 13, "more than full"),
        ('title = "words"', 'title = ""', 29, "expected a text"),
        ('"1.1 mean"', '"1.1 maen"', 41, "no such case"),
        ("hidden = true", "hiden = true", 42, "hiden"),
        ("hidden = true", 'hidden = "yes"', 42, "true or false"),
        ('name = "page"', 'name = "one"', 27, "counted twice"),
    ],
)
def test_a_bad_rubric_is_refused_with_its_line(small, old, new, line, words):
    with pytest.raises(RubricError, match=rf"small.toml line {line}: .*{words}"):
        small(SMALL.replace(old, new, 1))


def test_a_file_that_is_no_toml_is_refused_with_its_line(small):
    with pytest.raises(RubricError, match="line 2"):
        small('name = "x"\ntitle = \n')


def test_an_unknown_rubric_is_one_line_that_names_the_known_ones():
    with pytest.raises(RubricError, match="spring2022, spring2025"):
        load("spring1999")
