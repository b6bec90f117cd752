"""Settings: frozen, checked, and true to the sources they name."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError, asdict

import pytest

from hw5.config import Drawing, Interpolation, LossWeights, Projection
from hw5.kit.checks import InputError

ALL = pytest.mark.parametrize("kind", [LossWeights, Projection, Interpolation, Drawing])


@ALL
def test_settings_cannot_be_changed_behind_a_runs_back(kind):
    settings = kind()
    with pytest.raises(FrozenInstanceError):
        setattr(settings, next(iter(asdict(settings))), 1)


@ALL
def test_settings_can_be_written_as_json(kind):
    assert json.loads(json.dumps(asdict(kind())))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (LossWeights, {"norm": "l3"}),
        (LossWeights, {"pixel": -1.0}),
        (LossWeights, {"penalty": float("nan")}),
        (LossWeights, {"lpips_backbone": "resnet"}),
        (LossWeights, {"layers": ("a", "b"), "layer_weights": (1.0,)}),
        (LossWeights, {"layers": ("a",), "layer_weights": (-1.0,)}),
        (LossWeights, {"pixel": 0.0, "perceptual": 0.0}),
        (Projection, {"space": "W+"}),
        (Projection, {"optimiser": "sgd"}),
        (Projection, {"noise": "random"}),
        (Projection, {"num_steps": 0}),
        (Projection, {"num_steps": 2.5}),
        (Projection, {"num_seeds": 0}),
        (Projection, {"num_mean": -1}),
        (Projection, {"max_evaluations": 0}),
        (Projection, {"learning_rate": 0.0}),
        (Projection, {"learning_rate": float("inf")}),
        (Projection, {"ramp_up": 1.5}),
        (Projection, {"patience": -1}),
        (Interpolation, {"num_frames": 1}),
        (Interpolation, {"path": "straight"}),
        (Interpolation, {"batch_size": 0}),
        (Drawing, {"keep": -1.0}),
        (Drawing, {"num_typical": 1}),
        (Drawing, {"space": "x"}),
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(kind, change):
    with pytest.raises(InputError):
        kind(**change)


def test_the_starters_numbers_are_the_defaults():
    weights, projection = LossWeights(), Projection()
    assert (weights.pixel, weights.norm, weights.perceptual) == (10.0, "l1", 0.01)
    assert projection.num_steps == 1000
    assert projection.settled(("z", "w", "w+")).num_mean == 10_000
    assert projection.line_search_evaluations == 10
    assert Interpolation().num_frames == 50


@pytest.mark.parametrize(
    ("settings", "spaces", "expected"),
    [
        (Projection(), ("z", "w", "w+"), ("w+", 10_000)),
        (Projection(), ("z",), ("z", 0)),
        (Drawing(), ("z", "w", "w+"), ("w", 10_000)),
        (Drawing(), ("z",), ("z", 0)),
        (Projection(space="z"), ("z", "w", "w+"), ("z", 0)),
        (Projection(space="z", num_mean=10), ("z",), ("z", 10)),
        (Projection(num_mean=0), ("z", "w", "w+"), ("w+", 0)),
    ],
    ids=str,
)
def test_space_and_mean_follow_the_generator_where_nothing_is_said(settings, spaces, expected):
    settled = settings.settled(spaces)
    assert type(settled) is type(settings)
    assert (settled.space, settled.num_mean) == expected
    assert settled.settled(spaces) == settled


def test_a_space_that_the_generator_lacks_is_not_settled():
    with pytest.raises(InputError, match="space: expected one of z, got 'w'"):
        Projection(space="w").settled(("z",))


def test_each_optimiser_has_its_usual_rate():
    assert Projection().rate == 0.1
    assert Projection(optimiser="lbfgs").rate == 1.0
    assert Projection(learning_rate=0.003).rate == 0.003


def test_settings_can_be_read_without_torch():
    code = "import sys; from hw5.config import Drawing, LossWeights; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False", "--help would wait for torch"
