"""Training of every shipped weight: `python -m hw5 train NAME`. Resumable, on any device.

Offers `train`, `measure_curve`, `renew_stale`, and `asked` for the command lines. Start with
recipes.py. Training needs nothing beyond torch, torchvision, numpy and safetensors (and tomli on
Python 3.10), and nothing that a student writes: there, `python -m hw5.train NAME`.
"""

from __future__ import annotations

from pathlib import Path

from hw5.kit.checks import InputError, check_choice, check_number

MAX_SEED = 1_000_000


def train(
    name: str, *, hours: float, device: str, seed: int, compiled: bool = True,
    folder: Path = Path("runs/train"), pictures: Path | None = None, go_on: bool = False,
    ship_anyway: bool = False,
) -> int:  # fmt: skip
    """Train the weight called `name`, or go on where it stopped; ship it with its card.

    With `pictures`, a folder of one's own, the result stays in the run folder, and so does one that
    is worse than the shipped weight, unless it is to `ship_anyway`. With `go_on` a new run begins
    as the shipped weight.

    Raises:
        InputError: an unknown name, a weight it is trained on that is missing, no pictures, or
            `go_on` for a weight that is trained anew in minutes or grown from another, or for a run
            that began otherwise.
    """
    from hw5.train.encoder_recipes import check_takes_pictures
    from hw5.train.own_pictures import run_name
    from hw5.train.recipes import RECIPES, Job

    check_choice("train", name, tuple(RECIPES))
    if pictures is not None:
        check_takes_pictures(name)
    if go_on:
        check_choice("train --go-on", name, [key for key, each in RECIPES.items() if each.goes_on])
    place = folder / run_name(name, pictures)
    RECIPES[name].run(Job(hours, device, seed, place, compiled, pictures, go_on, ship_anyway))
    return 0


def measure_curve(name: str, *, folder: Path = Path("runs/train")) -> int:
    """Measure FID over pictures seen, from the snapshots of a run, and put it into the card.

    Raises:
        InputError: an unknown name, or a weight that has no such curve.
    """
    from hw5.train.recipes import RECIPES, Job

    check_choice("train", name, [key for key, recipe in RECIPES.items() if recipe.curve])
    RECIPES[name].curve(Job(hours=0.0, device="cpu", seed=0, folder=folder / name))
    return 0


def renew_stale(*, hours: float, device: str, compiled: bool = True) -> int:
    """List whatever was trained on a weight that has changed since, and train it again in order.

    A discriminator comes with its generator.
    """
    from hw5.train.cards import of_earlier_renderers, stale
    from hw5.train.recipes import RECIPES

    names, earlier = set(stale()), of_earlier_renderers()
    chosen = [name for name, recipe in RECIPES.items() if names & {name, *recipe.also}]
    print("\n".join(["stale, to be trained again in this order:", *chosen]) if chosen
          else "nothing is stale", flush=True)  # fmt: skip
    if earlier:
        print("pictures of an earlier renderer, not renewed for that:", *earlier, flush=True)
    for name in chosen:
        train(name, hours=hours, device=device, seed=0, compiled=compiled)
    return 0


def asked(
    name: str | None = None, *, hours: float = 3.0, device: str = "auto", seed: int = 0,
    compiled: bool = True, curve: bool = False, stale: bool = False, pictures: Path | None = None,
    go_on: bool = False, ship_anyway: bool = False,
) -> int:  # fmt: skip
    """What either command line asks for: `train`, `measure_curve` or `renew_stale`.

    Raises:
        InputError: neither a name nor `stale`, both, or options that do not go together.
    """
    check_number("--hours", hours, low=0)
    check_number("--seed", seed, low=0, high=MAX_SEED, whole=True)
    if stale == (name is not None):
        expected = "the name of a weight, or --stale"
        raise InputError.about("train", expected=expected, got="neither or both")
    for option, given, expected in (
        ("--go-on", go_on, "a weight to train"),
        ("--pictures", pictures is not None, "an encoder to train"),
        ("--ship-anyway", ship_anyway, "a weight to train"),
    ):
        if given and (stale or curve):
            hint = "leave --stale and --curve out"
            raise InputError.about(option, expected=expected, got="another job", hint=hint)
    if stale:
        return renew_stale(hours=hours, device=device, compiled=compiled)
    if curve:
        return measure_curve(name)
    return train(
        name, hours=hours, device=device, seed=seed, compiled=compiled, pictures=pictures,
        go_on=go_on, ship_anyway=ship_anyway,
    )  # fmt: skip
