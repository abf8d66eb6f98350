"""The screens with files as they really come: official ones, workbooks of people, unknown headers, and what to do."""

import csv
import io
from collections.abc import Iterator

import pytest
import tiny
import workbooks
from test_screens import BROKEN, Visitor, with_tables

from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.store import open_store
from matching.ui.state.params import ScreenParams
from matching.ui.steps import CHECK, PLAN, START, TRIAGE
from matching.ui.widgets import uploads

GRADES = {"100000": "Inadequate", "100001": "Requires improvement", "100002": "Good"}
TROUBLED = "".join(
    line.rpartition(",")[0] + f",{GRADES.get(line[:6], 'ofsted')}\n" for line in tiny.SCHOOLS.splitlines()
)
EVIDENCE = tiny.EVIDENCE_HEADER + "".join(
    f"{who},{criterion},yes,Interview,2026-08-01\n"
    for who, criteria in (("S1", [f"SLE-{n}" for n in range(1, 9)]), ("S2", [f"LLE-{n}" for n in range(1, 12)]))
    for criterion in criteria
)


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch) -> Iterator[str]:
    address = f"sqlite:///{tmp_path / 'rounds.db'}"
    monkeypatch.setenv(DATABASE_VARIABLE, address)
    return address


def give(visitor: Visitor, slot: str, name: str, content: bytes | str) -> None:
    label = uploads.SLOTS[slot].label
    given = content.encode() if isinstance(content, str) else content
    visitor._one(visitor.tab.file_uploader, label).upload(name, given)


def with_workbook(content: bytes | None = None) -> Visitor:
    visitor = Visitor()
    give(visitor, "workbook", "round.xlsx", content or workbooks.as_kept_by_people())
    visitor.press("Check the files")
    return visitor


def write(visitor: Visitor, label: str, value: str) -> None:
    visitor._one(visitor.tab.text_input, label).set_value(value)
    visitor.run()


def fill(visitor: Visitor, label: str, value: str) -> None:
    """Choose from a list in a form, which takes nothing before its button is pressed."""
    visitor._one(visitor.tab.selectbox, label).set_value(value)


def sources_of(visitor: Visitor):
    return open_store().get(visitor.round_id).sources


# ---- upload --------------------------------------------------------------------------------------------------------


def test_the_limits_are_stated():
    assert "Each file may be up to 100 MB, unpacked 256 MB, with 1,048,576 rows." in Visitor().words()


def test_a_file_beyond_the_limit_is_refused():
    visitor = Visitor(params=ScreenParams(largest_file_mb=1))
    visitor.upload(schools=tiny.SCHOOLS + "\n" * 1024**2)
    visitor.press("Check the files")
    assert "schools.csv is too large." in visitor.words()
    assert "No file was uploaded" in visitor.words()


def test_official_files_have_slots_and_may_stay_gzipped():
    visitor = Visitor()
    assert {"Ofsted's file (optional)", "Links file (optional)"} <= {one.label for one in visitor.tab.file_uploader}
    give(visitor, "schools", "schools.csv.gz", tiny.gz(tiny.SCHOOLS))
    visitor.upload(supporters=tiny.SUPPORTERS, needs=tiny.NEEDS)
    visitor.press("Check the files")
    assert visitor.figure("Schools") == "3"


def test_the_tables_of_one_workbook_are_found_on_their_sheets():
    visitor = with_workbook()
    assert "round.xlsx (Requests): 2 problems" in visitor.words()
    assert "Supporters: 12 of 13 columns are used (round.xlsx (Our leaders), header in row 1)" in visitor.words()


@pytest.mark.long
def test_a_table_of_its_own_goes_before_the_workbooks():
    visitor = Visitor()
    give(visitor, "workbook", "round.xlsx", workbooks.as_kept_by_people())
    visitor.upload(supporters=(workbooks.DEMO / "supporters.csv").read_text())
    visitor.press("Check the files")
    assert "Say which column is which" not in visitor.words()


@pytest.mark.parametrize("content", [tiny.xlsx("a,b\n1,2\n"), b"PK\x03\x04damaged"])
def test_a_workbook_without_tables_is_told(content):
    visitor = with_workbook(content)
    assert "The workbook cannot be used" in visitor.words()
    assert visitor.title == "School support matching"


# ---- problems ------------------------------------------------------------------------------------------------------


def test_problems_are_shown_by_severity_and_can_be_filtered():
    visitor = with_tables(supporters=BROKEN, decisions=tiny.decisions("pin,S9,N1,,,,"))
    assert (visitor.figure("Stops the run"), visitor.figure("Row can be left out")) == ("1", "2")
    visitor.choose("Effect", "Stops the run")
    assert "is not in the supporters table" in visitor.markup()
    assert visitor.markup().count('data-column="Row"') == 1
    visitor.choose("File", "supporters.csv")
    assert "No problem matches these filters." in visitor.words()


def test_rows_are_left_out_only_where_that_is_ticked_and_each_is_told():
    visitor = with_tables(needs=tiny.NEEDS.replace("headship", "nonsense"))
    visitor.press("Check again")
    assert "Nothing has changed yet, so there is nothing to check again." in visitor.words()
    visitor.tick("Leave out 1 row (1 of needs.csv)")
    visitor.press("Check again")
    assert visitor.figure("Needs") == "2"
    assert "Some rows are left out, as you asked." in visitor.words()
    assert "1 row of 3 left out on request, 2 used: row 3 (focus)" in visitor.words()
    visitor.make_plan()
    assert visitor.figure("Needs met") == "2 of 2"


