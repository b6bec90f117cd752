"""FID and KID against closed forms, each other, and torchmetrics used the long way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from hw5.kit.checks import InputError
from hw5.metrics.distribution import (
    Embedder,
    FidRuler,
    Statistics,
    embed,
    fid,
    frechet_distance,
    kid,
)


class Flat(nn.Module):
    """Mean colour as features, to feed torchmetrics with pictures."""

    num_features = 3

    def forward(self, images):
        return images.mean(dim=(2, 3))


def whitened(count, rng):
    """Rows (count, 4) with exactly zero mean and unit covariance."""
    rows = torch.randn(count, 4, generator=rng, dtype=torch.float64)
    rows = rows - rows.mean(dim=0)
    root = torch.linalg.cholesky(torch.linalg.inv(rows.T @ rows / (count - 1)))
    return rows @ root


def test_fid_of_two_gaussians_has_a_closed_form(rng):
    # Diagonal covariances a and b: |difference of means|^2 + sum (sqrt(a) - sqrt(b))^2.
    rows = whitened(50, rng)
    std_a, std_b = torch.tensor([1.0, 2.0, 3.0, 0.5]), torch.tensor([2.0, 2.0, 1.0, 1.5])
    shift = torch.tensor([0.0, 3.0, 0.0, 4.0])
    expected = 25 + (1 + 0 + 4 + 1)
    assert fid(rows * std_a, rows * std_b + shift) == pytest.approx(expected, rel=1e-6)


def test_fid_of_correlated_gaussians_matches_the_definition(rng):
    a = torch.randn(60, 4, generator=rng) @ torch.randn(4, 4, generator=rng)
    b = torch.randn(80, 4, generator=rng) @ torch.randn(4, 4, generator=rng) + 1
    cov_a, cov_b = np.cov(a.numpy().T), np.cov(b.numpy().T)
    overlap = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real).sum()
    means = ((a.mean(0) - b.mean(0)) ** 2).sum().item()
    expected = means + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap
    assert fid(a, b) == pytest.approx(expected, rel=1e-4)


def test_fid_of_a_set_with_itself_is_zero(rng):
    rows = torch.randn(40, 6, generator=rng)
    assert fid(rows, rows) == pytest.approx(0, abs=1e-6)


def test_fid_is_what_torchmetrics_says_of_the_same_pictures(rng):
    real, fake = torch.rand(30, 3, 8, 8, generator=rng), torch.rand(30, 3, 8, 8, generator=rng) ** 2
    metric = FrechetInceptionDistance(feature=Flat(), normalize=True)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    assert fid(Flat()(real), Flat()(fake)) == pytest.approx(metric.compute().item(), rel=1e-4)


def test_the_plain_distance_agrees_with_torchmetrics_with_fewer_rows_than_features(rng):
    a, b = torch.randn(20, 32, generator=rng), torch.randn(25, 32, generator=rng) * 2 + 1
    plain = frechet_distance(Statistics.of(a), Statistics.of(b))
    assert plain == pytest.approx(fid(a, b), rel=1e-6)


def test_statistics_add_up_over_batches(rng):
    rows = torch.randn(50, 5, generator=rng) + 100
    whole = Statistics.of(rows)
    parts = Statistics.of(rows[:1]) + Statistics.of(rows[1:20]) + Statistics.of(rows[20:])
    assert parts.count == 50
    torch.testing.assert_close(parts.mean, whole.mean)
    torch.testing.assert_close(parts.covariance, whole.covariance)
    torch.testing.assert_close(whole.covariance, rows.double().T.cov())


def test_a_saved_ruler_gives_the_same_figure(rng, tmp_path):
    real, fake = torch.randn(40, 6, generator=rng), torch.randn(40, 6, generator=rng) + 1
    ruler = FidRuler(Statistics.of(real), name="toy")
    ruler.save(tmp_path / "real.npz")
    loaded = FidRuler.load(tmp_path / "real.npz", name="toy")
    assert loaded.score(fake) == pytest.approx(fid(real, fake), rel=1e-9)
    assert [path.name for path in tmp_path.iterdir()] == ["real.npz"]


def test_a_ruler_of_other_features_is_refused(rng, tmp_path):
    FidRuler(Statistics.of(torch.randn(9, 2, generator=rng)), name="a").save(tmp_path / "a.npz")
    with pytest.raises(InputError, match="expected statistics of b"):
        FidRuler.load(tmp_path / "a.npz", name="b")


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive", b"hello"])
def test_a_damaged_ruler_file_is_one_clear_line(content, tmp_path):
    path = tmp_path / "broken.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.npz") as caught:
        FidRuler.load(path, name="a")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "features",
    [torch.zeros(5, 3), torch.zeros(1, 4), torch.zeros(4), torch.full((5, 4), torch.nan)],
)
def test_unfit_features_are_refused_by_the_ruler(features, rng):
    ruler = FidRuler(Statistics.of(torch.randn(10, 4, generator=rng)))
    with pytest.raises(InputError):
        ruler.score(features)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance`:UserWarning")
def test_kid_of_one_full_subset_is_torchmetrics_figure(rng):
    real, fake = torch.rand(30, 3, 8, 8, generator=rng), torch.rand(30, 3, 8, 8, generator=rng) ** 2
    metric = KernelInceptionDistance(feature=Flat(), subsets=1, subset_size=30, normalize=True)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    ours = kid(Flat()(real), Flat()(fake), subsets=1, subset_size=30, rng=rng)
    assert ours.mean == pytest.approx(metric.compute()[0].item(), rel=1e-3)


def test_kid_is_around_zero_for_one_distribution_and_clearly_above_for_two(rng):
    a, b = (torch.randn(400, 8, generator=rng) for _ in range(2))
    same = kid(a, b, subset_size=200, subsets=10, rng=rng)
    other = kid(a, b + 1, subset_size=200, subsets=10, rng=rng)
    assert abs(same.mean) < 0.1 < other.mean


def test_kid_subsets_differ_as_each_holds_a_part_of_the_rows(rng):
    a, b = torch.randn(100, 4, generator=rng), torch.randn(100, 4, generator=rng)
    assert kid(a, b, subset_size=20, subsets=4, rng=rng).std > 1e-4
    assert kid(a, b, subset_size=100, subsets=4, rng=rng).std < 1e-9


def test_kid_draws_from_the_given_generator_only(rng):
    a, b = torch.randn(50, 4, generator=rng), torch.randn(50, 4, generator=rng)
    scores = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        own = torch.Generator().manual_seed(3)
        scores.append(kid(a, b, subset_size=20, subsets=3, rng=own))
    assert scores[0] == scores[1]


def test_kid_refuses_more_rows_than_there_are(rng):
    with pytest.raises(InputError, match="subset_size"):
        kid(torch.zeros(10, 4), torch.zeros(20, 4), subset_size=11, rng=rng)


def test_the_embedder_averages_its_layer_at_its_size(features, pictures):
    embedder = Embedder(features, layer="second", size=48)
    features.sizes_seen.clear()
    rows = embedder(pictures)
    assert rows.shape == (3, 12) and embedder.num_features == 12
    assert features.sizes_seen == [48]


def test_the_embedder_takes_the_deepest_layer_by_default(features):
    assert Embedder(features).num_features == 16


def test_embedding_is_the_mean_of_the_feature_map(features, pictures):
    rounded = ((pictures + 1) * 127.5).round() / 127.5 - 1
    expected = features(rounded, ["third"])["third"].mean(dim=(2, 3))
    torch.testing.assert_close(Embedder(features, size=32)(pictures), expected)


def test_rendered_pictures_and_the_same_read_from_file_embed_alike(features, pictures):
    stored = ((pictures + 1) * 127.5).round().byte()
    embedder = Embedder(features, size=32)
    torch.testing.assert_close(embedder(stored / 127.5 - 1), embedder(pictures))


def test_batches_and_one_tensor_embed_alike(features, rng):
    images = torch.rand(150, 3, 16, 16, generator=rng) * 2 - 1
    embedder = Embedder(features, size=16)
    done = []
    whole = embed(embedder, images, on_step=done.append)
    stream = embed(embedder, (images[i : i + 70] for i in range(0, 150, 70)))
    torch.testing.assert_close(whole, stream)
    assert sum(done) == 150 and len(done) == math.ceil(150 / 64)


def test_embedding_needs_no_gradient(features, pictures):
    rows = embed(Embedder(features, size=32), pictures.requires_grad_(True))
    assert not rows.requires_grad


def test_embedding_accepts_a_generators_small_overshoot(features, pictures):
    embedder = Embedder(features, size=32)
    torch.testing.assert_close(embed(embedder, pictures.sign() * 1.4), embedder(pictures.sign()))


@pytest.mark.parametrize(
    "images", [[], [torch.full((1, 3, 16, 16), 200.0)], torch.zeros(3, 16, 16)]
)
def test_unfit_pictures_are_not_embedded(images, features):
    with pytest.raises(InputError):
        embed(Embedder(features, size=16), images)
