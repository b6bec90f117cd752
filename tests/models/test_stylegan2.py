"""The StyleGAN2 generator: against numpy, between its own paths, and its published layout."""

import numpy as np
import pytest
import torch

from hw5.kit.checks import InputError
from hw5.models.stylegan2 import StyleGAN2
from tests.models import reference
from tests.tolerances import assert_close

CONVS = ("b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1")


def z_of(generator: StyleGAN2, count: int, rng: torch.Generator) -> torch.Tensor:
    return torch.randn(count, generator.z_dim, generator=rng, dtype=torch.float64)


def arrays(network: torch.nn.Module) -> dict:
    return {name: value.numpy() for name, value in network.state_dict().items()}


def ada_shapes(image_size: int, z: int, w: int, layers: int, channels: dict) -> dict:
    """Names and shapes as a published checkpoint lists them."""
    fir = (4, 4)
    shapes = {"mapping.w_avg": (w,)}
    for i in range(layers):
        shapes[f"mapping.fc{i}.weight"] = (w, z if i == 0 else w)
        shapes[f"mapping.fc{i}.bias"] = (w,)
    previous, size = None, 4
    while size <= image_size:
        block, width = f"synthesis.b{size}", channels[size]
        shapes[f"{block}.resample_filter"] = fir
        if size == 4:
            shapes[f"{block}.const"] = (width, 4, 4)
        for conv, inputs in (("conv0", previous), ("conv1", width)):
            if inputs is None:
                continue
            shapes[f"{block}.{conv}.weight"] = (width, inputs, 3, 3)
            shapes[f"{block}.{conv}.bias"] = (width,)
            shapes[f"{block}.{conv}.noise_strength"] = ()
            shapes[f"{block}.{conv}.noise_const"] = (size, size)
            shapes[f"{block}.{conv}.resample_filter"] = fir
            shapes[f"{block}.{conv}.affine.weight"] = (inputs, w)
            shapes[f"{block}.{conv}.affine.bias"] = (inputs,)
        shapes[f"{block}.torgb.weight"] = (3, width, 1, 1)
        shapes[f"{block}.torgb.bias"] = (3,)
        shapes[f"{block}.torgb.affine.weight"] = (width, w)
        shapes[f"{block}.torgb.affine.bias"] = (width,)
        previous, size = width, 2 * size
    return shapes


def test_parameters_have_the_names_and_shapes_of_published_checkpoints():
    with torch.device("meta"):
        network = StyleGAN2(channel_base=16384, channel_max=512, z_dim=512, w_dim=512)
    got = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    widths = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256}
    assert got == ada_shapes(64, 512, 512, 2, widths)


def test_the_default_network_is_small():
    with torch.device("meta"):
        count = sum(p.numel() for p in StyleGAN2().parameters())
    assert 2e6 < count < 4e6


@pytest.mark.parametrize(("image_size", "num_layers"), [(8, 4), (64, 10), (1024, 18)])
def test_the_number_of_codes_grows_by_two_with_each_doubling(image_size, num_layers):
    with torch.device("meta"):
        network = StyleGAN2(image_size=image_size, z_dim=4, w_dim=4, channel_base=2 * image_size)
    assert network.num_layers == num_layers


def test_pictures_agree_with_the_numpy_implementation(generator, w_plus):
    expected = [reference.generate(w, arrays(generator), [4, 8, 16]) for w in w_plus.numpy()]
    assert_close(generator.synthesize(w_plus), torch.from_numpy(np.stack(expected)), "float64")


def test_mapped_codes_agree_with_the_numpy_implementation(generator, rng):
    z = z_of(generator, 3, rng)
    expected = [reference.map_code(row, arrays(generator), 2, 0.01) for row in z.numpy()]
    assert_close(generator.map(z)[:, 0], torch.from_numpy(np.stack(expected)), "float64")


def test_a_repeated_w_gives_the_picture_of_its_z(generator, rng):
    z = z_of(generator, 2, rng)
    w_plus = generator.map(z).repeat(1, generator.num_layers, 1)
    assert_close(generator.synthesize(w_plus), generator(z), "float64")


def test_the_style_path_gives_the_same_picture(generator, w_plus):
    image = generator.synthesize_styles(generator.styles(w_plus))
    assert_close(image, generator.synthesize(w_plus), "exact")


