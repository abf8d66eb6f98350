import io
import zipfile

import pytest
from openpyxl import Workbook
from tiny import NEEDS, faults_of, gz, xlsx

from matching.inputs.corrections import with_cells
from matching.tables.files import Source, read_sheet
from matching.tables.formats import known_columns, table_formats
from matching.tables.vocabulary import standard_vocabulary

NEEDS_KNOWN = known_columns(table_formats(standard_vocabulary())["needs"])


def cells(source: Source) -> list[tuple[str, ...]]:
    return [row for _, row in read_sheet(source, recognise=NEEDS_KNOWN).rows()]


@pytest.mark.parametrize("content", [NEEDS.encode(), gz(NEEDS), xlsx(NEEDS), gz(xlsx(NEEDS))])
def test_one_cell_is_changed_and_nothing_else(content):
    before = Source("needs", content)
    after = with_cells(before, {(3, "focus"): "maths, =1+1"})
    assert after.name == "needs"
    expected = [list(row) for row in cells(before)]
    expected[1][2] = "maths, =1+1"
    assert cells(after) == [tuple(row) for row in expected]
    assert before.content == content
    assert (
        with_cells(before, {(3, "focus"): "maths, =1+1"}) == after or content[:2] == b"PK" or content[:2] == b"\x1f\x8b"
    )


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_file_stays_as_it_was(mark, end):
    content = mark + NEEDS.replace("\n", end).encode()
    assert with_cells(Source("n", content), {(2, "focus"): "phonics"}).content == content.replace(b"maths", b"phonics")


def test_a_windows_file_stays_one_until_a_letter_needs_more():
    content = "a,b\nZoë,1\n".encode("cp1252")
    assert with_cells(Source("n", content), {(2, "b"): "é"}).content == "a,b\nZoë,é\n".encode("cp1252")
    assert with_cells(Source("n", content), {(2, "b"): "Ω"}).content == "\ufeffa,b\nZoë,Ω\n".encode()


def test_a_short_row_is_made_long_enough():
    assert with_cells(Source("n", b"a,b,c\n1\n"), {(2, "c"): "x"}).content == b"a,b,c\n1,,x\n"


def test_a_table_of_a_workbook_is_found_by_its_header():
    book, packed = Workbook(), io.BytesIO()
    book.active.append(["focus", "a list"])
    sheet = book.create_sheet("Asks")
    for row in (["Title"], ["need_id", "school_urn", "focus"], ["N1", 100000, "maffs"], ["N2", "=1+1", "maths"]):
        sheet.append(row)
    book.save(packed)
    after = with_cells(Source("b.xlsx", packed.getvalue()), {(3, "focus"): "maths"}, recognise=NEEDS_KNOWN)
    assert cells(after)[0] == ("N1", "100000", "maths")


def test_what_cannot_be_changed_is_a_problem():
    source = Source("n", NEEDS.encode())
    assert faults_of(lambda: with_cells(source, {(2, "fokus"): ""})) == [
        "n row 2, fokus: There is no column 'fokus'. Check its name."
    ]
    assert faults_of(lambda: with_cells(source, {(1, "focus"): ""})) == [
        "n row 1, focus: The row is not below the header. Check its number."
    ]
    assert faults_of(lambda: with_cells(source, {(99, "focus"): ""})) == [
        "n row 99, focus: There is no such row. Check its number."
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("needs.csv", NEEDS)
    assert faults_of(lambda: with_cells(Source("z", packed.getvalue()), {(2, "focus"): ""})) == [
        "z row 2, focus: A zip cannot be changed here. Unpack it first."
    ]
    (fault,) = faults_of(lambda: with_cells(Source("q", b'a,b\n1,"2\n'), {(2, "b"): ""}))
    assert fault.startswith("q row 2, b: The file cannot be split into cells ")
    (fault,) = faults_of(lambda: with_cells(Source("e", b""), {(2, "b"): ""}))
    assert fault.startswith("e: Nothing of the file can be read.")
    merged, out = Workbook(), io.BytesIO()
    for row in (["a", "b"], ["x", None]):
        merged.active.append(row)
    merged.active.merge_cells("A2:B2")
    merged.save(out)
    assert faults_of(lambda: with_cells(Source("m", out.getvalue()), {(2, "b"): "y"})) == [
        "m row 2, b: The cell is part of a merged cell. Unmerge it in Excel."
    ]
