"""StyleGAN2 generator, small enough for a CPU, in the layout of the published ADA checkpoints.

Offers `StyleGAN2` (a `Generator`) with w, w+, style space, noise maps and intermediate features.
Its parts are in stylegan2_layers.py; hw5/latents.py samples and renders its codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from hw5.kit.checks import InputError, check_choice, check_shape
from hw5.models.generator import Generator, Noise
from hw5.models.stylegan2_layers import (
    MappingNetwork,
    SynthesisBlock,
    SynthesisLayer,
    SynthesisNetwork,
    ToRGB,
    channel_schedule,
    one_hot,
)
from hw5.models.stylegan2_ops import BRANCH_GAIN, upsample

NOISE_MODES = ("fixed", "random", "none")
Edit = Mapping[str, Callable[[Tensor], Tensor]]


class StyleGAN2(Generator):
    """StyleGAN2 with a mapping network, per-layer noise, output skips or shortcuts.

    A conditional network draws pictures of one class, `label`. Pictures are not clamped: values a
    little beyond [-1, 1] occur. Layers are named "b4.conv1", "b4.torgb", "b8.conv0", ... in the
    order in which they run (`layer_names`). In a "resnet" the result of a conv1 holds the shortcut;
    there and in "orig" only the last block has a torgb.
    """

    spaces = ("z", "w", "w+")
    # Of features in memory; channels last were 1.2 to 2 times as fast on a CPU.
    layout: torch.memory_format = torch.channels_last

    def __init__(
        self,
        *,
        image_size: int = 64,  # pixels, a power of two from 8 on
        z_dim: int = 128,
        w_dim: int = 128,
        channel_base: int = 2048,  # channels at resolution r: channel_base / r ...
        channel_max: int = 256,  # ... but no more than this (ADA: 32768 and 512)
        channels: Mapping[int, int] | None = None,  # resolution -> channels; replaces the two
        num_mapping_layers: int = 2,  # ADA's "auto" setting; 8 in the paper
        mapping_lr_multiplier: float = 0.01,
        mapping_width: int | None = None,  # of the layers inside the mapping network; None: w_dim
        img_channels: int = 3,
        conv_clamp: float | None = None,  # largest magnitude of features; ADA: 256 with float16
        architecture: str = "skip",  # or "resnet", "orig": StyleGAN2, figure 7
        c_dim: int = 0,  # classes of a conditional network; 0: none (CIFAR-10: 10)
        embed_features: int | None = None,  # width of a class's embedding; None: w_dim
        label: int | None = None,  # the class to draw, 0 to c_dim - 1
    ) -> None:
        """Build a generator with random weights."""
        super().__init__()
        widths = channel_schedule(image_size, channel_base, channel_max, channels)
        self.image_size, self.z_dim, self.w_dim = image_size, z_dim, w_dim
        self.c_dim, self.label = c_dim, label
        self.synthesis = SynthesisNetwork(w_dim, widths, img_channels, conv_clamp, architecture)
        self.mapping = MappingNetwork(
            z_dim,
            w_dim,
            num_mapping_layers,
            lr_multiplier=mapping_lr_multiplier,
            width=mapping_width,
            c_dim=c_dim,
            embed_features=embed_features,
        )
        self.conv_names = tuple(self._conv_names())
        self.num_layers = len(self.conv_names) + 1  # the last torgb has a code of its own
        self.layer_index = self._layer_index()
        self.layer_names = tuple(self.layer_index)

    def forward(
        self,
        z: Tensor,
        *,
        truncation: float = 1.0,
        truncation_cutoff: int | None = None,
        noise: Noise = "fixed",
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """Pictures (N, 3, H, W) of z (N, z_dim); options as for `truncate` and `synthesize`."""
        w_plus = self.map(z).expand(-1, self.num_layers, -1)
        w_plus = self.truncate(w_plus, truncation, cutoff=truncation_cutoff)
        return self.synthesize(w_plus, noise=noise, rng=rng)

    def map(self, z: Tensor, *, label: int | None = None) -> Tensor:
        """Intermediate codes w (N, 1, w_dim) of z (N, z_dim).

        Args:
            z: Standard normal codes.
            label: Class of a conditional network; None: the network's own `label`.

        Raises:
            InputError: z of another shape, or a conditional network without a class.
        """
        check_shape("z", z, ("N", self.z_dim))
        labels = one_hot(self.label if label is None else label, self.c_dim, z)
        return self.mapping(z, labels)[:, None]

    def truncate(self, w_plus: Tensor, psi: float, *, cutoff: int | None = None) -> Tensor:
        """Pull w or w+ towards the average code. StyleGAN, appendix B.

        Args:
            w_plus: Codes (N, 1 or num_layers, w_dim).
            psi: Share of the distance to the average that is kept; 1 changes nothing.
            cutoff: Number of layers pulled, counted from the first; None: all of them.
        """
        if psi == 1:
            return w_plus
        w_avg = self.mapping.w_avg
        pulled = w_avg + psi * (w_plus[:, :cutoff] - w_avg)
        return pulled if cutoff is None else torch.cat([pulled, w_plus[:, cutoff:]], dim=1)

    def synthesize(
        self,
        w_plus: Tensor,
        *,
        noise: Noise = "fixed",
        edit: Edit | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """Pictures (N, 3, H, W) of one code per layer.

        Args:
            w_plus: Codes (N, num_layers, w_dim).
            noise: "fixed" (maps stored with the weights), "random", "none", or maps
                (1 or N, 1, H, W) by layer name or in the order of `noise_maps`. Layers left out of
                a mapping keep their fixed map.
            edit: For some layers, by name, a function of the layer's result that replaces it:
                features (N, C, H, W) of a conv, the picture that a torgb adds.
            rng: Source of random noise; None is torch's global one.
        """
        return self.synthesize_styles(self.styles(w_plus), noise=noise, edit=edit, rng=rng)

    def styles(self, w_plus: Tensor) -> dict[str, Tensor]:
        """Style space: one gain per input channel of every layer, (N, C) by layer name.

        These are the results of the layers' affine maps. Wu et al. 2021 (StyleSpace), section 2.

        Args:
            w_plus: Codes (N, num_layers, w_dim).
        """
        check_shape(
            "w_plus",
            w_plus,
            ("N", self.num_layers, self.w_dim),
            hint="repeat a w (N, 1, d) with latents.broadcast_layers",
        )
        return {
            name: self._layer(name).affine(w_plus[:, index])
            for name, index in self.layer_index.items()
        }

    def synthesize_styles(
        self,
        styles: Mapping[str, Tensor],
        *,
        noise: Noise = "fixed",
        edit: Edit | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        """Pictures (N, 3, H, W) of the styles of all layers; options as for `synthesize`."""
        missing = set(self.layer_names) - set(styles)
        if missing:
            raise InputError(f"styles: layers {sorted(missing)} are missing")
        count = styles[self.layer_names[0]].shape[0]
        maps = self._choose_noise(noise, count, rng)
        return self._run(styles, maps, self._check_names("edit", edit or {}))["image"]

    def features(
        self,
        w_plus: Tensor,
        layers: Sequence[str],
        *,
        noise: Noise = "fixed",
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Results of the named layers, in the order asked, without computing later ones.

        Args:
            w_plus: Codes (N, num_layers, w_dim).
            layers: Names out of `layer_names`.
            noise: As for `synthesize`.
            rng: Source of random noise; None is torch's global one.
        """
        self._check_names("layers", dict.fromkeys(layers))
        maps = self._choose_noise(noise, w_plus.shape[0], rng)
        found = self._run(self.styles(w_plus), maps, {}, wanted=layers)
        return {name: found[name] for name in layers}

    def coarse(self, w_plus: Tensor, size: int, *, noise: Noise = "fixed") -> Tensor:
        """The picture as it stands after the block of `size` pixels, (N, 3, size, size).

        Skips make it a picture: later blocks enlarge it and add what is finer. StyleGAN2, figure 7.
        Other architectures have a picture at their full size only.

        Args:
            w_plus: Codes (N, num_layers, w_dim).
            size: Side in pixels, a power of two from 4 to `image_size`.
            noise: As for `synthesize`, without random.
        """
        last = f"b{size}.torgb"
        self._check_names("size", {last: None})
        maps = self._choose_noise(noise, w_plus.shape[0], None)
        return self._run(self.styles(w_plus), maps, {}, last=last)["image"]

    def noise_maps(self) -> dict[str, Tensor]:
        """Return the fixed noise of every conv, (1, 1, H, W) by layer name; views, not copies."""
        return {name: self._layer(name).noise_const[None, None] for name in self.conv_names}

    def _run(
        self,
        styles: Mapping[str, Tensor],
        noise: Mapping[str, Tensor | None],
        edit: Edit,
        wanted: Sequence[str] = (),
        last: str = "",
    ) -> dict[str, Tensor]:
        """Run the layers up to `last`; return "image", or the wanted ones once all are there."""
        found: dict[str, Tensor] = {}
        x = self._constant(styles[self.layer_names[0]])
        image = shortcut = None
        for name in self.layer_names:
            is_conv = not name.endswith("torgb")
            if name.endswith("conv0"):
                shortcut = self._block(name).shortcut(x)
            if is_conv:
                result = self._convolve(name, x, styles[name], noise[name], shortcut)
            else:
                result = self._layer(name)(x, styles[name])
            result = edit[name](result) if name in edit else result
            if name in wanted:
                found[name] = result
                if len(found) == len(set(wanted)):
                    return found
            if is_conv:
                x = result
            else:
                image = self._add_to_skip(image, result, name)
            if name == last:
                break
        return {"image": image}

    def _convolve(
        self, name: str, x: Tensor, style: Tensor, noise: Tensor | None, shortcut: Tensor | None
    ) -> Tensor:
        """Result of a conv; the block's second one, conv1, ends with the shortcut's sum."""
        layer = self._layer(name)
        if shortcut is None or name.endswith("conv0"):
            return layer(x, style, noise)
        return shortcut + layer(x, style, noise, gain=BRANCH_GAIN)

    def _constant(self, style: Tensor) -> Tensor:
        const = self.synthesis.block(4).const
        x = const.expand(style.shape[0], *const.shape)
        return x.contiguous(memory_format=self.layout)

    def _add_to_skip(self, image: Tensor | None, rgb: Tensor, name: str) -> Tensor:
        # Summed in full precision, as ADA does: a rounding here is a fault of the picture.
        with torch.autocast(rgb.device.type, enabled=False):
            fir = self._block(name).resample_filter
            rgb = rgb.to(fir.dtype)
            return rgb if image is None else upsample(image, fir) + rgb

    def _choose_noise(
        self, noise: Noise, count: int, rng: torch.Generator | None
    ) -> dict[str, Tensor | None]:
        """One noise map, or None, for each conv."""
        fixed = self.noise_maps()
        if isinstance(noise, Mapping):
            return {**fixed, **self._check_noise(noise)}
        if not isinstance(noise, str):
            if len(noise) != len(fixed):
                raise InputError(f"noise: expected {len(fixed)} maps, got {len(noise)}")
            return self._check_noise(dict(zip(fixed, noise, strict=True)))
        check_choice("noise", noise, NOISE_MODES)
        if noise == "none":
            return dict.fromkeys(fixed)
        if noise == "fixed":
            return fixed
        return {
            name: torch.randn((count, *m.shape[1:]), generator=rng, device=m.device, dtype=m.dtype)
            for name, m in fixed.items()
        }

    def _check_noise(self, maps: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        unknown = sorted(set(maps) - set(self.conv_names))
        if unknown:
            raise InputError(f"noise: no such layer {unknown[0]!r}; known: {self.conv_names}")
        for name, value in maps.items():
            size = self._layer(name).resolution
            check_shape(f"noise[{name!r}]", value, ("N", 1, size, size))
        return maps

    def _check_names(self, what: str, named: Mapping) -> Mapping:
        unknown = sorted(set(named) - set(self.layer_names))
        if unknown:
            raise InputError(f"{what}: no such layer {unknown[0]!r}; known: {self.layer_names}")
        return named

    def _layer(self, name: str) -> SynthesisLayer | ToRGB:
        return self.get_submodule(f"synthesis.{name}")

    def _block(self, name: str) -> SynthesisBlock:
        return self.get_submodule(f"synthesis.{name.split('.')[0]}")

    def _conv_names(self) -> list[str]:
        names = [f"b{size}.conv{i}" for size in self.synthesis.resolutions for i in (0, 1)]
        return names[1:]  # b4 starts from a constant: it has no conv0

    def _layer_index(self) -> dict[str, int]:
        """Which code of w+ drives each layer: a torgb shares the one of the conv after it."""
        index: dict[str, int] = {}
        for i, name in enumerate(self.conv_names):
            index[name] = i
            if name.endswith("conv1") and self._block(name).torgb is not None:
                index[name.replace("conv1", "torgb")] = i + 1
        return index
