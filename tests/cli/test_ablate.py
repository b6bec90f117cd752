"""The ablation's command: whole records, a page that holds together, and work that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from hw5.cli import ablate_jobs
from hw5.kit import images
from report.check import check_page

SMALL = ["--dcgan", "", "--layers", "conv_1_1-conv_1_2", "--perceptual", 0.5, "--means", 0, 2,
         "--spaces", "w+", "--evaluations", 2, "--pictures", "train", "--jobs", 1]  # fmt: skip


@pytest.fixture(autouse=True)
def quick_ruler(monkeypatch):
    """The real LPIPS takes longer than all else here."""

    def ruler(output, target):
        return (output - target).abs().mean(dim=(1, 2, 3))

    ruler.name = "a stand-in"
    monkeypatch.setattr(ablate_jobs, "open_ruler", lambda _device=None: ruler)


@pytest.fixture
def ablate(run, tiny):
    return lambda *words: run("ablate", "--generator", tiny, *SMALL, "--out", "a", *words)


def records(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "a/cells").glob("*.json"))}


def test_ablate_writes_a_record_of_each_cell_a_page_and_a_sheet(ablate, tmp_path):
    answer = ablate()
    assert answer.status == 0, answer
    assert "0 of 3 cells are there" in answer.out  # base, start of one code, L-BFGS
    kept = [json.loads(data) for data in records(tmp_path).values()]
    assert len(kept) == 3
    for record in kept:
        assert record["evaluations"] >= 2 and record["psnr"] > 0
        assert sum(record["terms"].values()) == pytest.approx(record["loss"], rel=1e-4)
    assert Image.open(tmp_path / "a/grid.png").width > 3 * 32


def test_the_page_is_complete_and_says_what_compares(ablate, tmp_path):
    ablate()
    page = tmp_path / "a/index.html"
    assert check_page(page, required=("layers-1", "optimiser-4")) == []
    text = page.read_text("utf-8")
    assert "3 of 3 cells are done" in text and "losses do not compare" in text


def test_what_is_there_is_not_run_again(ablate, tmp_path):
    ablate()
    before = records(tmp_path)
    answer = ablate()
    assert "3 of 3 cells are there" in answer.out
    assert records(tmp_path) == before
    wider = ablate("--means", 0, 2, 3)
    assert "3 of 4 cells are there" in wider.out
    assert before.items() <= records(tmp_path).items()


def test_another_picture_of_the_same_name_is_another_cell(ablate, tmp_path):
    for shade, there in ((-0.5, "0 of 3"), (0.5, "0 of 3"), (0.5, "3 of 3")):
        images.save(tmp_path / "cat.png", torch.full((1, 3, 16, 16), shade))
        assert f"{there} cells are there" in ablate("--pictures", "cat.png").out


def test_ctrl_c_leaves_a_page_of_what_is_done_and_the_next_run_goes_on(
    ablate, tmp_path, monkeypatch
):
    usual, calls = ablate_jobs.run_task, []

    def stopping(task, *rest):
        calls.append(task)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return usual(task, *rest)

    monkeypatch.setattr(ablate_jobs, "run_task", stopping)
    answer = ablate("--batch-size", 1)
    assert answer.status == 130 and "hw5: stopped" in answer.err
    assert "1 of 3 cells are done" in (tmp_path / "a/index.html").read_text("utf-8")
    monkeypatch.setattr(ablate_jobs, "run_task", usual)
    assert "1 of 3 cells are there" in ablate("--batch-size", 1).out
    assert len(records(tmp_path)) == 3


def test_a_cell_that_fails_is_named_and_the_others_are_run(ablate, tmp_path, monkeypatch):
    usual = ablate_jobs.run_task

    def failing(task, *rest):
        if task.cells[0].optimiser == "lbfgs":
            return ablate_jobs.Failed(task.cells, "it blew up")
        return usual(task, *rest)

    monkeypatch.setattr(ablate_jobs, "run_task", failing)
    answer = ablate()
    assert answer.status == 1 and "lbfgs: it blew up" in answer.err
    assert len(records(tmp_path)) == 2


def test_a_damaged_record_is_named_and_can_be_deleted(ablate, tmp_path):
    ablate()
    first = next((tmp_path / "a/cells").glob("*.json"))
    first.write_text("{")
    refused = ablate()
    assert refused.status == 2 and first.name in refused.err
    first.unlink()
    assert "2 of 3 cells are there" in ablate().out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--pictures", "nowhere.png"], "nowhere.png"),
        (["--layers", "conv_1_1"], "layers"),
        (["--layers", "conv_9_1-conv_9_2"], "conv_9_1"),
        (["--generator", "no_such"], "no_such"),
        (["--features", "no_such"], "no_such"),
        (["--features", "dcgan"], "features"),
        (["--jobs", 0], "--jobs"),
        (["--out", "taken"], "taken"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(ablate, tmp_path, words, named):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/thesis.tex").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    answer = ablate(*words)
    assert answer.status == 2 and named in answer.err and answer.out == ""
    assert sorted(tmp_path.rglob("*")) == before
