"""How uploaded files are read, shown and changed: the sheet, the row of the header, and each column."""

import io
import tomllib

import pytest
import tiny
from openpyxl import Workbook
from test_official_files import give, sources_of
from test_screens import Visitor, with_tables

from matching.inputs.headers import TableOptions, read_options
from matching.inputs.recognise import with_places
from matching.rounds.database import DATABASE_VARIABLE
from matching.tables.files import Source
from matching.ui.steps import START


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch) -> str:
    address = f"sqlite:///{tmp_path / 'rounds.db'}"
    monkeypatch.setenv(DATABASE_VARIABLE, address)
    return address


def options_of_round(visitor: Visitor, table: str) -> TableOptions:
    return read_options(sources_of(visitor).get("columns")).of(table)


def unfold(visitor: Visitor, table: str, number: int = 1) -> None:
    visitor.tab.session_state[f"reading_{table}_{number}"] = True
    visitor.run()


def ours(visitor: Visitor, header: str) -> str:
    return str(visitor._one(visitor.tab.selectbox, f"“{header}” is").value)


def call(visitor: Visitor, header: str, column: str) -> None:
    visitor.choose(f"“{header}” is", column)


def test_unknown_headers_are_asked_for_and_a_suggestion_is_not_taken_in_silence():
    visitor = with_tables(supporters=tiny.SUPPORTERS.replace(",name,", ",Full name,"))
    assert "The column 'name' is missing." in visitor.words()
    assert "columns that are not used" not in visitor.words()
    assert ours(visitor, "Full name") == "name"
    visitor.press("Use these columns")
    assert visitor.figure("Problems found") == "0"
    assert options_of_round(visitor, "supporters") == TableOptions({"Full name": "name"})


def test_a_header_without_a_suggestion_is_chosen_and_remembered_for_the_next_upload():
    strange = tiny.SUPPORTERS.replace(",name,", ",Xyzzy,")
    visitor = with_tables(supporters=strange)
    assert ours(visitor, "Xyzzy") == ""
    assert "Not found yet, and needed: name." in visitor.words()
    call(visitor, "Xyzzy", "name")
    visitor.press("Use these columns")
    assert visitor.figure("Problems found") == "0"
    again = with_tables(supporters=strange)
    assert ours(again, "Xyzzy") == "name"
    again.press("Use these columns")
    assert again.figure("Problems found") == "0"


def test_every_column_of_ours_is_offered_for_every_column_of_theirs():
    visitor = with_tables(supporters=tiny.SUPPORTERS.replace(",name,", ",Xyzzy,"))
    options = visitor.options("“designation” is")
    assert options[0] == "Not used"
    assert any(one.startswith("name (needed): ") for one in options)
    assert any(one.startswith("max_distance_km:") for one in options)


def test_an_optional_column_under_another_name_is_asked_for_before_a_round_begins():
    visitor = with_tables(supporters=tiny.SUPPORTERS.replace("max_deployments", "Maximum deployments"))
    assert "Say which column is which" in visitor.words()
    assert "problem" not in visitor.words()
    assert ours(visitor, "Maximum deployments") == "max_deployments"
    visitor.press("Use these columns")
    assert visitor.figure("Problems found") == "0"
    assert options_of_round(visitor, "supporters") == TableOptions({"Maximum deployments": "max_deployments"})


def test_a_column_that_looks_alike_can_be_left_unused_and_is_not_asked_for_again():
    strange = tiny.SUPPORTERS.replace("max_deployments", "Maximum deployments")
    visitor = with_tables(supporters=strange)
    call(visitor, "Maximum deployments", "")
    visitor.press("Use these columns")
    assert options_of_round(visitor, "supporters") == TableOptions(not_used=("Maximum deployments",))
    visitor.go(START)
    visitor.upload(needs=tiny.NEEDS)
    visitor.press("Check the files")
    assert visitor.figure("Problems found") == "0"
    again = with_tables(supporters=strange)
    assert ours(again, "Maximum deployments") == ""


