"""Seconds per projection: measured where time allows, scaled by work where it does not."""

from __future__ import annotations

import pytest
import torch

from hw5 import bench
from hw5.bench import official
from hw5.kit.checks import InputError
from hw5.models.stylegan2 import StyleGAN2
from hw5.testing.elsewhere import elsewhere


@pytest.fixture
def tiny(monkeypatch):
    """Generators of 8 to 64 px, and a clock that says how long a step takes."""
    monkeypatch.setattr(official, "SIZES", (8, 16, 32))
    monkeypatch.setattr(official, "ALWAYS", 8)
    monkeypatch.setattr(
        official,
        "official",
        lambda size: StyleGAN2(image_size=size, z_dim=4, w_dim=4, channel_base=64, channel_max=8),
    )


def test_a_size_that_would_take_too_long_is_scaled_by_its_work(tiny, monkeypatch):
    monkeypatch.setattr(official, "step_seconds", lambda make, *_: 30.0)
    monkeypatch.setattr(official, "multiplications", lambda size: size * size)
    found = official.measure_official()
    assert found["stylegan_8_adam_seconds"] == 30_000
    assert found["stylegan_8_evaluations_timed"] == 2
    assert found["stylegan_16_step_seconds"] == 120 and found["stylegan_16_evaluations_timed"] == 0
    assert found["stylegan_32_step_seconds"] == 480, "scaled from the size that was measured"
    assert found["report_dcgan_64_adam_seconds"] == 11


@pytest.mark.parametrize("way", official.WAYS, ids=lambda way: way.name or "plain")
def test_a_step_of_the_real_loop_is_timed_in_every_way(tiny, way):
    assert official.step_seconds(lambda: official.official(16), torch.device("cpu"), way) > 0


def test_an_accelerator_is_measured_in_every_way_and_the_report_stands_beside(tiny, monkeypatch):
    monkeypatch.setattr(official, "step_seconds", lambda make, device, way=official.PLAIN: 0.01)
    monkeypatch.setattr(official, "multiplications", lambda size: size * size)
    with elsewhere() as device:
        found = official.measure_official(device)
    for way in official.WAYS:
        assert found[f"stylegan_32{way.name}_adam_seconds"] == pytest.approx(10)
    names = list(official.told("stylegan_64", 0.01, 50))
    assert names[-2:] == ["report_stylegan_64_adam_seconds", "report_stylegan_64_lbfgs_seconds"]


def test_a_layout_changes_the_order_in_memory_and_not_the_picture():
    torch.manual_seed(0)
    network = StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=8)
    z = torch.randn(2, 4)
    last = network(z)
    network.layout = torch.contiguous_format
    assert torch.allclose(network(z), last, atol=1e-5)


def test_work_is_counted_without_computing_it(tiny):
    work = [official.multiplications(size) for size in (8, 16, 32)]
    assert work == sorted(work) and work[0] > 0


def test_the_official_sizes_have_the_published_number_of_weights():
    """StyleGAN2's config F (Karras et al. 2020): a generator of 30 million weights at 1024 px."""
    with torch.device("meta"):
        network = official.official(1024)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6) == 30


def test_a_bench_of_the_cpu_refuses_another_device():
    with pytest.raises(InputError, match="cpu for bench render"):
        bench.run("render", torch.device("xpu"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.accelerator.is_available(), reason="no accelerator here")
def test_a_step_runs_on_the_accelerator_in_every_way():
    device = torch.accelerator.current_accelerator()
    for way in official.WAYS:
        assert official.step_seconds(lambda: official.official(64), device, way) > 0
