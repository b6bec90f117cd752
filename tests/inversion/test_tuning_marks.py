"""The tasks of tuning keep the form of the assignment's tasks."""

from __future__ import annotations

import ast
import re

import pytest

from tests.assignment.test_solution_marks import HEADER, MARKED, cut, solved_lines, source, tasks

FILES = {"inversion/pti": "task_6_8", "inversion/fine_tune": "task_6_9"}


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_its_one_task(name):
    assert [task for _, task, _ in tasks(name)] == [FILES[name]]
    assert len(MARKED.findall(source(name))) == source(name).count("BEGIN SOLUTION")


@pytest.mark.parametrize("name", FILES)
def test_the_header_tells_number_length_hint_and_expectation(name):
    ((function, task, solution),) = tasks(name)
    text = ast.get_docstring(function)
    part, number, num_lines, _ = map(int, HEADER.match(text).groups())
    assert task == f"task_{part}_{number}"
    assert abs(num_lines - len(solved_lines(solution))) <= 2
    assert 3 <= len(solved_lines(solution)) <= 25
    assert "Hint:" in text and re.search(r"Expected\b", text)


@pytest.mark.parametrize("name", FILES)
def test_what_is_left_after_cutting_still_compiles(name):
    stub = cut(source(name))
    assert "SOLUTION" not in stub
    compile(stub, f"{name}.py", "exec")
