"""`hw5 bench`: speed as ratios measured in one run.

Offers `bench`. The measurements are in hw5/bench/.
"""

from __future__ import annotations

from pathlib import Path

import tyro


def bench(name: tyro.conf.Positional[str | None] = None, *, json: Path | None = None) -> int:
    """Measure speed as ratios within one run, or quality.

    For example:
      python -m hw5 bench
      python -m hw5 bench slider --json build/slider.json

    Args:
        name: render, generator, slider or projection (all of these by default); slow and only when
            named: compiled (renderer), triplets and perceptual (feature networks),
            scribble (penalty), reader (noise floor of the ruler for edits), fid, inversion (the
            fastest against the starter's loop; hours), browser (key press to picture)
        json: file to write as well: flat names to numbers
    """
    from hw5 import bench as benches
    from hw5.kit import strict_json

    found: dict[str, float] = {}
    usual = [each for each in benches.BENCHES if each not in benches.ONLY_WHEN_NAMED]
    for chosen in [name] if name else usual:
        for key, value in benches.run(chosen).items():
            print(f"{key:50} {value:10.4g}", flush=True)
            found[key] = value
    if json:
        strict_json.write(json, found)
        print(f"wrote {json}")
    return 0
