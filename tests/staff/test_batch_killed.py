"""Whoever dies, and whenever: no mark is lost, none is made twice."""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from grading_fakes import FakeGrader, submit
from jails import jail_or_skip

from hw5.kit.checks import InputError
from staff import rubric
from staff.batch import crew, run
from staff.batch.desk import SandboxGrader
from staff.batch.store import Store
from staff.batch.submissions import find
from staff.grading import tree
from staff.grading.exam import make_exam
from staff.grading.graded import GRADED

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATHS = os.pathsep.join([str(ROOT), str(HERE)])
COUNT = 80
SOME = 4  # real submissions, of a few seconds each


def class_of(folder, count=COUNT, seed=0):
    draw = random.Random(seed)
    return submit(folder, {f"s{i:03}": f"{draw.random():.2f}" for i in range(count)})


def marks(store):
    return {graded.submission: graded.points for graded in store.all()}


def expected(handed_in):
    return {s.name: 2 + 4 * float((s.path / "code.txt").read_text()) for s in find(handed_in)}


def environment():
    return {**os.environ, "PYTHONPATH": PATHS, "OMP_NUM_THREADS": "1"}


def killed(tmp_path, times, seed):
    handed_in = class_of(tmp_path / "in")
    done = subprocess.run(
        [sys.executable, HERE / "killed_batches.py", handed_in, tmp_path / "out", str(times),
         str(seed)],
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return handed_in, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_batch_killed_at_twenty_random_moments_goes_on_to_the_same_marks(tmp_path):
    handed_in, rounds = killed(tmp_path, times=20, seed=2)
    assert sum(r["killed"] for r in rounds) >= 16  # the rest had ended before their moment
    assert len({r["results"] for r in rounds}) > 6  # it was killed in many different states
    assert not any(r["touched"] for r in rounds)
    assert marks(Store(tmp_path / "out")) == pytest.approx(expected(handed_in))
    assert not list((tmp_path / "out").glob(".*.tmp*"))


# ------------------------------------------------------------ a real scheduler, two workers


@pytest.fixture
def dask(tmp_path):
    """A scheduler and two workers, processes of this machine: (address, the workers)."""
    pytest.importorskip("distributed", reason='Dask is not installed: pip install -e ".[cluster]"')
    file = tmp_path / "scheduler.json"
    quiet = {"env": environment(), "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    base = [sys.executable, "-m", "dask"]
    local = ["--host", "127.0.0.1", "--scheduler-file", file, "--no-dashboard"]
    started = [subprocess.Popen([*base, "scheduler", "--port", "0", *local], cwd=tmp_path, **quiet)]
    for _ in range(2):
        options = ["--nthreads", "1", "--no-nanny", "--local-directory", tmp_path]
        started.append(subprocess.Popen([*base, "worker", *local, *options], cwd=tmp_path, **quiet))
    try:
        for _ in range(300):
            if file.exists() and file.read_text().endswith("}"):
                break
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_scheduler_without_workers_is_refused(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(crew, "CONNECT_S", 1)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as started,
        pytest.raises(InputError, match=r"at least one, got none .* python -m dask"),
        crew.cluster(FakeGrader(tmp_path / "log"), started.scheduler_address),
    ):
        pass


def test_a_worker_that_cannot_import_the_grader_is_named(tmp_path, dask, monkeypatch):
    """As one that was started in another folder: what the grader is made of is not there."""
    ours = tmp_path / "ours"
    ours.mkdir()
    monkeypatch.syspath_prepend(ours)
    (ours / "elsewhere.py").write_text("class Grader:\n    pass\n")
    grader = importlib.import_module("elsewhere").Grader()
    with (
        pytest.raises(InputError, match=r"No module named 'elsewhere'.*python -m dask"),
        crew.cluster(grader, dask[0]),
    ):
        pass


def test_a_worker_of_a_cluster_is_killed_and_nothing_is_lost_or_graded_twice(tmp_path, dask):
    address, workers = dask
    handed_in, store = class_of(tmp_path / "in"), Store(tmp_path / "out")
    log, kept, victims = tmp_path / "log", Counter(), []

    def on_done(graded):
        kept[graded.submission] += 1
        both = {line.split()[1] for line in log.read_text().splitlines()}
        if not victims and len(kept) >= COUNT // 3 and len(both) == 2:
            victims.append(workers[0].pid)
            workers[0].kill()

    planned = run.plan(find(handed_in), store, {"tests": "t1"})
    with crew.cluster(FakeGrader(log, seconds=0.1), address) as hands:
        assert run.grade_all(planned, store, hands, on_done) == []
    calls = [line.split() for line in log.read_text().splitlines()]
    again = [name for name, times in Counter(name for name, _ in calls).items() if times > 1]
    assert victims, "both workers never worked at a time"
    assert marks(store) == pytest.approx(expected(handed_in))
    assert kept == dict.fromkeys(expected(handed_in), 1)
    assert len(again) <= crew.PER_WORKER * 2  # only what the dead worker had in hand


@pytest.mark.slow
def test_a_worker_is_killed_with_a_jail_in_its_hands(tmp_path, dask):
    """The real grader in real jails: solved and unwritten submissions in turn, two workers."""
    address, workers = dask
    jail, handed_in = jail_or_skip(), tmp_path / "in"
    exam = make_exam(7, rubric.load("spring2025"), jail, tasks=["1.1", "4.1"])
    solved, stubs = tree.solutions(), tree.package()
    for number in range(SOME):
        files = {name: (stubs if number % 2 else solved)[name] for name in solved}
        tree.write(handed_in / f"s{number}", files)
    kept = Counter()

    def on_done(graded):
        kept[graded.submission] += 1
        if len(kept) == 1:  # the other worker is amid its first, this one begins its second
            workers[0].kill()

    store = Store(tmp_path / "out")
    planned = run.plan(find(handed_in), store, exam.digests)
    with crew.cluster(SandboxGrader(exam, "bubblewrap"), address) as hands:
        assert run.grade_all(planned, store, hands, on_done) == []
    assert workers[0].poll() is not None
    assert kept == dict.fromkeys([f"s{number}" for number in range(SOME)], 1)
    assert {graded.state for graded in store.all()} == {GRADED}
    shares = {name: points / store.read(name).possible for name, points in marks(store).items()}
    assert shares == {f"s{number}": float(number % 2 == 0) for number in range(SOME)}