def test_styles_name_every_layer_with_one_gain_per_input_channel(generator, w_plus):
    widths = {name: style.shape[1] for name, style in generator.styles(w_plus).items()}
    assert widths == {
        "b4.conv1": 4, "b4.torgb": 4, "b8.conv0": 4, "b8.conv1": 3, "b8.torgb": 3,
        "b16.conv0": 3, "b16.conv1": 2, "b16.torgb": 2,
    }  # fmt: skip


def test_every_gain_of_a_new_network_starts_at_one():
    network = StyleGAN2(image_size=8, z_dim=4, w_dim=4, channels={4: 3, 8: 2})
    for style in network.styles(torch.zeros(1, 4, 4)).values():
        assert_close(style, 1.0, "exact")


def test_each_code_reaches_exactly_the_layers_it_drives(generator, w_plus):
    before = generator.styles(w_plus)
    w_plus[:, 1] += 1
    changed = {n for n, s in generator.styles(w_plus).items() if not torch.equal(s, before[n])}
    assert changed == {"b4.torgb", "b8.conv0"}


def test_a_picture_does_not_depend_on_its_neighbours_in_the_batch(generator, w_plus):
    together = generator.synthesize(w_plus)
    assert_close(generator.synthesize(w_plus[1:]), together[1:], "float64")


@pytest.mark.parametrize("noise", ["fixed", "none"])
def test_fixed_and_no_noise_repeat_exactly(generator, w_plus, noise):
    first = generator.synthesize(w_plus, noise=noise)
    assert_close(generator.synthesize(w_plus, noise=noise), first, "exact")


def test_no_noise_is_noise_of_zeros(generator, w_plus):
    zeros = {name: torch.zeros_like(m) for name, m in generator.noise_maps().items()}
    expected = generator.synthesize(w_plus, noise=zeros)
    assert_close(generator.synthesize(w_plus, noise="none"), expected, "float64")


def test_random_noise_differs_between_pictures_and_follows_its_seed(generator, w_plus):
    same = w_plus[:1].repeat(2, 1, 1)
    draws = [
        generator.synthesize(same, noise="random", rng=torch.Generator().manual_seed(seed))
        for seed in (3, 3, 4)
    ]
    assert_close(draws[0], draws[1], "exact")
    assert not torch.allclose(draws[0], draws[2])
    assert not torch.allclose(draws[0][0], draws[0][1])


def test_the_listed_noise_maps_are_the_fixed_noise(generator, w_plus):
    maps = generator.noise_maps()
    assert tuple(maps) == CONVS
    fixed = generator.synthesize(w_plus)
    assert_close(generator.synthesize(w_plus, noise=maps), fixed, "exact")
    assert_close(generator.synthesize(w_plus, noise=list(maps.values())), fixed, "exact")


def test_a_single_given_noise_map_leaves_the_others_fixed(generator, w_plus):
    maps = generator.noise_maps()
    other = {"b8.conv1": maps["b8.conv1"] + 1}
    expected = generator.synthesize(w_plus, noise={**maps, **other})
    assert_close(generator.synthesize(w_plus, noise=other), expected, "exact")
    assert not torch.allclose(expected, generator.synthesize(w_plus))


def test_gradients_reach_given_noise_maps(generator, w_plus):
    maps = {name: m.clone().requires_grad_() for name, m in generator.noise_maps().items()}
    generator.synthesize(w_plus, noise=maps).square().sum().backward()
    assert all(m.grad.abs().max() > 0 for m in maps.values())


def test_features_are_those_of_the_full_pass(generator, w_plus):
    seen = {}

    def spy(name: str):
        return lambda x: seen.setdefault(name, x)

    generator.synthesize(w_plus, edit={name: spy(name) for name in generator.layer_names})
    found = generator.features(w_plus, ["b16.conv0", "b4.torgb"])
    assert list(found) == ["b16.conv0", "b4.torgb"]
    for name, value in found.items():
        assert_close(value, seen[name], "exact")


def test_features_stop_after_the_deepest_layer_asked(generator, w_plus, monkeypatch):
    def explode(*_: object) -> None:
        raise AssertionError("a later layer ran")

    monkeypatch.setattr(generator.synthesis.b16.conv0, "forward", explode)
    assert generator.features(w_plus, ["b8.conv1"])["b8.conv1"].shape == (2, 3, 8, 8)


