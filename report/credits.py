"""What the page is made with: networks, pictures and programs, with their licences.

Offers `table`. Who helped is for the student to say, in text/*.md.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from hw5 import zoo
from report import markup

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "scikit-image", "scikit-learn",
            "torchmetrics", "lpips")  # fmt: skip
PACKAGED = ("efficientnet-lite0",)  # weights inside a Python package
# What comes from others and is no network.
GIVEN = (
    ("chelsea", "photograph of a cat by Stéfan van der Walt, in scikit-image", "CC0"),
    (
        "quoted times",
        "student report “GAN Photo Editing”, M. Rodriguez Ladrón de Guevara",
        "quoted",
    ),
)


def table() -> str:
    """A table of everything that went into the page."""
    entries = [zoo.describe(name) for name in zoo.names()]
    rows = [[e.name, e.what, e.licence] for e in entries if e.file or e.name in PACKAGED]
    rows += [[name, what, licence] for name, what, licence in GIVEN]
    rows.append(["programs", programs(), "each its own"])
    return markup.table(
        "credits-table", "What this page is made with.", ["", "what", "licence"], rows
    )


def programs() -> str:
    """Python and the packages that computed something, with their versions."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name).split('+')[0]}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
