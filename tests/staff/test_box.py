"""A box keeps its limits: a share of a processor, memory, time; children count."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hw5.kit.checks import InputError
from staff.batch.box import Box, run_boxed

WIDE = Box(cpus=1, memory_mb=1000, wall_s=60)
BUSY = "import time\nwhile time.process_time() < 0.4: pass"


def boxed(code, **limits):
    box = Box(**{**vars(WIDE), **limits})
    try:
        return run_boxed([sys.executable, "-c", code], box, os.environ)
    except InputError as error:
        pytest.skip(f"no control groups: {error}")


def command_of(process):
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def test_half_a_processor_takes_twice_the_time():
    found = boxed(BUSY, cpus=0.25)
    assert (found.code, found.ended) == (0, "")
    assert found.seconds > 0.4 / 0.25 * 0.6  # the first period may be had at once


def test_memory_beyond_the_limit_ends_it_and_its_children():
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c',"
        " 'import time; x = bytearray(80 * 2**20); print(time.sleep(60))']).wait()\n"
    )
    found = boxed(code, memory_mb=60)
    assert found.ended == "more than 60 MB"
    assert found.peak_mb > 60
    assert not [p for p in Path("/proc").glob("[0-9]*") if "80 * 2**20" in command_of(p)]


def test_the_clock_ends_it():
    assert boxed("import time; time.sleep(60)", wall_s=1).ended == "longer than 1 s"


def test_exit_status_and_output_come_out():
    found = boxed("import sys; print('hello'); sys.exit(3)")
    assert (found.code, found.output) == (3, "hello\n")
