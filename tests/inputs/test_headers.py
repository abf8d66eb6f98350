import pytest
from tiny import faults_of

from matching.inputs.headers import ReadingOptions, TableOptions, options_source, read_options, suggest_columns
from matching.tables.files import Source


def options(text: str) -> ReadingOptions:
    return read_options(Source("columns.toml", text.encode()))


def test_close_words_are_suggested_once_each_and_never_for_a_column_that_is_there():
    header = ("Fax", "Full name", "Designation ", "Home school URN", "Phase", "Specalism areas", "phases", "Car")
    found = suggest_columns("supporters", header)
    assert [(one.header, one.column) for one in found] == [
        ("Full name", "name"),
        ("Designation ", "designation"),
        ("Home school URN", "school_urn"),
        ("Specalism areas", "specialisms"),
    ]
    assert [one.score for one in found[:3]] == [1, 1, 1]
    assert 0.75 <= found[3].score < 1


def test_the_options_are_read_back_as_they_were_written():
    supporters = TableOptions(
        {'Full "name"': "name", "Zoë\n": "supporter_id"}, ("Colour", 'My "own"'), "Our leaders ▸ 2026", 3
    )
    given = ReadingOptions({"supporters": supporters, "needs": TableOptions(header_row=2)}, leave_out=True)
    assert read_options(options_source(given)) == given
    assert read_options(options_source(ReadingOptions())) == read_options(None) == ReadingOptions()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[supporters", "columns.toml: This is not a TOML file that can be read "),
        (
            "leave_out = 1",
            "columns.toml, column leave_out: The value is neither true nor false. Write leave_out = true.",
        ),
        (
            "[suporters]",
            "columns.toml, column suporters: 'suporters' is not one of the tables. Did you mean 'supporters'?",
        ),
        ("[needs]\nA = 1", "columns.toml, column needs: Each line must name one of our columns in quotation marks. "),
        ("needs = 1", "columns.toml, column needs: Each line must name one of our columns in quotation marks. "),
        (
            '[needs]\nA = "fokus"',
            "columns.toml, column needs.A: 'fokus' is not a column of the needs table. Did you mean 'focus'?",
        ),
        (
            "[sheets]\nneeeds = 'A'",
            "columns.toml, column sheets.neeeds: 'neeeds' is not one of the tables. Did you mean 'needs'?",
        ),
        (
            "[sheets]\nneeds = 3",
            "columns.toml, column sheets.needs: The value cannot be used. Write the name of the sheet",
        ),
        (
            "[header_rows]\nneeds = 0",
            "columns.toml, column header_rows.needs: The value cannot be used. Write the number",
        ),
        (
            "sheets = 3",
            "columns.toml, column sheets: [sheets] has one line for each table. Write the name of the sheet",
        ),
    ],
)
def test_what_cannot_be_used_is_a_problem(text, fault):
    (found,) = faults_of(lambda: options(text))
    assert found.startswith(fault)


def test_two_headers_for_one_column_are_a_problem():
    assert len(faults_of(lambda: options('[needs]\nA = "focus"\nB = "focus"'))) == 2
