import csv
import datetime
import gzip
import hashlib
import io
import os
import random
import re
import zipfile
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tiny import NEEDS, faults_of, gz, with_part, xlsx

from matching.errors import DataError
from matching.tables.files import Source, header_of, open_source, read_sheet
from matching.tables.limits import ReadLimits
from matching.tables.sheets import Sheet
from matching.tables.text_cells import without_odd_characters

SAVE_AS = "In your spreadsheet choose 'Save as' and 'CSV UTF-8 (comma delimited)' or 'Excel workbook (.xlsx)'."
SAVE_AS_BOOK = "Open it in Excel and save it again as 'Excel workbook (.xlsx)'."
DAMAGED_BOOK = (
    "t: This Excel file is damaged, protected or of another kind and cannot be opened. "
    "Open it in Excel and save it again as .xlsx."
)
EMPTY = (
    "t: The file is empty or its first row is blank. The first row must hold the column names; start from the template."
)
QUOTES = "A cell that holds a comma needs quotation marks, and a blank cell still needs its comma."
BOOK = xlsx(NEEDS)
PARTS = zipfile.ZipFile(io.BytesIO(BOOK)).namelist()


ONE_MB = ReadLimits(file_bytes=1024**2)
TOO_LARGE = "t: The file is larger than 1 MB. Keep only the rows and columns that the run needs."


def sheet(content: str | bytes, name: str = "t", **options) -> Sheet:
    return read_sheet(Source(name, content.encode() if isinstance(content, str) else content), **options)


def rows(content: str | bytes, **options) -> list[tuple[int, tuple[str, ...]]]:
    read = sheet(content, **options)
    assert read.problems == ()
    return list(read.rows())


def faults(content: str | bytes, **options) -> list[str]:
    return faults_of(lambda: sheet(content, **options))


def row_faults(content: str | bytes) -> list[str]:
    return [str(problem) for problem in sheet(content).problems]


# Every kind of file gives the same cells

