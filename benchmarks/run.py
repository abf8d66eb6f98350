"""Time `s2s allocate` on made-up rounds at the real schools, and show where the time goes.

usage: python benchmarks/run.py --gias GIAS_EXTRACT [--peer PEER_SCRIPT] [--peer-python PYTHON] [--runs 3] [--case NAME]

Each case is made by `s2s simulate` with a fixed seed, without days. The peer is a script that takes the directory of
the tables and prints its levels and seconds as JSON; it knows no limits, conflicts or decisions of single people, so
those columns are blanked for both. Levels that differ are an error.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Case:
    name: str
    supporters: int
    needs: int
    region: str | None


@dataclass(frozen=True)
class Run:
    """One run of one program: whole seconds by the clock, its peak memory, and what it printed."""

    seconds: float
    peak_mb: float
    output: str


CASES = (
    Case("alliance", 150, 200, "West Midlands"),
    Case("region", 1_200, 1_500, "West Midlands"),
    Case("nation, plentiful", 14_300, 15_000, None),
    Case("nation, scarce", 3_000, 15_000, None),
)
COLUMNS = (
    "case",
    "pairs",
    "pairs s",
    "assignment s",
    "reasons s",
    "check s",
    "whole s",
    "peak MB",
    "peer pairs and solve s",
    "peer whole s",
)
LEVELS = ("critical", "high", "normal")
S2S = (sys.executable, "-m", "matching")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    asked = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; medians of {asked.runs} runs\n")
    print(f"| {' | '.join(COLUMNS)} |\n| {' | '.join('---' for _ in COLUMNS)} |")
    with tempfile.TemporaryDirectory() as folder:
        schools = Path(folder) / "schools.csv"
        measured((*S2S, "schools", "--gias", str(asked.gias), "--out", str(schools)))
        for case in CASES:
            if not asked.case or case.name in asked.case:
                print(row(case, schools, Path(folder) / case.name, asked), flush=True)


def row(case: Case, schools: Path, folder: Path, asked: argparse.Namespace) -> str:
    """One line of the table, ours and the peer's runs in turn."""
    make_tables(case, schools, folder)
    ours, theirs, manifests = [], [], []
    for _ in range(asked.runs):
        ours.append(measured(allocate_command(folder)))
        manifests.append(json.loads((folder / "plan" / "manifest.json").read_text(encoding="utf-8")))
        if asked.peer:
            theirs.append(json.loads(measured((asked.peer_python, str(asked.peer), str(folder))).output))
    if theirs:
        compare_levels(case, manifests[0], theirs[0])
    timings = {
        step: statistics.median(one["timings"][step] for one in manifests)
        for step in ("pairs_s", "assignment_s", "reasons_s", "check_s")
    }
    peer = [statistics.median(one["pairs_s"] + one["solve_s"] for one in theirs)] if theirs else []
    peer += [statistics.median(one["total_s"] for one in theirs)] if theirs else []
    cells = [
        f"{case.name}: {case.supporters:,} × {case.needs:,}",
        f"{manifests[0]['counts']['eligible_pairs']:,}",
        *(f"{seconds:.2f}" for seconds in timings.values()),
        f"{statistics.median(one.seconds for one in ours):.2f}",
        f"{statistics.median(one.peak_mb for one in ours):.0f}",
        *([f"{seconds:.2f}" for seconds in peer] or ["", ""]),
    ]
    return f"| {' | '.join(cells)} |"


def make_tables(case: Case, schools: Path, folder: Path) -> None:
    """Make the round, without what the peer does not know."""
    size = ("--supporters", str(case.supporters), "--needs", str(case.needs), "--seed", "1", "--no-days")
    where = ("--region", case.region) if case.region else ()
    measured((*S2S, "simulate", "--schools", str(schools), *size, *where, "--out", str(folder)))
    people = pd.read_csv(folder / "supporters.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    people[["max_distance_km", "conflicts"]] = ""
    people.to_csv(folder / "supporters.csv", index=False)
    needs = pd.read_csv(folder / "needs.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    needs["designations"] = ""
    needs.to_csv(folder / "needs.csv", index=False)


def allocate_command(folder: Path) -> tuple[str, ...]:
    tables = [
        part for name in ("schools", "supporters", "needs") for part in (f"--{name}", str(folder / f"{name}.csv"))
    ]
    return (*S2S, "allocate", *tables, "--out", str(folder / "plan"))


def compare_levels(case: Case, manifest: dict[str, list[dict[str, float]]], peer: dict[str, int]) -> None:
    """Stop where the two disagree about what is best."""
    ours = {level["level"]: level["value"] for level in manifest["objective"]}
    said = {name: peer[name] for name in LEVELS} | {"score": peer["score_milli"] / 1000}
    if ours != said:
        raise SystemExit(f"{case.name}: the levels differ: ours {ours}, the peer's {said}")


def measured(command: tuple[str, ...]) -> Run:
    """Run a command and wait for it; the memory is that of this process alone."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        output.seek(0)
        text = output.read()
    if child.returncode != 0:
        raise SystemExit(f"exit {child.returncode}: {' '.join(command)}")
    return Run(seconds, usage.ru_maxrss / 1024, text)


if __name__ == "__main__":
    main()
