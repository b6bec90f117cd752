"""The ruler for every edit: which factors of the cat changed, by how much, and should they have?

Offers `what_changed`, which compares pictures before and after an edit through a reader, and its
answer, `Change`; `noise_floor`, which finds out how far that reader can be trusted, on
`probe_pairs`, rendered pairs whose true changes are known. A reader turns pictures into numbers in
the layout of world/targets.py, such as `metrics.ruler.open_ruler().read`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from hw5 import world
from hw5.kit.checks import InputError, check_choice, check_number, check_shape
from hw5.metrics.triplets import render_all
from hw5.shapes import Images
from hw5.world.factors import BY_NAME, FACTORS, NUM_DRAWS, Factors
from hw5.world.targets import NUM_TARGETS, WORN, certainty, is_hue, readings, targets

Reader: TypeAlias = Callable[[Images], Tensor]  # (N, 3, H, W) to (N, T)

BATCH = 32  # pictures read at a time
LEAST_PAIRS = 10  # with a factor unchanged, below which no percentile is worth its name
LEAST_FLOOR = 1e-3  # share of a factor's range; no reader is trusted to less
K = 2.0  # floors beyond which a factor counts as moved, unless told otherwise
READ = 0.25  # least share of the squared changes that a reader must get right to be believed
SHOWN = (
    0.1  # least share of random changes that must go beyond K floors: else "stayed" says nothing
)
SURE = 0.5  # least `certainty` of a hue, before and after, for its change to count

_NAMES = tuple(factor.name for factor in FACTORS)


@dataclass(frozen=True, eq=False)
class ProbePairs:
    """Rendered pairs of cats that differ in some factors: pictures (N, 3, H, W) and the truth."""

    before: Images
    after: Images
    cats_before: Factors
    cats_after: Factors

    def to(self, device: torch.device) -> ProbePairs:
        """The same with the pictures on `device`, where a reader is."""
        both = self.before.to(device), self.after.to(device)
        return ProbePairs(*both, self.cats_before, self.cats_after)


@dataclass(frozen=True, eq=False)
class NoiseFloor:
    """How far a reader can be trusted, factor by factor."""

    floors: Tensor  # (F,) in each factor's unit: change read where the factor stayed, see below
    explained: Tensor  # (F,) share of the squared true changes that the reader gets right, 0 to 1
    power: Tensor  # (F,) share of the true changes that it reads as more than `K` floors

    @property
    def unread(self) -> tuple[str, ...]:
        """Factors on which the reader's word does not count, whatever it says."""
        return _named((self.explained < READ) | self._weak)

    @property
    def weak(self) -> tuple[str, ...]:
        """Those of them that it reads, but with a floor that hardly any change goes beyond."""
        return _named((self.explained >= READ) & self._weak & self.floors.isfinite())

    @property
    def _weak(self) -> Tensor:
        return (self.power < SHOWN) | self.floors.isinf()


