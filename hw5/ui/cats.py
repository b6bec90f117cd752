"""The world under your hands: a slider for every factor of a cat, a head that follows the mouse.

Offers `world`. The cat follows the sliders; factors.py says what each one means. Read first:
live.py; read next: poses.py, which makes it follow in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets
import torch

from hw5 import world as scene
from hw5.kit import seeding
from hw5.kit.checks import check_number
from hw5.shapes import Images
from hw5.ui.live import Live, Pane, row, style
from hw5.ui.pointer import Pointer
from hw5.ui.poses import Poses
from hw5.world.factors import BY_NAME, FACTORS, Factor, Factors

# Title of a tab -> its factors.
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
FIXED = (
    "The same in every training picture: no generator trained on this world has ever seen them "
    "move. Here you can move them."
)
CHOICES = {
    "mouth": {word: index for index, word in enumerate(scene.MOUTHS)},
    "background": {word: index for index, word in enumerate(scene.BACKGROUNDS)},
    "odd_eyes": {"blue on the left": -1, "no": 0, "blue on the right": 1},
    **{name: {"no": 0, "yes": 1} for name in ("glasses", "bow_tie", "hat")},
}
SIDE = 384  # pixels of the screen: three for each pixel of a sharp picture
DRAFT, SHARP = 64, 128  # pixels per side while something moves, and at rest
STEPS = 100  # of a slider, from end to end
UNITS = {"degrees": "°"}  # the others are shares, and need none


@dataclass(frozen=True)
class Wish:
    """A cat to be shown."""

    factors: Factors
    is_followed: bool = False  # the mouse asks: a pose nearby will do while it moves


class World(Live):
    """A cat and its factors."""

    def __init__(self, factors: Factors) -> None:
        """Show `factors`, one cat."""
        self.pointer = Pointer()
        super().__init__(
            self._draft,
            refine=self._sharp,
            idle=self._prepare,
            pane=Pane(side=SIDE, over=self.pointer),
        )
        self.controls = {factor.name: control(factor) for factor in FACTORS}
        self._poses, self._is_quiet, self._seed = Poses(DRAFT), False, 0
        self._move(factors)
        for each in self.controls.values():
            each.observe(lambda _: self._is_quiet or self.latest(Wish(self.factors)), "value")
        self.pointer.observe(lambda change: self.look(*change["new"]), "at")
        self.children = (style(), row(self.pane, self._desk()))
        self.show_now(Wish(self.factors))

    @property
    def factors(self) -> Factors:
        """The factors of the cat shown, a batch of one."""
        row = [float(self.controls[factor.name].value) for factor in FACTORS]
        return Factors(torch.tensor([row]))

    @factors.setter
    def factors(self, factors: Factors) -> None:
        """Move all sliders."""
        self._move(factors)
        self.latest(Wish(self.factors))

    def look(self, x: float, y: float) -> None:
        """Turn the head towards a place on the picture, x and y from -1 to 1, y down."""
        self._move(
            self.factors.replace(yaw=x * BY_NAME["yaw"].high, pitch=y * BY_NAME["pitch"].high)
        )
        self.latest(Wish(self.factors, is_followed=True))

    def surprise(self) -> None:
        """Show the next random cat."""
        self._seed += 1
        self.factors = scene.sample(1, distribution="scenes", rng=seeding.make(self._seed))

    def _desk(self) -> widgets.Widget:
        """Tabs of sliders and the buttons below them."""
        tabs = widgets.Tab([self._page(title) for title in TABS], titles=tuple(TABS))
        tabs.layout.width = "470px"
        tabs.add_class("hw5-factors")
        surprise = widgets.Button(
            description="Surprise me", icon="random", tooltip="another cat, all factors drawn anew"
        )
        plain = widgets.Button(description="Neutral cat", icon="undo", tooltip="all sliders back")
        follow = widgets.ToggleButton(
            True, description="Follow mouse", icon="mouse-pointer",
            tooltip="turn the head towards the mouse while it is over the picture",
        )  # fmt: skip
        surprise.on_click(lambda _: self.surprise())
        plain.on_click(lambda _: setattr(self, "factors", scene.neutral()))
        follow.observe(lambda change: setattr(self.pointer, "is_on", change["new"]), "value")
        return widgets.VBox([tabs, widgets.HBox([follow, surprise, plain])])

    def _page(self, title: str) -> widgets.Widget:
        hint = [widgets.HTML(f'<span class="hw5-hint">{FIXED}</span>')] * (title == "Fixed")
        return widgets.VBox([*hint, *(self.controls[name] for name in TABS[title])])

    def _move(self, factors: Factors) -> None:
        """Set all sliders without a picture for each."""
        check_number("the number of cats", len(factors), low=1, high=1, whole=True)
        self._is_quiet = True
        try:
            for name, each in self.controls.items():
                value = float(factors[name][0])
                each.value = round(value) if name in CHOICES else value
        finally:
            self._is_quiet = False

    def _draft(self, wish: Wish) -> Images:
        self.pane.caption(caption(wish.factors))
        known = self._poses.picture(wish.factors) if wish.is_followed else None
        return scene.render(wish.factors, size=DRAFT).image if known is None else known

    def _sharp(self, wish: Wish) -> Images:
        self.pane.caption(caption(wish.factors))
        return scene.render(wish.factors, size=SHARP).image

    @torch.no_grad()
    def _prepare(self) -> bool:
        return self._poses.fill()


def control(factor: Factor) -> widgets.Widget:
    """The slider or menu of a factor; its tooltip says what the factor means."""
    name = factor.name.replace("_", " ")
    shared = {
        "tooltip": factor.meaning, "style": {"description_width": "150px"},
        "layout": widgets.Layout(width="430px"),
    }  # fmt: skip
    if factor.name in CHOICES:
        options = list(CHOICES[factor.name].items())
        return widgets.Dropdown(
            options=options, value=round(factor.neutral), description=name, **shared
        )
    wide = factor.high - factor.low > 10
    return widgets.FloatSlider(
        factor.neutral, min=factor.low, max=factor.high, step=(factor.high - factor.low) / STEPS,
        description=f"{name} {UNITS.get(factor.unit, '')}".strip(),
        readout_format=".0f" if wide else ".2f", **shared,
    )  # fmt: skip


def caption(factors: Factors) -> str:
    """A sentence about one cat, always worded alike."""
    return scene.caption(factors, rng=seeding.make(0))[0].capitalize() + "."


def world(factors: Factors | None = None) -> World:
    """Sliders over every factor of a cat that follows them, and the mouse; `.factors` are shown.

    Args:
        factors: the cat to start with, a batch of one; None: the neutral cat.

    Raises:
        InputError: more than one cat.
    """
    return World(scene.neutral() if factors is None else factors)
