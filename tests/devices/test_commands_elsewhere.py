"""Every command and loop runs on another device, and says what it says on the CPU.

The device is hw5/testing/elsewhere.py: what it shows and what it cannot show stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hw5 import zoo
from hw5.cli import main
from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2
from hw5.testing.elsewhere import ELSEWHERE, elsewhere

TINY = {"image_size": 16, "z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 8}
TINY_DCGAN = {"z_dim": 8, "conv_dim": 2}
QUICK = ["--num-steps", "2", "--num-mean", "4"]
SKETCH = str(Path(__file__).parents[2] / "data" / "sketches" / "medium.json")


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("networks")
    torch.manual_seed(0)
    for kind, network, config in (
        ("stylegan2", StyleGAN2(**TINY), TINY),
        ("dcgan", DCGAN(**TINY_DCGAN), TINY_DCGAN),
    ):
        zoo.save(folder / f"{kind}.safetensors", network, kind=kind, config=config, card={})
    return {kind: str(folder / f"{kind}.safetensors") for kind in ("stylegan2", "dcgan")}


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """Every picture and code that a command wrote."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".png":
            found[str(path.relative_to(folder))] = np.asarray(Image.open(path))
        if path.suffix == ".npz":
            with np.load(path) as file:
                found |= {name: file[name] for name in file.files}
    return found


@pytest.fixture
def agree(tmp_path, monkeypatch) -> Callable[..., None]:
    """Run a command here and there and compare all that it wrote."""

    def agree(*words: str) -> None:
        written = {}
        for place in ("cpu", "there"):
            folder = tmp_path / place
            folder.mkdir()
            monkeypatch.chdir(folder)
            if place == "cpu":
                assert main([*words, "--device", "cpu"]) == 0
            else:
                with elsewhere() as device:
                    assert main([*words, "--device", str(device)]) == 0
            written[place] = arrays(folder)
        assert written["cpu"] and written["cpu"].keys() == written["there"].keys()
        for name, value in written["cpu"].items():
            assert np.array_equal(value, written["there"][name]), name

    return agree


@pytest.mark.parametrize("kind", ["stylegan2", "dcgan"])
def test_sample(agree, networks, kind):
    agree("sample", "--generator", networks[kind], "--count", "4", "--truncation", "0.7")


@pytest.mark.parametrize(
    "more",
    [
        ["--space", "z", "--lpips", "1"],
        ["--space", "w", "--style", "1", "--num-seeds", "2"],
        ["--noise", "optimised"],
        ["--optimiser", "lbfgs"],
    ],
    ids=" ".join,
)
def test_project(agree, networks, more):
    agree("project", "chelsea", "--generator", networks["stylegan2"], *QUICK, *more)


def test_project_with_a_mask(agree, networks, tmp_path):
    Image.fromarray(np.eye(16, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
    words = ["--generator", networks["stylegan2"], "--mask", str(tmp_path / "mask.png")]
    agree("project", "chelsea", *words, *QUICK)


def test_draw_and_go_on_from_a_projection(agree, networks, tmp_path):
    run = str(tmp_path / "run")
    quick = [*QUICK, "--generator", networks["stylegan2"]]
    assert main(["project", "chelsea", *quick, "--out", run]) == 0
    agree("draw", SKETCH, "--start", run, *QUICK)


def test_interpolate(agree, networks):
    words = ["--generator", networks["stylegan2"], "--num-frames", "3"]
    agree("interpolate", "1", "chelsea", *words, *QUICK)


@pytest.mark.slow
def test_ladder(agree, networks):
    words = ["--generator", networks["stylegan2"], "--num-seeds", "2", "--out", "run"]
    agree("ladder", *words, *QUICK, "--second-evaluations", "2")


def test_ablate(agree, networks):
    words = ["--generator", networks["stylegan2"], "--pictures", "chelsea", "--evaluations", "2"]
    agree("ablate", "--quick", "--jobs", "1", *words)


def test_world(agree):
    agree("world", "--count", "1", "--size", "16", "--segmentation")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.accelerator.is_available(), reason="no accelerator here")
@pytest.mark.parametrize("command", ["sample", "project", "draw", "interpolate", "world"])
def test_on_a_real_accelerator_the_pictures_agree(command, networks, tmp_path, monkeypatch):
    """Up to the rounding of its arithmetic: a few levels of 255 on average."""
    quick = [*QUICK, "--generator", networks["stylegan2"]]
    words = {
        "sample": ["--count", "4", "--generator", networks["stylegan2"]],
        "project": ["chelsea", *quick],
        "draw": [SKETCH, *quick],
        "interpolate": ["1", "chelsea", *quick, "--num-frames", "3"],
        "world": ["--count", "1", "--size", "16"],
    }[command]
    found = []
    for device in ("cpu", "auto"):
        (tmp_path / device).mkdir()
        monkeypatch.chdir(tmp_path / device)
        assert main([command, *words, "--device", device]) == 0
        found.append(arrays(tmp_path / device))
    for name, value in found[0].items():
        if name.endswith(".png"):
            assert np.abs(value.astype(float) - found[1][name]).mean() < 3, name


def test_the_device_without_itself_is_refused(networks):
    words = ["sample", "--generator", networks["dcgan"], "--device", str(ELSEWHERE)]
    assert main(words) == 2
