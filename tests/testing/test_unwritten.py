"""A test that fails for want of an unwritten task is skipped and says which; no other one is."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

PLUGIN = """
import pytest
from hw5.checking.tasks import Task
from hw5.testing import unwritten

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.stash[unwritten._TASKS] = {"1.2": Task("1.2", "pixel_loss", "hw5/losses.py", 5, 9)}
"""
TESTS = """
import subprocess, sys
import pytest

def test_that_calls_a_stub():
    raise NotImplementedError("task 1.2: pixel_loss")

def test_of_a_program_that_calls_one():
    words = "import sys; sys.exit('hw5: task 1.2: pixel_loss is not written yet')"
    subprocess.run([sys.executable, "-c", words], check=False)
    assert False

@pytest.fixture
def prepared():
    raise NotImplementedError("task 1.2: pixel_loss")

def test_whose_preparation_calls_one(prepared):
    pass

@pytest.mark.needs("losses")
def test_that_says_so():
    assert False

@pytest.mark.needs("draw")
def test_that_needs_another_part():
    pass

def test_that_is_wrong_by_itself():
    assert "a cat" == "a dog"

def test_of_a_task_that_is_written():
    raise NotImplementedError("task 1.3: feature_distance")

def test_that_passes():
    pass
"""
NEEDY = "raise NotImplementedError('task 1.2: pixel_loss')\n"


@pytest.fixture
def run(pytester):
    pytester.makeconftest(PLUGIN)
    pytester.makeini("[pytest]\nmarkers = needs: tasks\n")
    pytester.makepyfile(test_some=TESTS, test_needy=NEEDY)
    return pytester.runpytest("-p", "hw5.testing.unwritten", "-rs", "-p", "no:cacheprovider")


def test_what_waits_for_a_task_is_skipped_and_nothing_else(run):
    run.assert_outcomes(skipped=5, failed=2, passed=2)


def test_the_reason_names_task_and_line(run):
    assert "hw5/losses.py:9: task 1.2, pixel_loss, is yours to write" in run.stdout.str()
