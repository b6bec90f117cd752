"""`python -m staff scale`: what a hundred thousand submissions cost and take, simulated."""

from __future__ import annotations

import argparse
import random
from dataclasses import fields, replace

from staff.batch.simulation import Cluster, Simulated, simulate

HELP = "simulate a cluster: hours, dollars, and what saturates first"
WORKERS = (10, 100, 200, 1000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every assumption of the simulation, and whether to measure two of them here."""
    for item in fields(Cluster):
        if item.name != "workers":
            kind, option = type(item.default), "--" + item.name.replace("_", "-")
            parser.add_argument(option, type=kind, default=item.default, help=f"({item.default})")
    parser.add_argument("--workers", type=int, nargs="+", default=list(WORKERS))
    parser.add_argument("--draw", type=int, default=0, help="seed of the simulation")
    parser.add_argument(
        "--measure", action="store_true", help="measure scheduler and writer of results here"
    )


def run(options: argparse.Namespace) -> int:
    """Print a row for each number of workers."""
    names = {item.name for item in fields(Cluster)} - {"workers"}
    cluster = Cluster(**{name: getattr(options, name) for name in names})
    if options.measure:
        from staff.batch.measure import dispatch_seconds, write_seconds

        cluster = replace(
            cluster, dispatch_seconds=dispatch_seconds(), write_seconds=write_seconds()
        )
    print(
        f"{cluster.submissions:,} submissions of {cluster.seconds:g} s, "
        f"{cluster.dispatch_seconds * 1000:.2g} ms to dispatch and "
        f"{cluster.write_seconds * 1000:.2g} ms to write each"
    )
    print("workers    time      core hours  dollars  lost  again  busiest")
    for workers in options.workers:
        found = simulate(replace(cluster, workers=workers), random.Random(options.draw))
        print(row(workers, found, cluster.submissions))
    return 0


def row(workers: int, found: Simulated, submissions: int) -> str:
    """A line of the table."""
    time = f"{found.hours:.1f} h" if found.hours >= 1 else f"{found.hours * 60:.1f} min"
    busiest = f"{found.bottleneck} {100 * found.busy[found.bottleneck]:.0f} %"
    again = found.attempts - submissions
    return (
        f"{workers:7,}  {time:>9}  {found.core_hours:10,.1f}  {found.dollars:7,.2f}  "
        f"{found.lost_workers:4}  {again:5}  {busiest}"
    )
