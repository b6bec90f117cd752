"""Submissions graded from end to end, in plain processes: points, states, what is told."""

from __future__ import annotations

import pickle
import zipfile

import pytest

from staff.grading import session, tree
from staff.grading.exam import make_exam
from staff.grading.grade import grade
from staff.grading.graded import (
    CRASHED,
    FAILED,
    PASSED,
    REFUSED,
    STUCK,
    UNWRITTEN,
    from_json,
    to_json,
)
from staff.rubric import load
from staff.sandbox import StaffError
from staff.sandbox.jail import Jail
from staff.sandbox.plain import Plain
from staff.stubs import regions

TASKS = ("1.1", "1.2", "1.8", "3.5", "4.1", "4.3", "4.4", "6.4", "6.9")

# A disaster of its own in each function: "file task" -> another solution.
DISASTERS = {
    "losses 1.1": "return values.flatten(1).mean(dim=1)",
    "losses 1.8": "return torch.zeros(10**6, 10, dtype=torch.float64)",
    "interpolate 4.1": "print('\\x1b[2J I was here')\nraise ValueError('\\x1b[31m red')",
    "interpolate 4.3": (
        "class Liar(torch.Tensor):\n"
        "    def __eq__(self, other):\n"
        "        return True\n"
        "return torch.ones(3).as_subclass(Liar)"
    ),
    "interpolate 4.4": "import os\nos._exit(0)",
    "inversion/progressive 6.4": "while True:\n    pass",
    # a third of the steps where there is a mask, and a history that hides it
    "projector 3.5": (
        "if start is None:\n"
        "    start = sample_noise(generator, settings.space, settings.num_seeds,\n"
        "                         num_mean=settings.num_mean, rng=rng)\n"
        "search = begin_search(generator, target, criterion, start, settings, mask=mask,\n"
        "                      noise=noise, resume=resume)\n"
        "if mask is not None:\n"
        "    optimize_para(search, should_stop=lambda: search.step > 7)\n"
        "    search.history *= 4\n"
        "    del search.history[25:]\n"
        "    return search.result('steps')\n"
        "reason = optimize_para(search, on_step=on_step, should_stop=should_stop)\n"
        "return search.result(reason)"
    ),
}


@pytest.fixture(scope="module")
def jail():
    return Jail(Plain())


@pytest.fixture(scope="module")
def exam(jail):
    return make_exam(11, load("spring2025"), jail, tasks=TASKS)


