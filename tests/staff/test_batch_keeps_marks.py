"""A batch keeps every mark: files, resuming, failures of ours, crews."""

from __future__ import annotations

import io

import pytest
from grading_fakes import FakeGrader, graded_of, submit

from hw5.kit.checks import InputError
from staff.batch import crew, run, submissions
from staff.batch.progress import Progress, duration
from staff.batch.store import Store, file_name
from staff.grading.graded import GRADED, REFUSED, STAFF_FAILURE, to_json

COMMON = {"tests": "t1", "rubric": "r1"}
TEXTS = {"ada": "1", "bob": "0.5", "cyd": "refused", "dan": "0.25"}


@pytest.fixture
def handed_in(tmp_path):
    return submit(tmp_path / "in", TEXTS)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "out")


def grade(handed_in, store, grader, common=COMMON):
    planned = run.plan(submissions.find(handed_in), store, common)
    with crew.threads(grader, 2) as hands:
        return run.grade_all(planned, store, hands)


def calls(log):
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


# ------------------------------------------------------------ what was handed in


@pytest.mark.parametrize(
    ("entry", "name"),
    [("ada_code_proj5.zip", "ada"), ("ada.zip", "ada"), ("ada", "ada"), ("a.b.zip", "a.b")],
)
def test_an_entry_is_named_after_its_student(entry, name):
    assert submissions.student(entry, submissions.NAMES) == name


def test_a_file_of_the_wrong_kind_is_a_submission_and_not_overlooked(tmp_path):
    (tmp_path / "ada.tar.gz").write_bytes(b"x")
    assert [s.name for s in submissions.find(tmp_path)] == ["ada.tar.gz"]


