"""Tiny random generators as files, and a command line that runs inside the test."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from hw5 import projector, zoo
from hw5.cli import FAILED, main
from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2

TINY_STYLEGAN = {"image_size": 16, "z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 8}
TINY_DCGAN = {"z_dim": 8, "conv_dim": 2}


class Answer(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """A folder with stylegan.safetensors (16 px) and dcgan.safetensors (64 px)."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    for name, kind, network, config in (
        ("stylegan", "stylegan2", StyleGAN2(**TINY_STYLEGAN), TINY_STYLEGAN),
        ("dcgan", "dcgan", DCGAN(**TINY_DCGAN), TINY_DCGAN),
    ):
        path = folder / f"{name}.safetensors"
        zoo.save(path, network, kind=kind, config=config, card={})
    return folder


@pytest.fixture
def tiny(weights) -> str:
    return str(weights / "stylegan.safetensors")


@pytest.fixture
def run(capsys, monkeypatch, tmp_path) -> Callable[..., Answer]:
    """Run a command in an empty folder; its status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Answer:
        capsys.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:  # from the parser
            status = stop.code
        answer = Answer(status, *capsys.readouterr())
        if status == FAILED:  # for whoever reads why the test failed
            sys.stderr.write(answer.err)
        return answer

    return run


@pytest.fixture
def usual_ctrl_c():
    """Python's own meaning of Ctrl-C, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def stopping(run, monkeypatch) -> Callable[..., Answer]:
    """Run a command on whose search Ctrl-C is pressed after some steps; what it answered."""

    def begin(*words: object, after: int = 5, times: int = 1) -> Answer:
        def pressing(search, on_step, should_stop):
            def press(record):
                on_step(record)
                if record.step + 1 == after:
                    for _ in range(times):
                        signal.raise_signal(signal.SIGINT)

            return optimize_para(search, on_step=press, should_stop=should_stop)

        with monkeypatch.context() as patch:
            patch.setattr(projector, "optimize_para", pressing)
            return run(*words)

    optimize_para = projector.optimize_para
    return begin


def timeless(record: dict) -> dict:
    """A run's record without what a clock says."""
    steps = [{**step, "seconds": 0} for step in record["history"]]
    return {**record, "seconds": 0, "history": steps}
