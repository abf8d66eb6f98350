"""Cells of official files whose value the file does not hold, at random places: named, or blank with a notice."""

import csv
import io
from collections.abc import Callable

import pandas as pd
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from tiny import NEEDS, SCHOOLS, SUPPORTERS, read, sources

import matching as m
from matching.errors import DataError
from matching.inputs.official.gias import REQUIRED_COLUMNS, read_gias
from matching.inputs.official.links import read_links
from matching.inputs.official.ofsted import read_ofsted
from matching.inputs.read import read_inputs
from matching.inputs.triage import read_attainment
from matching.plan.earlier_formats import INPUT_COLUMNS
from matching.tables.files import Source
from matching.tables.vocabulary import standard_vocabulary

CLOSED = 4
"""The row of a GIAS extract that is left out, unless its status is not known."""
GIAS = """\
URN,LA (name),EstablishmentName,TypeOfEstablishment (code),EstablishmentStatus (name),PhaseOfEducation (name),CloseDate,\
NumberOfPupils,PercentageFSM,Trusts (name),Trusts (code),Federations (name),Postcode,GOR (name),Easting,Northing,\
OfstedRating (name)
100000,Camden,Alder School,01,Open,Primary,,271,21.5,ASH TRUST,2044,,AB1 2CD,London,533498,181201,Good
100001,Camden,Birch School,01,Open,Secondary,,900,9,ASH TRUST,2044,,AB1 2CE,London,533598,181301,Outstanding
100002,Camden,Cedar School,01,Closed,Primary,31-08-2021,100,12,,,Elm Federation,AB1 2CF,London,533698,181401,Good
"""
OFSTED = """\
URN,Overall effectiveness,Category of concern,Inspection start date,Quality of education
100000,2,NULL,01/02/2023,2
100001,1,NULL,01/03/2023,1
100002,4,SM,01/04/2023,4
"""
LINKS = "URN,LinkURN,LinkType\n100000,200000,Successor\n100001,200001,Predecessor\n100002,200002,Successor\n"
ATTAINMENT = "URN,PTRWM_EXP,READPROG,P8MEA\n100000,64%,-5.1,-0.6\n100001,60%,-9,-0.7\n100002,10%,-6,-1\n"

Found = tuple[object, tuple[str, ...]]
"""What was read, and the notices."""


def gias_of(source: Source) -> Found:
    found = read_gias(source, standard_vocabulary())
    return [found.table.frame.to_csv(), found.left_out.to_csv()], found.notices


def ofsted_of(source: Source) -> Found:
    found = read_ofsted(source)
    return found.frame.to_csv(), found.notices


def links_of(source: Source) -> Found:
    found = read_links(source)
    return (found.after, found.before, found.unfollowed), found.notices


def attainment_of(source: Source) -> Found:
    found = read_attainment(source)
    return found.standards, found.notices