def test_a_student_with_two_submissions_stops_the_batch(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada.zip").write_bytes(b"x")
    with pytest.raises(InputError, match="twice: ada"):
        submissions.find(tmp_path)


@pytest.mark.parametrize("names", ["(", "nogroup", "(x)"])
def test_a_pattern_that_does_not_fit_is_refused(names):
    with pytest.raises(InputError, match="--names"):
        submissions.student("ada.zip", names)


def test_the_digest_changes_with_a_byte_a_name_and_a_kind(tmp_path):
    def of(write):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        write(folder)
        return submissions.digest(folder)

    digests = {
        of(lambda f: (f / "a").write_text("x")),
        of(lambda f: (f / "a").write_text("y")),
        of(lambda f: (f / "b").write_text("x")),
        of(lambda f: (f / "a").symlink_to("x")),
        of(lambda f: (f / "a").symlink_to("y")),
        of(lambda f: [(f / "a").mkdir(), (f / "a" / "b").write_text("x")]),
    }
    assert len(digests) == 6
    assert of(lambda f: (f / "a").write_text("x")) in digests


def test_the_digest_of_a_pipe_does_not_wait_for_a_writer(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    assert submissions.digest(tmp_path)


# ------------------------------------------------------------ what is kept


def test_what_is_graded_once_is_not_graded_again(handed_in, store, tmp_path):
    log = tmp_path / "log"
    assert grade(handed_in, store, FakeGrader(log)) == []
    assert sorted(calls(log)) == sorted(TEXTS)
    grade(handed_in, store, FakeGrader(log))
    assert len(calls(log)) == len(TEXTS)


@pytest.mark.parametrize("what", ["tests", "rubric"])
def test_other_tests_or_another_rubric_mean_grading_anew(handed_in, store, tmp_path, what):
    grade(handed_in, store, FakeGrader())
    log = tmp_path / "log"
    grade(handed_in, store, FakeGrader(log), common={**COMMON, what: "other"})
    assert sorted(calls(log)) == sorted(TEXTS)


def test_only_the_submission_that_changed_is_graded_anew(handed_in, store, tmp_path):
    grade(handed_in, store, FakeGrader())
    (handed_in / "bob" / "code.txt").write_text("1")
    log = tmp_path / "log"
    grade(handed_in, store, FakeGrader(log))
    assert calls(log) == ["bob"]
    assert store.read("bob").points == 6


def test_a_result_file_that_was_cut_short_is_graded_anew(handed_in, store, tmp_path):
    grade(handed_in, store, FakeGrader())
    path = store.path("bob")
    path.write_text(path.read_text()[:50])
    log = tmp_path / "log"
    grade(handed_in, store, FakeGrader(log))
    assert calls(log) == ["bob"]


@pytest.mark.parametrize("text", ["raise", "staff"])
def test_our_failure_is_tried_twice_and_is_no_mark(handed_in, store, tmp_path, text):
    submit(handed_in, {"eve": text})
    log = tmp_path / "log"
    assert grade(handed_in, store, FakeGrader(log)) == ["eve"]
    assert calls(log).count("eve") == 2
    assert store.read("eve").state == STAFF_FAILURE
    assert store.read("cyd").state == REFUSED
    (handed_in / "eve" / "code.txt").write_text("1")
    assert grade(handed_in, store, FakeGrader()) == []
    assert store.read("eve").state == GRADED


def test_our_failure_is_tried_again_by_the_next_run_although_nothing_changed(handed_in, store):
    submit(handed_in, {"eve": "staff"})
    grade(handed_in, store, FakeGrader())
    assert [s.name for s in run.plan(submissions.find(handed_in), store, COMMON).todo] == ["eve"]


def test_a_result_says_what_it_was_made_from(handed_in, store):
    grade(handed_in, store, FakeGrader())
    kept = store.read("ada").digests
    assert kept["rubric"] == "r1"
    assert kept["submission"] == submissions.digest(handed_in / "ada")


def test_two_runs_cannot_fill_one_folder(store):
    first = store.lock()
    with pytest.raises(InputError, match="another run"):
        store.lock()
    first.release()
    store.lock().release()


@pytest.mark.parametrize("name", ["../ada", "a/b", ".ada", "x" * 300, "=1+1", "con\n", "ä ö"])
def test_any_name_of_a_student_has_a_file_of_its_own(store, name):
    store.write(graded_of(name, 1))
    assert store.read(name).submission == name
    assert store.path(name).parent == store.folder
    assert store.path(name) in list(store.folder.iterdir())


def test_names_that_look_alike_have_different_files():
    assert len({file_name(n) for n in ["a/b", "a_b", "a\\b", "a:b"]}) == 4


def test_a_result_under_another_name_does_not_count(store):
    store.write(graded_of("ada", 1))
    store.path("bob").write_text(to_json(graded_of("ada", 1)))
    assert store.read("bob") is None


def test_a_file_that_is_no_result_is_named(store):
    store.write(graded_of("ada", 1))
    store.path("bob").write_text("{}")
    with pytest.raises(InputError, match=r"bob\.json"):
        store.all()


# ------------------------------------------------------------ crews and progress


def test_few_submissions_are_on_their_way_at_any_time(handed_in):
    submit(handed_in, {f"s{i}": "1" for i in range(20)})
    submitted, received = [], 0
    with crew.threads(FakeGrader(), 2) as pool:
        counting = crew.Crew(
            submit=lambda s: submitted.append(s) or pool.submit(s), room=lambda: 4, name=""
        )
        for _ in run.results(submissions.find(handed_in), counting):
            assert len(submitted) - received <= 4
            received += 1
    assert received == len(submitted) == 24


def test_progress_says_what_is_left():
    now = iter([0.0, 30.0, 60.0, 90.0, 120.0])
    stream = io.StringIO()
    bar = Progress(4, stream, clock=lambda: next(now))
    for share in (1, 1, 1, 1):
        bar(graded_of("ada", share))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "graded 1 of 4, 2.0 a minute, 2 min left"
    assert lines[-1] == "graded 4 of 4, 2.0 a minute, took 2 min"


@pytest.mark.parametrize(("seconds", "words"), [(5, "5 s"), (90, "2 min"), (9000, "2 h 30 min")])
def test_durations_are_short(seconds, words):
    assert duration(seconds) == words
