"""What colour each point of a cat has: coat patterns, eyes, nose, mouth, accessories.

Patterns are functions of the point in head or body coordinates, so they turn with the cat. All of
them are unchanged when x and the `pattern` factor change sign together: mirrored cats mirror.
Read next: render.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.world import cat, sdf
from hw5.world.colour import Colour, grey, hsv, mix, scale, step
from hw5.world.factors import Factors
from hw5.world.sdf import Point

_WHITE, _PINK, _DARK_POINT = (0.96, 0.94, 0.91), (0.90, 0.56, 0.56), (0.24, 0.17, 0.13)


@dataclass(frozen=True)
class Paint:
    """Per-picture colours and strengths, each `(N, 1)`, read from the factors once."""

    coat: Colour
    patch: Colour
    nose: Colour
    iris: Colour
    odd: Tensor
    stripes: Tensor
    bib: Tensor
    points: Tensor
    patches: Tensor
    pattern: Tensor
    rough: Tensor
    open_eye: Tensor
    pupil: Tensor
    smile: Tensor
    open_mouth: Tensor
    glasses: Colour
    bow_tie: Colour
    hat: Colour


def paint(factors: Factors) -> Paint:
    """Read colours and strengths off the factors."""
    f = {name: factors[name][:, None] for name in _USED}
    brightness = f["coat_brightness"]
    coat = hsv(f["coat_hue"], f["coat_saturation"], brightness)
    ginger, dark = grey(brightness, (0.84, 0.46, 0.17)), grey(brightness, (0.17, 0.13, 0.11))
    pale = step(brightness - 0.48, 0.2) * (1.0 - 0.75 * f["points"])
    return Paint(
        coat=coat,
        patch=mix(ginger, dark, step(brightness - 0.45, 0.1)),
        nose=mix(grey(brightness, (0.20, 0.14, 0.13)), (0.88, 0.50, 0.50), pale),
        iris=hsv(f["eye_hue"], 0.78, torch.full_like(brightness, 0.92)),
        odd=f["odd_eyes"].sign() * (f["odd_eyes"].abs() >= 0.5),  # no eye is half blue
        stripes=f["stripes"],
        bib=f["bib"],
        points=f["points"],
        patches=f["patches"],
        pattern=f["pattern"],
        rough=f["fur_roughness"],
        open_eye=f["eye_openness"],
        pupil=f["pupil_width"],
        smile=f["mouth"].clamp(0.0, 1.0),
        open_mouth=(f["mouth"] - 1.0).clamp(0.0, 1.0),
        glasses=hsv(f["glasses_hue"], 0.75, torch.full_like(brightness, 0.42)),
        bow_tie=hsv(f["bow_tie_hue"], 0.78, torch.full_like(brightness, 0.82)),
        hat=hsv(f["hat_hue"], 0.70, torch.full_like(brightness, 0.88)),
    )


_USED = (
    "coat_hue", "coat_saturation", "coat_brightness", "stripes", "bib", "points", "patches",
    "pattern", "fur_roughness", "eye_hue", "odd_eyes", "eye_openness", "pupil_width", "mouth",
    "glasses_hue", "bow_tie_hue", "hat_hue",
)  # fmt: skip


def strands(p: Point, pattern: Tensor) -> Tensor:
    """Fine hair, roughly in [-1, 1]: two crossed wavy gratings."""
    x, y, z = p[0].abs(), p[1], p[2]
    shift = 9.0 * pattern.abs()
    a = torch.cos(43.0 * x + 3.0 * torch.cos(17.0 * y + 7.0 * z + shift))
    b = torch.cos(37.0 * (y + 0.6 * z) + 3.0 * torch.cos(19.0 * x) + shift)
    return 0.5 * (a + b)


def _wander(p: Point, pattern: Tensor) -> Tensor:
    """Slow variation in [-1, 1] that bends stripes."""
    x, y, z = p
    slow = torch.cos(5.0 * y + 3.0 * z + 6.0 * pattern.abs())
    return 0.6 * slow + 0.4 * torch.cos(6.0 * x + 4.0 * pattern)


def _stripes(head: Point, body: Point, on_body: Tensor, q: Paint) -> Tensor:
    """Tabby stripes: an M on the forehead, bars on the cheeks, bands round the body."""
    x, y, z = head
    side, bend = x.abs(), _wander(head, q.pattern)
    forehead = step(torch.cos(27.0 * side + 0.8 * bend) - 0.15, 0.9) * step(y - 0.24, 0.12)
    cheeks = step(torch.cos(19.0 * (0.8 * y - 0.5 * side) + 1.3 * bend) - 0.1, 0.9)
    cheeks = cheeks * step(side - 0.27, 0.12) * step(0.26 - y, 0.1) * step(0.42 - z, 0.2)
    flank, height = body[0].abs(), body[1]
    bands = step(torch.cos(17.0 * (height + 0.35 * flank) + 1.6 * bend) - 0.05, 0.9)
    bands = bands * step(flank - 0.10 + 0.1 * bend, 0.15)
    return torch.maximum(forehead, cheeks) * (1.0 - on_body) + bands * on_body


def _bib(head: Point, body: Point, on_body: Tensor, g: cat.Geometry) -> Tensor:
    """White muzzle, chin, blaze between the eyes, and chest."""
    x, y, z = head
    side = x.abs()
    muzzle = step(0.02 - (y + 0.17) - 0.45 * side, 0.08) * step(z - 0.24, 0.14)
    blaze = step(0.055 - side - 0.10 * (y - 0.1), 0.05) * step(0.34 - y, 0.2) * step(z - 0.2, 0.1)
    chest = step(0.30 - body[0].abs() + 0.25 * (body[1] + 0.6), 0.12) * step(body[2], 0.15)
    return torch.maximum(muzzle, blaze) * (1.0 - on_body) + chest * on_body


def _points(head: Point, on_ear: Tensor, on_body: Tensor) -> Tensor:
    """The dark mask and ears of a Siamese."""
    x, y, z = head
    mask = step(0.36 - torch.sqrt(x * x + 0.6 * (y + 0.08) ** 2), 0.26) * step(z - 0.28, 0.2)
    return torch.maximum(mask, on_ear) * (1.0 - on_body)


def _patches(p: Point, pattern: Tensor) -> Tensor:
    """Large blotches that fall differently for every value of `pattern`."""
    x, y, z = p
    across = torch.cos((4.4 + 1.5 * torch.cos(3.4 * y)) * x + 5.0 * pattern)
    up = torch.cos(3.6 * y + 4.0 * pattern.abs() + 1.2 * torch.cos(4.0 * z))
    return step(across + up - 0.35, 0.35)


def _inner_ear(p: Point, g: cat.Geometry) -> Tensor:
    """The pink shell: a smaller triangle on the front of the ear."""
    x, y, z = p[0].abs(), p[1], p[2]
    ax, ay = g.ear_tip_x - g.ear_base_x, g.ear_tip_y - 0.34
    px, py = x - g.ear_base_x, y - 0.34
    h = (px * ax + py * ay) / (ax * ax + ay * ay)
    lateral = (px * ay - py * ax).abs() / torch.sqrt(ax * ax + ay * ay)
    inside = step(0.62 * (0.215 - 0.195 * h) - lateral, 0.05)
    return inside * step(h - 0.10, 0.12) * step(0.86 - h, 0.1) * step(z + 0.05 + 0.11 * h, 0.05)


def coat(
    head: Point, body: Point, on_ear: Tensor, on_body: Tensor, g: cat.Geometry, q: Paint
) -> Colour:
    """Colour of the fur at points given in head and in body coordinates."""
    here = tuple(h + (b - h) * on_body for h, b in zip(head, body, strict=True))
    fur = tuple(channel + torch.zeros_like(on_ear) for channel in q.coat)
    fur = mix(fur, q.patch, q.patches * _patches(here, q.pattern))
    fur = scale(fur, 1.0 - 0.60 * q.stripes * _stripes(head, body, on_body, q))
    pale = mix(fur, (0.92, 0.85, 0.74), 0.85 * q.points)
    fur = mix(pale, _DARK_POINT, 0.92 * q.points * _points(head, on_ear, on_body))
    fur = mix(fur, _WHITE, q.bib * _bib(head, body, on_body, g))
    pink = mix(fur, _PINK, torch.full_like(on_ear, 0.75))
    fur = mix(fur, pink, on_ear * _inner_ear(head, g))
    return scale(fur, 1.0 + 0.09 * q.rough * strands(here, q.pattern))


@dataclass(frozen=True)
class Eye:
    """Eye colour and masks at points of the eyeballs."""

    colour: Colour
    lid: Tensor
    pupil: Tensor


def eye(head: Point, fur: Colour, g: cat.Geometry, q: Paint) -> Eye:
    """Iris, slit pupil and eyelids, painted on the eyeball as seen from the front of the head."""
    dx, dy = (head[0].abs() - g.eye_x) / g.eye_r, (head[1] - g.eye_y) / g.eye_r
    radius = torch.sqrt(dx * dx + dy * dy + 1e-9)
    width = 0.10 + 0.50 * q.pupil
    pupil = step(1.0 - torch.sqrt((dx / width) ** 2 + (dy / 0.66) ** 2 + 1e-9), 0.25)
    blue = step(head[0] * q.odd - 0.02, 0.02)
    iris = mix(tuple(c + torch.zeros_like(dx) for c in q.iris), (0.30, 0.62, 0.95), blue)
    iris = scale(iris, 0.55 + 0.45 * step(0.9 - radius, 0.9) - 0.25 * step(dy - 0.35, 0.6))
    ball = mix(iris, (0.03, 0.03, 0.04), pupil)
    ball = mix(ball, (0.07, 0.05, 0.05), step(radius - 0.90, 0.14))
    arc = torch.sqrt((1.0 - (0.94 * dx) ** 2).clamp(min=0.0) + 1e-6)
    top = (-0.30 + 1.28 * q.open_eye) * arc
    bottom = -(0.34 + 0.60 * q.open_eye) * arc
    outside = torch.maximum(dy - top, bottom - dy)
    lid = step(outside, 0.10)
    rim = step(0.13 - (dy - top.maximum(bottom)).abs(), 0.10) * step(0.97 - radius, 0.1)
    skin = mix(scale(fur, 0.86), (0.08, 0.06, 0.06), 0.85 * rim)
    return Eye(mix(ball, skin, torch.maximum(lid, rim)), torch.maximum(lid, rim), pupil * (1 - lid))


def mouth(head: Point, g: cat.Geometry, q: Paint) -> tuple[Tensor, Tensor, Tensor]:
    """Masks of the mouth line, of the open mouth and of the tongue, on the front of the muzzle."""
    x, y, z = head
    side, front = x.abs(), step(z - g.muzzle_z + 0.02, 0.06)
    y = y - g.muzzle_y
    reach = 0.135 + 0.05 * q.smile
    along = (side / reach).clamp(0.0, 1.0)
    curve = -0.075 - 0.045 * torch.sin(torch.pi * along) + (0.03 + 0.075 * q.smile) * along**2
    line = step(0.017 - (y - curve).abs(), 0.020) * step(reach - side, 0.03)
    groove = step(0.013 - side, 0.016) * step(y + 0.085, 0.02) * step(0.06 - y, 0.03)
    drop = 0.045 + 0.75 * g.jaw
    hole = torch.sqrt((x / 0.085) ** 2 + ((y + 0.085 + drop) / drop) ** 2 + 1e-9)
    opened = step(1.0 - hole, 0.2) * q.open_mouth * front
    tongue = opened * step(0.8 - torch.sqrt((x / 0.06) ** 2 + ((y + 0.12 + drop) / drop) ** 2), 0.2)
    return torch.maximum(line, groove) * front, opened, tongue


def accessory(head: Point, body: Point, g: cat.Geometry, q: Paint) -> Colour:
    """Colour of whichever accessory is nearest."""
    parts = cat.accessory_distances((head[0].abs(), head[1], head[2]), body, g)
    bands = step(torch.cos(34.0 * (head[1] + 0.4 * head[0].abs())) - 0.2, 0.5)
    hat = mix(tuple(c + torch.zeros_like(bands) for c in q.hat), _WHITE, 0.85 * bands)
    hat = mix(hat, _WHITE, step(parts.cone - parts.pompom, 0.02))
    bow = tuple(c * (1.0 - 0.35 * step(0.055 - body[0].abs(), 0.02)) for c in q.bow_tie)
    worn = mix(hat, bow, sdf.edge(parts.bow_tie - torch.minimum(parts.cone, parts.pompom), 0.02))
    others = torch.minimum(parts.bow_tie, torch.minimum(parts.cone, parts.pompom))
    return mix(worn, q.glasses, sdf.edge(parts.glasses - others, 0.02))
