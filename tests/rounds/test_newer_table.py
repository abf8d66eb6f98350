"""Newer tables of a round: their difference from the register by what cells mean, and what accepting it leaves."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
import tiny
from depth import cases
from hypothesis import given
from hypothesis import strategies as st

from matching.errors import DataError
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs, read_schools
from matching.rounds.history.events import Event, RowChange, new_event
from matching.rounds.history.table import what_happened
from matching.rounds.newer_table import (
    Difference,
    changes,
    difference,
    newer_table,
    schools_difference,
    taken_back,
)
from matching.rounds.register import (
    GivenFiles,
    change_problem,
    register,
    rows_by_key,
    table_cells,
    with_changes,
)
from matching.tables.files import Source

TODAY = date(2026, 9, 1)
YESTERDAY = "2026-08-31"
EVIDENCE = tiny.EVIDENCE_HEADER + "S1,SLE-1,yes,Led maths,2026-01-02\nS1,SLE-2,no,,\n"


def compared(table: str, newer: str | bytes, **others: str) -> Difference:
    sources = tiny.sources(**others)
    return difference(sources, sources | {table: tiny.as_source(table, newer)}, table, on=TODAY)


def cells_of(changes: tuple[RowChange, ...]) -> dict[tuple[str, ...], tuple[object, object]]:
    return {one.key: (one.before, one.after) for one in changes}


def recorded(number: int, found: tuple[RowChange, ...], kind: str = "newer_table") -> Event:
    return replace(new_event(kind, by="Jo"), number=number, changes=found)


# ---- difference ----------------------------------------------------------------------------------------------------


def test_rows_are_added_changed_cell_by_cell_and_gone():
    newer = tiny.SUPPORTERS.replace("S3,Cy Cole", "S4,Di Dee").replace("maths;phonics,2,5", "maths,2,7")
    found = compared("supporters", newer)
    assert [one.key for one in found.added] == [("S4",)]
    assert found.added[0].after == {
        "supporter_id": "S4",
        "name": "Di Dee",
        "designation": "NLE",
        "school_urn": "100001",
        "phases": "Secondary",
        "max_deployments": "1",
    }
    assert cells_of(found.changed) == {
        ("S1",): (
            {"specialisms": "maths;phonics", "days_available": "5"},
            {"specialisms": "maths", "days_available": "7"},
        )
    }
    assert cells_of(found.gone) == {("S3",): ({"available_until": ""}, {"available_until": YESTERDAY})}


def test_cells_that_mean_the_same_are_no_change():
    newer = """\