READERS: dict[str, tuple[str, Callable[[Source], Found], tuple[str, ...]]] = {
    "gias": (GIAS, gias_of, tuple(REQUIRED_COLUMNS.values())),
    "ofsted": (OFSTED, ofsted_of, ("URN",)),
    "links": (LINKS, links_of, ("URN", "LinkURN", "LinkType")),
    "attainment": (ATTAINMENT, attainment_of, ("URN",)),
}
ERRORS = st.sampled_from(["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "######"])


def as_csv(rows: list[list[str]]) -> Source:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return Source("official.csv", text.getvalue().encode("cp1252"))


def as_book(rows: list[list[str]], merged: str = "") -> Source:
    book, packed = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append([cell or None for cell in row])
    if merged:
        book.active.merge_cells(merged)
    book.save(packed)
    return Source("official.xlsx", packed.getvalue())


def expected(name: str, cells: dict[tuple[int, str], str], header: list[str]) -> tuple[list[tuple[int, str]], str]:
    """The problems of cells (row and column) without a value, and the list in the notice of those that are blank."""
    is_left_out = name == "gias" and (CLOSED, REQUIRED_COLUMNS["status"]) not in cells
    problems = {
        (row, column)
        for (row, column), found in cells.items()
        # In Ofsted's file a blank would give the school an older grade; only a look-up that finds nothing means one.
        if column in READERS[name][2] or (name == "ofsted" and found != "#N/A")
        if not (is_left_out and row == CLOSED)
    }
    blank = sorted({*cells} - problems)
    rows = {column: [f"row {row}" for row, one in blank if one == column] for column in header}
    listed = "; ".join(f"{column} ({len(named)}: {', '.join(named)})" for column, named in rows.items() if named)
    return sorted(problems), f"are read as blank: {listed}."


@cases(60, 20)
@given(st.sampled_from(list(READERS)), st.sampled_from(["csv", "xlsx", "formula", "merged"]), st.data())
def test_a_cell_without_a_value_is_a_problem_where_it_is_needed_and_else_blank_with_a_notice(name, kind, data):
    text, found_in, _ = READERS[name]
    header, *rows = csv.reader(io.StringIO(text))
    # Records in any order; the closed school stays in its row.
    rows[: CLOSED - 2] = data.draw(st.permutations(rows[: CLOSED - 2]))
    # A cell is covered by the one above it, which has a value.
    places = st.tuples(st.integers(1 if kind == "merged" else 0, len(rows) - 1), st.sampled_from(header))
    chosen = data.draw(st.sets(places, min_size=1, max_size=1 if kind == "merged" else 4))
    blank = [list(row) for row in rows]
    merged = ""
    for row, column in chosen:
        place = header.index(column)
        if kind == "merged":
            rows[row - 1][place] = blank[row - 1][place] = rows[row - 1][place] or "x"
            letter = chr(ord("A") + place)
            merged = f"{letter}{row + 1}:{letter}{row + 2}"
        rows[row][place] = "=1+1" if kind == "formula" else data.draw(ERRORS)
        blank[row][place] = ""
    write = as_csv if kind == "csv" else lambda table: as_book(table, merged)
    source = write([header, *rows])
    cells = {(row + 2, column): rows[row][header.index(column)] if not merged else "" for row, column in chosen}
    problems, listed = expected(name, cells, header)
    if problems:
        with pytest.raises(DataError) as caught:
            found_in(source)
        assert sorted((one.row, one.column) for one in caught.value.problems) == problems
    else:
        found, notices = found_in(source)
        assert [one.endswith(listed) for one in notices if "are read as blank" in one] == [True]
        assert found == found_in(as_csv([header, *blank]))[0]


def test_a_column_that_may_be_blank_may_be_in_error_from_top_to_bottom():
    header, school, *_ = csv.reader(io.StringIO(GIAS))
    fsm = header.index("PercentageFSM")
    rows = [[str(100_000 + nth), *school[1:fsm], "#N/A", *school[fsm + 1 :]] for nth in range(10_002)]
    schools, notices = gias_of(as_csv([header, *rows]))
    assert schools
    assert any("are read as blank: PercentageFSM (10,002: row 2, row 3," in one for one in notices)
    needs = NEEDS.splitlines()[0] + ",notes\n" + "".join(f"N{nth},100000,maths,,2,high,#N/A\n" for nth in range(10_002))
    assert len(read(needs=needs).needs) == 10_002


def test_a_plan_of_an_earlier_format_reads_its_copies_as_it_did():
    schools = GIAS.replace("Secondary", "#REF!").replace("21.5", "#VALUE!")
    ofsted, links = f"{OFSTED}100009,#REF!,,,\n", f"{LINKS}100009,100008,#REF!\n"
    people, needs = (text.splitlines()[0] for text in (SUPPORTERS, NEEDS))
    round_ = sources(
        schools=schools,
        ofsted=ofsted,
        links=links,
        supporters=f"{people}\nS1,Ann Ash,SLE,100000,Primary,maths,1,5\n",
        needs=f"{needs}\nN1,100000,maths,,2,high\n",
    )
    for columns in INPUT_COLUMNS.values():
        inputs = read_inputs(round_, columns=columns)
        assert inputs.schools["urn"].tolist() == ["100000"]
        assert not any("are read as blank: " in one for one in inputs.notices)


@cases(15)
@given(st.integers(0, 2), st.sampled_from(["READPROG", "URN"]), ERRORS)
def test_the_row_of_a_dataframe_is_named_by_its_label(row, column, error):
    results = pd.DataFrame({"URN": ["100000", "100001", "100002"], "PTRWM_EXP": "60%", "READPROG": "-9"}, list("xyz"))
    results.loc["xyz"[row], column] = error
    if column == "URN":
        with pytest.raises(DataError) as caught:
            m.triage(SCHOOLS.encode(), attainment=results)
        assert [str(one.row) for one in caught.value.problems] == ["xyz"[row]]
    else:
        listed = m.triage(SCHOOLS.encode(), attainment=results)
        below = listed.loc[listed["reason"].str.contains("minimum standards"), "urn"]
        assert sorted(below) == sorted({"100000", "100001", "100002"} - {f"10000{row}"})
