"""What an evaluation costs: names, sizes, and a page that shows the same numbers."""

from __future__ import annotations

import pytest
import torch

from hw5.bench import cost
from hw5.cli.cost_page import write_cost
from hw5.config import LossWeights
from hw5.losses import Criterion
from hw5.models.stylegan2 import StyleGAN2

TINY = StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=4)


def test_cost_is_told_for_each_batch_and_size(monkeypatch):
    criterion = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))
    monkeypatch.setattr(cost, "open_generator", lambda _name: TINY.eval().requires_grad_(False))
    monkeypatch.setattr(cost, "build_criterion", lambda _weights: criterion)
    monkeypatch.setattr(cost, "median_seconds", lambda work, **_: float(work().shape[0]))
    monkeypatch.setattr(cost, "SIZES", (16, 32))
    found = cost.measure_cost()
    assert [*found] == [
        *(f"batch_{n}_seconds_per_picture" for n in cost.BATCHES),
        "size_16_seconds_per_picture", "size_32_seconds_per_picture",
    ]  # fmt: skip
    assert set(found.values()) == {1.0}  # a batch of n that takes n seconds


def test_an_enlarged_generator_goes_on_halving_its_widths():
    large = cost.enlarged(TINY, 64)
    assert large.image_size == 64
    assert large.synthesis.block(16).conv1.weight.shape[0] == 4
    assert large.synthesis.block(32).conv1.weight.shape[0] == 2
    assert large.synthesis.block(64).conv1.weight.shape[0] == 1


def test_the_gradient_is_that_of_every_code():
    criterion = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))
    slope = cost.evaluation(TINY.eval().requires_grad_(False), criterion, 3)()
    assert slope.shape == (3, TINY.num_layers, 4)
    assert torch.isfinite(slope).all() and (slope.abs().amax(dim=(1, 2)) > 0).all()


def test_the_page_shows_the_numbers(tmp_path):
    found = {f"cost.batch_{n}_seconds_per_picture": 0.04 / n for n in (1, 2)}
    found |= {f"cost.size_{n}_seconds_per_picture": 0.03 * n / 64 for n in (64, 128)}
    page = write_cost(tmp_path / "cost.html", found).read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    for number in ("40.0", "20.0", "30.0", "60.0"):
        assert f"<td>{number}</td>" in page


def test_a_bench_without_charts_has_no_page(tmp_path, capsys):
    from hw5.cli import main

    assert main(["bench", "slider", "--page", str(tmp_path / "x.html")]) == 2
    assert "bench cost or bench fastest" in capsys.readouterr().err


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
