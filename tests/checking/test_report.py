"""Points, reasons, and which task to mend first."""

from __future__ import annotations

import ast

from hw5.checking.outcome import FAILED, PASSED, UNWRITTEN, Outcome, gather
from hw5.checking.suite import all_checks, needs_of
from hw5.checking.table import as_text, message, next_step
from hw5.checking.tasks import PARSING, Task, find_tasks, part_of, tasks_in

TASKS = {n: Task(n, f"function_{n[-1]}", "hw5/x.py", 10) for n in ("1.1", "1.2", "1.3")}
NEEDS = {"1.1": (), "1.2": ("1.1",), "1.3": ("1.2",)}


def outcome(task, state=PASSED, **more):
    return Outcome(task, "name", "The fact.", more.pop("points", 1), state, **more)


def report(*outcomes, wanted=("1.1", "1.2", "1.3")):
    return gather(outcomes, TASKS, NEEDS, wanted)


def test_points_are_those_of_the_checks_that_passed():
    found = report(outcome("1.1", points=2), outcome("1.1", FAILED, seen="no"), outcome("1.2"))
    assert (found.points, found.possible, found["1.1"].points) == (3, 4, 2)
    assert not found.passed


def test_the_root_of_a_failure_is_to_be_mended_first():
    states = [outcome("1.1", FAILED), outcome("1.2", FAILED), outcome("1.3", FAILED)]
    found = report(*states)
    assert [found[n].first for n in TASKS] == [(), ("1.1",), ("1.1",)]
    assert "fix 1.1 first" in as_text(found)


def test_what_is_needed_is_blamed_only_where_it_fails():
    found = report(outcome("1.1"), outcome("1.2", FAILED), outcome("1.3"))
    assert found["1.2"].first == found["1.3"].first == ()


def test_a_task_that_is_asked_for_alone_is_reported_alone():
    found = report(outcome("1.1", FAILED), outcome("1.2", FAILED), wanted=["1.2"])
    assert [task.number for task in found.tasks] == ["1.2"]
    assert found["1.2"].first == ("1.1",)


def test_a_failure_tells_slip_place_and_where_to_look():
    failed = outcome("1.2", FAILED, seen="got 1", slip="lerp where slerp belongs", look="sines")
    for text in (as_text(report(failed)), message(report(failed)["1.2"], failed)):
        for word in ("1.2", "hw5/x.py line 10", "lerp where slerp belongs", "sines", "got 1"):
            assert word in text


def test_the_failure_with_a_named_slip_is_read_first():
    found = report(outcome("1.1", FAILED), outcome("1.1", FAILED, slip="summed"))["1.1"]
    assert found.headline.slip == "summed"


def test_the_next_step_is_the_root_of_what_is_left():
    states = [outcome("1.1"), outcome("1.2", UNWRITTEN), outcome("1.3", FAILED)]
    assert next_step(report(*states)) == (
        "next: write task 1.2, function_2, hw5/x.py line 10; then python -m hw5 check 1.2"
    )


def test_a_wrong_task_is_to_be_mended():
    assert next_step(report(outcome("1.1", FAILED), wanted=["1.1"])).startswith("next: mend")


def test_there_is_no_next_step_when_all_points_are_there():
    assert next_step(report(*map(outcome, TASKS))) == ""


def test_an_unwritten_task_is_one_line():
    seen = "not filled in yet: hw5/x.py line 12"
    text = as_text(report(*[outcome("1.1", UNWRITTEN, seen=seen)] * 3, wanted=["1.1"]))
    assert text.splitlines()[1:] == ["  1.1  function_1              0 of  3  " + seen]


def test_no_line_is_wider_than_100_columns():
    failed = outcome("1.1", FAILED, seen="word " * 60, slip="w " * 90, look="y " * 80)
    assert max(map(len, as_text(report(failed)).splitlines())) <= 100


def test_the_answer_is_short_at_the_end_of_a_cell():
    assert repr(report(outcome("1.1"), wanted=["1.1"])) == "<losses: 1 of 1 points>"


def test_every_task_of_the_files_has_checks_and_every_check_a_task():
    assert {check.task for check in all_checks()} == set(find_tasks())


def test_every_check_states_a_fact_and_has_a_name_of_its_own():
    checks = all_checks()
    assert all(check.says.endswith(".") and check.points >= 1 for check in checks)
    assert len({(check.task, check.name) for check in checks}) == len(checks)


def test_needs_are_tasks_that_come_before():
    for task, needs in needs_of({check.task for check in all_checks()}).items():
        for need in needs:
            same_part = part_of(need) == part_of(task)
            assert not same_part or int(need.split(".")[1]) < int(task.split(".")[1])


def test_a_line_that_still_says_not_implemented_is_found():
    text = (
        'def f():\n    """Task 1.2 (about 3 lines)."""\n    x = 1\n'
        '    raise NotImplementedError("task 1.2: f")\n'
    )
    assert [task.unwritten for task in tasks_in(text, "x.py")] == [4]
    assert [task.unwritten for task in tasks_in(text.replace("1.2: f", "1.3: f"), "x.py")] == [None]


def test_a_file_that_does_not_parse_has_no_tasks_and_no_error():
    assert list(tasks_in('def f(:\n    """Task 1.2 (about"""', "x.py")) == []


def test_one_file_is_parsed_at_a_time(monkeypatch):
    held = []
    tree = ast.parse("x = 1")
    with monkeypatch.context() as patch:  # pytest parses too, to show a failure
        patch.setattr(ast, "parse", lambda _: held.append(PARSING.locked()) or tree)
        list(tasks_in('"""Task 1.2 (about"""', "x.py"))
    assert held == [True]
