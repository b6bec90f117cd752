"""What else comes out of a batch: Gradescope's file, a regrade's diff, copies, and the scale."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from grading_fakes import graded_of

from hw5.kit.checks import InputError
from staff.batch import diff, gradescope, similarity
from staff.batch.simulation import Cluster, simulate
from staff.batch.submissions import Submission
from staff.grading.graded import (
    FAILED,
    REFUSED,
    STAFF_FAILURE,
    CaseResult,
    Graded,
    NotebookResult,
    TaskResult,
)  # fmt: skip


def notebook(points):
    return NotebookResult("02_inversion", points, 2, 5, ("cell 3 differs",))


# ------------------------------------------------------------ Gradescope


def test_gradescope_gets_an_entry_for_each_task():
    found = gradescope.results(graded_of("ada", 0.5))
    assert found["score"] == 4
    assert [(t["name"], t["score"], t["max_score"], t["status"]) for t in found["tests"]] == [
        ("1.1 masked_mean", 2, 2, "passed"),
        ("1.2 pixel_loss", 2, 4, "failed"),
    ]
    assert "got 3. see eq. 4" in found["tests"][1]["output"]
    json.dumps(found)


def test_gradescope_shows_no_hidden_case_no_seed_and_no_printed_text():
    hidden = CaseResult("secret", "1.2", FAILED, seen="0.123", visible=False)
    task = TaskResult("1.2", "pixel_loss", 0, 4, (hidden,))
    graded = replace(graded_of("ada", 1, seed=4711, printed="PRINTED"), tasks=(task,))
    text = json.dumps(gradescope.results(graded))
    assert "1 of 1 further cases" in text
    for word in ("secret", "0.123", "4711", "PRINTED"):
        assert word not in text


def test_gradescope_hides_what_the_grader_itself_printed():
    assert gradescope.results(graded_of("ada", 1))["stdout_visibility"] == "hidden"


def test_gradescope_gets_an_entry_for_each_notebook():
    found = gradescope.results(graded_of("ada", 1, notebooks=(notebook(1),)))
    last = found["tests"][-1]
    assert (last["name"], last["score"], last["max_score"], last["status"]) == (
        "notebook 02_inversion", 1, 2, "failed",
    )  # fmt: skip
    assert "cell 3 differs" in last["output"]
    assert found["score"] == 7


@pytest.mark.parametrize(
    ("state", "words"), [(REFUSED, "Refused: no hw5"), (STAFF_FAILURE, "not your doing")]
)
def test_gradescope_always_gets_a_score_and_a_reason(state, words):
    found = gradescope.results(Graded("ada", state, message="no hw5"))
    assert found["score"] == 0
    assert words in found["output"]


# ------------------------------------------------------------ regrading


def test_a_regrade_that_changes_nothing_has_no_changes():
    both = [graded_of("ada", 0.5), graded_of("bob", 1)]
    assert diff.changes(both, [replace(g, seconds=9, seed=3) for g in both]) == []


def test_a_regrade_names_student_task_and_gain():
    found = diff.changes([graded_of("ada", 0.5)], [graded_of("ada", 1)])
    assert [str(change) for change in found] == ["ada  1.2: 2 -> 4  +2"]
    assert diff.summary(found, 1) == "1 of 1 students changed: 1 gained, 0 lost"


def test_a_regrade_names_who_came_and_who_went():
    found = diff.changes([graded_of("ada", 1)], [graded_of("bob", 1)])
    assert [str(c) for c in found] == [
        "ada  whole: graded -> not there",
        "bob  whole: not there -> graded",
    ]


def test_a_regrade_names_a_changed_state():
    found = diff.changes([graded_of("ada", 1)], [Graded("ada", REFUSED)])
    assert [str(change) for change in found] == ["ada  whole: graded -> refused  -6"]
    assert diff.summary(found, 1) == "1 of 1 students changed: 0 gained, 1 lost"


def test_a_regrade_names_a_task_that_came_even_without_points():
    after = graded_of("ada", 1)
    after = replace(after, tasks=(*after.tasks, TaskResult("1.3", "f", 0, 2)))
    assert [str(c) for c in diff.changes([graded_of("ada", 1)], [after])] == [
        "ada  1.3: not there -> 0"
    ]


def test_a_regrade_names_notebooks_too():
    before, after = (graded_of("ada", 1, notebooks=(notebook(points),)) for points in (2, 1))
    assert [str(c) for c in diff.changes([before], [after])] == ["ada  02_inversion: 2 -> 1  -1"]


def test_who_gained_here_and_lost_as_much_there_neither_gained_nor_lost():
    found = [diff.Change("ada", "1.1", "0", "1", 1.0), diff.Change("ada", "1.2", "1", "0", -1.0)]
    assert diff.summary(found, 2) == "1 of 2 students changed: 0 gained, 0 lost"


# ------------------------------------------------------------ similarity


def unpack(path, into):
    if not path.is_dir():
        return "not an archive"
    shutil.copytree(path, into, dirs_exist_ok=True)
    return ""


def handed_in(tmp_path, texts):
    found = []
    for name, text in texts.items():
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "losses.py").write_text(text)
        found.append(Submission(name, tmp_path / "in" / name))
    return found


GIVEN = '"""Losses."""\n\n' + "".join(
    f"def given_{i}(a, b):\n    total = a * {i} + b\n    return [total, a, b]\n\n\n"
    for i in range(6)
)
OWN = {
    "ada": "def f(x, y):\n" + "".join(f"    x = x * {i} + y\n" for i in range(20)),
    "bob": "def g(u):\n    for k in range(9):\n"
    + "".join(f"        u.append([k, {i}, str(u)])\n" for i in range(12))
    + "    while u:\n        u.pop(0).sort()\n    return {k: v for k, v in u}\n",
}


def test_copies_and_what_was_given_are_laid_out_apart(tmp_path):
    found = handed_in(tmp_path, {"ada": "x = 1"})
    bad = tmp_path / "bob.rar"
    bad.write_bytes(b"x")
    out = similarity.export(
        [*found, Submission("bob", bad)], [("losses.py", GIVEN)], unpack, tmp_path / "out"
    )
    assert out.left_out == ("bob: not an archive",)
    assert out.count == 1
    names = {p.relative_to(out.folder).as_posix() for p in out.folder.rglob("*.py")}
    assert names == {"submissions/ada/losses.py", "boilerplate/losses.py"}


def test_an_export_overwrites_nothing(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes").write_text("mine")
    with pytest.raises(InputError):
        similarity.export([], [], unpack, tmp_path / "out")


def test_copydetect_finds_the_copy_and_not_what_was_given(tmp_path):
    """The real tool, with the command that the export prints."""
    pytest.importorskip("copydetect", reason='pip install -e ".[similarity]"')
    texts = {"ada": GIVEN + OWN["ada"], "bob": GIVEN + OWN["bob"], "eve": GIVEN + OWN["ada"]}
    out = similarity.export(
        handed_in(tmp_path, texts), [("losses.py", GIVEN)], unpack, tmp_path / "out"
    )
    code = (
        "import sys, copydetect\n"
        "d = copydetect.CopyDetector.from_config(dict(test_directories=[sys.argv[1]],"
        " boilerplate_directories=[sys.argv[2]], extensions=['py'], silent=True))\n"
        "d.run()\n"
        "from pathlib import Path\n"
        "for row in d.get_copied_code_list():\n"
        "    print(f'{min(row[:2]):.2f}', *sorted(Path(p).parent.name for p in row[2:4]))\n"
    )
    folders = [out.folder / name for name in (similarity.SUBMISSIONS, similarity.BOILERPLATE)]
    done = subprocess.run(
        [sys.executable, "-c", code, *folders], capture_output=True, text=True, check=True
    )
    pairs = {tuple(line.split()[1:]): float(line.split()[0]) for line in done.stdout.splitlines()}
    assert pairs[("ada", "eve")] > 0.9
    assert pairs.get(("ada", "bob"), 0) < 0.2


# ------------------------------------------------------------ scale

CALM = Cluster(
    submissions=1000, workers=10, seconds=2.0, spread=0, straggler_share=0, lost_per_hour=0,
    start_seconds=0, dispatch_seconds=0, write_seconds=0, failure_share=0,
)  # fmt: skip


def test_without_mishaps_time_is_work_over_workers():
    found = simulate(CALM, random.Random(0))
    assert found.hours * 3600 == pytest.approx(200)
    assert found.core_hours * 3600 == pytest.approx(2000)
    assert found.attempts == 1000
    assert found.busy["workers"] == pytest.approx(1)


def test_the_price_is_that_of_paid_core_hours_idle_ones_too():
    found = simulate(replace(CALM, submissions=1, dollars_per_core_hour=0.5), random.Random(0))
    assert found.dollars == pytest.approx(0.5 * 10 * 2 / 3600)  # nine of ten have nothing to do


def test_nothing_begins_before_the_machines_have_started():
    found = simulate(replace(CALM, start_seconds=60.0), random.Random(0))
    assert found.hours * 3600 == pytest.approx(260)


def test_stragglers_add_their_share():
    some = replace(CALM, submissions=20_000, straggler_share=0.1, straggler_seconds=22.0)
    found = simulate(some, random.Random(0))
    assert found.hours * 3600 == pytest.approx(20_000 * (0.9 * 2 + 0.1 * 22) / 10, rel=0.03)


def test_lost_workers_cost_attempts_and_time_and_lose_nothing():
    calm = replace(CALM, seconds=60.0)
    risky = replace(calm, lost_per_hour=0.5, replace_seconds=100.0)
    calm, found = (simulate(c, random.Random(0)) for c in (calm, risky))
    assert found.lost_workers > 0
    assert found.attempts == 1000 + found.lost_workers
    assert found.hours > calm.hours
    assert found.wasted_hours > 0


def test_a_lost_worker_is_missed_until_it_is_replaced():
    """One worker: the time is what was worked, in vain or not, and a pause after each loss."""
    one = replace(CALM, submissions=200, workers=1, seconds=60.0, lost_per_hour=0.5)
    found = simulate(replace(one, replace_seconds=100.0), random.Random(0))
    worked = 200 * 60 + found.wasted_hours * 3600
    assert found.lost_workers > 0
    assert found.hours * 3600 == pytest.approx(worked + 100 * found.lost_workers)


def test_failed_attempts_are_made_again():
    found = simulate(replace(CALM, failure_share=0.2), random.Random(0))
    assert found.attempts == pytest.approx(1000 / 0.8, rel=0.05)


def test_a_scheduler_saturates_when_workers_outnumber_what_it_can_dispatch():
    slow = replace(CALM, workers=1000, submissions=20_000, dispatch_seconds=0.01)
    found = simulate(slow, random.Random(0))
    assert found.bottleneck == "scheduler"
    assert found.hours * 3600 == pytest.approx(20_000 * 0.01, rel=0.05)


def test_the_writer_saturates_when_results_are_slow_to_write():
    slow = replace(CALM, workers=1000, submissions=20_000, write_seconds=0.01)
    assert simulate(slow, random.Random(0)).bottleneck == "writer of results"


@pytest.mark.parametrize("change", [{"workers": 0}, {"lost_per_hour": 1.0}, {"seconds": -1}])
def test_a_cluster_that_cannot_finish_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        simulate(replace(CALM, **change), random.Random(0))