def test_an_edit_that_keeps_the_features_keeps_the_picture(generator, w_plus):
    edited = generator.synthesize(w_plus, edit={"b8.conv0": torch.clone})
    assert_close(edited, generator.synthesize(w_plus), "exact")


def test_an_edit_of_one_pixel_moves_the_picture_only_around_it(generator, w_plus):
    def brighten(x: torch.Tensor) -> torch.Tensor:
        return x + torch.nn.functional.pad(x.new_ones(1, 1, 1, 1), (0, 15, 0, 15))

    difference = generator.synthesize(w_plus, edit={"b16.conv1": brighten})
    difference = (difference - generator.synthesize(w_plus)).abs()
    assert difference[:, :, 0, 0].min() > 0
    assert difference[:, :, 1:, 1:].max() == 0


def test_truncation_to_zero_gives_the_average_code(generator, w_plus):
    pulled = generator.truncate(w_plus, 0.0)
    assert_close(pulled, generator.mapping.w_avg.expand_as(pulled), "exact")


def test_truncation_moves_codes_in_proportion_up_to_the_cutoff(generator, w_plus):
    pulled = generator.truncate(w_plus, 0.25, cutoff=2)
    w_avg = generator.mapping.w_avg
    assert_close(pulled[:, :2] - w_avg, 0.25 * (w_plus[:, :2] - w_avg), "float64")
    assert_close(pulled[:, 2:], w_plus[:, 2:], "exact")


def test_the_tracked_average_moves_by_its_decay(generator, w_plus):
    before, w = generator.mapping.w_avg.clone(), w_plus[:, 0]
    generator.mapping.track_average(w, decay=0.9)
    assert_close(generator.mapping.w_avg, 0.9 * before + 0.1 * w.mean(dim=0), "float64")


def test_mixed_codes_take_coarse_layers_from_the_first_picture(generator, w_plus):
    mixed = torch.cat([w_plus[:1, :2], w_plus[1:, 2:]], dim=1)
    coarse = generator.features(w_plus[:1], ["b8.conv0"])["b8.conv0"]
    assert_close(generator.features(mixed, ["b8.conv0"])["b8.conv0"], coarse, "exact")


def test_every_parameter_gets_a_gradient(generator, rng):
    generator.requires_grad_(True)
    generator(z_of(generator, 2, rng)).square().sum().backward()
    silent = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_a_clamp_limits_the_features(rng):
    network = StyleGAN2(image_size=8, z_dim=4, w_dim=4, channels={4: 3, 8: 3}, conv_clamp=0.25)
    found = network.features(torch.randn(1, 4, 4, generator=rng), ["b8.conv0"])["b8.conv0"]
    assert found.abs().max().item() == 0.25


def test_bfloat16_training_stays_close_to_full_precision(rng):
    torch.manual_seed(0)
    network = StyleGAN2(image_size=8, z_dim=4, w_dim=4, channels={4: 8, 8: 8})
    z = torch.randn(4, 4, generator=rng)
    expected = network(z)
    with torch.autocast("cpu", torch.bfloat16):
        got = network(z).float()
    assert (got - expected).abs().mean() < 0.03 * expected.abs().mean()


@pytest.mark.parametrize(
    ("act", "names"),
    [
        (lambda g, w: g.synthesize(w[:, :1]), "w_plus"),
        (lambda g, w: g.map(w), "z"),
        (lambda g, w: g.synthesize(w, noise="loud"), "noise"),
        (lambda g, w: g.synthesize(w, noise={"b9.conv1": w}), "b9.conv1"),
        (lambda g, w: g.synthesize(w, noise={"b8.conv1": w}), "b8.conv1"),
        (lambda g, w: g.synthesize(w, noise=[]), "5 maps"),
        (lambda g, w: g.synthesize(w, edit={"b8.conv7": abs}), "b8.conv7"),
        (lambda g, w: g.features(w, ["b3"]), "b3"),
        (lambda g, w: g.synthesize_styles({}), "missing"),
        (lambda g, w: StyleGAN2(image_size=48), "48"),
        (lambda g, w: StyleGAN2(channels={4: 2}), "channels"),
        (lambda g, w: StyleGAN2(channel_base=32), "channels"),
    ],
)
def test_a_wrong_argument_is_named(generator, w_plus, act, names):
    with pytest.raises(InputError, match=names):
        act(generator, w_plus)
