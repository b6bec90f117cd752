"""The grader's cases: every task has some, none holds an answer, mistakes lose points by them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from staff import mutation, stubs
from staff.grading import tree
from staff.grading.bands import largest_shares
from staff.grading.cases import all_cases
from staff.grading.cases import network as arithmetic
from staff.grading.exam import draw

ROOT = Path(__file__).resolve().parents[2]
CASES = all_cases()


def test_every_task_has_a_case_that_its_student_may_see():
    tasks = set(mutation.files_of_tasks(ROOT / "hw5"))
    assert {case.task for case in CASES if not case.hidden} == tasks


def test_every_case_says_what_it_asks_and_where_to_look():
    for case in CASES:
        assert case.says.endswith("."), case.key
        assert case.hint, case.key


def test_parts_of_several_cases_hide_some_of_them():
    assert 10 <= sum(case.hidden for case in CASES) <= len(CASES) / 2


def test_a_cases_inputs_depend_on_the_seed_and_its_name_alone():
    for case in CASES[::7]:
        one, again, other = (draw(case, seed) for seed in (3, 3, 4))
        assert all(np.array_equal(one[n], again[n], equal_nan=True) for n in one)
        assert any(not np.array_equal(one[n], other[n], equal_nan=True) for n in one)


def test_every_search_has_a_measured_band():
    assert {case.key for case in CASES if case.measure} == set(largest_shares())


def test_the_cases_hold_no_line_of_a_solution():
    seen = "\n".join(text.decode() for text in tree.kit().values())
    for name, text in tree.solutions().items():
        for region in stubs.regions(text.decode()):
            long = [line.strip() for line in region.body.splitlines() if len(line.strip()) > 30]
            assert not [line for line in long if line in seen], f"{name} {region.task}"


def test_the_package_in_a_jail_has_a_stub_for_every_task(tmp_path):
    tree.write_package(tmp_path)
    texts = [(tmp_path / name).read_text(encoding="utf-8") for name in tree.student_files()]
    stubs_there = sum(text.count('raise NotImplementedError("task ') for text in texts)
    assert stubs_there == len(mutation.files_of_tasks(ROOT / "hw5"))


def test_the_parent_renders_as_the_worker_does():
    """The parent's arithmetic against the network that the worker makes of the same numbers."""
    import torch

    from staff.grading.cases import lab
    from staff.grading.worker import tensors

    x = draw(next(case for case in CASES if case.key == "3.5 by_adam"), 1)
    codes = np.random.default_rng(0).standard_normal((2, 3, 5))
    theirs = lab.linear(tensors(x)).synthesize(torch.from_numpy(codes)).detach().numpy()
    assert np.allclose(arithmetic.render(x, codes), theirs, atol=1e-12)


def test_no_code_beats_the_lowest_loss_that_the_parent_computes():
    x = draw(next(case for case in CASES if case.key == "3.5 by_adam"), 1)
    goals = [(x["target"], x["mask"], 1.0), (x["elsewhere"], 1 - x["mask"], 0.3)]
    floor = arithmetic.lowest(x, goals)
    draws = np.random.default_rng(0).standard_normal((50, 1, 3, 5))
    assert all(arithmetic.weighted_square(x, code, goals) > floor for code in draws)
    start = x["start"]
    assert arithmetic.share_left(x, start, start, goals) == pytest.approx(1)


@pytest.mark.parametrize(
    ("function", "stays"),
    [
        (lambda torch, x: x * torch.ones_like(x), True),
        (lambda torch, x: x + torch.zeros(3, device=x.device), True),
        (lambda torch, x: x + torch.zeros(3).to(x), True),
        (lambda torch, x: x * torch.tensor(2.0), True),
        (lambda torch, x: x[torch.arange(2)], True),
        (lambda torch, x: x + torch.zeros(3), False),
        (lambda torch, x: x + torch.zeros(3, device="cpu"), False),
        (lambda torch, x: x + 2 * torch.linspace(0, 1, 3), False),
        (lambda torch, x: torch.zeros(3), False),
        (lambda torch, x: x.cpu(), False),
    ],
    ids=[
        "like", "on its device", "moved", "a number", "an index", "default device", "named device",
        "by a detour", "as the answer", "taken away",
    ],
)  # fmt: skip
def test_tensors_that_would_not_fit_beside_a_gpus_are_noticed(function, stays):
    import torch

    from staff.grading.cases.whereabouts import stays_with

    x = torch.ones(3)
    assert stays_with(lambda: function(torch, x)) == stays


@pytest.mark.slow
def test_a_sample_of_mistakes_loses_points_and_of_other_right_ways_none():
    """`python -m staff cases` tries all 271; here each twelfth."""
    words = [sys.executable, "-m", "staff", "cases", "--every", "12"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    amiss = [line for line in done.stdout.splitlines() if "AMISS" in line]
    assert done.returncode == 0, "\n".join(amiss) + done.stderr
    assert len(done.stdout.splitlines()) > 20
