"""A database of rounds for tests, and rounds in it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from matching.errors import DataError, Problem
from matching.rounds.history.events import Event, new_event
from matching.rounds.round import Round
from matching.rounds.store import RoundStore, open_store
from matching.tables.files import Source

EVERY_BYTE = bytes(range(256))
SOURCES = {
    "supporters": Source("our leaders (é).xlsx", b"PK\x03\x04" + EVERY_BYTE),
    "schools": Source("schools.csv", b"\xef\xbb\xbfurn,name\r\n001,NA\r\n"),
    "needs": Source("needs.csv", b"need_id\n"),
    "policy": Source("policy.toml", b"[weights]\nspecialism = 0.6\n"),
}
FILES = {
    "unmet.csv": b"\xef\xbb\xbfneed_id\n",
    "plan.csv": b"\xef\xbb\xbfneed_id\nN1\n",
    "workload.csv": b"\xef\xbb\xbfsupporter_id\n",
    "excluded.csv": b"\xef\xbb\xbfsupporter_id\n",
    "manifest.json": json.dumps({"status": "optimal"}).encode(),
    "inputs/needs.csv": EVERY_BYTE,
    "inputs/empty.csv": b"",
}
OTHER_FILES = FILES | {"plan.csv": b"need_id\nN2\n", "manifest.json": b"{}"}


def opened(path: Path, *, wait_s: float = 10.0) -> closing[RoundStore]:
    return closing(open_store(f"sqlite:///{path}", wait_s=wait_s))


def held(store: RoundStore, round_id: str) -> Round:
    found = store.get(round_id)
    assert found is not None
    return found


def only_problem(path: Path, *, wait_s: float = 10.0) -> Problem:
    """The one problem that opening this file reports."""
    with pytest.raises(DataError) as caught:
        open_store(f"sqlite:///{path}", wait_s=wait_s)
    (problem,) = caught.value.problems
    assert problem.table == str(path)
    assert problem.fix.endswith(".")
    return problem


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as another program sees it."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        yield connection


def start_with_one_round(path: Path) -> Round:
    with opened(path) as store:
        return store.create("Autumn", SOURCES)


def pin(need_id: str = "N1", supporter_id: str = "S1", **options: str) -> Event:
    return new_event("pin", **{"by": "Jo", "need_id": need_id, "supporter_id": supporter_id} | options)


def no_consents() -> Event:
    """The setting by which an agreement waits for nobody's consent."""
    return new_event("desk", by="Jo", consents="")


def kinds_of(one: Round) -> list[str]:
    """The kinds of what happened to a round, in order."""
    return [event.kind for event in one.events]


def worked_on(store: RoundStore) -> Round:
    """A round with something of everything."""
    latest = store.create("Autumn", SOURCES, by="Jo")
    latest = store.record(latest, [pin("N1", "S1"), pin("N2", "S2")])
    latest = store.undo(latest, 2)
    latest = store.save_plan(latest, FILES, by="Jo")
    latest = store.save_scenario(latest, "Nearer", OTHER_FILES)
    latest = store.undo(latest, 4)
    return store.record(latest, [new_event("declined", by="Al", why="Illness", need_id="N2", supporter_id="S2")])
