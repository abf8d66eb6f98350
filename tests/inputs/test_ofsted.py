import csv
import io
from pathlib import Path

import pytest
from tiny import faults_of

from matching.inputs.official.ofsted import Inspections, read_ofsted
from matching.inputs.official.ofsted_header import inspection_areas, ofsted_columns
from matching.tables.files import Source, open_source
from matching.tables.vocabulary import standard_vocabulary

SHARED = Path(__file__).parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the official files are not in ../shared/data")

OLD = ("Web link (opens in new window)", "URN", "School name", "Overall effectiveness", "Category of concern")
OLD += ("Inspection start date", "Does the latest graded inspection relate to the URN of the current school?")
OLD += ("URN at time of latest graded inspection", "Quality of education", "Safeguarding is effective?")
OLD += ("Effectiveness of leadership and management", "Date of latest ungraded inspection")
OLD += ("Previous graded inspection overall effectiveness", "Previous inspection start date")
CARD = ("URN", "Inspection start date", "Inclusion", "Leadership and governance", "Safeguarding standards")
CARD += ("Inspection start date of latest OEIF graded inspection", "Latest OEIF overall effectiveness")
CARD += (
    "Latest OEIF quality of education",
    "Latest OEIF  safeguarding is effective?",
    "Most recent category of concern",
)


def ofsted(*rows: dict[str, str], columns: tuple[str, ...] = OLD, before: str = "", encoding: str = "cp1252") -> Source:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return Source("ofsted.csv", (before + text.getvalue()).encode(encoding))


def only(row: dict[str, str], columns: tuple[str, ...] = OLD) -> dict[str, str]:
    (found,) = read_ofsted(ofsted({"URN": "100000"} | row, columns=columns)).frame.to_dict("records")
    return found


@pytest.mark.parametrize("file", ["ofsted_mi_2025-03-31.txt", "ofsted_mi_2026_D2_most_recent.txt"])
@needs_shared
def test_the_official_headers_are_recognised(file):
    header = (SHARED / "headers" / file).read_text(encoding="utf-8").splitlines()
    gias = (SHARED / "headers" / "gias_2024-02.txt").read_text(encoding="utf-8").splitlines()
    assert ofsted_columns(header) > 5 > ofsted_columns(gias)


def test_other_tables_are_not_taken_for_it():
    assert ofsted_columns(("URN", "LinkURN", "LinkName", "LinkType")) <= 1
    assert ofsted_columns(()) == 0


@pytest.mark.parametrize(
    ("cell", "grade"),
    [("1", "Outstanding"), ("2", "Good"), ("3", "Requires improvement"), ("4", "Inadequate"), ("Good", "Good")]
    + [(blank, "") for blank in ("", "NULL", "9", "Not judged", "z", "c", "SUPP")],
)
def test_an_overall_grade_is_a_code_or_a_word(cell, grade):
    found = only({"Overall effectiveness": cell, "Inspection start date": "03/10/2023"})
    assert found["grade"] == grade
    assert found["graded_on"] == ("2023-10-03" if grade else "")
    assert found["inspected_on"] == "2023-10-03"


def test_where_the_latest_gives_none_the_last_overall_grade_is_the_one_before():
    found = only(
        {
            "Overall effectiveness": "Not judged",
            "Inspection start date": "01/10/2024",
            "Previous graded inspection overall effectiveness": "3",
            "Previous inspection start date": "05/06/2019",
            "Quality of education": "2",
        }
    )
    assert (found["grade"], found["graded_on"]) == ("Requires improvement", "2019-06-05")
    assert (found["inspected_on"], found["areas"]) == ("2024-10-01", "Quality of education: Good")


