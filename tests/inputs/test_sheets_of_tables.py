"""The sheets of one workbook: each table finds its own, and none that fits a table is left unread without a word."""

import io
from collections.abc import Mapping, Sequence

from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from tiny import NEEDS, SCHOOLS, SUPPORTERS, cells

from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.inputs.recognise import WORKBOOK, tables_in, with_sheets_apart, without_workbook
from matching.tables.files import Source

Rows = Sequence[Sequence[object]]
EVIDENCE = "supporter_id,criterion,met,evidence,checked_on\nS1,SLE-1,yes,seen,2026-07-01\n"
NOTES = "criterion,met,evidence,checked_on"
"""Columns of the accreditation table, which some keep beside the people."""
SHEETS = {"Schools": SCHOOLS, "Needs": NEEDS, "Evidence": EVIDENCE}


def with_notes(table: str) -> Rows:
    header, *rows = cells(table)
    return [[*header, *NOTES.split(",")], *([*row, "", "", "", ""] for row in rows)]


def workbook(sheets: Mapping[str, Rows]) -> Source:
    book, packed = Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([cell or None for cell in row])
    book.save(packed)
    return Source("round.xlsx", packed.getvalue())


def read_book(book: Source) -> Inputs:
    uploaded = {WORKBOOK: book}
    return read_inputs(with_sheets_apart(without_workbook(uploaded), uploaded))


@cases(15)
@given(st.permutations(["People", *SHEETS]), st.booleans())
def test_each_table_has_its_own_sheet_in_any_order(order, with_theirs):
    found = {name: cells(table) for name, table in SHEETS.items()}
    found["People"] = with_notes(SUPPORTERS) if with_theirs else cells(SUPPORTERS)
    book = workbook({name: found[name] for name in order})
    assert tables_in(book) == {
        "schools": "Schools",
        "supporters": "People",
        "needs": "Needs",
        "accreditation": "Evidence",
    }
    inputs = read_book(book)
    assert inputs.accreditation["criterion"].tolist() == ["SLE-1"]
    assert not any("and is not read" in notice for notice in inputs.notices)


@cases(9)
@given(st.permutations(["People", *SHEETS]), st.sampled_from(["Evidence", "Needs", "People"]), st.booleans())
def test_a_sheet_that_fits_a_table_and_is_not_read_is_named(order, name, poorer):
    found = {**{name: cells(table) for name, table in SHEETS.items()}, "People": cells(SUPPORTERS)}
    # The older list has fewer columns: the required ones.
    kept = {"Evidence": 3, "Needs": 3, "People": 6}[name] if poorer else None
    book = workbook({**{one: found[one] for one in order}, "Older": [row[:kept] for row in found[name]]})
    notices = read_book(book).notices
    assert len([one for one in notices if "'Older'" in one]) == 1
    assert any("'Older' fits too and was not read" in one for one in notices) != poorer


def test_an_older_list_of_people_is_not_taken_for_decisions():
    people = [["SLE ref", "Name", "Type"], ["S1", "Ann", "SLE"]]
    found = {"Schools": cells(SCHOOLS), "Needs": cells(NEEDS), "People": cells(SUPPORTERS), "2025": people}
    assert tables_in(workbook(found)) == {"schools": "Schools", "supporters": "People", "needs": "Needs"}


def test_a_file_of_one_table_that_has_the_columns_of_two_says_nothing_new():
    sources = {name: Source(f"{name}.csv", table.encode()) for name, table in (("schools", SCHOOLS), ("needs", NEEDS))}
    text = "\n".join(",".join(map(str, row)) for row in [[*cells(SUPPORTERS)[0], *NOTES.split(",")]]) + "\n"
    sources["supporters"] = Source("supporters.csv", (text + "S9,Di Dee,LLE,100000,Primary,,1,,,,,\n").encode())
    assert not any("has the columns" in one for one in read_inputs(sources).notices)