def test_leaving_out_is_asked_for_anew_when_the_tables_change():
    visitor = with_tables(needs=tiny.NEEDS.replace("headship", "nonsense"))
    visitor.tick("Leave out 1 row")
    visitor.press("Check again")
    visitor.go(START)
    visitor.upload(schools=tiny.SCHOOLS)
    visitor.press("Check the files")
    assert "There is 1 problem in your files" in visitor.words()


def test_hostile_text_in_a_problem_is_shown_as_text():
    script = "<script>alert(1)</script>"
    visitor = with_tables(needs=tiny.NEEDS.replace("headship", script))
    assert script in visitor.words()
    assert "<script>alert" not in visitor.markup()


# ---- who needs help ------------------------------------------------------------------------------------------------


def test_schools_in_trouble_are_listed_with_the_rule():
    visitor = with_tables(schools=TROUBLED)
    visitor.go(TRIAGE)
    assert visitor.title == "Who needs help"
    assert "This list is a proposal" in visitor.words()
    assert visitor.figure("Schools listed") == "2"
    assert "The last overall grade is inadequate." in visitor.words()
    assert "Good" not in visitor.words()


def test_nothing_is_ticked_by_itself_and_ticked_needs_begin_a_round():
    visitor = with_tables(schools=TROUBLED)
    first = visitor.round_id
    visitor.go(TRIAGE)
    assert "No need is ticked yet." in visitor.words()
    assert "Download needs.csv" not in visitor.downloads()
    visitor.press("Tick all 2")
    assert "2 needs at 2 schools ticked." in visitor.words()
    visitor.go(PLAN)
    visitor.go(TRIAGE)
    assert "2 needs at 2 schools ticked." in visitor.words()
    visitor.press("Start a new round with these needs")
    assert visitor.title == "Check the data"
    assert visitor.figure("Needs") == "2"
    assert visitor.round_id != first
    needs = list(csv.DictReader(io.StringIO(sources_of(visitor)["needs"].content.decode("utf-8-sig"))))
    assert [(row["need_id"], row["focus"], row["priority"]) for row in needs] == [
        ("100000-1", "whole-school improvement", "critical"),
        ("100001-1", "headship", "high"),
    ]


def test_ticks_stay_when_the_list_is_narrowed():
    visitor = with_tables(schools=TROUBLED)
    visitor.go(TRIAGE)
    visitor.press("Tick all 2")
    visitor.choose("Main reason", "inadequate")
    assert "2 needs at 2 schools ticked." in visitor.words()
    visitor.press("Untick all")
    assert "1 need at 1 school ticked." in visitor.words()


def test_who_needs_help_can_be_asked_without_a_round():
    visitor = Visitor(TRIAGE)
    give(visitor, "schools", "schools.csv", TROUBLED)
    visitor.press("Use these files")
    visitor.press("Tick all 2")
    visitor.press("Start a new round with these needs")
    assert visitor.title == "Check the data"
    assert "This table is missing." in visitor.words()
    visitor.upload(supporters=tiny.SUPPORTERS)
    visitor.press("Check again")
    assert visitor.figure("Needs") == "2"


def test_files_that_are_no_schools_are_told_on_who_needs_help():
    visitor = Visitor(TRIAGE)
    give(visitor, "schools", "schools.csv", "a,b\n1,2\n")
    visitor.press("Use these files")
    assert "These files cannot be used" in visitor.words()


def test_schools_that_no_rule_finds_are_told():
    visitor = with_tables()
    visitor.go(TRIAGE)
    assert "No rule lists any of these schools." in visitor.words()


# ---- grades --------------------------------------------------------------------------------------------------------


def test_a_newer_schools_file_tells_who_is_no_longer_accredited_and_what_that_touches():
    visitor = with_tables(accreditation=EVIDENCE)
    visitor.make_plan()
    before = open_store().get(visitor.round_id)
    visitor.go(CHECK)
    give(visitor, "schools", "newer.csv", tiny.SCHOOLS.replace("Good", "Inadequate"))
    visitor.press("Compare the grades")
    assert (visitor.figure("No longer accredited"), visitor.figure("Newly accredited")) == ("1", "0")
    assert "Bob Bay (S2)" in visitor.words()
    assert visitor.figure("Deployments affected") == "2"
    assert "Deployments that new grades touch" in visitor.words()
    assert open_store().get(visitor.round_id) == before


def test_the_same_grades_change_nothing():
    visitor = with_tables(accreditation=EVIDENCE)
    visitor.go(CHECK)
    give(visitor, "schools", "newer.csv", tiny.SCHOOLS)
    visitor.press("Compare the grades")
    assert "No supporter's home school has a new grade." in visitor.words()


def test_a_newer_file_that_cannot_be_used_is_told():
    visitor = with_tables()
    visitor.go(CHECK)
    give(visitor, "schools", "newer.csv", "a,b\n1,2\n")
    visitor.press("Compare the grades")
    assert "These files cannot be used." in visitor.words()


def test_what_is_for_information_is_told_beside_what_is_wrong():
    visitor = with_tables(needs=tiny.NEEDS.replace("maths", "mathz").replace("priority", "prio"))
    words = visitor.words()
    assert "There is 1 problem in your files" in words
    assert "columns that are not used: 'prio'" in words
