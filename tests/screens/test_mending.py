"""Cells with a problem, fixed on the screen: many at a time, and equal ones together."""

import csv
import io

import pytest
import tiny
import workbooks
from test_official_files import give, sources_of, with_workbook
from test_screens import Visitor, with_tables

from matching.rounds.database import DATABASE_VARIABLE


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch) -> str:
    address = f"sqlite:///{tmp_path / 'rounds.db'}"
    monkeypatch.setenv(DATABASE_VARIABLE, address)
    return address


def grid(visitor: Visitor, table: str, column: str) -> list[dict[str, object]]:
    """The rows of the grid of one column, as they are proposed."""
    (found,) = (one for one in visitor.tab.data_editor if one.key.startswith(f"mend_{table}_{column}_"))
    return found.value.to_dict("records")


def edit(visitor: Visitor, table: str, column: str, row: int, value: object) -> None:
    """Change a cell under “New value”; it is sent by the button of the form."""
    (found,) = (one for one in visitor.tab.data_editor if one.key.startswith(f"mend_{table}_{column}_"))
    edited = {row: {"new": value}}
    visitor.tab.session_state[found.key] = {"edited_rows": edited, "added_rows": [], "deleted_rows": []}


def save(visitor: Visitor) -> None:
    visitor.press("Save and check again")


def table_of(visitor: Visitor, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sources_of(visitor)[name].content.decode("utf-8-sig"))))


def test_one_change_is_for_all_equal_cells():
    needs = "need_id,school_urn,focus,priority\n" + "".join(
        f"N{at},100000,maths,{'Soon' if at % 2 else 'high'}\n" for at in range(1, 15)
    )
    visitor = with_tables(needs=needs)
    (row,) = grid(visitor, "needs", "priority")
    assert (row["found"], row["rows"]) == ("Soon", "7 rows: 2, 4, 6, 8, 10, 12, …")
    edit(visitor, "needs", "priority", 0, "normal")
    save(visitor)
    assert visitor.figure("Problems found") == "0"
    assert [row["priority"] for row in table_of(visitor, "needs")] == ["normal", "high"] * 7


def test_many_columns_of_many_tables_are_fixed_with_one_press():
    supporters = tiny.SUPPORTERS.replace("Primary;Secondary", "Primary;Secondry").replace("LLE", "Local chief")
    visitor = with_tables(supporters=supporters, needs=tiny.NEEDS.replace("maths", "mathz").replace("2.5", "two"))
    edit(visitor, "supporters", "designation", 0, "LLE")
    edit(visitor, "needs", "days", 0, "2")
    save(visitor)
    assert visitor.figure("Problems found") == "0"
    assert [row["designation"] for row in table_of(visitor, "supporters")] == ["SLE", "LLE", "NLE"]
    assert table_of(visitor, "supporters")[0]["phases"] == "Primary;Secondary"
    assert [row["focus"] for row in table_of(visitor, "needs")] == ["maths", "headship", "phonics"]
    assert visitor.downloads()[:2] == ["Download the corrected supporters.csv", "Download the corrected needs.csv"]


def test_a_suggestion_is_filled_in_but_nothing_changes_before_the_button_is_pressed():
    visitor = with_tables(needs=tiny.NEEDS.replace("maths", "mathz"))
    assert [(row["found"], row["new"]) for row in grid(visitor, "needs", "focus")] == [("mathz", "maths")]
    visitor.run()
    assert "There is 1 problem in your files" in visitor.words()
    save(visitor)
    assert visitor.figure("Problems found") == "0"


def test_in_a_cell_of_several_words_only_the_faulty_one_changes():
    visitor = with_tables(supporters=tiny.SUPPORTERS.replace("maths;phonics", "maths; phonix ; zzz"))
    (row,) = grid(visitor, "supporters", "specialisms")
    assert list(row["new"]) == ["maths", "phonics", "zzz"]
    edit(visitor, "supporters", "specialisms", 0, ["maths", "phonics"])
    save(visitor)
    assert visitor.figure("Problems found") == "0"
    assert table_of(visitor, "supporters")[0]["specialisms"] == "maths;phonics"


def test_a_wrong_value_is_a_problem_again_and_a_press_without_a_change_says_so():
    visitor = with_tables(needs=tiny.NEEDS.replace("N1,100000", "N1,10000"))
    save(visitor)
    assert "Nothing has changed yet, so there is nothing to check again." in visitor.words()
    edit(visitor, "needs", "school_urn", 0, "12345")
    save(visitor)
    assert "'12345' is not a URN." in visitor.words()
    edit(visitor, "needs", "school_urn", 0, "100000")
    save(visitor)
    assert visitor.figure("Problems found") == "0"


def test_blank_cells_and_identifiers_that_are_given_twice_stay_apart():
    needs = tiny.NEEDS.replace("N2", "N1").replace("N3", "N1").replace("maths", "").replace("headship", "")
    visitor = with_tables(needs=needs)
    assert [row["rows"] for row in grid(visitor, "needs", "need_id")] == ["row 3", "row 4"]
    assert [row["rows"] for row in grid(visitor, "needs", "focus")] == ["row 2", "row 3"]
    edit(visitor, "needs", "need_id", 0, "N2")
    save(visitor)
    assert [row["rows"] for row in grid(visitor, "needs", "need_id")] == ["row 4"]


