"""The shape of a cat: factors -> geometry -> signed distances of its parts.

Units: the skull is about 1.2 wide; x to the viewer's right, y up, z towards the viewer, origin in
the middle of the head. The head turns on a body that follows it by a third.
Read next: coat.py (what colour each point has), render.py (the picture).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.world import sdf
from hw5.world.factors import Factors
from hw5.world.sdf import Point

_BODY_FOLLOWS = 0.35  # share of the head's yaw and roll that the shoulders take on
WORN = 0.5  # from here on an accessory is worn: sliders and readers give values between 0 and 1
_AWAY = 9.0  # distance added to an accessory that is not worn
ACCESSORIES = ("glasses", "bow_tie", "hat")


@dataclass(frozen=True)
class Geometry:
    """Per-picture numbers, each `(N, 1)`, that the distances are made of (radians, head units)."""

    yaw: Tensor
    pitch: Tensor
    roll: Tensor
    wide: Tensor
    cheek: Tensor
    kitten: Tensor
    muzzle_z: Tensor
    muzzle_y: Tensor
    jaw: Tensor
    ear_tip_x: Tensor
    ear_tip_y: Tensor
    ear_base_x: Tensor
    eye_x: Tensor
    eye_y: Tensor
    eye_r: Tensor
    nose_y: Tensor
    nose_r: Tensor
    glasses: Tensor
    bow_tie: Tensor
    hat: Tensor
    worn: tuple[str, ...]  # accessories that are computed at all


def worn(factors: Factors) -> tuple[str, ...]:
    """The accessories that some cat of the batch wears."""
    return tuple(name for name in ACCESSORIES if bool((factors[name] >= WORN).any()))


def geometry(factors: Factors, worn: tuple[str, ...]) -> Geometry:
    """Turn factors into the numbers that the distances need.

    `worn` lists the accessories to compute; leaving out those that nobody wears saves time.
    """
    f = {name: factors[name][:, None] for name in _USED}
    kitten = 1.0 - f["age"]
    open_mouth = (f["mouth"] - 1.0).clamp(0.0, 1.0)
    long_nose = f["nose_length"]
    return Geometry(
        yaw=torch.deg2rad(f["yaw"]),
        pitch=torch.deg2rad(f["pitch"]),
        roll=torch.deg2rad(f["roll"]),
        wide=0.60 + 0.07 * f["face_width"],
        cheek=0.24 + 0.05 * f["face_width"] + 0.02 * f["age"],
        kitten=kitten,
        muzzle_z=0.43 + 0.07 * f["muzzle_length"] + 0.05 * f["age"],
        muzzle_y=-0.20 - 0.05 * long_nose,
        jaw=0.06 * open_mouth,
        ear_tip_x=0.44 + 0.15 * f["ear_spread"],
        ear_tip_y=0.80 + 0.13 * f["ear_length"] - 0.04 * f["ear_spread"],
        ear_base_x=0.35 + 0.07 * f["ear_spread"],
        eye_x=0.235 + 0.05 * f["eye_distance"],
        eye_y=0.05 - 0.035 * kitten,
        eye_r=0.128 + 0.022 * kitten + 0.020 * f["eye_size"],
        nose_y=-0.105 - 0.07 * long_nose,
        nose_r=0.055 + 0.006 * f["age"],
        glasses=_AWAY * (f["glasses"] < WORN),
        bow_tie=_AWAY * (f["bow_tie"] < WORN),
        hat=_AWAY * (f["hat"] < WORN),
        worn=worn,
    )


_USED = (
    "yaw", "pitch", "roll", "face_width", "muzzle_length", "ear_length", "ear_spread", "age",
    "eye_size", "mouth", "eye_distance", "nose_length", "glasses", "bow_tie", "hat",
)  # fmt: skip


def to_head(p: Point, g: Geometry) -> Point:
    """World to head coordinates."""
    return sdf.rotate(p, g.yaw, g.pitch, g.roll)


def to_body(p: Point, g: Geometry) -> Point:
    """World to body coordinates."""
    return sdf.rotate(p, _BODY_FOLLOWS * g.yaw, torch.zeros_like(g.pitch), _BODY_FOLLOWS * g.roll)


@dataclass(frozen=True)
class Distances:
    """Signed distances `(N, P)` of the parts that meet with hard borders."""

    head: Tensor
    ears: Tensor
    body: Tensor
    eyes: Tensor
    nose: Tensor
    accessory: Tensor

    def fur(self) -> Tensor:
        """Head, ears and body melted into one skin."""
        skin = sdf.smooth_union(self.head, self.ears, 0.07)
        return sdf.smooth_union(skin, self.body, 0.14)

    def nearest(self) -> Tensor:
        """The whole cat."""
        hard = torch.minimum(torch.minimum(self.eyes, self.nose), self.accessory)
        return torch.minimum(self.fur(), hard)


def distances(p: Point, g: Geometry) -> Distances:
    """Distances of a world point from every part of the cat."""
    x, y, z = to_head(p, g)
    mirrored = (x.abs(), y, z)  # the face is symmetric: half the primitives do
    body_point = to_body(p, g)
    return Distances(
        head=_head(mirrored, g),
        ears=_ears(mirrored, g),
        body=_body(body_point, g),
        eyes=sdf.ellipsoid(mirrored, (g.eye_x, g.eye_y, 0.40), (g.eye_r, g.eye_r, 0.85 * g.eye_r)),
        nose=sdf.ellipsoid(
            mirrored, (0.0, g.nose_y, g.muzzle_z + 0.11), (g.nose_r, 0.7 * g.nose_r, 0.045)
        ),
        accessory=accessory_distances(mirrored, body_point, g).nearest(),
    )


def _head(p: Point, g: Geometry) -> Tensor:
    skull = sdf.ellipsoid(p, (0.0, 0.03, 0.0), (g.wide, 0.53 + 0.02 * g.kitten, 0.53))
    cheeks = sdf.ellipsoid(p, (0.31, -0.17, 0.15), (g.cheek + 0.03, 0.20, 0.26))
    pads = sdf.ellipsoid(p, (0.095, g.muzzle_y, g.muzzle_z), (0.13, 0.11, 0.14))
    chin = sdf.ellipsoid(
        p, (0.0, g.muzzle_y - 0.105 - g.jaw, g.muzzle_z - 0.05), (0.10, 0.08, 0.11)
    )
    bridge = sdf.ellipsoid(p, (0.0, g.nose_y + 0.09, g.muzzle_z - 0.01), (0.105, 0.19, 0.14))
    muzzle = sdf.smooth_union(sdf.smooth_union(pads, chin, 0.04), bridge, 0.08)
    return sdf.smooth_union(sdf.smooth_union(skull, cheeks, 0.13), muzzle, 0.06)


_EAR_FLAT = 0.42


def _ears(p: Point, g: Geometry) -> Tensor:
    """A cone squeezed front to back; scaling z makes it a bound, so the result is scaled back."""
    x, y, z = p
    squeezed = (x, y, z / _EAR_FLAT)
    base, tip = (g.ear_base_x, 0.34, -0.05), (g.ear_tip_x, g.ear_tip_y, -0.16)
    return _EAR_FLAT * sdf.round_cone(squeezed, base, tip, 0.215, 0.02)


def _body(p: Point, g: Geometry) -> Tensor:
    slim = 1.0 - 0.12 * g.kitten
    chest = sdf.ellipsoid(p, (0.0, -1.18, -0.22), (slim * (0.25 + 0.55 * g.wide), 0.74, 0.50))
    neck = sdf.ellipsoid(p, (0.0, -0.50, -0.10), (0.36 * slim, 0.36, 0.34))
    return sdf.smooth_union(chest, neck, 0.16)


_HAT_BASE, _HAT_TIP = (0.0, 0.50, 0.02), (0.0, 0.94, -0.02)
_POMPOM = (0.0, 0.97, -0.02)
_LENS_Z, _BOW_Y, _BOW_Z = 0.60, -0.60, 0.36


@dataclass(frozen=True)
class AccessoryDistances:
    """Distances `(N, P)` of each accessory; far away where it is not worn."""

    cone: Tensor
    pompom: Tensor
    glasses: Tensor
    bow_tie: Tensor

    def nearest(self) -> Tensor:
        """All accessories together."""
        hat = torch.minimum(self.cone, self.pompom)
        return torch.minimum(torch.minimum(self.glasses, self.bow_tie), hat)


def accessory_distances(head: Point, body: Point, g: Geometry) -> AccessoryDistances:
    """Distances from points in (mirrored) head and in body coordinates."""
    cone = pompom = glasses = bow_tie = torch.full_like(head[0], _AWAY)
    if "hat" in g.worn:
        cone = sdf.round_cone(head, _HAT_BASE, _HAT_TIP, 0.20, 0.02) + g.hat
        pompom = sdf.ellipsoid(head, _POMPOM, (0.065, 0.065, 0.065)) + g.hat
    if "glasses" in g.worn:
        glasses = _glasses(head, g) + g.glasses
    if "bow_tie" in g.worn:
        bow_tie = _bow(body) + g.bow_tie
    return AccessoryDistances(cone, pompom, glasses, bow_tie)


def _glasses(p: Point, g: Geometry) -> Tensor:
    rims = sdf.torus(p, (g.eye_x, g.eye_y, _LENS_Z), g.eye_r + 0.045, 0.022)
    edge_x = g.eye_x - g.eye_r - 0.045
    bridge = sdf.round_cone(
        p, (0.0, g.eye_y + 0.05, _LENS_Z + 0.02), (edge_x, g.eye_y + 0.03, _LENS_Z), 0.018, 0.018
    )
    outer = g.eye_x + g.eye_r + 0.045
    arm = sdf.round_cone(
        p, (outer, g.eye_y + 0.02, _LENS_Z), (g.wide + 0.02, g.eye_y + 0.06, 0.05), 0.016, 0.016
    )
    return torch.minimum(torch.minimum(rims, bridge), arm)


def _bow(p: Point) -> Tensor:
    x, y, z = p
    wing = sdf.round_cone(
        (x.abs(), y, z), (0.03, _BOW_Y, _BOW_Z), (0.22, _BOW_Y, _BOW_Z - 0.05), 0.045, 0.115
    )
    knot = sdf.ellipsoid(p, (0.0, _BOW_Y, _BOW_Z + 0.03), (0.055, 0.06, 0.06))
    return torch.minimum(wing, knot)
