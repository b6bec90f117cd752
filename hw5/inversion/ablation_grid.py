"""What an ablation tries: a grid of frozen settings, as cells that can be told apart by a key.

The default is that of the student report "GAN Photo Editing" (Rodriguez Ladron de Guevara): layers
of the perceptual loss, its weight against the pixels', the space and the number of codes averaged
for the start, the optimiser; one of them varied at a time. Offers `Grid`, `Cell`, `cells_of`,
`batches_of` and `key_of`. Nothing here needs torch. Read next: ablation.py, which runs the cells.
"""

from __future__ import annotations

import hashlib
import json
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import product

STUDIES = ("layers", "weights", "space and start", "optimiser")
DESIGNS = ("studies", "product")
LBFGS_RATE = 1.0  # config.py says why


@dataclass(frozen=True)
class Grid:
    """What is varied, and what stays. The base of every study is the first of each axis."""

    # pictures to project: chelsea, generated, train, test, or files (report: two photographs)
    pictures: tuple[str, ...] = ("test", "chelsea")
    # feature layers, FIRST-LAST, both included, in the names of VGG-19 or of the network used;
    # report. The report's choice comes first
    layers: tuple[str, ...] = (
        "conv_1_1-conv_3_1",
        "conv_1_1-conv_1_2",
        "conv_2_1-conv_3_2",
    )
    # weights of the perceptual loss; the pixels get 1 minus it; report, its choice first
    perceptual: tuple[float, ...] = (0.7, 0.0, 0.3, 0.5, 1.0)
    # latent spaces of the generator; report (its z is another generator's: see dcgan)
    spaces: tuple[str, ...] = ("w+", "w", "z")
    # random codes averaged for the start: 10 and one code (0) in the report, 10,000 in the starter
    means: tuple[int, ...] = (10, 0, 10_000)
    # optimisers; report
    optimisers: tuple[str, ...] = ("adam", "lbfgs")
    # "studies": one axis at a time, as in the report; "product": every combination (hours)
    design: str = "studies"
    # weight of the perceptual loss while layers are compared; report
    layers_perceptual: float = 0.5
    # weight of the mean squared entry of delta; report
    penalty: float = 0.1
    # pixel loss, "l1" or "l2"; report
    norm: str = "l2"
    # pictures rendered and scored for each cell; report: 1000 iterations
    evaluations: int = 1000
    # step size of Adam; report. L-BFGS takes steps of 1, which its line search corrects
    learning_rate: float = 0.003
    # where the start codes come from
    seed: int = 0
    # bundled generator with the spaces above
    generator: str = "stylegan2"
    # bundled generator with z only, compared as a further space as in the report; "" for none
    dcgan: str = "dcgan"
    # feature network: vgg19, vgg16, alexnet or squeezenet, each to be fetched first,
    # efficientnet-lite0; "" for the bundled world-features
    features: str = ""
    # cells that share a batch, where they differ in start and weights only; 1: times of cells
    # compare best (ours)
    batch_size: int = 8

    @classmethod
    def quick(cls) -> Grid:
        """One picture and few steps, at ADA's rate instead of the report's so that they get on."""
        return cls(
            pictures=("test",), perceptual=(0.7, 0.0, 1.0), means=(10, 10_000),
            evaluations=30, learning_rate=0.1,
        )  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        from hw5.config import NORMS, OPTIMISERS, SPACES
        from hw5.kit.checks import InputError, check_choice, check_number

        check_choice("design", self.design, DESIGNS)
        check_choice("norm", self.norm, NORMS)
        for name in ("pictures", "layers", "perceptual", "spaces", "means", "optimisers"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise InputError.about(name, expected="one value or more, each once", got=values)
        for name, known in (("spaces", SPACES), ("optimisers", OPTIMISERS)):
            for value in getattr(self, name):
                check_choice(name, value, known)
        for weight in (*self.perceptual, self.layers_perceptual):
            check_number("perceptual", weight, low=0, high=1)
        for name, values in (("means", self.means), ("seed", (self.seed,))):
            for value in values:
                check_number(name, value, low=0, whole=True)
        check_number("penalty", self.penalty, low=0)
        check_number("learning_rate", self.learning_rate, low=1e-12)
        check_number("evaluations", self.evaluations, low=1, whole=True)
        check_number("batch_size", self.batch_size, low=1, whole=True)


@dataclass(frozen=True)
class Cell:
    """One projection: all settings that its outcome depends on."""

    picture: str
    generator: str
    space: str
    num_mean: int
    layers: str
    perceptual: float
    optimiser: str
    penalty: float
    norm: str
    evaluations: int
    learning_rate: float
    seed: int
    features: str = ""

    @property
    def label(self) -> str:
        """The cell in a few words."""
        start = "one code" if self.num_mean == 0 else f"mean of {self.num_mean:,}"
        looks = f"{self.layers}, perceptual {self.perceptual:g}" if self.perceptual else "pixels"
        return f"{self.generator} {self.space}, {start}, {looks}, {self.optimiser}"


def studies_of(grid: Grid) -> dict[str, tuple[Cell, ...]]:
    """Study -> its cells, of all pictures; the base cell is in several studies.

    With the design "product" there is one study, "product".
    """
    found: dict[str, list[Cell]] = {}
    for picture in grid.pictures:
        for study, cells in _studies(grid, picture).items():
            found.setdefault(study, []).extend(dict.fromkeys(cells))
    return {study: tuple(cells) for study, cells in found.items()}


def cells_of(grid: Grid) -> tuple[Cell, ...]:
    """Every cell once, in the order of the studies."""
    return tuple(dict.fromkeys(cell for cells in studies_of(grid).values() for cell in cells))


def batches_of(cells: Iterable[Cell], batch_size: int) -> list[tuple[Cell, ...]]:
    """Cells that may be searched side by side, at most `batch_size` together.

    Adam works on each number alone, so cells that differ in start and loss weights only share a
    batch without touching each other. A line search of L-BFGS belongs to one cell.
    """
    groups: dict[object, list[Cell]] = {}
    for cell in cells:
        common = replace(cell, num_mean=0, perceptual=0.0, penalty=0.0)
        alone = cell if cell.optimiser == "lbfgs" else None
        groups.setdefault((common, alone), []).append(cell)
    return [
        tuple(group[i : i + batch_size])
        for group in groups.values()
        for i in range(0, len(group), batch_size)
    ]


def key_of(cell: Cell, digests: Mapping[str, str]) -> str:
    """A name for the cell's record: 16 hex digits of its settings and of what they refer to.

    Args:
        cell: the settings.
        digests: of the picture's pixels and the networks' weights: another picture under the same
            name, or a generator trained anew, is another cell.
    """
    text = json.dumps({**asdict(cell), "digests": dict(digests)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def overridden(grid: Grid, base: Grid) -> Grid:
    """`base` with what `grid` sets otherwise than by default."""
    usual = Grid()
    changed = {
        field.name: getattr(grid, field.name)
        for field in fields(Grid)
        if getattr(grid, field.name) != getattr(usual, field.name)
    }
    return replace(base, **changed)


def _studies(grid: Grid, picture: str) -> dict[str, list[Cell]]:
    """Study -> cells of one picture."""
    same = {name: getattr(grid, name) for name in ("penalty", "norm", "evaluations", "seed")}
    base = Cell(
        picture=picture, generator=grid.generator, space=grid.spaces[0], num_mean=grid.means[0],
        layers=grid.layers[0], perceptual=grid.perceptual[0], optimiser=grid.optimisers[0],
        learning_rate=grid.learning_rate, features=grid.features, **same,
    )  # fmt: skip
    axes = {
        "layers": [{"layers": layers} for layers in grid.layers],
        "weights": [{"perceptual": weight} for weight in grid.perceptual],
        "space and start": [
            {**place, "num_mean": mean} for place in _places(grid) for mean in grid.means
        ],
        "optimiser": [{"optimiser": optimiser} for optimiser in grid.optimisers],
    }
    if grid.design == "product":
        combinations = product(*axes.values())
        axes = {"product": [dict(ChainMap(*changes)) for changes in combinations]}
    else:
        axes["layers"] = [{**a, "perceptual": grid.layers_perceptual} for a in axes["layers"]]
    return {
        study: [_settled(replace(base, **change), grid) for change in changes]
        for study, changes in axes.items()
    }


def _places(grid: Grid) -> list[dict[str, str]]:
    """Generator and space of each space; the generator with z only comes last."""
    places = [{"generator": grid.generator, "space": space} for space in grid.spaces]
    extra = [{"generator": grid.dcgan, "space": "z"}] if grid.dcgan and "z" in grid.spaces else []
    return places + extra


def _settled(cell: Cell, grid: Grid) -> Cell:
    """The cell with its optimiser's rate, and without layers where no loss looks at them."""
    rate = grid.learning_rate if cell.optimiser == "adam" else LBFGS_RATE
    return replace(cell, learning_rate=rate, layers=cell.layers if cell.perceptual else "")
