"""Time `s2s allocate` on made-up rounds at the real schools, and show where the time goes.

usage: python benchmarks/run.py --gias GIAS_EXTRACT [--peer PEER_SCRIPT] [--peer-python PYTHON] [--runs 3] [--case NAME]
                                [--write]

Each case is made by `s2s simulate` with a fixed seed. The peer is a script that takes the directory of the tables and
prints its levels and seconds as JSON. It has no limits, conflicts or decisions of single people, so those columns are
blanked for both. Without days, levels that differ are an error; with days (one run, and `--days SECONDS` for the peer)
the table shows the levels of both. `--write` replaces the table in benchmarks/README.md and the plot of time and memory
against size (needs the extra `benchmark`).
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
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Case:
    name: str
    supporters: int
    needs: int
    region: str | None
    days: bool = False
    limited_one_in: int = 1

    @property
    def title(self) -> str:
        days = ", days" if self.days else ""
        whose = f" of one in {self.limited_one_in}" if self.limited_one_in > 1 else ""
        return f"{self.name}{days}{whose}: {self.supporters:,} × {self.needs:,}"


@dataclass(frozen=True)
class Size:
    """Time and memory of one case, as whole commands: ours and the peer's."""

    case: Case
    seconds: float
    peak_mb: float
    peer_seconds: float | None
    peer_mb: float | None


@dataclass(frozen=True)
class Run:
    """One run of one program: seconds by the clock, peak memory, and its output."""

    seconds: float
    peak_mb: float
    output: str


CASES = (
    Case("alliance", 150, 200, "West Midlands"),
    Case("region", 1_200, 1_500, "West Midlands"),
    Case("nation, plentiful", 14_300, 15_000, None),
    Case("nation, scarce", 3_000, 15_000, None),
    Case("nation, four times", 14_300, 60_000, None),
    Case("alliance", 150, 200, "West Midlands", days=True),
    Case("region", 1_200, 1_500, "West Midlands", days=True),
    Case("nation, plentiful", 14_300, 15_000, None, days=True),
    Case("nation, scarce", 3_000, 15_000, None, days=True),
    Case("nation, plentiful", 14_300, 15_000, None, days=True, limited_one_in=50),
)
# With days: the peer's time limit for each of its four levels, and ours for all of them, in seconds.
PEER_SECONDS_A_LEVEL = 60
OUR_SECONDS = 110
FIGURES_BEGIN, FIGURES_END = "<!-- figures -->", "<!-- end of figures -->"
COLUMNS = (
    "case",
    "status",
    "pairs",
    "pairs s",
    "assignment s",
    "reasons s",
    "check s",
    "whole s",
    "peak MB",
    "peer pairs and solve s",
    "peer whole s",
    "peer MB",
    "levels",
    "peer levels",
)
LEVELS = ("critical", "high", "normal")
S2S = (sys.executable, "-m", "matching")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gias", type=Path, required=True)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--case", action="append", choices=sorted({case.name for case in CASES}))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SciPy {version('scipy')}; "
        f"medians of {options.runs} runs, with days one run.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"| {' | '.join('---' for _ in COLUMNS)} |",
    ]
    print("\n".join(lines))
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        schools = Path(folder) / "schools.csv"
        measured((*S2S, "schools", "--gias", str(options.gias), "--out", str(schools)))
        for case in CASES:
            if not options.case or case.name in options.case:
                line, size = row(case, schools, Path(folder) / case.title.split(":")[0], options)
                print(line, flush=True)
                lines.append(line)
                sizes.append(size)
    if options.write:
        write_readme(lines)
        draw(sizes)


def row(case: Case, schools: Path, folder: Path, options: argparse.Namespace) -> tuple[str, Size]:
    """Return one line of the table; our runs and the peer's alternate."""
    make_tables(case, schools, folder)
    ours, theirs, peers, manifests = [], [], [], []
    limit = ("--days", str(PEER_SECONDS_A_LEVEL)) if case.days else ()
    for _ in range(1 if case.days else options.runs):
        ours.append(measured(allocate_command(folder)))
        manifests.append(json.loads((folder / "plan" / "manifest.json").read_text(encoding="utf-8")))
        if options.peer:
            peers.append(measured((options.peer_python, str(options.peer), str(folder), *limit)))
            theirs.append(json.loads(peers[-1].output))
    levels = compare_levels(case, manifests[0], theirs[0]) if theirs else ("", "")
    timings = {
        step: statistics.median(one["timings"][step] for one in manifests)
        for step in ("pairs_s", "assignment_s", "reasons_s", "check_s")
    }
    peer = [statistics.median(one["pairs_s"] + one["solve_s"] for one in theirs)] if theirs else []
    peer += [statistics.median(one.seconds for one in peers)] if peers else []
    cells = [
        case.title,
        manifests[0]["status"],
        f"{manifests[0]['counts']['eligible_pairs']:,}",
        *(f"{seconds:.2f}" for seconds in timings.values()),
        f"{statistics.median(one.seconds for one in ours):.2f}",
        f"{statistics.median(one.peak_mb for one in ours):.0f}",
        *([f"{seconds:.2f}" for seconds in peer] or ["", ""]),
        f"{statistics.median(one.peak_mb for one in peers):.0f}" if peers else "",
        *levels,
    ]
    ours_s, ours_mb = statistics.median(one.seconds for one in ours), statistics.median(one.peak_mb for one in ours)
    theirs_s = statistics.median(one.seconds for one in peers) if peers else None
    theirs_mb = statistics.median(one.peak_mb for one in peers) if peers else None
    return f"| {' | '.join(cells)} |", Size(case, ours_s, ours_mb, theirs_s, theirs_mb)


