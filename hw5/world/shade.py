"""The light on a cat: colour, coverage and part of the points where rays meet it.

Offers `Light`, `light` and `shade`. Sources of the light model: Lambert with wrap, hemispheric
ambient light, ambient occlusion by one sample along the normal (Evans 2006), Blinn highlights.
Read first: cat.py, coat.py. Read next: render.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.world import cat, coat, sdf
from hw5.world.cat import Distances, Geometry
from hw5.world.coat import Paint
from hw5.world.colour import Colour, mix
from hw5.world.factors import PARTS, Factors
from hw5.world.sdf import Point
from hw5.world.tracer import Shaded

_LIPS, _THROAT, _TONGUE = (0.12, 0.07, 0.07), (0.30, 0.08, 0.09), (0.86, 0.42, 0.44)
_GAMMA = 1.2
_OCCLUSION_REACH = 0.13  # head units along the normal


@dataclass(frozen=True)
class Light:
    """Key light: direction towards it, and its colour; all `(N, 1)`."""

    towards: Point
    colour: Colour


@dataclass(frozen=True)
class _Cover:
    """How much of each sample is eye, nose or accessory; what is left is fur."""

    eye: Tensor
    nose: Tensor
    accessory: Tensor

    def bare(self) -> Tensor:
        """Fur, if nothing is worn."""
        return (1.0 - self.eye) * (1.0 - self.nose)


def light(factors: Factors) -> Light:
    """The key light of each picture."""
    azimuth = torch.deg2rad(factors["light_azimuth"])[:, None]
    height = torch.deg2rad(factors["light_height"])[:, None]
    warm = factors["light_warmth"][:, None]
    flat = torch.cos(height)
    towards = (torch.sin(azimuth) * flat, torch.sin(height), torch.cos(azimuth) * flat)
    return Light(towards, (1.0 + 0.16 * warm, 1.0 + 0.02 * warm, 1.0 - 0.20 * warm))


def shade(p: Point, surface: Point, view: Point, g: Geometry, q: Paint, key: Light) -> Shaded:
    """What is seen at points `p` of the cat, with the unit normal and the direction of the ray."""
    d = cat.distances(p, g)
    skin = d.fur()
    head, body = cat.to_head(p, g), cat.to_body(p, g)
    cover = _Cover(
        eye=sdf.edge(d.eyes - skin, 0.010),
        nose=sdf.edge(d.nose - skin, 0.012),
        accessory=sdf.edge(d.accessory - torch.minimum(skin, d.eyes), 0.010),
    )
    on_ear = sdf.edge(d.ears - torch.minimum(d.head, d.body), 0.03)
    on_body = sdf.edge(d.body - torch.minimum(d.head, d.ears), 0.03)
    fur = coat.coat(head, body, on_ear, on_body, g, q)
    eye = coat.eye(head, fur, g, q)
    mouth = coat.mouth(head, g, q)
    line = mouth[0] * cover.bare() * (1.0 - on_body)
    opened, tongue = mouth[1] * cover.bare(), mouth[2] * cover.bare()
    albedo = mix(fur, _LIPS, 0.72 * line)
    albedo = mix(mix(albedo, _THROAT, opened), _TONGUE, tongue)
    albedo = mix(albedo, q.nose, cover.nose)
    albedo = mix(albedo, eye.colour, cover.eye)
    if g.worn:
        albedo = mix(albedo, coat.accessory(head, body, g, q), cover.accessory)
    furry = cover.bare() * (1.0 - cover.accessory)
    hair = q.rough * furry * coat.strands(head, q.pattern)
    wet = cover.eye * (1.0 - eye.lid)
    open_sky = _openness(p, surface, g)
    colour = _lit(albedo, surface, view, key, open_sky, wet, furry, hair)
    # tufts reach past the skin; hollows between them, hair < 0, must not open it to the background
    covered = sdf.edge(d.nearest() - 0.010 - 0.012 * hair.clamp(min=0.0), 0.016)
    return Shaded(colour, covered, _parts(d, skin, eye, torch.maximum(line, opened)))


def _openness(p: Point, n: Point, g: Geometry) -> Tensor:
    """How open the sky is, from how soon fur or eyes come near along the normal."""
    d = cat.distances(sdf.along(p, n, _OCCLUSION_REACH), g)
    return (0.42 + 0.58 * torch.minimum(d.fur(), d.eyes) / _OCCLUSION_REACH).clamp(0.0, 1.0)


def _lit(
    albedo: Colour, n: Point, view: Point, light: Light, open_sky: Tensor,
    wet: Tensor, furry: Tensor, hair: Tensor,
) -> Tensor:  # fmt: skip
    """Reflected light, gamma included, `(N, 3, P)` in [0, 1]."""
    facing = -sdf.dot(n, view)
    lambert = ((sdf.dot(n, light.towards) + 0.18) / 1.18).clamp(0.0, 1.0) * (1.0 + 0.25 * hair)
    ambient = (0.40 + 0.16 * n[1]) * open_sky
    half = sdf.normalise(*(to - v for to, v in zip(light.towards, view, strict=True)))
    shine = sdf.dot(n, half).clamp(0.0, 1.0)
    gloss = 0.95 * wet * shine**48 + 0.05 * (1.0 - wet) * shine**12
    rim = 0.14 * furry * (1.0 - facing.clamp(0.0, 1.0)) ** 3
    direct = 0.78 * lambert * (0.55 + 0.45 * open_sky)
    channels = [
        a * (ambient + direct * key) + gloss * key + rim
        for a, key in zip(albedo, light.colour, strict=True)
    ]
    return torch.stack(channels, dim=1).clamp(0.0, 1.0) ** (1.0 / _GAMMA)


def _parts(d: Distances, skin: Tensor, eye: coat.Eye, mouth: Tensor) -> Tensor:
    """Index of the part seen at each sample."""

    def put(mask: Tensor, name: str) -> None:
        nonlocal part
        part = torch.where(mask, PARTS.index(name), part)

    part = torch.full_like(skin, PARTS.index("head"), dtype=torch.uint8)
    put((d.ears < d.head) & (d.ears < d.body), "ears")
    put((d.body < d.head) & (d.body < d.ears), "body")
    put(mouth > 0.5, "mouth")
    put(d.nose < skin, "nose")
    in_eye = (d.eyes < skin) & (eye.lid < 0.5)
    put(in_eye, "eyes")
    put(in_eye & (eye.pupil > 0.5), "pupils")
    put(d.accessory < torch.minimum(torch.minimum(skin, d.eyes), d.nose), "accessory")
    return part
