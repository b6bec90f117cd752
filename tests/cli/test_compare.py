"""`hw5 compare` with methods whose answers are known: what it prints, keeps and picks up again."""

from __future__ import annotations

import json

import pytest
import torch

from hw5.cli import inverting
from hw5.inversion.inverted import Inverted


class Copier:
    """A method that gives back what it sees, darker by `shade`, and remembers being called."""

    def __init__(self, shade):
        self.shade, self.calls = shade, []

    def __call__(self, images, first):
        if first == self.shade == 4:
            raise KeyboardInterrupt
        self.calls.append(first)
        code, loss = torch.zeros(len(images), 10, 128), torch.zeros(len(images))
        made = images * (1 - self.shade)
        return Inverted("copier", made, code, "w+", loss, seconds=1.0, evaluations=1)


@pytest.fixture
def methods(monkeypatch):
    """The command with two copiers in place of its methods, on plain grey."""
    found = {"encoder": Copier(0.0), "ours": Copier(0.1)}
    monkeypatch.setattr(
        inverting, "available", lambda settings: {k: lambda v=v: v for k, v in found.items()}
    )
    monkeypatch.setattr(
        inverting, "held_out", lambda asked: torch.full((asked.count, 3, 64, 64), 0.5)
    )
    return found


def test_the_table_has_a_row_for_each_method_and_the_published_ones(run, tmp_path, methods):
    answer = run("compare", "--count", 8, "--batch", 4, "--out", "c")
    assert answer.status == 0
    assert [line.split()[0] for line in answer.out.splitlines()] == [
        "8", "method", "encoder", "published,", "published,", "ours",
    ]  # fmt: skip
    rows = json.loads((tmp_path / "c" / "table.json").read_text())["rows"]
    assert rows["encoder"]["mse"] == 0
    assert rows["ours"]["mse"] == pytest.approx(0.05**2, rel=1e-4)
    assert rows["ours"]["seconds"] == 0.25
    assert (tmp_path / "c" / "table.txt").read_text() == answer.out


def test_what_is_done_is_not_done_again_and_more_pictures_add_to_it(run, methods):
    run("compare", "ours", "--count", 8, "--batch", 4, "--out", "c")
    run("compare", "ours", "--count", 12, "--batch", 4, "--out", "c")
    assert methods["ours"].calls == [0, 4, 8]


def test_an_interrupted_comparison_goes_on_where_it_was(run, methods):
    methods["ours"].shade = 4
    assert run("compare", "ours", "--count", 8, "--batch", 4, "--out", "c").status == 130
    methods["ours"].shade = 0.2
    assert run("compare", "ours", "--count", 8, "--batch", 4, "--out", "c").status == 0
    assert methods["ours"].calls == [0, 4]


def test_an_unknown_method_gets_one_line(run, methods):
    answer = run("compare", "theirs")
    assert answer.status == 2
    assert "encoder" in answer.err
    assert len(answer.err.splitlines()) == 1
