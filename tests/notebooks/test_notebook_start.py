"""How notebooks begin: an unwritten task stops them in two lines, figures are judged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hw5.kit.checks import InputError
from hw5.ui import notebook, unfilled

ROOT = Path(__file__).resolve().parents[2]
STUB = 'raise NotImplementedError("task 1.2: pixel_loss")'


def raised(call) -> BaseException:
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def module(tmp_path: Path, text: str, name: str):
    """A file of the package, outside of it, as a module."""
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    namespace = {"__name__": name}
    exec(compile(text, str(path), "exec"), namespace)
    return namespace


def test_an_unwritten_task_is_named_with_file_line_and_effort(tmp_path):
    text = (
        f'def pixel_loss(a):\n    """Task 1.2 (about 3 lines, 10 minutes). Mean."""\n    {STUB}\n'
    )
    lines = unfilled.explain(raised(lambda: module(tmp_path, text, "losses")["pixel_loss"](1)))
    assert lines[0] == (
        "Task 1.2 is yours to write: pixel_loss in losses.py, line 3 (about 3 lines, 10 minutes)."
    )


def test_a_task_in_a_call_is_named_by_its_class(tmp_path):
    text = f"class Criterion:\n    def __call__(self):\n        {STUB}\n"
    lines = unfilled.explain(raised(lambda: module(tmp_path, text, "losses")["Criterion"]()()))
    assert "the call of Criterion in losses.py, line 3" in lines[0]


def test_input_errors_are_their_own_explanation():
    def refuse() -> None:
        raise InputError.about("target", expected="a picture", got="a list")

    assert unfilled.explain(raised(refuse))[1] == "target: expected a picture, got a list."


@pytest.mark.parametrize("error", [ValueError("task 1.2"), NotImplementedError("abstract")])
def test_other_errors_keep_their_traceback(error):
    def fail() -> None:
        raise error

    assert isinstance(error, ValueError) or unfilled.explain(raised(fail)) == []


def test_a_figure_as_expected_reads_the_same_whatever_it_is(capsys):
    for value in (0.2, torch.tensor(0.3)):
        notebook.expect("loss", value, 0, 1)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second == "as expected   loss: from 0 to 1"


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_another_figure_is_shown(value, capsys):
    notebook.expect("loss", value, 0, 1, hint="average over the mask")
    out = capsys.readouterr().out
    assert out.startswith("LOOK AGAIN    loss: expected from 0 to 1, got") and "mask" in out


def test_a_table_lines_its_columns_up(capsys):
    notebook.table({"w": [25.31, None], "w+": [1234.5, 0.01234]}, ["PSNR, dB", "loss"])
    assert capsys.readouterr().out == ("    PSNR, dB   loss\nw       25.3\nw+     1,234  0.012\n")


def test_published_figures_stand_left_of_ones_own(capsys):
    notebook.beside({"time, s": (34, 61.27), "verdict": ("neat", None)}, source="report")
    assert capsys.readouterr().out == (
        "         report  here\ntime, s      34  61.3\nverdict    neat\n"
    )


def test_start_sets_as_many_threads_as_the_environment_says(monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook.start()
    assert torch.get_num_threads() == 1
    torch.set_num_threads(threads)