@dataclass(frozen=True, eq=False)
class Change:
    """What an edit did to N pictures; `change["yaw"]` is (N,), after minus before, in degrees.

    Changes are as read: a weak reader tells too little. Hues go the short way round, -180 to 180,
    and are NaN where the reader is not sure, as of the hue of a grey coat. The hue of something
    that is not worn before and after has not changed. Printed, it is a table.
    """

    changes: Tensor  # (N, F), each in its factor's unit
    noise_floor: NoiseFloor
    k: float  # floors beyond which a factor counts as moved

    def __getitem__(self, name: str) -> Tensor:
        """Changes (N,) of one factor."""
        check_choice("factor", name, _NAMES)
        return self.changes[:, _NAMES.index(name)]

    def mean(self, name: str) -> float:
        """Mean change of a factor where it could be told; of hues the mean direction.

        Of +170 and -170 degrees the mean is 180, not 0 (Mardia and Jupp 2000, section 2.2.1).
        """
        told = self[name][~self[name].isnan()]
        if not is_hue(BY_NAME[name]):
            return float(told.mean())
        angles = torch.deg2rad(told)
        return float(torch.rad2deg(torch.atan2(angles.sin().sum(), angles.cos().sum())))

    @property
    def times(self) -> Tensor:
        """Size of the changes in noise floors, (N, F)."""
        return self.changes.abs() / self.noise_floor.floors.to(self.changes)

    def smallest(self, name: str) -> float:
        """The smallest change of a factor that counts as moved, in its unit: `k` floors."""
        check_choice("factor", name, _NAMES)
        return self.k * float(self.noise_floor.floors[_NAMES.index(name)])

    @property
    def share(self) -> Tensor:
        """Share of the pictures in which each factor went beyond `k` floors, (F,)."""
        return (self.times > self.k).float().mean(dim=0)

    @property
    def moved(self) -> tuple[str, ...]:
        """Factors that moved: read well enough, and beyond `k` floors in most pictures."""
        unread = set(self.unread)
        return tuple(name for name in _named(self.share > 0.5) if name not in unread)

    @property
    def unread(self) -> tuple[str, ...]:
        """Factors of which nobody knows whether they moved: the reader cannot tell.

        It never can, or it is not sure in most of these pictures.
        """
        told = (~self.changes.isnan()).float().mean(dim=0)
        unsure = {*self.noise_floor.unread, *_named(told <= 0.5)}
        return tuple(name for name in _NAMES if name in unsure)

    def should_not_have(self, asked: Collection[str]) -> set[str]:
        """Factors that moved without being asked to.

        Args:
            asked: names of the factors that the edit was meant to change, none or many.

        Raises:
            InputError: an unknown name.
        """
        for name in asked:
            check_choice("asked", name, _NAMES)
        return set(self.moved) - set(asked)

    def strays(self, asked: Collection[str]) -> Tensor:
        """How many factors moved in each picture without being asked to, (N,).

        Raises:
            InputError: an unknown name.
        """
        for name in asked:
            check_choice("asked", name, _NAMES)
        excused = {*asked, *self.noise_floor.unread}
        others = torch.tensor([name not in excused for name in _NAMES], device=self.changes.device)
        return ((self.times > self.k) & others).sum(dim=1)

    def __str__(self) -> str:
        """Table of what moved, most floors first, and how many factors stayed or are not read."""
        moved, unread = self.moved, self.unread
        typical = self.times.nanmedian(dim=0).values
        order = sorted(moved, key=lambda name: -typical[_NAMES.index(name)])
        count = len(self.changes)
        lines = [f"{'factor':<22} {'change':>9} {'unit':<14} {'floors':>6} {'pictures':>9}"]
        for name in order:
            column = _NAMES.index(name)
            pictures = f"{round(float(self.share[column]) * count)} of {count}"
            lines.append(
                f"{name:<22} {self.mean(name):>+9.3g} {BY_NAME[name].unit:<14} "
                f"{typical[column]:>6.1f} {pictures:>9}"
            )
        lines.append(f"{len(_NAMES) - len(moved) - len(unread)} others within {self.k:g} floors")
        if unread:
            told = ", ".join(map(self._untold, unread))
            text = f"{len(unread)} that the reader cannot tell: {told}"
            lines += textwrap.wrap(text, 72, subsequent_indent="  ")
        return "\n".join(lines)

    def _untold(self, name: str) -> str:
        """A factor that nobody can tell; where the floor is to blame, with what would show."""
        if name not in self.noise_floor.weak:
            return name
        return f"{name} (below {self.smallest(name):.2g} {BY_NAME[name].unit})"


