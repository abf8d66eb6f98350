"""Tables read where the columns file says: a sheet, the row of the header, and columns that are not used."""

import io

import pytest
import tiny
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from matching.inputs.headers import ReadingOptions, TableOptions, options_source
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_schools
from matching.inputs.recognise import table_readings
from matching.tables.files import Source


def book(**sheets: list[list[object]]) -> Source:
    made, packed = Workbook(), io.BytesIO()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append([cell or None for cell in row])
    made.save(packed)
    return Source("round.xlsx", packed.getvalue())


def columns(**tables: TableOptions) -> Source:
    return options_source(ReadingOptions(tables))


def read(source: Source, options: TableOptions) -> Inputs:
    return tiny.read(needs=source, columns=columns(needs=options))


OLD, NEW = tiny.cells(tiny.NEEDS), tiny.cells(tiny.NEEDS.replace("N", "M"))


def test_the_sheet_that_is_named_is_read_although_another_fits_as_well():
    source = book(Old=OLD, New=NEW)
    assert read(source, TableOptions()).needs["need_id"].tolist() == ["N1", "N2", "N3"]
    assert read(source, TableOptions(sheet="New")).needs["need_id"].tolist() == ["M1", "M2", "M3"]


@cases(15)
@given(st.integers(0, 8), st.integers(1, 4))
def test_the_row_that_is_named_is_the_header_wherever_it_is(above, between):
    decoy = [["need_id", "school_urn", "focus", "priority", "days", "notes"]]
    source = book(A=[["Title"]] * above + decoy + [["x"]] * between + OLD)
    found = read(source, TableOptions(header_row=above + 1 + between + 1)).needs
    assert found["need_id"].tolist() == ["N1", "N2", "N3"]


def test_a_column_that_is_not_used_is_left_out_whatever_it_is_called():
    text = "Priority now,priority,need_id,school_urn,focus\nhigh,whatever,N1,100000,maths\n"
    # A column that is not in this file, as when the options are those of an earlier one, is not named.
    options = TableOptions({"Priority now": "priority"}, ("priority", "Line manager"))
    found = read(Source("n.csv", text.encode()), options)
    assert found.needs["priority"].tolist() == ["high"]
    assert "n.csv: columns that are not used, as you chose: 'priority'." in found.notices


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            TableOptions(sheet="Leaders 2025"),
            "round.xlsx: There is no sheet 'Leaders 2025'. Did you mean 'Leaders 2026'?",
        ),
        (
            TableOptions(header_row=20),
            "round.xlsx: Row 20 cannot be the header. Choose one of the first 20 rows that hold names of columns.",
        ),
    ],
)
def test_a_place_that_is_not_there_is_a_problem(options, fault):
    assert tiny.faults(needs=book(**{"Old": OLD, "Leaders 2026": NEW}), columns=columns(needs=options)) == [fault]


def test_every_column_is_shown_with_ours_and_a_sample():
    text = tiny.NEEDS.replace("focus", "Area of need").replace("designations", "Colour").replace("maths,", "maths,red")
    (found,) = (one for one in table_readings(tiny.sources(needs=text)) if one.table == "needs")
    assert [(one.header, one.samples, one.column) for one in found.columns][:4] == [
        ("need_id", ("N1", "N2", "N3"), "need_id"),
        ("school_urn", ("100000", "100001", "100002"), "school_urn"),
        ("Area of need", ("maths", "headship", "phonics"), ""),
        ("Colour", ("red",), ""),
    ]
    assert (found.missing, found.header_row, found.asks) == (("focus",), 1, True)


def test_nothing_is_asked_where_every_doubt_is_settled():
    strange = tiny.SUPPORTERS.replace("max_deployments", "Maximum deployments")
    asked = {one.table: one.asks for one in table_readings(tiny.sources(supporters=strange))}
    assert asked == {"schools": False, "supporters": True, "needs": False}
    for options in (
        TableOptions({"Maximum deployments": "max_deployments"}),
        TableOptions(not_used=("Maximum deployments",)),
    ):
        sources = tiny.sources(supporters=strange, columns=columns(supporters=options))
        assert not any(one.asks for one in table_readings(sources))


GIAS = [
    ["URN", "EstablishmentName", "TypeOfEstablishment (code)", "EstablishmentStatus (name)"],
    ["100000", "Alder School", "01", "Open"],
]
GIAS[0] += ["PhaseOfEducation (name)", "Easting", "Northing"]
GIAS[1] += ["Primary", "400000", "300000"]
OFSTED = [["URN", "Overall effectiveness", "Inspection start date"], ["100000", "2", "01/02/2023"]]
LINKS = [["URN", "LinkURN", "LinkType"], ["100000", "90000", "Successor"]]


def official(kind: str, what: str) -> list[list[object]]:
    """The rows of an official file about the school `what`."""
    header, row = {"schools": GIAS, "ofsted": OFSTED, "links": LINKS}[kind]
    return [header, [what, *row[1:]]]


@cases(15)
@given(st.integers(0, 4), st.integers(0, 2), st.sampled_from(["sheet", "row"]))
def test_official_files_are_read_from_the_place_that_is_named(above, between, by):
    """Every file has the table twice: that of 100001 looks as good, and the other is named."""
    files = {"schools": ("100001", "100000"), "ofsted": ("100001", "100000"), "links": ("100001", "100009")}
    options, given_files = {}, {}
    for kind, (decoy, meant) in files.items():
        first, second = official(kind, decoy), official(kind, meant)
        if kind == "links":
            second[1][1] = "100000"
        if by == "sheet":
            given_files[kind] = book(A=first, B=second)
            options[kind] = TableOptions(sheet="B")
        else:
            rows = [["Title"]] * above + first + [["x"]] * between + second
            given_files[kind] = book(A=rows)
            options[kind] = TableOptions(header_row=above + len(first) + between + 1)
    said = columns(**options)
    found = read_schools(given_files["schools"], ofsted=given_files["ofsted"], links=given_files["links"], columns=said)
    assert found[["urn", "ofsted"]].to_numpy().tolist() == [["100000", "Good"]]
    people = tiny.SUPPORTERS.splitlines()[0] + "\nS1,Ann Ash,SLE,100000,Primary,maths,1,5\n"
    needs = tiny.NEEDS.splitlines()[0] + "\nN1,100009,maths,,2,high\n"
    inputs = tiny.read(**given_files, supporters=people, needs=needs, columns=said)
    assert inputs.schools[["urn", "ofsted"]].to_numpy().tolist() == [["100000", "Good"]]
    assert inputs.needs["school_urn"].tolist() == ["100000"]


def test_the_sheet_that_is_named_decides_whether_the_schools_are_an_extract():
    source = book(Official=GIAS, Ours=tiny.cells(tiny.SCHOOLS))
    assert read_schools(source)["urn"].tolist() == ["100000"]
    said = columns(schools=TableOptions(sheet="Ours"))
    assert read_schools(source, columns=said)["urn"].tolist() == ["100000", "100001", "100002"]
    assert len(tiny.read(schools=source, columns=said).schools) == 3
    (reading,) = (one for one in table_readings(tiny.sources(schools=source, columns=said)) if one.table == "schools")
    assert reading.sheet == "Ours"