def test_a_report_card_keeps_the_last_overall_grade_and_its_date():
    found = only(
        {
            "Inspection start date": "20/01/2026",
            "Inclusion": "Needs attention",
            "Leadership and governance": "Urgent improvement",
            "Safeguarding standards": "Not met",
            "Inspection start date of latest OEIF graded inspection": "05/06/2019",
            "Latest OEIF overall effectiveness": "2",
            "Latest OEIF quality of education": "2",
            "Most recent category of concern": "SM",
        },
        CARD,
    )
    assert (found["grade"], found["graded_on"], found["inspected_on"]) == ("Good", "2019-06-05", "2026-01-20")
    assert found["areas"] == (
        "Leadership and governance: Urgent improvement; Inclusion: Needs attention; Safeguarding standards: Not met"
    )
    assert found["concern"] == "Special measures"


def test_without_a_report_card_the_areas_are_those_of_the_last_graded_inspection():
    found = only({"Latest OEIF quality of education": "3", "Latest OEIF  safeguarding is effective?": "No"}, CARD)
    assert found["areas"] == "Quality of education: Requires improvement; Safeguarding: Not effective"


def test_a_grade_given_under_an_earlier_urn_says_so():
    flag = "Does the latest graded inspection relate to the URN of the current school?"
    then = "URN at time of latest graded inspection"
    assert only({"Overall effectiveness": "2", flag: "No", then: "100009"})["urn_then"] == "100009"
    assert only({"Overall effectiveness": "2", flag: "Yes", then: "100000"})["urn_then"] == ""


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("before", ["", "Some notes\r\nMore of them, with a comma\r\n", "\r\n\r\n"])
def test_stray_lines_before_the_header_do_not_matter(before, encoding):
    source = ofsted({"URN": "100000", "School name": "Zoë’s", "Overall effectiveness": "2"}, before=before)
    assert read_ofsted(source).frame["grade"].tolist() == ["Good"]


def test_the_first_column_may_be_in_other_letters():
    content = ofsted({"URN": "100000", "Overall effectiveness": "2"}).content.replace(b"URN,", b"urn,")
    assert read_ofsted(Source("o", content)).frame["grade"].tolist() == ["Good"]


def test_a_cell_that_cannot_be_read_is_blank_and_told():
    found: Inspections = read_ofsted(ofsted({"URN": "100000", "Overall effectiveness": "7"}))
    assert found.frame["grade"].tolist() == [""]
    assert found.notices == (
        "ofsted.csv: 1 cell could not be read as an overall grade, such as '7' for URN 100000; left blank.",
    )


def test_what_cannot_be_used_is_a_problem():
    assert faults_of(lambda: read_ofsted(Source("o.csv", b"a,b\n1,2\n"))) == [
        "o.csv row 1, Overall effectiveness: There is no column with an overall grade or a graded area in this Ofsted "
        "file. Download the management information of state-funded schools from Ofsted's page again and keep its columns.",
        "o.csv row 1, URN: The column is missing from this Ofsted file. Download the management information of "
        "state-funded schools from Ofsted's page again and keep its columns.",
    ]
    twice = ofsted({"URN": "100000"}, {"URN": "100000"}, {"URN": "x"})
    assert [fault.split(". ")[0] for fault in faults_of(lambda: read_ofsted(twice))] == [
        "ofsted.csv row 3, URN: '100000' is already in row 2",
        "ofsted.csv row 4, URN: 'x' is not a URN",
    ]
    assert faults_of(lambda: read_ofsted(ofsted()))[0].startswith("ofsted.csv: There is no row under the header.")


def test_every_area_suggests_focuses_that_are_known():
    assert {focus for area in inspection_areas() for focus in area.focuses} <= set(standard_vocabulary().focuses)


@needs_shared
def test_the_official_file_is_read_whole():
    found = read_ofsted(open_source(SHARED / "ofsted_mi_2025_format.csv.gz"))
    assert found.frame["grade"].value_counts().to_dict() == {
        "Good": 16_035,
        "Outstanding": 2_835,
        "Requires improvement": 1_611,
        "Inadequate": 90,
    }
    assert found.notices == ()
