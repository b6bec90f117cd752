"""The world under your hands: a slider for every factor of a cat.

Offers `world`. The cat follows the sliders; factors.py says what each one means. Read first:
live.py.
"""

from __future__ import annotations

import ipywidgets as widgets
import torch

from hw5 import world as scene
from hw5.kit import seeding
from hw5.shapes import Images
from hw5.ui.live import Live, style
from hw5.world.factors import FACTORS, Factor, Factors

# Title of a tab -> its factors; those of no tab land in the last one.
TABS = {
    "Pose": ("yaw", "pitch", "roll", "zoom", "position_x", "position_y"),
    "Face": (
        "age", "face_width", "muzzle_length", "ear_length", "ear_spread", "eye_size",
        "eye_openness", "pupil_width", "eye_hue", "odd_eyes", "mouth", "whiskers",
    ),
    "Coat": (
        "coat_hue", "coat_saturation", "coat_brightness", "stripes", "bib", "points", "patches",
        "pattern", "fur_roughness",
    ),
    "Extras": ("glasses", "glasses_hue", "bow_tie", "bow_tie_hue", "hat", "hat_hue"),
    "Light": (
        "light_azimuth", "light_height", "light_warmth", "background", "background_hue",
        "background_saturation", "background_brightness",
    ),
    "Fixed": ("eye_distance", "nose_length"),
}  # fmt: skip
CHOICES = {
    "mouth": scene.MOUTHS,
    "background": scene.BACKGROUNDS,
    "odd_eyes": {"blue on the left": -1, "no": 0, "blue on the right": 1},
    **{name: {"no": 0, "yes": 1} for name in ("glasses", "bow_tie", "hat")},
}
DRAFT, SHARP = 64, 128  # pixels per side while a slider moves, and at rest
STEPS = 100  # of a slider, from end to end


class World(Live):
    """A cat and its factors."""

    def __init__(self, factors: Factors) -> None:
        """Show `factors`, one cat."""
        super().__init__(self._picture, refine=self._sharp)
        self.controls = {factor.name: control(factor) for factor in FACTORS}
        self._set(factors)
        self.watch(list(self.controls.values()), lambda: self.factors)
        tabs = widgets.Tab(layout=widgets.Layout(width="440px"))
        tabs.children = [self._page(names) for names in TABS.values()]
        tabs.titles = tuple(TABS)
        self.seed = widgets.BoundedIntText(0, 0, 999_999, description="seed")
        surprise = widgets.Button(description="Surprise me", icon="random")
        plain = widgets.Button(description="Neutral", icon="undo")
        surprise.on_click(lambda _: self.surprise())
        plain.on_click(lambda _: self.set(scene.neutral()))
        buttons = widgets.HBox([surprise, plain])
        right = widgets.VBox([tabs, buttons])
        self.children = (style(), widgets.HBox([self.pane, right]))
        self.show_now(self.factors)

    @property
    def factors(self) -> Factors:
        """The factors of the cat shown, a batch of one."""
        row = [float(self.controls[factor.name].value) for factor in FACTORS]
        return Factors(torch.tensor([row]))

    @factors.setter
    def factors(self, factors: Factors) -> None:
        """Move all sliders."""
        self.set(factors)

    def set(self, factors: Factors) -> None:
        """Move all sliders to `factors`, one cat."""
        self._set(factors)
        self.latest(self.factors)

    def surprise(self) -> None:
        """Move all sliders to the next random cat."""
        self.seed.value += 1
        self.set(scene.sample(1, distribution="scenes", rng=seeding.make(self.seed.value)))

    def _set(self, factors: Factors) -> None:
        for name, slider in self.controls.items():
            value = float(factors[name][0])
            slider.value = round(value) if name in CHOICES else value

    def _page(self, names: tuple[str, ...]) -> widgets.Widget:
        return widgets.VBox([self.controls[name] for name in names])

    def _picture(self, factors: Factors) -> Images:
        self.pane.caption(caption(factors))
        return scene.render(factors, size=DRAFT).image

    def _sharp(self, factors: Factors) -> Images:
        self.pane.caption(caption(factors))
        return scene.render(factors, size=SHARP).image


def control(factor: Factor) -> widgets.Widget:
    """The slider or menu of a factor; its tooltip says what the factor means."""
    name = factor.name.replace("_", " ")
    wide = {"description_width": "130px"}
    layout = widgets.Layout(width="400px")
    if factor.name in CHOICES:
        options = CHOICES[factor.name]
        if not isinstance(options, dict):
            options = {word: index for index, word in enumerate(options)}
        return widgets.Dropdown(
            options=list(options.items()), value=round(factor.neutral), description=name,
            tooltip=factor.meaning, style=wide, layout=layout,
        )  # fmt: skip
    unit = factor.unit if factor.unit != "share" else ""
    return widgets.FloatSlider(
        factor.neutral, min=factor.low, max=factor.high, step=(factor.high - factor.low) / STEPS,
        description=f"{name}, {unit}" if unit else name, tooltip=factor.meaning, style=wide,
        layout=layout, readout_format=".2f",
    )  # fmt: skip


def caption(factors: Factors) -> str:
    """A sentence about one cat, always worded alike."""
    return scene.caption(factors, rng=seeding.make(0))[0]


def world(factors: Factors | None = None) -> World:
    """Sliders over every factor of a cat that follows them; `.factors` are those shown.

    Args:
        factors: the cat to start with, a batch of one; None: the neutral cat.
    """
    return World(scene.neutral() if factors is None else factors)
