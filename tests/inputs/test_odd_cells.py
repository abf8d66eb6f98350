"""Cells and files that are not what they look like, at random places of random tables."""

import csv
import io
import zipfile

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from tiny import AS_AT, EVIDENCE_HEADER, NEEDS, SCHOOLS, SUPPORTERS, decisions, faults, read, sources, with_part, xlsx
from tiny import cells as tiny_cells

from matching.errors import DataError
from matching.inputs import corrections
from matching.inputs.locations import places, with_cells
from matching.inputs.read import read_inputs
from matching.tables.files import Source, find_table, named_apart, read_sheet
from matching.tables.formats import known_columns, table_formats
from matching.tables.vocabulary import standard_vocabulary

TABLES = {
    "schools": SCHOOLS,
    "supporters": SUPPORTERS,
    "needs": NEEDS,
    "accreditation": EVIDENCE_HEADER + "S1,SLE-1,yes,seen,2026-01-31\n",
    "decisions": decisions("pin,S1,N1,,as agreed,Ann,2026-01-31"),
}
FORMATS = table_formats(standard_vocabulary())
NEEDS_KNOWN = known_columns(FORMATS["needs"])
SOME = cases(30, 10)
NAMES = st.sampled_from(list(TABLES))
KINDS = st.sampled_from(["csv", "xlsx"])
NO_EVIDENCE = "No accreditation table was given: designations are taken as stated."


def written(rows: list[list[str]], kind: str, **options) -> bytes:
    if kind == "xlsx":
        return xlsx(rows)
    text = io.StringIO(newline="")
    csv.writer(text, **options).writerows(rows)
    return text.getvalue().encode()


def with_all(name: str, content: bytes, kind: str) -> dict[str, Source]:
    return sources(**TABLES | {name: Source(f"{name}.{kind}", content)})


def read_with(name: str, content: bytes, kind: str = "csv"):
    return read_inputs(with_all(name, content, kind), as_at=AS_AT)


def tables_of(inputs) -> list[list[tuple[object, ...]]]:
    frames = (inputs.schools, inputs.supporters, inputs.needs, inputs.accreditation, inputs.decisions)
    return [[tuple(map(str, row)) for row in frame.drop(columns="row").itertuples(index=False)] for frame in frames]


EXPECTED = tables_of(read(**TABLES))


# Errors


