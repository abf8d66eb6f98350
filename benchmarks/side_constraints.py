"""Measure how good a plan `s2s allocate` finds in a minute where packages and limits on schools bind.

usage: python benchmarks/side_constraints.py --gias GIAS_EXTRACT [--seconds 60]

The cases are the region and the nation with plentiful people, without and with days. The needs of a school with several
are a package where its URN ends in 0, 1 or 2. Prints a table with the value and the bound of each level.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import pandas as pd
from run import CASES, S2S, Case, allocate_command, make_tables, measured, shown_levels

LIMITS = {"supporters": "max_supporters_per_school = 2", "homes": "max_per_home_school = 3"}
RULES = {
    "at most 2 people a school": ("supporters",),
    "at most 3 deployments from a home school": ("homes",),
    "packages": ("packages",),
    "all three": ("supporters", "homes", "packages"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    print("| case | rules | status | whole s | peak MB | levels | no plan exceeds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    cases = [case for case in CASES if case.name in ("region", "nation, plentiful") and case.limited_one_in == 1]
    with tempfile.TemporaryDirectory() as folder:
        schools = Path(folder) / "schools.csv"
        measured((*S2S, "schools", "--gias", str(options.gias), "--out", str(schools)))
        for case in cases:
            for number, (name, rules) in enumerate(RULES.items()):
                place = Path(folder) / f"{case.title.split(':')[0]} {number}"
                print(row(case, name, rules, schools, place, options.seconds), flush=True)


def row(case: Case, name: str, rules: tuple[str, ...], schools: Path, place: Path, seconds: float) -> str:
    """Return one line of the table."""
    make_tables(case, schools, place)
    command = (*allocate_command(place), *write_rules(place, rules), "--time-limit", str(seconds))
    run = measured(command)
    manifest = json.loads((place / "plan" / "manifest.json").read_text(encoding="utf-8"))
    levels, bounds = ([level[what] for level in manifest["objective"]] for what in ("value", "bound"))
    cells = (case.title, name, manifest["status"], f"{run.seconds:.1f}", f"{run.peak_mb:.0f}")
    return f"| {' | '.join((*cells, shown_levels(levels), shown_levels(bounds)))} |"


def write_rules(place: Path, rules: tuple[str, ...]) -> tuple[str, ...]:
    """Write the policy and the packages of these rules, and return the options for them."""
    limits = "\n".join(LIMITS[rule] for rule in rules if rule in LIMITS)
    (place / "policy.toml").write_text(f"[rules]\n{limits}\n", encoding="utf-8")
    if "packages" in rules:
        needs = pd.read_csv(place / "needs.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
        several = needs.groupby("school_urn")["need_id"].transform("size") > 1
        packed = several & needs["school_urn"].str[-1].isin(["0", "1", "2"])
        needs["package"] = needs["school_urn"].where(packed, "")
        needs.to_csv(place / "needs.csv", index=False)
    return "--policy", str(place / "policy.toml")


if __name__ == "__main__":
    sys.exit(main())
