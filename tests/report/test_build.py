"""The main job from end to end with tiny random generators, and the sums behind its sentences."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from hw5 import world, zoo
from hw5.config import LossWeights
from hw5.kit import strokes
from hw5.kit.checks import InputError
from hw5.losses import Criterion
from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2
from report import build, desk, drawings, job, words
from report.check import check_page
from report.settings import ReportSettings

STYLEGAN = {"z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 4}
DCGAN_CONFIG = {"z_dim": 8, "conv_dim": 2}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    paths = [folder / "stylegan.safetensors", folder / "dcgan.safetensors"]
    torch.manual_seed(0)
    zoo.save(paths[0], StyleGAN2(**STYLEGAN), kind="stylegan2", config=STYLEGAN, card={})
    zoo.save(paths[1], DCGAN(**DCGAN_CONFIG), kind="dcgan", config=DCGAN_CONFIG, card={})
    return ReportSettings(
        stylegan=str(paths[0]), dcgan=str(paths[1]), adam_steps=2, lbfgs_evaluations=2,
        drawing_steps=2, num_mean=4, num_frames=3, num_hero=4,
    )  # fmt: skip


def pixels_only(_weights, _device):
    """A criterion without networks, in place of the one that takes a second for a step."""
    return Criterion(LossWeights(perceptual=0))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for module in (desk, drawings):
        monkeypatch.setattr(module, "build_criterion", pixels_only)


@pytest.fixture(scope="module")
def page(settings, tmp_path_factory):
    """One report for all tests that only read it."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (desk, drawings):
            patch.setattr(module, "build_criterion", pixels_only)
        folder = tmp_path_factory.mktemp("report")
        return build.build(folder, settings, runs=folder / "runs").page


def test_the_page_is_sound_shows_every_figure_and_no_file_in_vain(page):
    assert check_page(page, required=("ladder", "optimisers", "interpolation", "edit")) == []
    shown = page.read_text()
    assert all(f"media/{path.name}" in shown for path in (page.parent / "media").iterdir())


def test_the_page_is_set_again_without_running_the_job_again(page, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "run", None)
    again = build.set_page(tmp_path, page.parent / "runs").page
    assert again.read_text() == page.read_text()


def test_the_numbers_are_kept_for_programs(page):
    found = json.loads((page.parent / "media/results.json").read_text())
    assert len(found["projections"]) == 4 * 4 * 2
    assert {p["optimiser"] for p in found["projections"]} == {"adam", "lbfgs"}
    assert all(p["evaluations"] >= 2 for p in found["projections"])


def test_a_failure_leaves_the_earlier_report_as_it_was(settings, tmp_path, monkeypatch):
    (tmp_path / "media").mkdir()
    (tmp_path / "media/hero.png").write_text("old")
    (tmp_path / "index.html").write_text("old")

    def fail(*_, **__):
        raise InputError("a broken part")

    monkeypatch.setattr(job, "make_rungs", fail)
    with pytest.raises(InputError, match="a broken part"):
        build.build(tmp_path, settings, runs=tmp_path / "runs")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["hero.png", "index.html", "media"]
    assert (tmp_path / "index.html").read_text() == "old"


def test_a_folder_of_other_files_is_not_taken_for_the_main_job(settings, tmp_path):
    (tmp_path / "runs/main-job").mkdir(parents=True)
    (tmp_path / "runs/main-job/thesis.tex").write_text("x")
    with pytest.raises(InputError, match="expected a main job, got other files"):
        build.build(tmp_path, settings, runs=tmp_path / "runs")


def test_the_cat_to_edit_looks_at_us_with_eyes_that_are_not_green():
    cat = drawings.cat_to_edit()
    assert len(cat) == 1 and abs(float(cat["yaw"])) < 10
    assert not 70 < float(cat["eye_hue"]) < 170


def test_the_dots_lie_on_the_eyes_one_on_each():
    picture = world.render(world.neutral(), 64)
    colour, mask = strokes.rasterise(drawings.dots_on_eyes(picture), 64)
    eyes = picture.mask("eyes") + picture.mask("pupils")
    assert (mask * eyes).sum() / mask.sum() > 0.8
    assert mask[..., :32].sum() > 0 and mask[..., 32:].sum() > 0
    green = colour[0][:, mask[0, 0] == 1]
    assert (green[1] > green[0]).all() and (green[1] > green[2]).all()


def test_greenness_is_the_excess_of_green_in_levels():
    picture = torch.tensor([1.0, 1.0, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    mask = torch.zeros(1, 1, 2, 2)
    mask[..., 0, 0] = 1
    assert words.greenness(picture, mask) == pytest.approx(127.5 / 2)
    assert words.greenness(-picture, mask) == pytest.approx(-127.5 / 2)


def test_psnr_under_a_mask_sees_nothing_else():
    a, b = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    b[..., :2] = 2.0
    mask = torch.ones(1, 1, 4, 4)
    assert drawings.psnr_where(a, b, mask) == pytest.approx(10 * torch.log10(torch.tensor(2.0)))
    mask[..., :2] = 0
    assert drawings.psnr_where(a, b, mask) > 100


def test_proportions_compare_single_steps():
    def cells(label, optimiser, seconds, steps):
        found = SimpleNamespace(seconds=seconds, history=range(steps))
        return SimpleNamespace(
            method=SimpleNamespace(label=label), optimiser=optimiser, found=found
        )

    numbers = words.proportions(
        [
            cells("StyleGAN2, w+", "adam", 10, 10),
            cells("StyleGAN2, w+", "lbfgs", 10, 4),
            cells("DCGAN, z", "adam", 5, 10),
        ]
    )
    assert numbers["newton_ratio"] == "2.5" and numbers["dcgan_ratio"] == "0.50"
    assert numbers["quoted_newton_ratio"] == "6.2" and numbers["quoted_dcgan_ratio"] == "0.32"


def test_the_first_rung_is_told_for_both_optimisers_and_for_w_alone():
    def cell(rung, label, optimiser, psnr):
        parts = {"rung": SimpleNamespace(name=rung), "method": SimpleNamespace(label=label)}
        return SimpleNamespace(**parts, optimiser=optimiser, psnr=psnr)

    cells = [
        cell("generated", "StyleGAN2, w", "adam", 28.44),
        cell("generated", "StyleGAN2, w", "lbfgs", 44.5),
        cell("generated", "StyleGAN2, w+", "lbfgs", 1.0),
        cell("train", "StyleGAN2, w", "adam", 2.0),
    ]
    assert words.first_rung(cells) == {"generated_adam": "28.4", "generated_lbfgs": "44.5"}