@SOME
@given(NAMES, KINDS, st.data())
def test_an_error_of_a_spreadsheet_is_named_wherever_it_is(name, kind, data):
    rows = tiny_cells(TABLES[name])
    row, column = data.draw(st.integers(1, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    error = data.draw(st.sampled_from(["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "######"]))
    rows[row][column] = error
    with pytest.raises(DataError) as caught:
        read_with(name, written(rows, kind), kind)
    place = f"{name}.{kind} row {row + 1}, {rows[0][column]}: '{error}' is an error of the spreadsheet. "
    assert [fault for fault in map(str, caught.value.problems) if fault.startswith(place)]


# Characters that no one sees


@SOME
@given(NAMES, KINDS, st.sampled_from(["\u200b", "\u2060", "\u200e", "\ufeff", "\u00ad"]), st.data())
def test_invisible_characters_are_left_out_wherever_they_are(name, kind, mark, data):
    rows = tiny_cells(TABLES[name])
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    cell = rows[row][column]
    place = data.draw(st.integers(0, len(cell)))
    rows[row][column] = cell[:place] + mark + cell[place:]
    inputs = read_with(name, written(rows, kind), kind)
    assert tables_of(inputs) == EXPECTED
    changes = row > 0 and cell and rows[0][column].split("_")[-1] in ("id", "urn", "name")
    told = f"{name}.{kind}, {rows[0][column]}: invisible characters were left out"
    assert any(notice.startswith(told) for notice in inputs.notices) == bool(changes)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_break_spaces_and_line_ends_of_workbooks_are_read(kind):
    rows = tiny_cells(SUPPORTERS.replace("Ann Ash", "Ann\u00a0Ash"))
    rows[1][5] = "maths_x000D_\nphonics_x000D_"
    inputs = read_with("supporters", written(rows, kind), kind)
    assert tables_of(inputs) == EXPECTED
    assert [one for one in inputs.notices if "name: invisible" in one and "(1 cell: row 2)" in one]


def test_letters_of_two_forms_are_one():
    people = SUPPORTERS.replace("S1", "Zoë")
    plan = read(supporters=people, decisions=decisions("pin,Zoe\u0308,N1,,,,"))
    assert plan.decisions["supporter_id"].tolist() == ["Zoë"]
    assert plan.notices == (NO_EVIDENCE,)


# Text files as programs write them


@SOME
@given(NAMES, st.sampled_from([";", "\t", "|"]), st.booleans())
def test_other_separators_are_read_where_the_columns_are_ours(name, mark, with_title):
    rows = tiny_cells(TABLES[name])
    title = [["Our table, of autumn"]] if with_title else []
    inputs = read_with(name, written([*title, *rows], "csv", delimiter=mark))
    assert tables_of(inputs) == EXPECTED
    assert any("the cells are separated by" in notice for notice in inputs.notices)


@SOME
@given(NAMES, st.integers(0, 3))
def test_lines_in_quotation_marks_and_several_byte_order_marks_are_read(name, marks):
    lines = [[line] for line in TABLES[name].splitlines()]
    content = b"\xef\xbb\xbf" * marks + written(lines, "csv", quoting=csv.QUOTE_ALL)
    inputs = read_with(name, content)
    assert tables_of(inputs) == EXPECTED
    assert any("in quotation marks as a whole" in notice for notice in inputs.notices)


@SOME
@given(NAMES)
def test_separators_that_excel_left_out_at_the_end_of_a_row_do_not_matter(name):
    content = "\n".join(line.rstrip(",") for line in TABLES[name].splitlines()) + "\n"
    assert tables_of(read_with(name, content.encode())) == EXPECTED


@SOME
@given(NAMES, KINDS, st.sampled_from([str.upper, str.title, lambda name: name.replace("_", "  ")]))
def test_columns_are_known_in_any_capitals_and_spacing(name, kind, change):
    rows = tiny_cells(TABLES[name])
    inputs = read_with(name, written([[change(one) for one in rows[0]], *rows[1:]], kind), kind)
    assert tables_of(inputs) == EXPECTED


def test_two_headers_of_one_column_are_a_problem():
    assert faults(needs=NEEDS.replace("designations,days", "Focus!,FOCUS").replace("focus,", "other,")) == [
        "needs.csv, column focus: 'Focus!' and 'FOCUS' are the same column. "
        "Keep one of them, or give the other another name."
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html><table><tr><td>need_id</td></tr></table></html>", "This is a web page (HTML)"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><p>", "This is a web page (HTML)"),
        (b'<?xml version="1.0"?><Workbook/>', "This is an XML file"),
        (b"%PDF-1.7\n", "This is a PDF."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "This is an old Excel file (.xls)."),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "This file is protected with a password."),
    ],
)
def test_a_file_of_another_kind_is_refused_by_its_kind(content, message):
    (fault,) = faults(needs=Source("needs.xls", content))
    assert fault.startswith(f"needs.xls: {message}")


def zipped(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("part", "kind"), [("xl__workbook_dot_bin", "a binary Excel"), ("content_dot_xml", "an OpenDocument")]
)
def test_a_zip_of_another_program_is_refused_by_its_kind(part, kind):
    (fault,) = faults(needs=Source("needs.xlsx", zipped(**{part: b"x"})))
    assert fault.startswith(f"needs.xlsx: This is {kind}")


def test_a_workbook_in_a_zip_is_read_and_a_strict_one_too():
    strict = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
    book = with_part(
        xlsx(NEEDS),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", strict),
    )
    assert tables_of(read_with("needs", book, "xlsx")) == EXPECTED
    assert tables_of(read_with("needs", zipped(export_dot_xlsx=book), "zip")) == EXPECTED


def test_a_hidden_sheet_is_not_read_where_another_can_be_seen():
    from openpyxl import load_workbook

    book, packed = load_workbook(io.BytesIO(xlsx(NEEDS))), io.BytesIO()
    book.active.title = "This year"
    old = book.create_sheet("Last year", 0)
    for row in tiny_cells(NEEDS)[:2]:
        old.append([*row, "notes"])
    old.sheet_state = "hidden"
    book.save(packed)
    inputs = read_with("needs", packed.getvalue(), "xlsx")
    assert tables_of(inputs) == EXPECTED
    assert "needs.xlsx (This year): 'Last year' fits too and was not read." in inputs.notices


def test_borders_down_to_the_last_row_cost_little():
    def bordered(xml: bytes) -> bytes:
        rows = b"".join(b'<row r="%d"><c r="A%d" s="1"/><c r="B%d" s="1"/></row>' % (n, n, n) for n in range(5, 60_000))
        return xml.replace(b"</sheetData>", rows + b"</sheetData>")

    book = with_part(xlsx(NEEDS), "xl/worksheets/sheet1.xml", bordered)
    assert read_sheet(Source("n", book)).numbers == (2, 3, 4)


# Files of one name


@SOME
@given(st.sampled_from(["schools", "supporters", "needs"]))
def test_a_table_is_known_by_its_slot_and_not_by_the_name_of_its_file(name):
    rows = tiny_cells(TABLES[name])
    spare = {"schools": "100003,Dale School,Primary,x", "supporters": "S4,Di,XLE", "needs": "N4,100000,maffs"}[name]
    faulty = written([*rows, [*spare.split(","), *[""] * (len(rows[0]) - spare.count(",") - 1)]], "csv")
    given_tables = with_all(name, faulty, "csv")
    alike = {table: Source("export.csv", source.content) for table, source in given_tables.items()}
    with pytest.raises(DataError) as caught:
        read_inputs(alike, as_at=AS_AT)
    assert {one.table for one in caught.value.problems} == {f"export.csv ({name})"}
    inputs = read_inputs(alike, as_at=AS_AT, leave_out=True)
    assert tables_of(inputs) == EXPECTED
    assert [one for one in inputs.left_out if one.startswith(f"export.csv ({name}): 1 row of ")] == list(
        inputs.left_out
    )
    assert inputs.files[name].name == "export.csv"
    (place,) = (one for one in places(alike) if one.table == name)
    mended = with_cells(alike, place, {(3, rows[0][0]): rows[2][0]})
    assert [table for table in alike if mended[table] != alike[table]] in ([], [name])
    assert place.labels[0] == f"export.csv ({name})"


def test_one_workbook_given_as_several_tables_keeps_its_name():
    book = Source("round.xlsx", xlsx(NEEDS))
    assert named_apart({"needs": book, "schools": book}) == {"needs": book, "schools": book}


# Identifiers that a spreadsheet reshaped


@pytest.mark.parametrize(
    ("typed", "became"),
    [("001", "1"), ("1-2", "2026-02-01"), ("1-2", "01-Feb"), ("3/4", "2026-04-03"), ("1E5", "100000"), ("7.10", "7.1")],
)
def test_an_identifier_that_a_spreadsheet_reshaped_is_offered(typed, became):
    (fault,) = faults(supporters=SUPPORTERS.replace("S1", became), decisions=decisions(f"pin,{typed},N1,,,,"))
    assert f"Did you mean '{became}'?" in fault
    (fault,) = faults(needs=NEEDS.replace("N1", typed), decisions=decisions(f"pin,S1,{became},,,,"))
    assert f"Did you mean '{typed}'?" in fault


def test_identifiers_that_look_like_dates_are_a_notice():
    inputs = read(needs=NEEDS.replace("N1", "2026-02-01"))
    assert "needs.csv, need_id: a spreadsheet makes a date" in inputs.notices[0]
    assert "row 2 ('2026-02-01')" in inputs.notices[0]


# Percentages


def test_percentages_are_read_as_they_are_shown():
    rows = [["urn", "name", "phase", "easting", "northing", "fsm_percent"]]
    rows += [[100000 + n, "A", "Primary", 400000, 300000, share] for n, share in enumerate([0.4, 0.123456, 12])]
    book = xlsx(rows, styles={"F2": "0%", "F3": "0.0%"})
    text = b"urn,name,phase,easting,northing,fsm_percent\n"
    text += b"100000,A,Primary,400000,300000,40%\n100001,A,Primary,400000,300000,12.346 %\n100002,A,Primary,400000,300000,12\n"
    for content in (book, text):
        schools = read(schools=Source("s", content), supporters=SUPPORTERS, needs=NEEDS).schools
        assert schools["fsm_percent"].tolist() == [40, 12.346, 12]


def test_percentages_that_may_be_shares_are_a_notice():
    schools = SCHOOLS.replace("ofsted\n", "fsm_percent\n").replace("Good", "0.4").replace("Outstanding", "0.25")
    assert read(schools=schools).notices[0] == (
        "schools.csv, fsm_percent: every value is 1 or less; 0.4 is read as 0.4%, not as 40%."
    )


# Corrections


def test_a_correction_keeps_the_other_formulas_without_a_value_a_problem():
    rows = tiny_cells(NEEDS)
    rows[1][4], rows[2][4] = "=1+1", "=2+2"
    before = Source("needs.xlsx", xlsx(rows))
    sheet = read_sheet(corrections.with_cells(before, {(2, "days"): "4"}))
    assert [(one.row, one.column) for one in sheet.unknown_cells] == [(3, "days")]


def test_a_file_with_other_separators_keeps_them_when_it_is_corrected():
    before = Source("needs.csv", NEEDS.replace(",", ";").encode())
    assert find_table(before, NEEDS_KNOWN).dialect.separator == ";"
    after = corrections.with_cells(before, {(2, "focus"): "phonics"}, recognise=NEEDS_KNOWN)
    assert after.content == before.content.replace(b"maths", b"phonics")


def test_every_row_with_odd_characters_is_listed_however_many():
    source = Source("needs.csv", ("need_id\n" + "N\u00a01\n" * 40_000).encode())
    assert read_sheet(source).cleaned == {"need_id": tuple(range(2, 40_002))}