def make_tables(case: Case, schools: Path, folder: Path, seed: int = 1) -> None:
    """Make the tables of a round, without the columns that the peer cannot use."""
    size = (
        "--supporters",
        str(case.supporters),
        "--needs",
        str(case.needs),
        "--seed",
        str(seed),
        "--days" if case.days else "--no-days",
    )
    where = ("--region", case.region) if case.region else ()
    measured((*S2S, "simulate", "--schools", str(schools), *size, *where, "--out", str(folder)))
    people = pd.read_csv(folder / "supporters.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    people[["max_distance_km", "conflicts"]] = ""
    has_limit = np.random.default_rng(seed).random(len(people)) < 1 / case.limited_one_in
    people.loc[~has_limit, "days_available"] = ""
    people.to_csv(folder / "supporters.csv", index=False)
    needs = pd.read_csv(folder / "needs.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    needs["designations"] = ""
    needs.to_csv(folder / "needs.csv", index=False)


def allocate_command(folder: Path) -> tuple[str, ...]:
    tables = [
        part for name in ("schools", "supporters", "needs") for part in (f"--{name}", str(folder / f"{name}.csv"))
    ]
    return (*S2S, "allocate", *tables, "--time-limit", str(OUR_SECONDS), "--out", str(folder / "plan"))


def compare_levels(case: Case, manifest: dict[str, list[dict[str, float]]], peer: dict[str, int]) -> tuple[str, str]:
    """Return the levels of both; stop where they differ without days."""
    ours = [level["value"] for level in manifest["objective"]]
    levels = [*LEVELS, "score_milli"]
    # With days the peer may find nothing at a level, and then has no later ones.
    given = [peer.get(name) for name in levels]
    found = [value / (1000 if name == "score_milli" else 1) for name, value in zip(levels, given, strict=True) if value]
    if not case.days and found != ours:
        raise SystemExit(f"{case.title}: the levels differ: ours {ours}, the peer's {found}")
    return shown_levels(ours), shown_levels(found)


def shown_levels(levels: list[float]) -> str:
    """Format levels for the table."""
    return " / ".join(f"{level:.10g}" for level in levels)


def write_readme(lines: list[str]) -> None:
    """Put the figures between the marks in benchmarks/README.md."""
    readme = Path(__file__).with_name("README.md")
    text = readme.read_text(encoding="utf-8")
    before, following = text.split(FIGURES_BEGIN)
    after = following.split(FIGURES_END)[1]
    figures = "\n".join(lines)
    readme.write_text(f"{before}{FIGURES_BEGIN}\n\n{figures}\n\n{FIGURES_END}{after}", encoding="utf-8")


def draw(sizes: list[Size]) -> None:
    """Plot time and memory of the whole command against the number of needs, ours and the peer's."""
    import matplotlib  # noqa: PLC0415 - only where a plot is asked for

    matplotlib.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, unit, ours, theirs in (
        (axes[0], "whole command, s", "seconds", "peer_seconds"),
        (axes[1], "peak memory, MB", "peak_mb", "peer_mb"),
    ):
        for name, value, marker in (("s2s allocate", ours, "o"), ("peer", theirs, "x")):
            for days, face in ((False, "full"), (True, "none")):
                points = [one for one in sizes if one.case.days == days and getattr(one, value) is not None]
                label = f"{name}{', days' if days else ''}"
                needs = [one.case.needs for one in points]
                axis.plot(needs, [getattr(one, value) for one in points], marker, fillstyle=face, label=label)
        axis.set(xscale="log", yscale="log", xlabel="needs", ylabel=unit)
        axis.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(Path(__file__).with_name("figures.png"), dpi=110)


def measured(command: tuple[str, ...]) -> Run:
    """Run a command and wait for it; the memory is that of this process alone."""
    # An installed program is compiled once, whatever this shell has set.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, env=environment)
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
