"""Sliders over codes: draw them, walk between them, mix their layers.

Offers `sampler`, `walk` and `mixer`. What they show comes from the functions of latents.py and
interpolate.py, so a slip there shows here. Read first: live.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import ipywidgets as widgets
import torch

from hw5.interpolate import PATHS, lerp, mix_layers
from hw5.kit import seeding
from hw5.kit.checks import InputError, check_shape
from hw5.latents import broadcast_layers, check_codes, mean_code, render, sample_codes
from hw5.models.generator import Generator
from hw5.models.stylegan2_frozen import freeze
from hw5.shapes import Codes, Images
from hw5.ui.live import Live, Pane, column, row, style, words

WIDE = {"width": "380px"}
MAX_SEED = 999
MAX_TRUNCATION = 1.5  # beyond it pictures only break
COUNTS = (1, 4, 9)
SMALL = 64  # pixels; up to here one thread of torch answers sooner than two (see `one_thread`)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block torch uses one thread of this thread's.

    Small convolutions wait for each other more than they share, all the more in a thread of a
    kernel whose other threads are torch's, too, and beside a browser: the 95th percentile from
    slider to bytes was 34 ms with two threads, 18 ms with one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Coded(Live):
    """A panel for codes of a generator: drafts by its frozen double, the picture at rest by it."""

    def __init__(self, generator: Generator) -> None:
        """Show nothing yet."""
        self.generator = generator
        super().__init__(
            partial(self._draft, freeze(generator)), refine=partial(self._pictures, generator)
        )

    def _draft(self, frozen: Generator, values: Any) -> Images:  # noqa: ANN401 - a panel's own
        with one_thread() if frozen.image_size <= SMALL else nullcontext():
            return self._pictures(frozen, values)

    def _pictures(self, generator: Generator, values: Any) -> Images:  # noqa: ANN401 - a panel's own
        raise NotImplementedError


class Sampler(Coded):
    """Random codes by seed, drawn towards the mean code by truncation."""

    def __init__(self, generator: Generator, seed: int) -> None:
        """Show the picture of `seed`."""
        self.space = "w" if "w" in generator.spaces else "z"
        self._mean = mean_code(generator, self.space, rng=seeding.make(0))
        super().__init__(generator)
        self.seed = widgets.IntSlider(
            seed, 0, MAX_SEED, description="seed", layout=WIDE, tooltip="which random numbers"
        )
        self.truncation = widgets.FloatSlider(
            1.0, min=0, max=MAX_TRUNCATION, step=0.05, description="truncation", layout=WIDE,
            tooltip="0: the mean picture; 1: as drawn; above: exaggerated",
        )  # fmt: skip
        self.count = widgets.ToggleButtons(
            options=[(str(n), n) for n in COUNTS], description="pictures"
        )
        self.count.style.button_width = "48px"
        self.controls = {"seed": self.seed, "truncation": self.truncation, "count": self.count}
        self.watch(tuple(self.controls.values()), self._values)
        self.children = (style(), row(self.pane, column(*self.controls.values())))
        self.show_now(self._values())

    @property
    def codes(self) -> Codes:
        """The codes shown, (count, ...) in `space`."""
        return self._codes(self._values())

    def _values(self) -> tuple[int, float, int]:
        return self.seed.value, self.truncation.value, self.count.value

    def _codes(self, values: tuple[int, float, int]) -> Codes:
        seed, strength, count = values
        codes = sample_codes(self.generator, self.space, count, rng=seeding.make(seed))
        return truncate(codes, self._mean, strength)

    def _pictures(self, generator: Generator, values: tuple[int, float, int]) -> Images:
        seed, strength, count = values
        far = "the mean code" if strength == 0 else f"{strength:.0%} of the way from the mean code"
        noun = "picture" if count == 1 else f"{count} pictures"
        self.pane.caption(f"{noun.capitalize()} from seed {seed}: {far}.")
        return render(generator, self._codes(values), self.space)


def truncate(codes: Codes, mean: Codes, strength: float) -> Codes:
    """The code mean + strength (codes - mean): Karras et al. 2019 (StyleGAN), appendix B.

    Args:
        codes: (N, ...), any space.
        mean: (1, ...), the mean code of that space.
        strength: 0 gives the mean, 1 the codes.
    """
    return mean + strength * (codes - mean)


class Walk(Coded):
    """The way from one code to another, by a slider."""

    def __init__(self, generator: Generator, a: Codes, b: Codes, space: str) -> None:
        """Show the middle of the way."""
        self.a, self.b, self.space = a, b, space
        super().__init__(generator)
        self.t = widgets.FloatSlider(
            0.5,
            min=0,
            max=1,
            step=0.01,
            description="t",
            tooltip="0: A, 1: B",
            layout={"width": "320px"},
            style={"description_width": "20px"},
        )
        self.path = widgets.ToggleButtons(
            options=list(PATHS), description="path", value="spherical" if space == "z" else "linear"
        )
        self.play = widgets.Play(max=100, step=2, interval=80, tooltip="walk from A to B")
        self.play.observe(lambda change: setattr(self.t, "value", change["new"] / 100), "value")
        self.controls = {"t": self.t, "path": self.path}
        self.watch((self.t, self.path), self._values)
        left, right = _ends(generator, (a, b), space, ("A: t = 0", "B: t = 1"))
        middle = column(self.pane, self.t, self.path, self.play)
        self.children = (style(), row(left, middle, right))
        self.show_now(self._values())

    @property
    def code(self) -> Codes:
        """The code shown, a batch of one in `space`."""
        return self._code(self._values())

    def _values(self) -> tuple[float, str]:
        return self.t.value, self.path.value

    def _code(self, values: tuple[float, str]) -> Codes:
        t, path = values
        return PATHS[path](self.a, self.b, t)

    def _pictures(self, generator: Generator, values: tuple[float, str]) -> Images:
        t, path = values
        self.pane.caption(f"t = {t:.2f}: {1 - t:.0%} A, {t:.0%} B, {path} path.")
        return render(generator, self._code(values), self.space)


class Mixer(Coded):
    """Two codes of w+, mixed layer by layer."""

    def __init__(self, generator: Generator, a: Codes, b: Codes) -> None:
        """Show A: every layer's share of B is 0."""
        self.a, self.b = a, b
        super().__init__(generator)
        self.shares = tuple(
            widgets.FloatSlider(
                0.0, min=0, max=1, step=0.05, orientation="vertical", readout_format=".2f",
                description=str(layer), tooltip=f"share of B in layer {layer}",
                layout=widgets.Layout(width="44px", height="180px"),
            )
            for layer in range(generator.num_layers)
        )  # fmt: skip
        for share in self.shares:
            share.observe(lambda _: self._is_quiet or self.latest(self._values()), "value")
        self.controls = {f"layer {layer}": share for layer, share in enumerate(self.shares)}
        self._is_quiet = False
        left, right = _ends(generator, (a, b), "w+", ("A: no layer of B", "B: all layers"))
        self.children = (style(), row(left, self.pane, right, self._desk()))
        self.show_now(self._values())

    @property
    def code(self) -> Codes:
        """The code shown, w+ (1, L, d)."""
        return mix(self.a, self.b, self._values())

    def take(self, layers: Sequence[int]) -> None:
        """Take these layers from B, the others from A."""
        self._is_quiet = True
        for layer, share in enumerate(self.shares):
            share.value = float(layer in layers)
        self._is_quiet = False
        self.latest(self._values())

    def _desk(self) -> widgets.Widget:
        """A slider for each layer, and buttons for the usual choices."""
        title, ends = words(), words()
        title.value = '<span class="hw5-title">Share of B in each layer</span>'
        ends.value = (
            '<div class="hw5-ends hw5-hint"><span>early: pose, shape</span>'
            "<span>late: colour, texture</span></div>"
        )
        count = len(self.shares)
        choices = {
            "None": (), "Early half": range(count // 2), "Late half": range(count // 2, count),
            "All": range(count),
        }  # fmt: skip
        buttons = []
        for name, layers in choices.items():
            tooltip = f"{len(layers)} layers from B, the others from A"
            layout = widgets.Layout(width="105px")
            button = widgets.Button(description=name, tooltip=tooltip, layout=layout)
            button.on_click(lambda _, layers=layers: self.take(layers))
            buttons.append(button)
        return column(title, widgets.HBox(self.shares), ends, widgets.HBox(buttons))

    def _values(self) -> tuple[float, ...]:
        return tuple(slider.value for slider in self.shares)

    def _pictures(self, generator: Generator, values: tuple[float, ...]) -> Images:
        taken = [f"{layer}: {share:.0%}" for layer, share in enumerate(values) if share]
        self.pane.caption(f"A with layers of B: {', '.join(taken) or 'none'}.")
        return render(generator, mix(self.a, self.b, values), "w+")


def _ends(
    generator: Generator, codes: tuple[Codes, Codes], space: str, captions: tuple[str, str]
) -> list[Pane]:
    """Small pictures of the two codes."""
    panes = [Pane(text, side=160) for text in captions]
    with torch.no_grad():
        for pane, code in zip(panes, codes, strict=True):
            pane.show(render(generator, code, space))
    return panes


def mix(a: Codes, b: Codes, shares: Sequence[float]) -> Codes:
    """Code a with a share of code b in each layer; shares of 0 and 1 are `mix_layers`.

    Args:
        a: w+ (N, L, d).
        b: w+ (N, L, d).
        shares: one number for each of the L layers, 0 for a, 1 for b.
    """
    mixed = a
    for layer, share in enumerate(shares):
        if share:
            mixed = mix_layers(mixed, lerp(a, b, share), [layer])
    return mixed


def sampler(generator: Generator, *, seed: int = 0) -> Sampler:
    """Sliders for seed and truncation; `.codes` are those shown."""
    return Sampler(generator, seed)


def walk(generator: Generator, codes_a: Codes, codes_b: Codes, space: str) -> Walk:
    """A slider from one code to another; `.code` is the one shown.

    Args:
        generator: see models/generator.py.
        codes_a: one code: z (1, d), w (1, 1, d) or w+ (1, L, d).
        codes_b: as `codes_a`.
        space: the space they are from.

    Raises:
        InputError: codes that do not fit the space or each other, or more than one.
    """
    for name, codes in (("codes_a", codes_a), ("codes_b", codes_b)):
        check_codes(name, generator, codes, space)
        check_shape(name, codes, (1, *codes.shape[1:]), hint="one code each: use codes[:1]")
    return Walk(generator, codes_a, codes_b, space)


def mixer(generator: Generator, codes_a: Codes, codes_b: Codes) -> Mixer:
    """A slider for each layer, from one code to the other; `.code` is the one shown.

    Args:
        generator: a StyleGAN2.
        codes_a: one code: w (1, 1, d) or w+ (1, L, d).
        codes_b: as `codes_a`.

    Raises:
        InputError: a generator without layers, or codes that do not fit.
    """
    if "w+" not in generator.spaces:
        got = f"one with {', '.join(generator.spaces)}"
        raise InputError.about("generator", expected="one with w+", got=got, hint="use stylegan2")
    a, b = (_layered(generator, n, c) for n, c in (("codes_a", codes_a), ("codes_b", codes_b)))
    return Mixer(generator, a, b)


def _layered(generator: Generator, name: str, codes: Codes) -> Codes:
    """One code as w+ (1, L, d)."""
    if getattr(codes, "ndim", 0) == 3 and codes.shape[1] == 1:
        codes = broadcast_layers(codes, generator.num_layers)
    check_codes(name, generator, codes, "w+")
    check_shape(name, codes, (1, *codes.shape[1:]), hint="one code each: use codes[:1]")
    return codes