def what_changed(
    before: Images, after: Images, reader: Reader, *, noise_floor: NoiseFloor, k: float = K
) -> Change:
    """Which factors an edit changed, as a reader sees it.

    Args:
        before: (N, 3, H, W), of the size the reader was trained on.
        after: the same pictures edited.
        reader: pictures to numbers in the layout of world/targets.py.
        noise_floor: of this reader, from `noise_floor`.
        k: floors beyond which a factor counts as moved. One is passed by 5 % of the factors that
            stayed, two by well under 1 %, which leaves most of forty factors unaccused.

    Raises:
        InputError: shapes differ, `k` is below 0, or the reader does not give finite (N, T).
    """
    check_shape("before", before, ("N", 3, "H", "W"))
    check_shape("after", after, tuple(before.shape), hint="the same pictures, edited")
    check_number("k", k, low=0)
    if len(before) == 0:
        raise InputError.about("before", expected="at least one picture", got="none")
    return Change(_changes(_read(reader, before), _read(reader, after)), noise_floor, k)


def noise_floor(reader: Reader, pairs: ProbePairs, *, quantile: float = 0.95) -> NoiseFloor:
    """How far a reader can be trusted, judged on pairs whose true changes are known.

    The floor of a factor is the change that the reader claims, at the given quantile, in pairs in
    which that factor stayed while others changed. Pictures that differ only in faint noise would
    give floors several times lower, and dishonest ones: what a reader mostly gets wrong is to see
    a turned head as an older cat. How wrong it is about a cat's yaw matters as little: it errs
    alike before and after.

    The hue of something that is not worn cannot change: claims about it are all 0, and a floor out
    of them would accuse every edit of a cat that wears it. So such a factor is judged on the pairs
    in which it is worn before and after.

    A floor says nothing about a reader that is blind to a factor: it never claims a change, and so
    has a floor near 0. Hence `explained`, 1 - sum (read - true)^2 / sum true^2 over the pairs in
    which the factor did change; 0 where none did, as for the factors fixed in training. And a floor
    as high as the changes themselves hides them all: hence `power`. Pairs in which the reader is
    not sure of a hue count for neither.

    What a generator does to its pictures is not in it: its flaws count as changes.

    Args:
        reader: pictures to numbers.
        pairs: as `probe_pairs` gives them; about 200 for figures to report.
        quantile: share of the pairs that stay below the floor.

    Raises:
        InputError: a factor that needs no other stayed in fewer than 10 pairs, or the reader does
            not fit.
    """
    check_number("quantile", quantile, low=0, high=1)
    seen = _changes(_read(reader, pairs.before), _read(reader, pairs.after))
    found = seen.cpu().double()
    true = _changes(targets(pairs.cats_before), targets(pairs.cats_after)).to(found)
    stayed = pairs.cats_before.table == pairs.cats_after.table
    columns = []
    for column, factor in enumerate(FACTORS):
        still = stayed[:, column].to(found.device)
        if still.sum() < LEAST_PAIRS:
            expected = f"at least {LEAST_PAIRS} in which {factor.name} stayed"
            raise InputError.about("pairs", expected=expected, got=int(still.sum()))
        told = ~found[:, column].isnan() & _worn(pairs, factor).to(found.device)
        floor = _floor(found[still & told, column], factor, quantile)
        changed = ~still & told
        claimed, known = found[changed, column], true[changed, column]
        missed = _short_way(claimed - known, factor)
        columns.append(torch.stack([floor, _explained(missed, known), _power(claimed, floor)]))
    return NoiseFloor(*torch.stack(columns, dim=1).float().to(seen.device))


def probe_pairs(
    count: int,
    *,
    size: int = 64,
    share: float = 0.5,
    dressed: float = 0.2,
    distribution: str = "portraits",
    rng: torch.Generator,
) -> ProbePairs:
    """Render cats, and the same cats with some factors drawn anew.

    Args:
        count: pairs.
        size: side of the pictures in pixels.
        share: of the pairs in which each factor is drawn anew; a half makes floors that hold for
            rough edits, less makes lower floors that hold for gentle ones. The coat's colours also
            change with its kind, which counts as one more factor.
        dressed: share of the pairs that wear everything before and after. Few cats of the world do,
            and the others tell nothing about the hue of a hat.
        distribution: of the world, the one that the reader was trained on.
        rng: draws cats and factors.

    Raises:
        InputError: no pair, a share outside 0 to 1, or an unknown distribution.
    """
    check_number("count", count, low=1, whole=True)
    for name, value in (("share", share), ("dressed", dressed)):
        check_number(name, value, low=0, high=1)
    # Numbers are mixed before the world's law turns them into cats: a coat whose hue is drawn anew
    # stays one that cats have. Mixed afterwards, saturated green cats would come of it.
    shape = (count, NUM_DRAWS)
    numbers, others, order = (torch.rand(shape, generator=rng, device=rng.device) for _ in range(3))
    anew = order.argsort(dim=0).argsort(dim=0) < share * count  # the same number for every factor
    mixed = torch.where(anew, others, numbers)
    before, after = (
        _dress(world.from_uniforms(each, distribution=distribution), round(dressed * count))
        for each in (numbers, mixed)
    )
    return ProbePairs(render_all(before, size), render_all(after, size), before, after)