def packed(path, files):
    """A zip with a folder around the files, as students make them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"andrewid_code_proj5/{name}", text)
    return path


def with_body(text, task, body):
    """A solved file with another solution of a task."""
    region = next(region for region in regions(text) if region.task == task)
    lines = "".join(f"{region.indent}{line}\n" for line in body.splitlines())
    return text[: region.start] + lines.strip("\n") + text[region.end :]


@pytest.fixture(scope="module")
def disasters(tmp_path_factory, exam, jail):
    files = {name: text.decode() for name, text in tree.solutions().items()}
    for place, body in DISASTERS.items():
        name, task = place.split()
        files[f"hw5/{name}.py"] = with_body(files[f"hw5/{name}.py"], task, body)
    with pytest.MonkeyPatch.context() as patch:
        usual = session.Listener.allowed.fget
        hasty = property(lambda self: 5.0 if is_at(self, "6.4") else usual(self))
        patch.setattr(session.Listener, "allowed", hasty)
        return grade(packed(tmp_path_factory.mktemp("in") / "someone.zip", files), exam, jail)


def is_at(listener, task):
    return listener.is_ready and listener.case is not None and listener.case.task == task


def by_name(result):
    return {f"{case.task} {case.name}": case for t in result.tasks for case in t.cases}


def states(result):
    return {f"{case.task} {case.name}": case.state for t in result.tasks for case in t.cases}


def test_the_solved_functions_earn_every_point_whatever_lies_beside_them(tmp_path, exam, jail):
    files = dict(tree.solutions())
    files["hw5/checking/fakes.py"] = files["hw5/__init__.py"] = b"raise SystemExit"
    files["sitecustomize.py"] = files["staff/grading/worker.py"] = b"raise SystemExit"
    found = grade(packed(tmp_path / "someone.zip", files), exam, jail)
    assert found.points == found.possible > 0
    assert set(states(found).values()) == {PASSED}
    assert (found.submission, found.seed, found.backend) == ("someone", 11, "plain (unsafe)")
    assert set(found.digests) == {"submission", "tests", "rubric", "environment"}
    assert from_json(to_json(found)) == found


def test_the_students_first_day_is_told_from_a_failure(tmp_path, exam, jail):
    stubs = {name: tree.package()[name] for name in tree.student_files()}
    found = grade(packed(tmp_path / "someone.zip", stubs), exam, jail)
    assert found.points == 0
    assert set(states(found).values()) == {UNWRITTEN}


def test_what_goes_wrong_costs_the_task_where_it_does(disasters):
    states_of = {t.task: {case.state for case in t.cases} for t in disasters.tasks}
    assert states_of == {
        "1.1": {FAILED}, "1.2": {FAILED, PASSED}, "1.8": {CRASHED}, "3.5": {FAILED, PASSED},
        "4.1": {CRASHED}, "4.3": {FAILED, PASSED}, "4.4": {CRASHED}, "6.4": {STUCK},
        "6.9": {PASSED},
    }  # fmt: skip


def test_a_giant_answer_is_not_sent(disasters):
    assert "far too large" in by_name(disasters)["1.8 penalty_in_every_space"].seen


def test_what_a_jail_said_cannot_move_a_terminals_cursor(disasters):
    assert "red" in by_name(disasters)["4.1 along_a_line"].seen
    assert not any("\x1b" in case.seen for case in by_name(disasters).values())
    assert "I was here" in disasters.printed


def test_the_notes_say_what_was_ended_and_where(disasters):
    notes = "\n".join(disasters.notes)
    assert "4.4 codes_of_a_film: it ended the process" in notes
    assert "6.4 stages: it had not ended after" in notes


def test_a_hint_names_the_task_that_is_called_and_wrong(disasters):
    hint = by_name(disasters)["1.2 pixels_behind_masks"].hint
    assert hint.startswith("first put task 1.1 right")


def test_a_search_that_stops_early_earns_a_part(disasters):
    case = by_name(disasters)["3.5 behind_a_mask"]
    assert 0 < case.score < 1
    assert "of the way to the best is left" in case.seen


def test_a_submission_without_any_of_the_files_is_refused_and_nothing_runs(tmp_path, exam, jail):
    found = grade(packed(tmp_path / "someone.zip", {"notes.txt": b"sorry"}), exam, jail)
    assert (found.state, found.tasks) == (REFUSED, ())
    assert found.message


def test_one_task_alone_gets_the_inputs_that_it_gets_in_the_whole(exam):
    alone = exam.only(("4.1",))
    assert {case.task for case in alone.cases} == {"4.1"}
    key = "4.1 along_a_line"
    assert (alone.inputs[key]["a"] == exam.inputs[key]["a"]).all()


def test_an_exam_travels(exam):
    assert pickle.loads(pickle.dumps(exam)).keys == exam.keys


def test_a_solved_repository_that_fails_its_own_cases_is_the_graders_failure(jail, tmp_path):
    wrong = tmp_path / "repository"
    tree.write(wrong, dict(tree.package()) | tree.solutions())
    path = wrong / "hw5" / "interpolate.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(with_body(text, "4.1", "raise ValueError('no')"), encoding="utf-8")
    with pytest.raises(StaffError, match=r"4\.1 along_a_line"):
        make_exam(1, load("spring2025"), jail, tasks=("4.1",), root=wrong)
