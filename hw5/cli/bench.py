"""`hw5 bench`: speed as ratios measured in one run.

Offers `bench`. The measurements are in hw5/bench/.
"""

from __future__ import annotations

from pathlib import Path

import tyro


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
      python -m hw5 bench official --device cuda

    Args:
        name: render, generator, slider or projection (all of these by default); slow and only when
            named: compiled (renderer), cost (of an evaluation, by batch and size), triplets and
            perceptual (feature networks), scribble (penalty), reader (noise floor of the ruler for
            edits), world-reader (its card's figures anew), fid, inversion (the fastest against the
            starter's loop; hours), browser (from a key press to the picture), official (projections
            with generators of the published sizes)
        json: file to write as well: flat names to numbers
        page: file for the charts of cost, which has some
        device: cpu, auto (an accelerator if there is one), or a name that torch knows; only for
            official
    """
    from hw5 import bench as benches
    from hw5.kit import devices, strict_json
    from hw5.kit.checks import InputError, check_choice

    if name:
        check_choice("bench", name, tuple(benches.BENCHES))
    if page and name != "cost":
        raise InputError.about("--page", expected="bench cost", got=f"bench {name or ''}".strip())
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
        from hw5.cli.cost_page import write_cost

        print(f"wrote {write_cost(page, found)}")
    return 0
