"""Kill a process while it records decisions, many times, and check that every confirmed decision is still there.

usage: python benchmarks/kills.py [--kills 300] [--database FILE] [--seed 1]

The process records decisions and changes of rows, one or three at a time, replaces a file now and then, and prints
the number of events after each write: those are confirmed. It gets SIGKILL at a random moment, and the database is
then opened as after any crash. Prints as JSON the number of kills; of events confirmed and found; of confirmed events
lost; and of writes found in part (half): with some of their events, without the file that they gave, or without a row
that they added. Exits with 1 where an event was lost or a write was found in part.

A killed process has handed its writes to the operating system. That they also survive a power cut depends on SQLite's
synchronous = FULL, which is not tried here.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from matching.rounds.history.events import Event, RowChange, new_event
from matching.rounds.history.state import state_of
from matching.rounds.register import table_cells
from matching.rounds.round import Round
from matching.rounds.store import RoundStore, open_store
from matching.tables.files import Source

LONGEST_LIFE_S = 0.25
"""Counted from the first confirmed write."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--database", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", metavar="ROUND_ID", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.record:
        record_for_ever(options.database, options.record)
    with tempfile.TemporaryDirectory() as directory:
        report = kill_again_and_again(options.database or Path(directory) / "rounds.db", options.kills, options.seed)
    print(json.dumps(report))
    return int(report["lost"] > 0 or report["half"] > 0)


def kill_again_and_again(database: Path, kills: int, seed: int) -> dict[str, int]:
    """Return the numbers of events confirmed, found and lost, and of writes in part, over all kills."""
    chance = random.Random(seed)
    with closing(store_at(database)) as store:
        round_id = store.create("Kills", {"needs": Source("needs.csv", b"need_id,school_urn,focus\n")}).round_id
    totals = Counter(kills=kills, confirmed=0, found=0, lost=0, half=0)
    before = 1
    for _ in range(kills):
        confirmed = max(before, killed_after(database, round_id, chance.uniform(0, LONGEST_LIFE_S)))
        with closing(store_at(database)) as store:
            found = held(store, round_id)
        totals["confirmed"] += confirmed - before
        totals["found"] += found.last_event - before
        totals["lost"] += max(0, confirmed - found.last_event)
        totals["half"] += in_part(found, before)
        before = found.last_event
    return dict(totals)


def killed_after(database: Path, round_id: str, life_s: float) -> int:
    """Let a process write for a while, kill it, and return the number of events it had confirmed."""
    command = [sys.executable, __file__, "--database", str(database), "--record", round_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(life_s)
        process.send_signal(signal.SIGKILL)
        # A line that was cut short confirms nothing.
        lines = [line for line in (first + process.stdout.read()).splitlines(keepends=True) if line.endswith("\n")]
    return max(map(int, lines), default=0)


def record_for_ever(database: Path, round_id: str) -> None:
    store = store_at(database)
    seen = held(store, round_id)
    while True:
        if seen.last_event % 5:
            seen = store.record(seen, next_write(seen.last_event))
        else:
            rules = Source("policy.toml", f"# {seen.last_event}\n".encode())
            seen = store.save_sources(seen, {**seen.sources, "policy": rules}, by=f"{seen.last_event}/1")
        print(seen.last_event, flush=True)


def next_write(last_event: int) -> list[Event]:
    """Return one event or three; each holds the number that were written together."""
    together = 3 if last_event % 2 else 1
    write = f"{last_event}/{together}"
    row = {"need_id": f"N{last_event}", "school_urn": "100000", "focus": "maths"}
    added = new_event("need_added", by=write, need_id=row["need_id"])
    decided = [new_event("pin", by=write, need_id=f"N{number}", supporter_id="S1") for number in range(1, together)]
    return [*decided, replace(added, changes=(RowChange("needs", (row["need_id"],), None, row),))]


def in_part(found: Round, before: int) -> int:
    """Return the number of writes since an event of which only some events, files or rows are there."""
    state_of(found.events)
    events = found.events[before:]
    together = Counter(one.by for one in events)
    rows = {*table_cells(found.sources, "needs")["need_id"]}
    cut = {write for write, count in together.items() if count != int(write.split("/")[1])}
    cut |= {one.by for one in events if one.kind == "replaced" and one.number not in found.given.replaced}
    return len(cut | {one.by for one in events if one.kind == "need_added" and one.need_id not in rows})


def store_at(database: Path) -> RoundStore:
    return open_store(f"sqlite:///{database}")


def held(store: RoundStore, round_id: str) -> Round:
    found = store.get(round_id)
    if found is None:
        sys.exit("The round is gone.")
    return found


if __name__ == "__main__":
    sys.exit(main())
