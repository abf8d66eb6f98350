"""Measure plans of ten regional rounds with days, which the engine was not tuned on as a whole.

usage: python benchmarks/regions.py --gias GIAS_EXTRACT [--rules NAME] [--set tuning|held-back|all] [--seconds 60]
                                    [--quarter]

All nine regions of England, 1,200 people for 1,500 needs, and the East of England with 600 people: made up at the
extract's schools by `s2s simulate`, one seed each, fixed before anything was measured. Five of them were used to tune
the engine, and the other five only to report. Prints one line a round, and the median and the worst of each figure.
`--quarter` allows each round a quarter of the time as well, and shows what that plan misses.
"""

import argparse
import json
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from run import S2S, Case, allocate_command, make_tables, measured, shown_levels
from side_constraints import write_rules

REGIONS = {
    "tuning": (
        ("North West", 1_200, 2401),
        ("South East", 1_200, 2402),
        ("London", 1_200, 2403),
        ("East of England", 600, 2404),
        ("West Midlands", 1_200, 2405),
    ),
    "held-back": (
        ("North East", 1_200, 2406),
        ("Yorkshire and the Humber", 1_200, 2407),
        ("East Midlands", 1_200, 2408),
        ("South West", 1_200, 2409),
        ("East of England", 1_200, 2410),
    ),
}
RULES = {
    "days": (True, ()),
    "at most 2 people a school": (False, ("supporters",)),
    "days, at most 2 people a school": (True, ("supporters",)),
}
COLUMNS = ("round", "status", "assignment s", "whole s", "peak MB", "levels", "no plan exceeds", "score off %")


@dataclass(frozen=True)
class Figures:
    """What one run of the command took and found."""

    status: str
    assignment_s: float
    whole_s: float
    peak_mb: float
    levels: list[float]
    bounds: list[float]

    @property
    def off(self) -> float:
        """How far the score is from its bound, in per cent."""
        return 100 * (self.bounds[-1] / self.levels[-1] - 1)

    def cells(self) -> list[str]:
        """Return the cells of a line after its title."""
        seconds = (f"{one:.1f}" for one in (self.assignment_s, self.whole_s))
        levels = (shown_levels(one) for one in (self.levels, self.bounds))
        return [self.status, *seconds, f"{self.peak_mb:.0f}", *levels, f"{self.off:.3f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--rules", choices=RULES, default="days")
    parser.add_argument("--set", choices=(*REGIONS, "all"), default="all")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--quarter", action="store_true")
    options = parser.parse_args()
    rounds = [one for name, some in REGIONS.items() if options.set in (name, "all") for one in some]
    print(f"{options.rules}, at most {options.seconds:g} s\n")
    print(f"| {' | '.join(COLUMNS)} |\n| {' | '.join('---' for _ in COLUMNS)} |")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        schools = Path(folder) / "schools.csv"
        measured((*S2S, "schools", "--gias", str(options.gias), "--out", str(schools)))
        for number, (region, supporters, seed) in enumerate(rounds):
            has_days, rules = RULES[options.rules]
            case = Case(region, supporters, 1_500, region, days=has_days)
            place = Path(folder) / str(number)
            make_tables(case, schools, place, seed)
            policy = write_rules(place, rules)
            figures = run(place, policy, options.seconds)
            found.append(figures)
            title = f"{region}: {supporters:,} × 1,500"
            print(f"| {' | '.join((title, *figures.cells()))} |", flush=True)
            if options.quarter:
                early = run(place, policy, options.seconds / 4)
                print(f"| {' | '.join((f'{title}, a quarter of the time', *early.cells()))} |", flush=True)
    for name, figure in (("median", statistics.median), ("worst", max)):
        cells = [
            f"{figure([getattr(one, what) for one in found]):.3g}" for what in ("assignment_s", "whole_s", "peak_mb")
        ]
        off = f"{figure([one.off for one in found]):.3f}"
        print(f"| {name} | {sum(one.status == 'optimal' for one in found)} optimal | {' | '.join(cells)} | | | {off} |")


def run(place: Path, policy: tuple[str, ...], seconds: float) -> Figures:
    """Run `s2s allocate` once."""
    one = measured((*allocate_command(place), *policy, "--time-limit", str(seconds)))
    manifest = json.loads((place / "plan" / "manifest.json").read_text(encoding="utf-8"))
    levels, bounds = ([level[what] for level in manifest["objective"]] for what in ("value", "bound"))
    assignment_s = manifest["timings"]["assignment_s"]
    return Figures(manifest["status"], assignment_s, one.seconds, one.peak_mb, levels, bounds)


if __name__ == "__main__":
    main()