def test_a_correction_goes_to_its_own_table_where_files_share_a_name():
    visitor = Visitor()
    for slot, content in (
        ("schools", tiny.SCHOOLS),
        ("supporters", tiny.SUPPORTERS),
        ("needs", tiny.NEEDS.replace("N2,100001", "N2,10001")),
    ):
        give(visitor, slot, "export.csv", content)
    visitor.press("Check the files")
    assert "export.csv (needs): 1 problem" in visitor.words()
    edit(visitor, "needs", "school_urn", 0, "100001")
    save(visitor)
    assert visitor.figure("Problems found") == "0"
    assert table_of(visitor, "needs")[1]["school_urn"] == "100001"
    assert sources_of(visitor)["supporters"].content == tiny.SUPPORTERS.encode()
    assert visitor.downloads()[0] == "Download the corrected export.csv (needs)"


def test_only_rows_of_the_faulty_table_are_left_out_where_files_share_a_name():
    visitor = Visitor()
    for slot, content in (
        ("schools", tiny.SCHOOLS),
        ("supporters", tiny.SUPPORTERS),
        ("needs", tiny.NEEDS.replace("maths", "nonsense")),
    ):
        give(visitor, slot, "export.csv", content)
    visitor.press("Check the files")
    visitor.tick("Leave out 1 row (1 of export.csv (needs))")
    visitor.press("Check again")
    assert (visitor.figure("Needs"), visitor.figure("Schools")) == ("2", "3")


def test_a_mend_in_a_workbook_reaches_every_table_of_it():
    visitor = with_workbook()
    visitor.press("Use these columns")
    visitor.tab.selectbox(key=school_key(visitor)).set_value(workbooks.NAMED_SCHOOL[0])
    save(visitor)
    assert visitor.figure("Problems found") == "0"
    assert len({source.sha256 for name, source in sources_of(visitor).items() if name != "columns"}) == 1
    assert visitor.downloads()[0] == "Download the corrected round.xlsx"


def test_notices_are_in_plain_view_while_there_are_problems():
    visitor = with_tables(needs=tiny.NEEDS.replace("headship", "nonsense").replace("maths", "numeracy"))
    assert "'numeracy'" in visitor.words()
    assert not [one.label for one in visitor.tab.expander if "notice" in one.label]


# ---- schools by name -----------------------------------------------------------------------------------------------


def school_key(visitor: Visitor) -> str:
    (found,) = (one.key for one in visitor.tab.selectbox if one.key.startswith("school_"))
    return str(found)


def type_school(visitor: Visitor, words: str) -> None:
    """Type into the list, which takes other words than it offers."""
    box = visitor.tab.selectbox(key=school_key(visitor))
    box.options.append(words)
    box.set_value(words)


def test_exact_names_of_schools_are_accepted_with_one_press():
    needs = tiny.NEEDS.replace("100000", "alder school").replace("100001", "BIRCH  SCHOOL")
    visitor = with_tables(needs=needs.replace("maths", "mathz"))
    assert "Schools by name: 2 names in the place of a URN" in visitor.words()
    visitor.press("Use these 2 schools")
    assert visitor.figure("Problems found") == "0"
    assert [row["school_urn"] for row in table_of(visitor, "needs")] == ["100000", "100001", "100002"]


def test_schools_under_headers_of_their_own_are_found_by_name():
    schools = tiny.SCHOOLS.replace("urn,name,phase", "Code,School name,Kind")
    visitor = with_tables(schools=schools, needs=tiny.NEEDS.replace("N1,100000", "N1,alder school"))
    for header, column in (("Code", "urn"), ("School name", "name"), ("Kind", "phase")):
        visitor.choose(f"“{header}” is", column)
    visitor.press("Use these columns")
    visitor.press("Use this school")
    assert visitor.figure("Problems found") == "0"
    assert table_of(visitor, "needs")[0]["school_urn"] == "100000"


def test_a_name_that_is_alike_is_offered_and_not_taken_by_itself():
    visitor = with_tables(needs=tiny.NEEDS.replace("N1,100000", "N1,Alder Schol"))
    assert not [label for label in visitor.buttons() if label.startswith("Use ")]
    save(visitor)
    assert "Nothing has changed yet" in visitor.words()
    visitor.tab.selectbox(key=school_key(visitor)).set_value("100000")
    save(visitor)
    assert visitor.figure("Problems found") == "0"


def test_a_name_that_is_typed_is_not_taken_for_a_urn():
    visitor = with_tables(needs=tiny.NEEDS.replace("N1,100000", "N1,Alder Schol"))
    type_school(visitor, "Alder")
    save(visitor)
    assert "'Alder' is neither a URN of six digits nor a school that is offered here." in visitor.words()
    type_school(visitor, "100001")
    save(visitor)
    assert table_of(visitor, "needs")[0]["school_urn"] == "100001"


def test_of_schools_with_one_name_the_right_one_is_chosen():
    visitor = with_tables(
        schools=tiny.SCHOOLS.replace("Cedar School", "Alder. School"),
        needs=tiny.NEEDS.replace("N1,100000", "N1,Alder School"),
    )
    box = visitor.tab.selectbox(key=school_key(visitor))
    assert box.label == "Which school is 'Alder School' (needs, row 2)?"
    assert box.options == ["Alder School, Fenshire, 100000", "Alder. School, Marshire, 100002"]
    box.set_value("100002")
    save(visitor)
    assert visitor.figure("Problems found") == "0"
    assert b"N1,100002" in sources_of(visitor)["needs"].content