def test_one_of_ours_cannot_be_two_of_theirs():
    visitor = with_tables(supporters=tiny.SUPPORTERS.replace(",name,designation", ",Who,What"))
    call(visitor, "Who", "name")
    call(visitor, "What", "name")
    assert "'Who' and 'What' are both chosen as name. Choose another column for one of them." in visitor.words()
    assert visitor._one(visitor.tab.button, "Use these columns").disabled


def test_what_is_not_used_is_in_plain_view_with_a_sample():
    visitor = with_tables(
        supporters=tiny.SUPPORTERS.replace("supporter_id", "Colour,supporter_id").replace("\nS", "\nred,S"),
        needs=tiny.NEEDS.replace("maths", "nonsense"),
    )
    assert "supporters.csv: columns that are not used: 'Colour' (red)." in visitor.words()


def test_a_file_in_the_wrong_slot_is_not_asked_about():
    visitor = with_tables(needs=tiny.SUPPORTERS)
    assert "looks like the supporters table" in visitor.words()
    assert "Say which column is which" not in visitor.words()


def test_another_sheet_is_chosen_with_one_click_and_goes_with_the_round():
    book, packed = Workbook(), io.BytesIO()
    book.active.title = "Last year"
    old = tiny.NEEDS.replace("maths", "mathz")
    for sheet, text in ((book.active, old), (book.create_sheet("This year"), tiny.NEEDS.replace("N", "M"))):
        for row in tiny.cells(text):
            sheet.append(row)
    book.save(packed)

    def upload() -> Visitor:
        visitor = Visitor()
        visitor.upload(schools=tiny.SCHOOLS, supporters=tiny.SUPPORTERS)
        give(visitor, "needs", "needs.xlsx", packed.getvalue())
        visitor.press("Check the files")
        return visitor

    visitor = upload()
    unfold(visitor, "needs")
    assert visitor.tab.radio(key="sheet_needs_1").value == "Last year"
    visitor.tab.radio(key="sheet_needs_1").set_value("This year")
    visitor.run()
    assert visitor.figure("Problems found") == "0"
    assert options_of_round(visitor, "needs") == TableOptions(sheet="This year")
    assert upload().figure("Problems found") == "0"


def test_a_sheet_that_a_newer_file_no_longer_has_is_forgotten():
    columns = Source("columns.toml", b'[sheets]\nneeds = "Autumn"\n')
    before = tiny.sources(needs=tiny.NEEDS, columns=columns)
    assert "columns" not in with_places(before, ["needs"], {})
    # A file that is not newer stays as it is.
    assert with_places(before, ["schools"], {}) == before


def test_another_header_row_is_chosen_with_one_click():
    needs = "need_id,school_urn,focus,priority,days,notes,package\n,,,,,,\n" + tiny.NEEDS.replace("maths", "mathz")
    visitor = with_tables(needs=needs)
    unfold(visitor, "needs")
    assert visitor.tab.radio(key="header_needs_1").value == 1
    visitor.tab.radio(key="header_needs_1").set_value(3)
    visitor.run()
    assert "There is 1 problem in your files" in visitor.words()
    visitor.press("Save and check again")
    assert options_of_round(visitor, "needs") == TableOptions(header_row=3)
    assert b"maths" in sources_of(visitor)["needs"].content


def test_how_the_files_are_read_can_be_kept_and_given_again():
    strange = tiny.SUPPORTERS.replace(",name,", ",Xyzzy,").replace("LLE", "LEL")
    visitor = with_tables(supporters=strange)
    call(visitor, "Xyzzy", "name")
    visitor.press("Use these columns")
    assert "Download how the files are read (columns.toml)" in visitor.downloads()
    again = Visitor()
    again.upload(schools=tiny.SCHOOLS, supporters=strange.replace("LEL", "LLE"), needs=tiny.NEEDS)
    give(again, "columns", "columns.toml", '[supporters]\nXyzzy = "name"\n')
    again.press("Check the files")
    assert again.figure("Problems found") == "0"
    assert tomllib.loads(sources_of(again)["columns"].content.decode()) == {"supporters": {"Xyzzy": "name"}}
