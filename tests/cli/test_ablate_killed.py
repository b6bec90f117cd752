"""An ablation that is killed leaves whole records and no worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONG = ["--dcgan", "", "--layers", "conv_1_1-conv_1_2", "--perceptual", 0, "--means", 0, 2,
        "--spaces", "w+", "--pictures", "train", "--evaluations", 100_000,
        "--jobs", 2, "--batch-size", 1]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's list of processes")
def test_kill_9_costs_no_record_and_leaves_no_worker(tmp_path, tiny):
    words = ["ablate", "--generator", tiny, *LONG, "--out", "a"]
    command = [sys.executable, "-m", "hw5", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    try:
        workers = wait_for(lambda: children(process.pid))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(workers) == 2
    assert wait_for(lambda: not any(map(is_alive, workers)))
    assert list((tmp_path / "a/cells").glob("*.json")) == []  # no cell was done, none is half there


def wait_for(found, seconds=240.0):
    """What `found()` gives once it gives something."""
    end = time.monotonic() + seconds
    while not (answer := found()) and time.monotonic() < end:
        time.sleep(0.1)
    return answer


def children(pid: int) -> list[int]:
    """The workers of a process, once they have begun."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(word) for word in listed.read_text().split()] if listed.exists() else []
    names = {each: Path(f"/proc/{each}/cmdline").read_bytes() for each in found}
    workers = [each for each, line in names.items() if b"spawn_main" in line]
    return workers if len(workers) == 2 else []


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
