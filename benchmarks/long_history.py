"""Time how long a round with a long history takes to open.

usage: python benchmarks/long_history.py [--events 20000] [--runs 3]

A round of the demo area gets this many events more, of several kinds; its file is restored into a new database and
opened, and its state found. Prints as JSON, for each mixture of kinds, the median seconds by the clock at a tenth of
the events and at all of them: ten times the events should take about ten times as long.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence

from matching.inputs.bundled import demo_sources
from matching.rounds.history.events import new_event
from matching.rounds.history.state import state_of
from matching.rounds.store import RoundStore, open_store

MIXTURES: dict[str, Sequence[str]] = {
    "decisions, statuses, notes": ("pin", "status", "note", "undo", "declined", "forbid"),
    "undone over and over": ("undo",),
    "changes of rows": ("need_changed", "undo", "need_changed"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(folder)
        begun = store.create("Autumn", demo_sources())
        pinned = new_event("pin", by="Jo", need_id="N001", supporter_id="S001")
        packed = store.export_round(store.record(begun, [pinned]).round_id)
    took_s = {
        name: {
            count: round(statistics.median(seconds_to_open(packed, kinds, count) for _ in range(given.runs)), 2)
            for count in (given.events // 10, given.events)
        }
        for name, kinds in MIXTURES.items()
    }
    json.dump(took_s, sys.stdout, indent=2)
    print()
    return 0


def seconds_to_open(packed: bytes, kinds: Sequence[str], count: int) -> float:
    file = with_events(packed, kinds, count)
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(folder)
        began = time.perf_counter()
        opened = store.get(store.import_round(file).round_id)
        assert opened is not None
        state_of(opened.events)
        return time.perf_counter() - began


def new_store(folder: str) -> RoundStore:
    return open_store(f"sqlite:///{folder}/rounds.db")


def with_events(packed: bytes, kinds: Sequence[str], count: int) -> bytes:
    """Return a round's file with this many events more; an undo undoes the one before it."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    index = json.loads(files["round.json"])
    events = index["events"]
    for number in range(len(events) + 1, len(events) + count + 1):
        kind = kinds[number % len(kinds)]
        need_id = f"N{number % 12 + 1:03d}"
        about = {} if kind == "undo" else {"need_id": need_id, "supporter_id": f"S{number % 40 + 1:03d}"}
        about |= {"status": "agreed"} if kind == "status" else {"text": "Ring them"} if kind == "note" else {}
        cells = {"before": {"notes": ""}, "after": {"notes": "Ring them"}}
        changes = [{"table": "needs", "key": [need_id], **cells}] if kind == "need_changed" else []
        event = {"number": number, "at": "2026-09-01T10:00:00Z", "by": "Jo", "kind": kind, "why": "Because"}
        events.append(event | {"about": about, "undoes": number - 1 if kind == "undo" else None, "changes": changes})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, "round.json": json.dumps(index).encode()}.items():
            archive.writestr(name, content)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