FORMS = {
    "csv": NEEDS.encode(),
    "csv with a byte-order mark": b"\xef\xbb\xbf" + NEEDS.encode(),
    "csv of Windows": NEEDS.replace("\n", "\r\n").encode(),
    "csv of an old Mac": NEEDS.replace("\n", "\r").encode(),
    "csv without a last line end": NEEDS.rstrip("\n").encode(),
    "csv with every cell in quotation marks": re.sub(r"[^,\n]+", r'"\g<0>"', NEEDS).encode(),
    "csv.gz": gz(NEEDS),
    "csv.gz of two parts": gz(NEEDS[:50]) + gz(NEEDS[50:]),
    "xlsx": BOOK,
    "xlsx.gz": gz(BOOK),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_file_gives_the_same_cells(form):
    assert sheet(FORMS[form]) == sheet(NEEDS)


@pytest.mark.parametrize("form", FORMS)
def test_the_header_is_known_before_the_file_is_read(form):
    assert header_of(Source("t", FORMS[form])) == tuple(NEEDS.split("\n", maxsplit=1)[0].split(","))


def test_cells_arrive_as_they_were_typed():
    assert rows("urn,name\n000001,NA\n1.0,nan\nNULL,  None \n") == [
        (2, ("000001", "NA")),
        (3, ("1.0", "nan")),
        (4, ("NULL", "None")),
    ]


def test_quoted_cells_may_hold_commas_quotation_marks_and_line_breaks():
    assert rows('a,b\n"x, y","say ""hi"""\n"two\nlines",z\nlast,w\n') == [
        (2, ("x, y", 'say "hi"')),
        (3, ("two\nlines", "z")),
        (4, ("last", "w")),
    ]


@pytest.mark.parametrize(
    "content", ["a,b\n\n1,2\n,\n  , \n3,4\n", xlsx([["a", "b"], [], [1, 2], [], [" ", None], [3, 4]])]
)
def test_blank_rows_are_left_out_and_keep_the_numbering(content):
    assert [number for number, _ in rows(content)] == [3, 6]


@pytest.mark.parametrize("content", ["a,b,\n1,2,\n3,4,,,\n", xlsx([["a", "b", None], [1, 2, None], [3, 4, "", ""]])])
def test_blank_cells_beyond_the_header_do_not_matter(content):
    assert sheet(content).header == ("a", "b")
    assert rows(content) == [(2, ("1", "2")), (3, ("3", "4"))]


@given(st.lists(st.sampled_from(["a,b", "a,b", "a,b", " , ", "", "a", "a,b,c", "a,b,", '"a\nb",c']), max_size=350))
def test_a_row_is_read_or_told_wherever_it_stands(lines):
    read = sheet("\n".join(["x,y", *lines, ""]))
    told = {one.row for one in read.problems}
    assert list(read.numbers) == [row for row, line in enumerate(lines, 2) if line.strip(" ,") and line in FITTING]
    assert told == {row for row, line in enumerate(lines, 2) if line in ("a", "a,b,c")}
    assert list(zip(*read.columns, strict=True)) == [FITTING[lines[row - 2]] for row in read.numbers]


FITTING = {"a,b": ("a", "b"), "a,b,": ("a", "b"), '"a\nb",c': ("a\nb", "c")}


def test_column_names_are_stripped():
    assert sheet(" urn , name\n1,2\n").header == ("urn", "name")


@pytest.mark.parametrize("content", ["a,b\n", "a,b", xlsx([["a", "b"]]), gz("a,b\n")])
def test_a_header_alone_is_a_sheet_without_rows(content):
    assert sheet(content) == Sheet("t", ("a", "b"), (), ((), ()))


def test_only_wanted_columns_are_kept():
    kept = sheet("a,b,c\n1,2,3\n", wanted={"a", "c"}.__contains__)
    assert (kept.header, kept.numbers, kept.columns) == (("a", "c"), (2,), (("1",), ("3",)))


def test_other_encodings_are_tried_in_turn():
    encodings = ("utf-8-sig", "cp1252")
    assert rows("name\nZoë\n".encode("cp1252"), encodings=encodings) == [(2, ("Zoë",))]
    assert rows("name\nZoë\n".encode(), encodings=encodings) == [(2, ("Zoë",))]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04junk", b"\x1f\x8bjunk", b"\n\n", b"\xef\xbb\xbf", xlsx([])])
def test_a_header_that_cannot_be_read_is_nothing(content):
    assert header_of(Source("t", content)) == ()


def test_the_digest_is_that_of_the_bytes():
    assert Source("t", b"abc").sha256 == hashlib.sha256(b"abc").hexdigest()


# Excel cells


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100000, "100000"),
        (2.0, "2"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.3"),
        (-1.257, "-1.257"),
        (1e20, "100000000000000000000"),
        (0.0000512, "0.0000512"),
        (-0.00001, "-0.00001"),
        (True, "yes"),
        (False, "no"),
        (datetime.date(2026, 5, 14), "2026-05-14"),
        (datetime.datetime(2026, 5, 14, 10, 30), "2026-05-14"),
        (datetime.time(9, 30), "09:30:00"),
        ("  two words ", "two words"),
        ("001", "001"),
        ("line\nbreak", "line\nbreak"),
        ("#N/A", "#N/A"),
    ],
)
def test_excel_cells_become_the_text_that_a_person_would_type(value, text):
    assert rows(xlsx([["a", "b"], [value, "x"]])) == [(2, (text, "x"))]


def test_short_excel_rows_are_filled_because_excel_does_not_store_blank_cells():
    assert rows(xlsx([["a", "b", "c"], [1], [None, None, 3]])) == [(2, ("1", "", "")), (3, ("", "", "3"))]


def test_a_column_name_may_be_a_number_or_a_date():
    assert sheet(xlsx([[2026, datetime.date(2026, 1, 2)], ["x", "y"]])).header == ("2026", "2026-01-02")


EXTENSION = b"""<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"
 xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"><x14:dataValidations count="0"/></ext></extLst>"""
