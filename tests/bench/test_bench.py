"""The measurements measure: known work has known cost, and their numbers have names."""

from __future__ import annotations

import time
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from hw5 import bench, latents, zoo
from hw5.bench import (
    browser,
    generator,
    perceptual,
    projection,
    quality,
    reader,
    rendering,
    scribble,
    slider,
    timing,
)
from hw5.config import LossWeights, Projection
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.losses import Criterion
from hw5.models.features import WorldFeatures
from hw5.models.stylegan2 import StyleGAN2
from hw5.search import Record
from hw5.train import read_quality, recognise


@pytest.fixture
def tiny(monkeypatch):
    """A tiny generator under every name."""
    torch.manual_seed(0)
    network = StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    network.eval().requires_grad_(False)
    monkeypatch.setattr(zoo, "load", lambda _name: network)
    return network


def test_times_are_those_of_the_work():
    found = timing.times(lambda: time.sleep(0.01), seconds=0, at_least=3)
    assert len(found) == 3 and all(0.01 <= t < 0.5 for t in found)


def test_the_percentile_leaves_its_share_above():
    values = [float(v) for v in range(100, 0, -1)]
    assert timing.percentile(values, 0.95) == 96
    assert timing.percentile([3.0], 0.95) == 3


def test_operations_of_a_matrix_product_are_counted():
    a, b = torch.randn(3, 5), torch.randn(5, 7)
    assert generator.count_flops(lambda: a @ b) == 2 * 3 * 5 * 7


def test_a_first_load_is_timed_without_the_imports_of_its_process():
    begin = time.perf_counter()
    seconds = generator.load_seconds("dcgan")
    assert 0 < seconds < 0.5 * (time.perf_counter() - begin)  # torch's import alone takes longer


def test_the_share_is_the_generators_operations_over_the_peaks(tiny, monkeypatch):
    monkeypatch.setattr(generator, "PEAK_SHAPES", ((8, 16), (2, 4)))
    monkeypatch.setattr(generator, "PEAK_BATCH", 2)
    monkeypatch.setattr(generator, "median_seconds", lambda _work, **_: 1.0)
    monkeypatch.setattr(generator, "load_seconds", lambda name: float(len(name)))
    found = generator.measure_generators()
    assert found["dcgan_load_seconds"] == 5.0
    peak = 2 * 2 * 8 * 8 * 9 * 16 * 16  # operations of the larger convolution
    assert found["peak_gigaflops"] == pytest.approx(peak / 1e9)
    one = generator.count_flops(generator.forward_pass(tiny, 1))
    assert found["stylegan2_batch1_share_of_peak"] == pytest.approx(one / peak)
    assert found["dcgan_batch16_share_of_peak"] == pytest.approx(16 * one / peak, rel=0.2)
    assert found["dcgan_batch16_pictures_per_second"] == 16


def test_the_slider_is_measured_for_both_kinds_of_bytes(tiny, monkeypatch):
    monkeypatch.setattr(slider, "CALLS", 5)
    monkeypatch.setattr(slider, "times", lambda work, **_: [work() and 0.03 for _ in range(3)])
    found = slider.measure_slider()
    assert found["png_p95_ms"] == pytest.approx(30)
    assert found["jpeg_p95_over_target"] == found["widget_p95_over_target"] == pytest.approx(1)


def test_a_slider_event_ends_with_the_picture_in_the_widget(tiny):
    move = slider.slider_event(tiny)
    assert move() and move()


def test_rendering_compares_a_batch_with_single_pictures(monkeypatch):
    monkeypatch.setattr(rendering, "BATCH", 2)
    monkeypatch.setattr(rendering, "SIZE", 16)
    monkeypatch.setattr(rendering, "median_seconds", lambda work, **_: len(work().image) / 10 + 0.1)
    found = rendering.measure_rendering()
    assert found["single_seconds"] == pytest.approx(0.2)
    assert found["single_over_target"] == pytest.approx(1)
    assert found["batch_speedup"] == pytest.approx(0.4 / 0.3)


def test_the_starter_style_loop_lowers_its_loss(tiny):
    target = torch.zeros(1, 3, 16, 16)
    criterion = Criterion(LossWeights(perceptual=0))
    one = projection.starter_loop(tiny, target, criterion, 1)
    many = projection.starter_loop(tiny, target, criterion, 10)
    assert many.loss < one.loss


def test_a_search_is_stopped_when_the_goal_is_reached(tiny):
    target = torch.zeros(1, 3, 16, 16)
    criterion = Criterion(LossWeights(perceptual=0))
    settings = Projection(num_steps=5, num_mean=4)
    assert projection.first_below(1e9, tiny, target, criterion, settings).step == 0
    last = projection.first_below(0.0, tiny, target, criterion, settings)
    assert isinstance(last, Record) and last.step == 4


