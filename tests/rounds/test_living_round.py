"""Histories at random, and what holds of a round whatever was uploaded, changed, accepted or undone in it."""

import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from saved import faults_in
from stores import held, no_consents, opened
from tiny import AS_AT, EVIDENCE_HEADER, SCHOOLS, as_source, xlsx

from matching.allocation import allocate
from matching.errors import DataError
from matching.inputs.headers import ReadingOptions, TableOptions, options_source
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.plan.as_bytes import plan_files
from matching.plan.write import Plan
from matching.rounds.desk.moves import MOVES
from matching.rounds.history.events import (
    STATUSES,
    UNDOABLE,
    Event,
    RowChange,
    new_event,
    undone_events,
)
from matching.rounds.history.state import RoundState, live_supporters, state_of
from matching.rounds.planning.run_inputs import run_inputs, serving
from matching.rounds.planning.standing import is_same_register, standing
from matching.rounds.register import GivenFiles, dormant, key_columns, register, rows_by_key, table_cells
from matching.rounds.round import Round
from matching.rounds.store import RoundStore
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source

NEEDS, PEOPLE = ("N1", "N2", "N3", "N4", "N5", "N6", "N7"), ("S1", "S2", "S3", "S4", "S5")
"""All that a history may name; the last two needs and the last supporter come and go."""
STAYING = ("agreed", "active", "paused", "completed")
"""The statuses of a deployment that stays until a person ends it."""

BEGINNING = {
    "schools": SCHOOLS + "100003,Dogwood School,Primary,402000,301000,Marshire,,Good\n",
    "supporters": """\
supporter_id,name,designation,school_urn,phases,specialisms,max_deployments,days_available
S1,Ann Ash,SLE,100001,Primary;Secondary,maths;phonics,2,5
S2,Bob Bay,LLE,100000,Primary,,1,
S3,Cy Cole,NLE,100003,Primary;Secondary,,1,
S4,Di Dean,SLE,100002,Primary,maths,1,
""",
    "needs": """\
need_id,school_urn,focus,days,priority,remark
N1,100000,maths,2,high,"Ours, ""kept"" as it is"
N2,100001,headship,,,
N3,100002,phonics,2.5,critical,
N4,100003,maths,1,,
N5,100003,headship,,high,
""",
}
SOURCES = {name: as_source(name, text) for name, text in BEGINNING.items()}
NEED_CELLS = (
    {"days": "3", "priority": "critical"},
    {"days": ""},
    {"focus": "maths", "designations": ""},
    {"focus": "headship", "designations": "NLE;LLE"},
    {"start_by": "2026-10-01"},
    {"start_by": ""},
    {"school_urn": "100001", "notes": 'Ring, "first"\r\nthen write'},
    {"school_urn": "100003", "notes": ""},
)
SUPPORTER_CELLS = (
    {"max_deployments": "1"},
    {"max_deployments": "3", "days_available": ""},
    {"days_available": "2"},
    {"phases": "Secondary"},
    {"phases": "Primary;Secondary", "school_urn": "100002"},
    {"max_distance_km": "1"},
    {"conflicts": "100000"},
)
AWAY_CELLS = (
    {"unavailable": "2026-08-20/2026-09-20"},
    {"unavailable": "2026-09-25/2026-10-10"},
    {"available_until": "2026-09-15"},
)
LEFT = {"available_until": "2026-08-01"}
BACK = {"available_from": "", "available_until": "", "unavailable": ""}
ADDED = {
    "needs": {"school_urn": "100001", "focus": "maths", "days": "1", "priority": "high"},
    "supporters": {
        "name": "Eve Elm",
        "designation": "SLE",
        "school_urn": "100002",
        "phases": "Primary",
        "specialisms": "maths;phonics",
        "max_deployments": "2",
    },
}
REPLACEMENTS: tuple[tuple[str, Source | None], ...] = (
    ("needs", Source("again.csv", BEGINNING["needs"].encode())),
    ("needs", as_source("needs", "need_id,school_urn,focus\nN2,100001,maths\nN3,100002,phonics\nN6,100000,maths\n")),
    ("supporters", Source("people.xlsx", xlsx(BEGINNING["supporters"]))),
    ("supporters", as_source("supporters", BEGINNING["supporters"].replace("S4,Di Dean", "S5,Eve Elm"))),
    ("schools", as_source("schools", BEGINNING["schools"].replace("Alder", "Aspen"))),
    ("policy", as_source("policy", "[weights]\nspecialism = 0.8\n")),
    ("policy", None),
    ("accreditation", as_source("accreditation", EVIDENCE_HEADER + "S1,SLE-1,yes,Seen,2026-05-01\n")),
    ("accreditation", None),
)