ODD_BOOKS = {
    "a drop-down list from another sheet": with_part(
        BOOK, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</worksheet>", EXTENSION + b"</worksheet>")
    ),
    "no named styles": with_part(
        BOOK, "xl/styles.xml", lambda part: re.sub(rb"<cellStyles.*?</cellStyles>", b"", part, flags=re.DOTALL)
    ),
    "no styles at all": with_part(BOOK, "xl/styles.xml", lambda part: None),
    "an empty style sheet": with_part(
        BOOK,
        "xl/styles.xml",
        lambda part: b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>',
    ),
    "no theme": with_part(BOOK, "xl/theme/theme1.xml", lambda part: None),
    "no properties": with_part(BOOK, "docProps/core.xml", lambda part: None),
    "no list of its types": with_part(BOOK, "[Content_Types].xml", lambda part: None),
    "an attribute that nobody knows": with_part(
        BOOK, "xl/workbook.xml", lambda part: part.replace(b"<workbookView ", b'<workbookView marvel="1" ')
    ),
}


@pytest.mark.parametrize("book", ODD_BOOKS)
def test_a_book_of_another_program_is_read_without_a_warning(book):
    assert sheet(ODD_BOOKS[book]) == sheet(NEEDS)


@pytest.mark.parametrize("number", [-5, 99_999_999])
def test_a_number_that_is_no_date_in_a_cell_formatted_as_one_is_no_warning(number):
    ((_, (cell, other)),) = rows(xlsx([["a", "b"], [number, "x"]], styles={"A2": "yyyy-mm-dd"}))
    assert cell
    assert other == "x"