def test_names_begin_with_the_measurement(monkeypatch):
    monkeypatch.setitem(bench.BENCHES, "slider", lambda: {"ms": 1.0})
    assert bench.run("slider") == {"slider.ms": 1.0}
    with pytest.raises(InputError, match="one of render, generator, slider, projection"):
        bench.run("sliders")


def test_a_compiled_renderer_is_measured_after_it_was_compiled(monkeypatch):
    calls = []
    monkeypatch.setattr(rendering, "COMPILED_BATCH", 2)
    monkeypatch.setattr(rendering.world, "render", lambda *_, compiled: calls.append(compiled))
    monkeypatch.setattr(rendering, "median_seconds", lambda work, **_: work() or 0.01)
    found = rendering.measure_compiled()
    assert calls == [True, True]
    assert found["pictures_per_second"] == pytest.approx(200)
    assert found["speed_over_target"] == pytest.approx(2)


def test_dabs_have_the_mean_colour_of_what_lies_under_them(rng):
    picture = torch.rand(1, 3, 64, 64, generator=rng) * 2 - 1
    colour, mask = scribble.dabs(picture, 1, rng=rng)
    inside = mask[0, 0].bool()
    assert 0 < inside.sum() <= 49 and (colour[:, :, ~inside] == 0).all()
    wanted = picture[0][:, inside].mean(1)
    torch.testing.assert_close(colour[0][:, inside], wanted[:, None].expand(3, int(inside.sum())))


def test_balanced_terms_are_equal_at_the_mean_picture(tiny, monkeypatch):
    features = WorldFeatures(4, 3, widths=(2, 2, 2, 2)).freeze()
    monkeypatch.setattr(zoo, "load", lambda _name: features)
    target = torch.rand(1, 3, 16, 16) * 2 - 1
    criterion = perceptual.balanced(tiny, target, "any", ("conv1_2", "conv2_2"))
    code = latents.mean_code(tiny, "w", rng=seeding.make(0))
    terms = criterion(latents.render(tiny, code, "w"), target, None, code * 0).terms
    torch.testing.assert_close(terms["pixel"], terms["perceptual"])


def test_a_bench_without_features_compares_pixels_alone(tiny):
    criterion = perceptual.balanced(tiny, torch.zeros(1, 3, 16, 16), "", ())
    assert criterion.weights.perceptual == 0


def test_only_quick_measurements_run_unless_named():
    quick = set(bench.BENCHES) - set(bench.ONLY_WHEN_NAMED)
    assert quick == {"render", "generator", "slider", "projection"}
    assert set(bench.ONLY_WHEN_NAMED) <= set(bench.BENCHES)


def test_the_way_of_a_picture_is_cut_where_somebody_took_a_note():
    page = {"key": 10.0, "page": 40.0, "source": 41.0, "decoded": 45.0}
    kernel = [("python", 9.0), ("python", 15.0), ("bytes", 35.0), ("bytes", 39.0), ("bytes", 300.0)]
    press = browser.with_stamps(page, kernel)
    found = browser.stretches([press])
    assert list(found.values()) == [5, 20, 5, 1, 4]
    assert sum(found.values()) == page["decoded"] - page["key"]


def test_a_stretch_without_a_note_has_no_figure():
    page = {"key": 10.0, "page": 40.0, "source": 41.0, "decoded": 45.0}
    found = browser.stretches([browser.with_stamps(page, [])])
    assert list(found) == ["page_to_source_ms", "source_to_decoded_ms"]


def test_fid_is_measured_of_every_grown_generator_that_is_shipped(monkeypatch):
    kinds = {"stylegan2": "stylegan2", "dcgan": "dcgan", "stylegan2-128": "stylegan2",
             "stylegan2-128-discriminator": "multiscale-discriminator"}  # fmt: skip
    monkeypatch.setattr(zoo, "names", lambda: tuple(kinds))
    monkeypatch.setattr(zoo, "describe", lambda name: SimpleNamespace(kind=kinds[name]))
    monkeypatch.setattr(zoo, "load", lambda name: name)
    monkeypatch.setattr(quality.quality, "measure", lambda name, **_: {"fid": float(len(name))})
    found = quality.measure_fid()
    assert found["stylegan2-128_fid"] == 13.0
    assert not any("discriminator" in name for name in found)


def test_the_figures_of_the_readers_card_are_measured_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("HW5_CACHE", str(tmp_path))
    judge, settings = read_quality.measure_reader, recognise.IdentitySettings
    monkeypatch.setattr(read_quality, "measure_reader", lambda reader, **_: judge(reader, count=4))
    monkeypatch.setattr(recognise, "IdentitySettings", partial(settings, judged=2))
    plain = partial(recognise.recognition, compiled=False)
    monkeypatch.setattr(recognise, "recognition", plain)
    found = reader.measure_world_reader()
    assert {"reads_yaw", "mean_IoU", "identity_roc_auc"} <= set(found)
    card = zoo.card("world-reader")["metrics"] | zoo.card("second-look")["metrics"]
    assert set(found) <= {name.replace(" ", "_") for name in card}
