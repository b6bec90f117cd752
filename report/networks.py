"""The page's section on the networks: what they make, how good that is, how they learned it.

Offers `samples`, `quality` and `learning`. Figures are those of the cards in data/weights, which
training wrote; `python -m hw5 bench fid` measures them again.
"""

from __future__ import annotations

from collections.abc import Mapping

from hw5 import latents, world, zoo
from hw5.kit import images
from report import markup
from report.charts import Line, line_chart
from report.desk import Desk, picture_of
from report.media import Album

SHOWN = 24  # cats of each origin, three rows
PHASES = ("warm", "duel")  # short, to fit beside the curves
ROWS = (
    ("fid", "FID", "{:.1f}"),
    ("fid_over_floor", "FID over the world's own floor", "{:.1f}"),
    ("precision", "precision", "{:.2f}"),
    ("recall", "recall", "{:.2f}"),
    ("near_copies_share", "near copies of training pictures", "{:.2%}"),
    ("mirrored_near_copies_share", "near copies seen in the mirror", "{:.2%}"),
    ("near_copies_floor", "unseen world pictures as near", "{:.2%}"),
)


def names(desk: Desk) -> dict[str, str]:
    """Bundled generators by their names on the page."""
    return {"StyleGAN2": desk.settings.stylegan, "DCGAN": desk.settings.dcgan}


def samples(album: Album, desk: Desk, number: int) -> str:
    """Cats of the world and of each generator, neither selected nor truncated."""
    sheets = {"the world": world.render(desk.cats("test", SHOWN), desk.size()).image}
    for label, name in names(desk).items():
        network = desk.generators[name]
        z = latents.sample_codes(network, "z", SHOWN, rng=desk.rng("made up"))
        sheets[label] = picture_of(network, z, "z").clamp(-1, 1)
    tiles = []
    for label, sheet in sheets.items():
        title = label.replace(" ", "-").lower()
        alt = f"{SHOWN} cats of {label}, random ones"
        picture = album.add(f"sheet-{title}", images.grid(sheet, columns=8, gap=0), alt)
        tiles.append(markup.tile(picture, label, scale=0.56))
    caption = "Random cats, not selected and not truncated: rendered, and made by either generator."
    return markup.figure("samples", number, markup.row(tiles), caption, wide=True)


def quality(desk: Desk, number: int) -> str:
    """The cards' figures, a column for each generator."""
    cards = {label: zoo.card(name).get("metrics", {}) for label, name in names(desk).items()}
    rows = [
        [title, *(_cell(metrics, key, form) for metrics in cards.values())]
        for key, title, form in ROWS
    ]
    caption = (
        f"<b>Table {number}.</b> 10,000 generated against 10,000 unseen rendered pictures, on "
        "features of EfficientNet-Lite0. The floor is the FID of the world's training pictures."
    )
    return markup.table("quality", caption, ["", *cards], rows)


def learning(desk: Desk, number: int) -> str:
    """FID over the pictures that each generator has seen."""
    lines, highest = [], 0.0
    for label, name in names(desk).items():
        curve = zoo.card(name).get("curve", {})
        for phase in PHASES:
            points = curve.get(phase) or []
            if len(points) > 1:
                seen, fids = zip(*points, strict=True)
                lines.append(Line(f"{label} {phase}", [s / 1000 for s in seen], list(fids)))
                highest = max(highest, seen[-1] / 1000)
    floor = zoo.card(desk.settings.stylegan).get("metrics", {}).get("fid_floor")
    if not lines or not floor:
        return "<p>The cards of these weights hold no curve of FID over pictures seen.</p>"
    lines.append(Line("floor, of 10,000", [0.0, highest], [floor, floor]))
    alt = "Falling curves of FID against thousands of pictures seen, and the world's floor below"
    chart = line_chart(lines, x_label="pictures seen, thousands", y_label="FID", alt=alt)
    caption = (
        "How the generators learned: FID on the way, of fewer pictures than in the table and so "
        "higher; the floor is the table's, of 10,000, and not to be reached with so few. Warm is "
        "the warm start, duel the time with a judge. During its warm start the StyleGAN2 is given "
        "the w of the world's cats."
    )
    return markup.figure("learning", number, chart, caption)


def _cell(metrics: Mapping[str, float], key: str, form: str) -> str:
    return form.format(metrics[key]) if key in metrics else "not measured"