# What can happen


def row_event(seen: Round, kind: str, table: str, *rows: tuple[tuple[str, ...], Mapping[str, str] | None]) -> Event:
    """An event that gives these rows these cells: it changes those that are there, adds others, and takes out None."""
    there = rows_by_key(table_cells(seen.sources, table), table)
    changes = []
    for key, cells in rows:
        before = there.get(key)
        if before is None:
            own = dict(zip(key_columns(table), key, strict=True))
            changes.append(RowChange(table, key, None, {**ADDED.get(table, {}), **(cells or {}), **own}))
        elif cells is None:
            changes.append(RowChange(table, key, before, None))
        else:
            changes.append(RowChange(table, key, {name: before.get(name, "") for name in cells}, cells))
    return replace(new_event(kind, by="Jo", why="They rang"), changes=tuple(changes))


def chosen(among: Sequence[Any], number: int) -> Any:
    return among[number % len(among)]


def a_row(seen: Round, table: str, number: int) -> tuple[str, ...]:
    return chosen(sorted(rows_by_key(table_cells(seen.sources, table), table)), number)


def decision(seen: Round, a: int, b: int, c: int) -> Event:
    kind = chosen(("pin", "forbid", "declined", "swap", "note"), c)
    about = {"need_id": chosen(NEEDS, a), "supporter_id": chosen(PEOPLE, b)}
    about |= {"text": "Ring them"} if kind == "note" else {}
    about |= {"broken": chosen(("", "distance", "places;days"), c // 5)} if kind == "swap" else {}
    return new_event(kind, by="Jo", **about)


def status(seen: Round, a: int, b: int, c: int) -> Event:
    pair = chosen(NEEDS, a), chosen(PEOPLE, b)
    allowed = MOVES[state_of(seen.events).status_of(*pair)] or STATUSES
    return new_event("status", by="Jo", need_id=pair[0], supporter_id=pair[1], status=chosen(allowed, c))


def need_changed(seen: Round, a: int, b: int, c: int) -> Event:
    return row_event(seen, "need_changed", "needs", (a_row(seen, "needs", a), chosen(NEED_CELLS, b)))


def need_state(seen: Round, a: int, b: int, c: int) -> Event:
    kind, word = chosen((("need_paused", "paused"), ("need_withdrawn", "withdrawn"), ("need_resumed", "open")), b)
    return row_event(seen, kind, "needs", (a_row(seen, "needs", a), {"state": word}))


def supporter_changed(seen: Round, a: int, b: int, c: int) -> Event:
    kind, cells = chosen(
        (
            ("supporter_changed", chosen(SUPPORTER_CELLS, c)),
            ("supporter_unavailable", chosen(AWAY_CELLS, c)),
            ("supporter_left", LEFT),
            ("supporter_back", BACK),
        ),
        b,
    )
    return row_event(seen, kind, "supporters", (a_row(seen, "supporters", a), cells))


def added(seen: Round, a: int, b: int, c: int) -> Event:
    if a % 2:
        return row_event(seen, "supporter_added", "supporters", ((PEOPLE[-1],), {}))
    return row_event(seen, "need_added", "needs", ((chosen(NEEDS[-2:], b),), {}))


def evidence(seen: Round, a: int, b: int, c: int) -> Event:
    key = (chosen(PEOPLE, a), chosen(("SLE-1", "NLE-1"), b))
    cells = {"met": chosen(("yes", "no"), c), "evidence": "Seen", "checked_on": "2026-06-01"}
    there = key in rows_by_key(table_cells(seen.sources, "accreditation"), "accreditation")
    return row_event(seen, "evidence_changed", "accreditation", (key, None if there and c % 3 == 0 else cells))


def newer_table(seen: Round, a: int, b: int, c: int) -> Event:
    if c % 2:
        keys = {a_row(seen, "supporters", a), a_row(seen, "supporters", b), ("S5",)}
        cells = {(one,): chosen(SUPPORTER_CELLS + AWAY_CELLS, c + at) for at, (one,) in enumerate(sorted(keys))}
        return row_event(seen, "newer_table", "supporters", *cells.items())
    keys = {a_row(seen, "needs", a), a_row(seen, "needs", b), (chosen(NEEDS[-2:], c),)}
    return row_event(
        seen, "newer_table", "needs", *((one, chosen(NEED_CELLS, c + at)) for at, one in enumerate(sorted(keys)))
    )


ENTRIES: dict[str, Callable[[Round, int, int, int], Event]] = {
    one.__name__: one
    for one in (decision, status, need_changed, need_state, supporter_changed, added, evidence, newer_table)
}
WHOLE = ("replaced", "plan", "choose", "undo", "redo")
# What people do most comes up most.
COMMANDS = (*ENTRIES, *WHOLE, "decision", "decision", "status", "status", "undo")
HISTORIES = st.lists(
    st.tuples(st.sampled_from(COMMANDS), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)),
    min_size=5,
    max_size=40,
)


def to_undo(seen: Round, *, undos: bool) -> list[int]:
    """The numbers of the events that can be undone and hold."""
    undone, _ = undone_events(seen.events)
    return [
        one.number
        for one in seen.events
        if one.kind in UNDOABLE and (one.kind == "undo") == undos and one.number not in undone
    ]


def next_plan(seen: Round) -> tuple[Plan, Inputs]:
    """The plan that is made next from the register and the decisions, and the inputs that it is made from."""
    state, inputs = state_of(seen.events), read_inputs(seen.sources, as_at=AS_AT)
    placed = {need_id: one.supporter_id for need_id, one in state.placements.items()}
    now = {**standing(deployments_of(seen), state, inputs), **placed}
    run = run_inputs(inputs, seen.sources, seen.sources.get("decisions"), state, now)
    return allocate(run.inputs), run.inputs


def deployments_of(seen: Round) -> dict[str, str]:
    """The supporter_id by need_id of the accepted plan."""
    text = (seen.files or {}).get("plan.csv", b"").decode("utf-8-sig")
    return {row["need_id"]: row["supporter_id"] for row in csv.DictReader(io.StringIO(text))}


def after(store: RoundStore, seen: Round, command: str, a: int, b: int, c: int) -> Round:
    """The round after one command, or as it was if that is refused or there is nothing to do."""
    if command in ENTRIES:
        try:
            changed = store.record(seen, [ENTRIES[command](seen, a, b, c)])
        except DataError as error:
            assert all(one.message and one.fix for one in error.problems)
            return seen
        check_other_rows(seen, changed)
        return changed
    if command == "plan":
        plan, inputs = next_plan(seen)
        check_plan(seen, plan, inputs)
        accepted = store.save_plan(seen, plan_files(plan, inputs), by="Jo")
        assert faults_in(accepted.files) == []
        assert is_same_register(json.loads(accepted.files["manifest.json"]), accepted.sources, lambda: inputs)
        return accepted
    if command == "replaced":
        name, source = chosen(REPLACEMENTS, a)
        others = {one: file for one, file in seen.sources.items() if one != name}
        return store.save_sources(seen, others | ({name: source} if source else {}), by="Jo")
    if command == "choose":
        return store.choose_scenario(seen, chosen(seen.plans, a).number, by="Jo") if seen.plans else seen
    targets = to_undo(seen, undos=command == "redo")
    try:
        return store.undo(seen, chosen(targets, a), by="Jo") if targets else seen
    except DataError as error:
        assert "was replaced since" in str(error)
        return seen


# What then holds


def check_other_rows(before: Round, now: Round) -> None:
    """No event changes the bytes of a row that it does not name, nor their order."""
    (event,) = now.events[before.last_event :]
    named = {(one.table, one.key) for one in event.changes}
    for table in {*before.sources, *now.sources}:
        if table not in {one for one, _ in named}:
            assert before.sources.get(table) == now.sources.get(table)
            continue
        lines = [lines_of(one.sources, table) for one in (before, now)]
        assert lines[0].pop("header") == lines[1].pop("header")
        first, second = ([one for one in found.items() if (table, one[0]) not in named] for found in lines)
        assert first == second


def lines_of(sources: Mapping[str, Source], table: str) -> dict[object, bytes]:
    """The CSV lines of a register table by key, in order: of a given file, as they would be written."""
    cells = table_cells(sources, table).map(lambda cell: cell.replace("\r\n", "\n"))
    header = csv_bytes(cells.head(0))
    keys = cells[list(key_columns(table))].itertuples(index=False, name=None)
    lines = {key: csv_bytes(cells.iloc[[at]]).removeprefix(header) for at, key in enumerate(keys)}
    return {"header": header, **lines}


def check_plan(seen: Round, plan: Plan, inputs: Inputs) -> None:
    """What the next plan of a round holds to."""
    state, rows = state_of(seen.events), plan.deployments.to_dict("records")
    pins = inputs.decisions[inputs.decisions["kind"] == "pin"]
    pinned = {*zip(pins["need_id"], pins["supporter_id"], strict=True)}
    proposed = {(row["need_id"], row["supporter_id"]) for row in rows}
    assert not proposed & {*state.barred}
    assert pinned <= proposed
    assert {*agreed_alone(seen, state)} <= proposed
    needs, people = (
        {key[0]: row for key, row in rows_by_key(table_cells(seen.sources, table), table).items()}
        for table in ("needs", "supporters")
    )
    for need_id, who in proposed - pinned:
        assert not is_away(people[who], needs[need_id].get("start_by", ""))
        assert needs[need_id].get("state", "") in ("", "open")
    shut = {need_id for need_id, row in needs.items() if row.get("state", "") not in ("", "open")}
    assert not shut & {*plan.unmet["need_id"]} - {need_id for need_id, _ in pinned}
    assert {*needs} - shut <= {*plan.unmet["need_id"], *plan.deployments["need_id"]}
    declined = inputs.decisions[inputs.decisions["kind"] != "pin"]
    for pair in {*zip(declined["need_id"], declined["supporter_id"], strict=True)} | {*state.barred}:
        assert is_barred(seen, pair)


def agreed_alone(seen: Round, state: RoundState) -> Iterator[tuple[str, str]]:
    """The pairs in the register that are agreed, active, paused or completed, and that no one has competed with."""
    holding = [one for one in seen.events if one.number not in state.undone]
    cells = {table: table_cells(seen.sources, table)[f"{table[:-1]}_id"].tolist() for table in ("needs", "supporters")}
    for (need_id, who), word in state.statuses.items():
        rivals = [
            one
            for one in holding
            if one.need_id == need_id
            and (one.kind in ("pin", "swap") or (one.about.get("status") in STAYING and one.supporter_id != who))
        ]
        is_there = need_id in cells["needs"] and who in cells["supporters"]
        if word in STAYING and is_there and not rivals and not is_barred(seen, (need_id, who)):
            yield need_id, who


def is_barred(seen: Round, pair: tuple[str, str]) -> bool:
    """Whether a decision or the last status of a pair bars it: `withdrawn` does not."""
    undone, _ = undone_events(seen.events)
    about = [one for one in seen.events if one.pair == pair and one.number not in undone]
    last = [one.about["status"] for one in about if one.kind == "status"][-1:]
    return last == ["declined"] or any(one.kind in ("forbid", "declined") for one in about)


def is_away(row: Mapping[str, str], start_by: str) -> bool:
    day = start_by or AS_AT.isoformat()
    first, last = row.get("available_from", "") or day, row.get("available_until", "") or day
    ranges = [one.split("/") for one in row.get("unavailable", "").split(";") if one]
    return not first <= day <= last or any(begin <= day <= end for begin, end in ranges)


def known_of(given: GivenFiles, events: Sequence[Event]) -> dict[str, object]:
    """All that is known of a round from its history, without the numbers of its events."""
    state = state_of(events)
    return {
        "register": register(given, events),
        "placed": {one.pair: (one.kind, one.broken, one.reason) for one in state.placements.values()},
        "freed": {*state.freed},
        "barred": {pair: one.kind for pair, one in state.barred.items()},
        "ended": {*state.ended},
        "statuses": {(one, who): state.status_of(one, who) for one in NEEDS for who in PEOPLE},
        "notes": [one.about for one in state.notes],
        "plan": state.plan,
    }


def without(seen: Round, number: int) -> tuple[GivenFiles, list[Event]]:
    """The history of a round as if one event had never been recorded."""

    def now(one: int) -> int:
        return one - (one >= number)

    events = []
    for one in seen.events:
        if one.number != number:
            about = dict(one.about) | ({"after": str(now(int(one.about["after"])))} if "after" in one.about else {})
            undoes = None if one.undoes is None else now(one.undoes)
            events.append(replace(one, number=now(one.number), about=about, undoes=undoes))
    replaced = {now(one): files for one, files in seen.given.replaced.items() if one != number}
    return replace(seen.given, replaced=replaced), events


def check_undo(store: RoundStore, seen: Round, number: int) -> Round:
    """An undo gives what the history without the event gives; return the round as it was, by redoing it."""
    try:
        undone = store.undo(seen, number)
    except DataError as error:
        assert "was replaced since" in str(error)
        return seen
    given, events = without(seen, number)
    assert known_of(undone.given, undone.events) == known_of(given, events)
    plan = state_of(events).plan
    assert undone.files == (store.plan_files(seen.round_id, plan) if plan else None)
    deployments = deployments_of(undone)
    assert live_supporters(deployments, state_of(undone.events)) == live_supporters(deployments, state_of(events))
    inputs = read_inputs(undone.sources, as_at=AS_AT)
    assert standing(deployments, state_of(undone.events), inputs) == standing(deployments, state_of(events), inputs)
    redone = store.undo(undone, undone.last_event)
    assert known_of(redone.given, redone.events)["register"] == seen.sources
    assert (redone.current, redone.files) == (seen.current, seen.files)
    return redone


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[RoundStore]:
    with opened(tmp_path_factory.mktemp("living") / "rounds.db") as store:
        yield store


def keep_promises(store: RoundStore, history: Sequence[Any], undos: Sequence[int]) -> None:
    """Go through a history, then undo some of it, and check what holds of a round whatever happened to it."""
    seen = store.record(store.create("Autumn", SOURCES), [no_consents()])
    for command in history:
        seen = after(store, seen, *command)
    plan, inputs = next_plan(seen)
    check_plan(seen, plan, inputs)
    assert held(store, seen.round_id) == seen
    packed = store.export_round(seen.round_id)
    restored = store.import_round(packed)
    assert restored.events[:-1] == seen.events
    assert known_of(restored.given, restored.events) == known_of(seen.given, seen.events)
    assert (restored.files, restored.sources) == (seen.files, seen.sources)
    assert serving(next_plan(restored)[0]) == serving(plan)
    undone_once = {one.undoes for one in seen.events}
    for number in undos:
        if targets := [one for one in to_undo(seen, undos=False) if one not in undone_once]:
            target = chosen(targets, number)
            undone_once.add(target)
            seen = check_undo(store, seen, target)


# Two halves of the histories, so that two workers go through them at the same time; each name has histories of its own.
HALF = cases(30, usually=3)
UNDOS = st.lists(st.integers(0, 60), min_size=1, max_size=3)


@pytest.mark.deeper
@HALF
@given(HISTORIES, UNDOS)
def test_a_round_keeps_its_promises_whatever_happens_to_it(store, history, undos):
    keep_promises(store, history, undos)


@pytest.mark.long
@pytest.mark.deeper
@cases(30, usually=6)
@given(HISTORIES, UNDOS)
def test_a_round_keeps_its_promises_in_other_histories_too(store, history, undos):
    keep_promises(store, history, undos)


# What a history at random may not meet


def begun_with(store: RoundStore, *events: Event, **files: Source | None) -> Round:
    sources = {name: one for name, one in {**SOURCES, **files}.items() if one}
    begun = store.create("Autumn", sources)
    for one in events:
        begun = store.record(begun, [one])
    return begun


def change(kind: str, table: str, key: str, before: Mapping[str, str] | None, now: Mapping[str, str] | None) -> Event:
    changes = (RowChange(table, tuple(key.split(";")), before, now),)
    return replace(new_event(kind, by="Jo"), changes=changes)


NEW_NEED = {"need_id": "N6", "school_urn": "100000", "focus": "maths"}
ADD_NEED = change("need_added", "needs", "N6", None, NEW_NEED)
NEW_EVIDENCE = {"supporter_id": "S5", "criterion": "SLE-1", "met": "yes"}


def test_rows_that_were_added_go_with_the_table_when_it_is_taken_away(store):
    added_to = begun_with(store, ADD_NEED)
    emptied = store.save_sources(added_to, {name: SOURCES[name] for name in ("schools", "supporters")})
    assert {*emptied.sources} == {"schools", "supporters"}
    assert store.undo(emptied, 3).sources == added_to.sources


def test_a_table_is_the_given_file_again_once_nothing_in_it_differs(store):
    added_to = begun_with(store, ADD_NEED)
    assert added_to.sources["needs"].content.rstrip(b",\n").endswith(b"\nN6,100000,maths")
    assert store.undo(added_to, 2).sources == SOURCES
    # A change of a row that is gone makes no empty table: with one, no one would be accredited.
    evidence = change("evidence_changed", "accreditation", "S1;SLE-1", None, {**NEW_EVIDENCE, "supporter_id": "S1"})
    noted = change("evidence_changed", "accreditation", "S1;SLE-1", {"met": "yes"}, {"met": "no"})
    assert store.undo(begun_with(store, evidence, noted), 2).sources == SOURCES


def test_evidence_lies_dormant_with_its_supporter(store):
    cells = {**ADDED["supporters"], "supporter_id": "S5"}
    added_to = begun_with(
        store,
        change("supporter_added", "supporters", "S5", None, cells),
        change("evidence_changed", "accreditation", "S5;SLE-1", None, NEW_EVIDENCE),
    )
    assert b"S5,SLE-1" in added_to.sources["accreditation"].content
    undone = store.undo(added_to, 2)
    assert undone.sources == SOURCES
    assert [one.number for one in dormant(undone.given, undone.events)] == [3]
    assert store.undo(undone, 4).sources == added_to.sources


def test_a_cell_with_any_line_end_stays_one_cell(store):
    noted = change("need_changed", "needs", "N2", {"notes": ""}, {"notes": " one\rtwo\r\nthree "})
    found = table_cells(begun_with(store, noted).sources, "needs")
    assert found["need_id"].tolist() == ["N1", "N2", "N3", "N4", "N5"]
    assert found["notes"].tolist()[1] == "one\ntwo\nthree"


def test_a_table_with_other_headers_gets_ours_and_its_mapping_goes(store):
    text = BEGINNING["supporters"].replace("supporter_id,name", "Ref,Person", 1)
    columns = options_source(ReadingOptions({"supporters": TableOptions({"Ref": "supporter_id", "Person": "name"})}))
    left = change("supporter_left", "supporters", "S2", {"available_until": ""}, LEFT)
    begun = begun_with(store, supporters=as_source("supporters", text), columns=columns)
    changed = store.record(begun, [left])
    assert "columns" not in changed.sources
    read = read_inputs(changed.sources, as_at=AS_AT).supporters
    assert read["available_until"].tolist()[1] == date(2026, 8, 1)
    assert store.undo(changed, 2).sources == begun.sources


def test_a_file_that_cannot_be_read_is_left_as_it_is(store):
    torn = Source("needs.xlsx", b"PK\x03\x04 torn")
    replaced = store.save_sources(store.create("Autumn", SOURCES), SOURCES | {"needs": torn})
    added_to = store.record(store.undo(replaced, 2), [ADD_NEED])
    assert store.undo(added_to, 3).sources == {**SOURCES, "needs": torn}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (change("need_added", "needs", "N1", None, {**NEW_NEED, "need_id": "N1"}), "There is N1 in the needs table al"),
        (change("need_changed", "needs", "N9", {"days": ""}, {"days": "1"}), "There is no N9 in the needs table any"),
        (change("need_changed", "needs", "N1", {"days": "1"}, {"days": "3"}), "N1 in the needs table was changed mean"),
        (
            change("evidence_changed", "accreditation", "S9;SLE-1", None, {**NEW_EVIDENCE, "supporter_id": "S9"}),
            "no S9",
        ),
        (change("need_changed", "schools", "100000", {"name": "x"}, {"name": "y"}), "a row of 'schools', which cannot"),
        (change("need_changed", "secrets", "N1", {"name": "x"}, {"name": "y"}), "a row of 'secrets', which cannot"),
        (
            change("need_changed", "needs", "N1;N2", {"days": "2"}, {"days": "3"}),
            "needs by 'N1;N2' in place of need_id",
        ),
        (
            change("evidence_changed", "accreditation", "S1", None, NEW_EVIDENCE),
            "in place of supporter_id and criterion",
        ),
        (change("need_added", "needs", "", None, NEW_NEED), "names a row of needs by '' in place of need_id"),
        (change("need_changed", "needs", "N1", None, None), "changes nothing in a row"),
        (change("need_changed", "needs", "N1", {"days": "2"}, {"focus": "art"}), "other cells of 'N1' than it names"),
        (change("need_added", "needs", "N6", None, {"focus": "maths"}), "adds a row of needs without its need_id"),
        (change("need_added", "needs", "N7", None, NEW_NEED), "gives a row of needs another key"),
        (
            change("need_changed", "needs", "N1", {"need_id": "N1"}, {"need_id": "N8"}),
            "gives a row of needs another key",
        ),
        (change("need_changed", "needs", "N1", {"days": "2"}, {"days": "\x00"}), r"that no table can hold"),
        (change("need_changed", "needs", "N1", {"days": "2"}, {"days": "\ud800"}), r"that no table can hold"),
        (change("need_changed", "needs", "N1", {"": ""}, {"": "1"}), "changes a column without a name"),
        (replace(ADD_NEED, changes=ADD_NEED.changes * 2), "changes a row twice"),
        (replace(ADD_NEED, changes=()), "Nothing would be changed"),
        (replace(ADD_NEED, kind="note"), "A decision changes no table"),
    ],
)
def test_a_change_that_does_not_fit_the_register_is_refused(store, event, message):
    begun = store.create("Autumn", SOURCES)
    with pytest.raises(DataError, match=message) as caught:
        store.record(begun, [event])
    assert all(one.fix.endswith(".") for one in caught.value.problems)
    assert held(store, begun.round_id) == begun