# What cannot be read at all


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\xef\xbb\xbf", b",,\n1,2,3\n", b"   \na\n", xlsx([]), xlsx([[None], ["a"]]), gz("")]
)
def test_an_empty_file_or_first_row_is_a_problem(content):
    assert faults(content) == [EMPTY]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_a_problem(encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert faults(mark + NEEDS.encode(encoding)) == [f"t: The text is in UTF-16, and UTF-8 was expected. {SAVE_AS}"]


@pytest.mark.parametrize(
    "content", [NEEDS.encode("utf-16-le"), b"a,b\n1,\0\n", b"\0", b"\x89PNG\r\n\x1a\n\0\0", gz(gz(NEEDS))]
)
def test_a_file_that_is_no_text_is_a_problem(content):
    assert faults(content) == [f"t: This is not a text or Excel file. {SAVE_AS}"]


@pytest.mark.parametrize("pack", [bytes, gz])
def test_an_old_excel_file_is_a_problem(pack):
    content = pack(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    assert faults(content) == [f"t: This is an old Excel file (.xls). {SAVE_AS_BOOK}"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_character_of_another_encoding_is_a_problem_at_its_row(mark, line_end):
    content = mark + line_end.join(["id,name", "1,Ann", "2,Zoë", "3,Cy", ""]).encode("cp1252")
    message = f"t row 3: A character (byte eb) is not UTF-8; the file was saved in another encoding. {SAVE_AS}"
    assert faults(content) == [message]
    with pytest.raises(DataError) as caught:
        sheet(content)
    assert caught.value.problems[0].value == "ë"


def test_the_row_of_such_a_character_is_counted_as_a_spreadsheet_does():
    # A line break inside quotation marks begins no row.
    (fault,) = faults('id,notes\n1,"two\nlines"\n2,Zoë\n'.encode("cp1252"))
    assert fault.startswith("t row 3: A character (byte eb)")
    (fault,) = faults(b"id,notes\n\xeb,x\n")
    assert fault.startswith("t row 2: A character (byte eb)")


def test_a_character_of_no_encoding_that_was_tried_is_a_problem():
    (fault,) = faults(b"id,name\n1,\x81\n", encodings=("utf-8-sig", "cp1252"))
    assert fault.startswith("t row 2: A character (byte 81) is not UTF-8; ")


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_cells_that_are_not_separated_by_commas_are_a_problem(mark):
    assert faults(NEEDS.replace(",", mark)) == [f"t row 1: The cells are not separated by commas. {SAVE_AS}"]


def test_a_column_name_that_stands_twice_is_a_problem():
    assert faults("b,a, b,c,a\n1,2,3,4,5\n") == [
        f"t row 1, {name}: Two columns have this name. Keep one of them, or give the other another name."
        for name in "ab"
    ]


@pytest.mark.parametrize(
    ("content", "row", "detail"),
    [
        ('a,b\n1,2\n"3,4\n5,6\n', 3, "unexpected end of data"),
        ('a,b\n"1"x,2\n', 2, "',' expected after '\"'"),
        ('"a,b\n', 1, "unexpected end of data"),
        (f"a,b\n{'x' * 131_073},2\n", 2, "field larger than field limit (131072)"),
    ],
)
def test_a_quotation_mark_that_is_not_closed_is_a_problem(content, row, detail):
    fix = "Look for a quotation mark that is opened and not closed in this row or just above it."
    assert faults(content) == [f"t row {row}: The row cannot be split into cells ({detail}). {fix}"]


DAMAGED_GZ = {
    "cut short": gz(NEEDS)[:-9],
    "no content": b"\x1f\x8b",
    "junk": b"\x1f\x8b" + b"junk" * 20,
    "junk after it": gz(NEEDS) + b"junk",
    "wrong checksum": gz(NEEDS)[:-8] + b"12345678",
    "wrong method": b"\x1f\x8b\x07" + gz(NEEDS)[3:],
    "broken stream": gz(NEEDS)[:10] + b"\xff" * 20,
}


@pytest.mark.parametrize("kind", DAMAGED_GZ)
def test_a_damaged_gz_file_is_a_problem(kind):
    assert faults(DAMAGED_GZ[kind]) == [
        "t: This .gz file is damaged and cannot be unpacked. Download or make it again."
    ]


@pytest.mark.parametrize("length", range(2, len(gz(NEEDS)), 5))
def test_a_gz_file_that_was_cut_is_a_problem_wherever(length):
    (fault,) = faults(gz(NEEDS)[:length])
    assert "damaged" in fault


def packed_otherwise(book: bytes, flags: int, method: int) -> bytes:
    """A book whose list of parts says that they are encrypted, or packed in another way."""
    changed = bytearray(book)
    for start in (found.start() for found in re.finditer(rb"PK\x01\x02", book)):
        changed[start + 8] |= flags
        changed[start + 10 : start + 12] = method.to_bytes(2, "little")
    return bytes(changed)


NEEDED_PARTS = ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")
DAMAGED_BOOKS = {
    "only a beginning": b"PK\x03\x04",
    "cut short": BOOK[: len(BOOK) // 2],
    "without its list of parts": BOOK[:-30],
    "without a sheet": with_part(
        BOOK, "xl/workbook.xml", lambda part: re.sub(rb"<sheets>.*?</sheets>", b"<sheets/>", part)
    ),
    "encrypted parts": packed_otherwise(BOOK, flags=1, method=8),
    "parts packed in a way that is not known": packed_otherwise(BOOK, flags=0, method=99),
    "parts packed in another way than is said": packed_otherwise(BOOK, flags=0, method=12),
    **{f"no {part}": with_part(BOOK, part, lambda _: None) for part in NEEDED_PARTS},
    **{f"junk in {part}": with_part(BOOK, part, lambda _: b"junk") for part in NEEDED_PARTS},
    **{f"half of {part}": with_part(BOOK, part, lambda content: content[: len(content) // 2]) for part in NEEDED_PARTS},
}


@pytest.mark.parametrize("kind", DAMAGED_BOOKS)
def test_a_damaged_excel_file_is_a_problem(kind):
    assert faults(DAMAGED_BOOKS[kind]) == [DAMAGED_BOOK]


@pytest.mark.parametrize("kind", ["xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_an_excel_file_with_flipped_bits_is_a_problem(kind):
    book = bytearray(BOOK)
    start = BOOK.index(kind.encode()) + len(kind)
    book[start + 5 : start + 25] = b"\xff" * 20
    assert faults(bytes(book)) == [DAMAGED_BOOK]


def test_more_rows_than_excel_has_are_a_problem():
    limits = ReadLimits(rows=3)
    assert rows("a\n1\n2\n", limits=limits) == [(2, ("1",)), (3, ("2",))]
    assert faults("a\n1\n2\n3\n", limits=limits) == [
        "t: There are more than 3 rows. Keep only the rows and columns that the run needs."
    ]


def test_a_gz_file_that_unpacks_to_too_much_is_a_problem():
    assert rows(gz("a\n" + "1\n" * (2**19 - 1)), limits=ONE_MB)[-1] == (2**19, ("1",))
    assert faults(gz("a\n" + "1\n" * 2**19), limits=ONE_MB) == [TOO_LARGE]


def test_an_excel_file_that_unpacks_to_too_much_is_a_problem():
    big = xlsx([["a", "b"], *([0, 0] for _ in range(20_000))])
    assert len(rows(big)) == 20_000
    assert len(big) < ONE_MB.file_bytes
    assert faults(big, limits=ONE_MB) == faults(gz(big), limits=ONE_MB) == [TOO_LARGE]
    assert header_of(Source("t", big), limits=ONE_MB) == ()


# Rows that do not fit under the header


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1", "t row 3: The row has 1 cell and the header 2."),
        ("1,2,3", "t row 3: The row has 3 cells and the header 2."),
        ("Smith, John,2", "t row 3: The row has 3 cells and the header 2."),
        ("1,2,,4", "t row 3: The row has 4 cells and the header 2."),
    ],
)
def test_a_row_that_is_too_short_or_too_long_is_a_problem_and_the_others_are_read(row, fault):
    read = sheet(f"a,b\n1,2\n{row}\n3,4\n")
    assert list(read.rows()) == [(2, ("1", "2")), (4, ("3", "4"))]
    assert list(map(str, read.problems)) == [f"{fault} {QUOTES}"]


def test_what_stands_in_such_rows_is_remembered():
    assert sheet("a,b\n1,2\n 100000 \n3,4,5\n").misfit_cells == {"100000", "3", "4", "5"}


def test_the_first_cell_too_many_is_shown():
    (problem,) = sheet("a,b\n1,2,,x,y\n").problems
    assert problem.value == "x"


@pytest.mark.parametrize("content", ["a,b,c\n1\n2,x\n", xlsx([["a", "b", "c"], [1], [2, "x"]])])
def test_a_short_row_ends_in_blank_cells_because_excel_leaves_out_the_last_ones(content):
    assert rows(content, needed={"a"}.__contains__) == [(2, ("1", "", "")), (3, ("2", "x", ""))]


def test_a_short_row_without_a_cell_that_is_needed_is_a_problem():
    read = sheet("a,b,c\n1\n2,x\n", needed={"b"}.__contains__)
    assert (read.numbers, [one.row for one in read.problems]) == ((3,), [2])


def test_a_file_that_ends_within_a_row_is_a_problem():
    read = sheet("a,b,c\n1,2,3\n4,5", needed={"a"}.__contains__)
    assert list(map(str, read.problems)) == ["t row 3: The file ends within this row. Save or download it again."]


def test_a_remark_beside_the_table_of_a_workbook_is_a_notice():
    read = sheet(xlsx([["a", "b"], [1, 2, None, "ask Ann"], [3, 4], [None, None, None, None, "x"]]))
    assert list(read.rows()) == [(2, ("1", "2")), (3, ("3", "4"))]
    assert read.notices == (
        "t: cells beside the table, in columns without a name, are not used (2 rows, the first is D2).",
    )


def test_all_such_rows_are_told_at_once():
    assert [problem.row for problem in sheet("a,b\n1\n2\n3,4\n5,6,7\n").problems] == [2, 3, 5]


def test_a_cell_that_is_too_long_is_a_problem():
    assert rows(f"a\n{'x' * 100_000}\n")[0][0] == 2
    assert row_faults(f"a,b\n1,{'x' * 100_001}\n") == [
        "t row 2: A cell holds more than 100,000 characters. Look for a missing quotation mark, or shorten the text."
    ]


def test_a_nul_character_far_down_is_a_problem_of_its_row():
    content = "a,b\n" + "1,2\n" * 20_000 + "3,\0\n"
    assert row_faults(content) == ["t row 20002: A cell holds a NUL character. Type the cell again."]


# On the disk


def test_a_file_is_opened_with_its_name_and_bytes(tmp_path):
    (tmp_path / "needs.csv").write_bytes(b"a\n")
    assert open_source(tmp_path / "needs.csv") == Source("needs.csv", b"a\n")


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    path = tmp_path / "needs.csv"
    assert faults_of(lambda: open_source(path)) == [
        f"needs.csv: {path} cannot be opened (no such file or directory). Check the path and that you may read the file."
    ]


def test_a_folder_is_a_problem(tmp_path):
    assert faults_of(lambda: open_source(tmp_path)) == [
        f"{tmp_path.name}: {tmp_path} cannot be opened (is a directory). Check the path and that you may read the file."
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_problem(tmp_path):
    path = tmp_path / "needs.csv"
    path.touch(mode=0)
    (fault,) = faults_of(lambda: open_source(path))
    assert "cannot be opened (permission denied)" in fault


def test_a_file_that_is_too_large_is_a_problem(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(b"x" * (ONE_MB.file_bytes + 1))
    assert faults_of(lambda: open_source(path, limits=ONE_MB)) == [TOO_LARGE]


# Whatever the bytes

ANY_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8).map(
    without_odd_characters
)


def read_or_refuse(content: bytes) -> None:
    source = Source("t", content)
    assert all(isinstance(name, str) for name in header_of(source))
    try:
        read = read_sheet(source, encodings=("utf-8-sig", "cp1252"))
    except DataError as error:
        assert error.problems
    else:
        assert [len(column) for column in read.columns] == [len(read.numbers)] * len(read.header)
        numbers = list(read.numbers)
        assert numbers == sorted(set(numbers))


@given(st.binary(max_size=200))
@example(b"\r\n\r")
@example(b'"')
@example(b"a\n\x00")
def test_any_bytes_are_read_or_refused(content):
    read_or_refuse(content)


@given(
    st.binary(max_size=60),
    st.sampled_from([b"PK\x03\x04", b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0\0\0\0\0", b"\xff\xfe", b"\xef\xbb\xbf"]),
)
def test_any_bytes_after_a_known_beginning_are_read_or_refused(content, beginning):
    read_or_refuse(beginning + content)


@given(st.binary(max_size=200))
def test_any_packed_bytes_are_read_or_refused(content):
    read_or_refuse(gz(content))


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=5))
def test_any_change_to_a_gz_file_is_read_or_refused(changes):
    content = bytearray(gz(NEEDS))
    for place, byte in changes:
        content[place % len(content)] = byte
    read_or_refuse(bytes(content))


def escaped(books: Iterable[bytes]) -> set[str]:
    """What comes out of reading these, other than a sheet or a DataError."""
    found = set()
    for book in books:
        try:
            read_or_refuse(book)
        except Exception as error:
            found.add(f"{type(error).__name__}: {error}")
    return found


def flipped(seed: int) -> bytes:
    chance, content = random.Random(seed), bytearray(BOOK)
    for _ in range(chance.choice([1, 2, 5])):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


def edited(seed: int) -> bytes:
    chance = random.Random(seed)

    def changed(part: bytes) -> bytes:
        place = chance.randrange(len(part))
        new = chance.choice([b"9", b"a", b"-", b"<", b"99999", b"", b"\xe9", b'"', b"s"])
        return part[:place] + new + part[place + chance.choice([0, 1, 4]) :]

    return with_part(BOOK, chance.choice(PARTS), changed)


def test_any_change_to_an_excel_file_is_read_or_refused():
    assert escaped(map(flipped, range(60))) == set()


def test_any_change_inside_an_excel_file_is_read_or_refused():
    assert escaped(map(edited, range(120))) == set()


@given(st.lists(st.lists(ANY_CELL, min_size=3, max_size=3), max_size=5))
def test_what_is_written_as_csv_is_read_again(table):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b", "c"], *table])
    stripped = [tuple(cell.strip() for cell in row) for row in table]
    expected = [(number, row) for number, row in enumerate(stripped, start=2) if "".join(row)]
    assert rows(text.getvalue()) == expected
    assert rows(gzip.compress(text.getvalue().encode())) == expected


def test_the_damaged_gz_files_are_damaged_as_meant():
    for content in DAMAGED_GZ.values():
        with pytest.raises((OSError, EOFError, zlib.error)):
            gzip.decompress(content)