def _dress(cats: Factors, count: int) -> Factors:
    """The same cats, the first `count` with everything on that other factors need."""
    first = torch.arange(len(cats), device=cats.table.device) < count
    names = {factor.only_if for factor in FACTORS if factor.only_if}
    return cats.replace(**{name: torch.where(first, 1.0, cats[name]) for name in names})


def _worn(pairs: ProbePairs, factor: world.Factor) -> Tensor:
    """Pairs (N,) in which the factor shows before and after."""
    if not factor.only_if:
        return torch.ones(len(pairs.before), dtype=torch.bool)
    both = (pairs.cats_before, pairs.cats_after)
    return torch.stack([cats[factor.only_if] >= WORN for cats in both]).all(dim=0)


def _changes(before: Tensor, after: Tensor) -> Tensor:
    """Changes (N, F) in each factor's unit between two answers (N, T); NaN where not sure."""
    start, end = readings(before), readings(after)
    sure = torch.minimum(certainty(before), certainty(after)) >= SURE
    columns = []
    for column, factor in enumerate(FACTORS):
        step = _short_way(end[:, column] - start[:, column], factor).where(
            sure[:, column], torch.nan
        )
        if factor.only_if:
            other = _NAMES.index(factor.only_if)
            worn = (start[:, other] >= WORN) & (end[:, other] >= WORN)
            step = step.where(worn, 0.0)
        columns.append(step)
    return torch.stack(columns, dim=1)


def _short_way(step: Tensor, factor: world.Factor) -> Tensor:
    """A difference of two values; of hues the one within -180 to 180 degrees."""
    return (step + 180) % 360 - 180 if is_hue(factor) else step


def _floor(claimed: Tensor, factor: world.Factor, quantile: float) -> Tensor:
    """Quantile of the sizes of changes; infinite if too few were told for one."""
    if len(claimed) < LEAST_PAIRS:
        return claimed.new_tensor(torch.inf)
    return claimed.abs().quantile(quantile).clamp(min=LEAST_FLOOR * (factor.high - factor.low))


def _explained(missed: Tensor, known: Tensor) -> Tensor:
    """Share of the squared changes `known` that is left when the squared errors are taken away."""
    total = known.square().sum()
    share = 1 - missed.square().sum() / total
    return share.clamp(min=0) if total > 0 else torch.zeros_like(total)


def _power(claimed: Tensor, floor: Tensor) -> Tensor:
    """Share of the changes that go beyond `K` floors; 0 of none."""
    return (claimed.abs() > K * floor).double().mean() if len(claimed) else floor.new_zeros(())


@torch.no_grad()
def _read(reader: Reader, images: Images) -> Tensor:
    """What the reader says, (N, T)."""
    rows = []
    for batch in images.split(BATCH):
        rows.append(reader(batch))
        check_shape("reader", rows[-1], (len(batch), NUM_TARGETS), hint="see world/targets.py")
    return torch.cat(rows)


def _named(chosen: Tensor) -> tuple[str, ...]:
    """Names of the factors where `chosen` (F,) is true."""
    return tuple(name for name, yes in zip(_NAMES, chosen.tolist(), strict=True) if yes)
