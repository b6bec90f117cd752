"""The marks around solutions: balanced, announced by a task header, and safe to cut out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hw5.checking.tasks import tasks_in
from staff.stubs import MarksError, cut, regions

CODE = Path(__file__).resolve().parents[2] / "hw5"
ASSIGNMENT = {"losses": 1, "latents": 2, "projector": 3, "interpolate": 4, "draw": 5}  # -> part
INVERSION = sorted(
    f"inversion/{path.stem}"
    for path in (CODE / "inversion").glob("*.py")
    if "BEGIN SOLUTION" in path.read_text(encoding="utf-8")
)
INVERSION_PART = 6
NAMES = ASSIGNMENT | dict.fromkeys(INVERSION, INVERSION_PART)
HEADER = re.compile(r"Task (\d)\.(\d+) \(about (\d+) lines, (\d+) minutes\)\. \S")


def source(name):
    return (CODE / f"{name}.py").read_text(encoding="utf-8")


def solved_lines(body):
    return [x for x in body.splitlines() if x.strip() and not x.strip().startswith("#")]


def tasks(name):
    """(function, task name, solution) of each marked region of a file."""
    text = source(name)
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    for region in regions(text):
        line = text[: region.start].count("\n") + 1
        around = [f for f in functions if f.lineno < line <= f.end_lineno + 1]
        yield min(around, key=lambda f: f.end_lineno - f.lineno), region.task, region.body


every_task = pytest.mark.parametrize(
    ("function", "task", "solution"),
    [task for name in NAMES for task in tasks(name)],
    ids=[f"{name}-{task}" for name in NAMES for _, task, _ in tasks(name)],
)


@pytest.mark.parametrize("name", NAMES)
def test_every_mark_belongs_to_a_region(name):
    assert regions(source(name))


@every_task
def test_a_solution_has_3_to_25_lines(function, task, solution):
    assert 3 <= len(solved_lines(solution)) <= 25


@every_task
def test_the_docstring_opens_with_the_tasks_header(function, task, solution):
    header = HEADER.match(ast.get_docstring(function))
    assert header, f"{task}: see CONTRIBUTING.md for the form of a task header"
    part, number, num_lines, _ = map(int, header.groups())
    assert task == f"{part}.{number}"
    assert abs(num_lines - len(solved_lines(solution))) <= 2, "tells another number of lines"


@every_task
def test_the_docstring_has_a_hint_and_an_expectation(function, task, solution):
    text = ast.get_docstring(function)
    assert "Hint:" in text
    assert re.search(r"Expected\b|gives 0", text)


@pytest.mark.parametrize("name", ASSIGNMENT)
def test_tasks_are_numbered_in_the_order_of_the_file(name):
    numbers = [tuple(map(int, task.split("."))) for _, task, _ in tasks(name)]
    assert numbers == [(NAMES[name], i + 1) for i in range(len(numbers))]


def test_the_room_of_inversion_has_one_task_to_a_number():
    numbers = [task for name in INVERSION for _, task, _ in tasks(name)]
    assert len(set(numbers)) == len(numbers)
    assert all(task.startswith(f"{INVERSION_PART}.") for task in numbers)


@pytest.mark.parametrize("name", NAMES)
def test_cutting_the_solutions_leaves_a_file_that_runs(name):
    stub = cut(source(name))
    assert "SOLUTION" not in stub
    namespace = {"__name__": f"hw5.{name}_cut"}
    __import__("sys").modules[namespace["__name__"]] = __import__("types").ModuleType(
        namespace["__name__"]
    )
    exec(compile(stub, f"{name}.py", "exec"), namespace)


def test_a_task_that_is_not_done_says_which():
    namespace = {"__name__": "hw5.losses"}
    exec(compile(cut(source("losses")), "losses.py", "exec"), namespace)
    with pytest.raises(NotImplementedError, match=r"^task 1\.8: latent_penalty$"):
        namespace["latent_penalty"](None)


@pytest.mark.parametrize(
    "bad",
    [
        "def f():\n    # BEGIN SOLUTION task_1_1\n    x = 1\n",
        "def f():\n    # BEGIN SOLUTION task_1_1\n    x = 1\n# END SOLUTION\n",
        "def f():\n    # BEGIN SOLUTION without_number\n    x = 1\n    # END SOLUTION\n",
        "def f():\n    # END SOLUTION\n",
        "# BEGIN SOLUTION task_1_1\nx = 1\n# END SOLUTION\n",
    ],
)
def test_broken_marks_are_refused(bad):
    with pytest.raises(MarksError):
        cut(bad)


def test_a_stub_keeps_the_indentation_and_names_task_and_function():
    marks = "        # BEGIN SOLUTION task_2_10\n        x = 1\n        # END SOLUTION\n"
    solved = f"class A:\n    def f():\n{marks}"
    line = cut(solved).splitlines()[-1]
    assert line == '        raise NotImplementedError("task 2.10: A")'


def test_the_checks_recognise_every_stub():
    for name in NAMES:
        found = list(tasks_in(cut(source(name)), f"hw5/{name}.py"))
        assert {t.number for t in found} == {task for _, task, _ in tasks(name)}
        assert all(task.unwritten for task in found)