# Rounds of earlier versions


SAVED = sorted((Path(__file__).parents[1] / "saved_rounds").glob("*.sqlite"))


@pytest.mark.parametrize("path", SAVED, ids=[one.stem for one in SAVED])
def test_a_round_of_an_earlier_version_starts_from_its_tables_as_they_are(path, tmp_path):
    shutil.copyfile(path, tmp_path / "rounds.db")
    with closing(sqlite3.connect(path)) as raw:
        before = {one: raw.execute(f"SELECT * FROM {one}").fetchall() for one in ("events", "sources", "plan_files")}
        content = dict(raw.execute("SELECT sha256, content FROM contents"))
        current = dict(raw.execute("SELECT round_id, current_plan FROM rounds"))
    with opened(tmp_path / "rounds.db") as store:
        assert {one.round_id for one in store.list(archived=True)} == {*current}
        for round_id, plan in current.items():
            found = held(store, round_id)
            events = [(one.number, one.by, one.kind, one.why, dict(one.about), one.undoes) for one in found.events]
            written = [one[1:] for one in before["events"] if one[0] == round_id]
            assert events == [
                (number, by, kind, why, json.loads(about), undoes)
                for number, _, by, kind, why, about, undoes in written
            ]
            assert found.sources == {
                table: Source(name, content[digest])
                for owner, table, name, digest, _ in before["sources"]
                if owner == round_id
            }
            files = [one for one in before["plan_files"] if one[:2] == (round_id, plan)]
            assert (found.files or {}) == {one[2]: content[one[4]] for one in files}
            assert found.current == plan
            for number in [one.number for one in found.events if one.kind == "files"]:
                with pytest.raises(DataError, match="earlier version, which did not keep the tables before"):
                    store.undo(found, number)
