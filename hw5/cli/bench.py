"""`hw5 bench`: speed as ratios measured in one run.

Offers `bench`. The measurements are in hw5/bench/.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tyro

PAGES = ("cost", "fastest")  # what has charts


def bench(
    name: tyro.conf.Positional[str | None] = None,
    *,
    json: Path | None = None,
    page: Path | None = None,
    device: str = "cpu",
) -> int:
    """Measure speed as ratios within one run, or quality.

    For example:
      python -m hw5 bench
      python -m hw5 bench slider --json build/slider.json
      python -m hw5 bench fastest --page fastest.html
      python -m hw5 bench official --device cuda

    Args:
        name: render, generator, slider or projection (all of these by default); slow and only when
            named: compiled (renderer), cost (of an evaluation, by batch and size), triplets and
            perceptual (feature networks), scribble (penalty), reader (noise floor of the ruler for
            edits), world-reader (its card's figures anew), fid, fastest (what each part of the
            fastest search is worth; 3 minutes), inversion (the fastest against the starter's loop;
            20 minutes, and cut short it goes on), browser (from a key press to the picture),
            official (projections with generators of the published sizes)
        json: file to write as well: flat names to numbers
        page: file for the charts of cost and of fastest, which have some
        device: cpu, auto (an accelerator if there is one), or a name that torch knows; only for
            official
    """
    from hw5 import bench as benches
    from hw5.kit import devices, strict_json
    from hw5.kit.checks import InputError, check_choice

    if name:
        check_choice("bench", name, tuple(benches.BENCHES))
    if page and name not in PAGES:
        expected = " or ".join(f"bench {each}" for each in PAGES)
        got = f"bench {name or ''}".strip()
        raise InputError.about("--page", expected=expected, got=got)
    place = devices.pick(device)
    print(f"on {devices.name_of(place)}", flush=True)
    found: dict[str, float] = {}
    usual = [each for each in benches.BENCHES if each not in benches.ONLY_WHEN_NAMED]
    for chosen in [name] if name else usual:
        for key, value in benches.run(chosen, place).items():
            print(f"{key:50} {value:10.4g}", flush=True)
            found[key] = value
    if json:
        strict_json.write(json, found)
        print(f"wrote {json}")
    if page:
        print(f"wrote {write_page(name, page, found)}")
    return 0


def write_page(name: str, page: Path, found: Mapping[str, float]) -> Path:
    """Write the charts of the bench called `name`, out of what it found; return the page's path."""
    from hw5.cli.cost_page import write_cost
    from hw5.cli.fastest_page import write_fastest

    return {"cost": write_cost, "fastest": write_fastest}[name](page, found)