supporter_id,name,designation,school_urn,phases,specialisms,max_deployments,days_available,max_distance_km
S1,Ann Ash,Specialist leader of education,100001,"secondary, Primary",phonics; maths,2.0,5.00,
S2,Bob Bay,lle,100000,PRIMARY,,,,
S3,Cy Cole,NLE,100001,Secondary,;,1,,
"""
    assert compared("supporters", newer).all == ()


def test_evidence_is_compared_by_supporter_and_criterion():
    newer = tiny.EVIDENCE_HEADER + "S1,sle-1,Y,Led maths,02/01/2026\nS1,SLE-3,yes,,\n"
    found = compared("accreditation", newer, accreditation=EVIDENCE)
    assert cells_of(found.added) == {
        ("S1", "SLE-3"): (None, {"supporter_id": "S1", "criterion": "SLE-3", "met": "yes"})
    }
    assert found.changed == ()
    assert [(one.key, one.after) for one in found.gone] == [(("S1", "SLE-2"), None)]


def test_the_first_evidence_of_a_round_is_added():
    sources = tiny.sources()
    newer = sources | {"accreditation": tiny.as_source("accreditation", EVIDENCE)}
    found = difference(sources, newer, "accreditation", on=TODAY)
    assert len(found.added) == len(found.all) == 2
    assert "accreditation" in with_changes(sources, found.all)


def test_columns_that_the_newer_table_lacks_stay_and_new_ones_are_added():
    newer = "need_id,school_urn,focus,head\nN1,100000,maths,Mo\nN2,100001,headship,\nN3,100002,phonics,\n"
    found = compared("needs", newer)
    assert found.lacking == ("days", "priority")
    assert found.new_columns == ("head",)
    assert cells_of(found.changed) == {("N1",): ({"head": ""}, {"head": "Mo"})}
    rows = rows_by_key(table_cells(with_changes(tiny.sources(), found.all), "needs"), "needs")
    assert (rows["N1",]["head"], rows["N1",]["days"], rows["N3",]["priority"]) == ("Mo", "2", "critical")


def test_headers_and_sheets_of_the_newer_file_are_its_own():
    rows = tiny.cells(tiny.SUPPORTERS.replace(",name,", ",Full name,").replace("Bob Bay", "Bo Bay"))
    sources = tiny.sources()
    columns = Source("columns.toml", b'[supporters]\n"Full name" = "name"\n')
    newer = sources | {"supporters": Source("people.xlsx", tiny.xlsx([["Our people"], [], *rows])), "columns": columns}
    found = difference(sources, newer, "supporters", on=TODAY)
    assert cells_of(found.all) == {("S2",): ({"name": "Bob Bay"}, {"name": "Bo Bay"})}


def test_who_is_gone_already_is_not_gone_again():
    newer = "".join(tiny.SUPPORTERS.splitlines(keepends=True)[:3])
    needs = "".join(tiny.NEEDS.splitlines(keepends=True)[:3])
    once = with_changes(tiny.sources(), [*compared("supporters", newer).all, *compared("needs", needs).all])
    again = once | {"supporters": tiny.as_source("supporters", newer), "needs": tiny.as_source("needs", needs)}
    assert difference(once, again, "supporters", on=TODAY).all == ()
    assert difference(once, again, "needs", on=TODAY).all == ()


def test_a_supporter_who_is_gone_is_proposed_nowhere_even_for_a_need_that_began_earlier():
    needs = tiny.NEEDS.replace("priority\n", "priority,start_by\n").replace("critical\n", "critical,2026-05-04\n")
    needs = needs.replace(",high\n", ",high,\n").replace("headship,,,\n", "headship,,,,\n")
    newer = "".join(tiny.SUPPORTERS.splitlines(keepends=True)[:3])
    assert [one.after for one in compared("supporters", newer, needs=needs).gone] == [{"available_until": "2026-05-03"}]


def test_a_supporter_who_is_gone_before_their_first_day_has_none():
    supporters = "".join(
        f"{line},{cell}\n"
        for line, cell in zip(tiny.SUPPORTERS.splitlines(), ("available_from", "", "", "2027-01-01"), strict=True)
    )
    newer = "".join(tiny.SUPPORTERS.splitlines(keepends=True)[:3])
    found = compared("supporters", newer, supporters=supporters)
    assert [one.after for one in found.gone] == [{"available_until": YESTERDAY, "available_from": ""}]
    tiny.read(supporters=with_changes(tiny.sources(supporters=supporters), found.all)["supporters"])


@pytest.mark.parametrize("header", ["", ",state", ",available_until"])
def test_who_was_gone_and_is_in_a_later_table_is_back(header):
    given = GivenFiles(tiny.sources())
    for table, text in (("supporters", tiny.SUPPORTERS), ("needs", tiny.NEEDS)):
        shorter = "".join(text.splitlines(keepends=True)[:3])
        events = [recorded(1, compared(table, shorter).all)]
        then = register(given, events)
        lines = text.splitlines()
        newer = "\n".join([lines[0] + header, *(line + "," * bool(header) for line in lines[1:])]) + "\n"
        found = difference(then, then | {table: tiny.as_source(table, newer)}, table, on=TODAY, events=events)
        (back,) = found.all
        assert list((back.after or {}).values()) == [""]
        assert rows_by_key(table_cells(with_changes(then, found.all), table), table) == rows_by_key(
            table_cells(given.first, table), table
        )


def test_a_cell_that_was_recorded_here_and_would_be_taken_back_is_found():
    by_hand = recorded(1, (RowChange("needs", ("N1",), {"days": "2"}, {"days": "4"}),), "need_changed")
    sources = register(GivenFiles(tiny.sources()), [by_hand])
    newer = sources | {"needs": tiny.as_source("needs", tiny.NEEDS.replace("phonics,,2.5", "phonics,,3"))}
    found = difference(sources, newer, "needs", on=TODAY, events=[by_hand])
    assert [one.key for one in found.changed] == [("N1",), ("N3",)]
    assert [one.key for one in taken_back(found, [by_hand])] == [("N1",)]


def test_schools_are_added_gone_and_moved():
    newer = tiny.SCHOOLS.replace("100002,Cedar School", "100009,Elm School").replace("401000", "401500")
    before, after = (read_schools(tiny.as_source("schools", one)) for one in (tiny.SCHOOLS, newer))
    found = schools_difference(before, after)
    assert found.added == (("100009", "Elm School"),)
    assert found.gone == (("100002", "Cedar School"),)
    assert found.moved == (("100001", "Birch School"),)


def test_a_file_that_cannot_be_read_is_refused():
    sources = tiny.sources()
    with pytest.raises(DataError, match="UTF-16"):
        difference(sources, sources | {"needs": Source("needs.csv", b"\xff\xfea")}, "needs", on=TODAY)


# ---- accepted, and not ---------------------------------------------------------------------------------------------

WORDS = {
    "needs": {
        "focus": ("maths", "phonics", "headship", "SEND"),
        "designations": ("", "SLE", "LLE;NLE", "nle, lle"),
        "days": ("", "0", "2", "2.0", "2.5"),
        "priority": ("", "normal", "High", "critical"),
        "state": ("", "open", "paused", "withdrawn"),
        "start_by": ("", "2026-10-01", "01/10/2026"),
        "contact": ("", "Mo", "Jo, head"),
    },
    "supporters": {
        "name": ("Ann Ash", "Bo Bay"),
        "designation": ("SLE", "Specialist leader of education"),
        "phases": ("Primary", "Primary;Secondary", "secondary, primary"),
        "specialisms": ("maths", "maths;phonics", "phonics; Maths", "SEND"),
        "max_deployments": ("", "1", "1.0", "2"),
        "available_from": ("", "2026-01-01", "2027-01-01"),
        "unavailable": ("", "2026-10-01/2026-10-09"),
        "phone": ("", "01234"),
    },
}


@st.composite
def tables(draw: st.DrawFn, table: str) -> Source:
    """A sound table of up to eight rows, with some of the optional columns, in any order."""
    identifier = f"{table.removesuffix('s')}_id"
    required = {"needs": ("focus",), "supporters": ("name", "designation", "phases", "specialisms")}[table]
    optional = draw(st.sets(st.sampled_from([name for name in WORDS[table] if name not in required])))
    columns = draw(st.permutations([*required, *sorted(optional)]))
    keys = draw(st.lists(st.integers(1, 8), min_size=1, max_size=6, unique=True))
    rows = [[f"X{key}", "100000", *(draw(st.sampled_from(WORDS[table][name])) for name in columns)] for key in keys]
    lines = [[identifier, "school_urn", *columns], *rows]
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines) + "\n"
    return Source(f"{table}.csv", text.encode())


def read(sources: Mapping[str, Source]) -> Inputs:
    return read_inputs(sources, as_at=TODAY)


@st.composite
def proposals(draw: st.DrawFn) -> tuple[str, dict[str, Source], dict[str, Source]]:
    """A table, a register, and the register with a newer one of that table."""
    table = draw(st.sampled_from(["needs", "supporters"]))
    sources = tiny.sources() | {table: draw(tables(table))}
    return table, sources, sources | {table: draw(tables(table))}


@cases(30)
@given(proposals())
def test_a_register_that_accepts_all_of_a_newer_table_means_what_it_means(case):
    table, sources, newer = case
    found = difference(sources, newer, table, on=TODAY)
    event = newer_table([found], by="Jo")
    assert not found.all or change_problem(sources, event) is None
    after = read(with_changes(sources, event.changes))
    key = f"{table.removesuffix('s')}_id"
    wanted, accepted = (
        (one.all_needs if table == "needs" else one.supporters).drop(columns="row").set_index(key)
        for one in (read(newer), after)
    )
    # What the newer table cannot give is as it was.
    given = [name for name in wanted.columns if name in table_cells_given(newer[table])]
    assert accepted.loc[wanted.index, given].equals(wanted[given])
    gone = accepted.drop(index=wanted.index)
    if table == "needs":
        assert set(gone["state"]) <= {"withdrawn"}
    else:
        assert all(day < TODAY for day in gone["available_until"])
    assert difference(with_changes(sources, found.all), newer, table, on=TODAY).all == ()


def table_cells_given(source: Source) -> list[str]:
    return [name.strip('"') for name in source.content.decode().splitlines()[0].split(",")]


@cases(30)
@given(proposals(), st.data())
def test_rows_that_are_not_ticked_keep_their_cells_and_undo_gives_the_bytes_before(case, data):
    table, sources, newer = case
    found = difference(sources, newer, table, on=TODAY)
    ticked = data.draw(st.sets(st.sampled_from([one.key for one in found.all]))) if found.all else set()
    taken = changes(found, ticked)
    after = with_changes(sources, taken)
    before_rows, after_rows = (rows_by_key(table_cells(one, table), table) for one in (sources, after))
    for key, row in before_rows.items():
        if key not in ticked:
            assert {name: after_rows[key].get(name, "") for name in row} == row
    assert set(after_rows) == {*before_rows, *(one.key for one in taken if one.before is None)}
    if not taken:
        assert after == sources
        return
    given = GivenFiles(sources)
    undo = replace(new_event("undo", by="Jo"), number=2, undoes=1)
    assert register(given, [recorded(1, taken)]) == {name: after[name] for name in register(given, [])}
    assert register(given, [recorded(1, taken), undo]) == register(given, [])


def test_the_history_counts_what_was_added_changed_and_gone():
    found = compared("supporters", tiny.SUPPORTERS.replace("S3,Cy Cole", "S4,Di Dee").replace("maths;phonics", "maths"))
    assert what_happened(newer_table([found], by="Jo")) == "newer table accepted: 1 added, 1 changed, 1 gone"
    only = newer_table([found], {"supporters": {("S1",)}}, by="Jo")
    assert (what_happened(only), [one.key for one in only.changes]) == ("newer table accepted: 1 changed", [("S1",)])
