import csv
import io
import random
from pathlib import Path

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
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
    twice = ofsted({"URN": "100000"}, {"URN": "100000", "Overall effectiveness": "2"}, {"URN": "100001.0"})
    assert [fault.split(". ")[0] for fault in faults_of(lambda: read_ofsted(twice))] == [
        "ofsted.csv row 3, URN: '100000' is already in row 2",
        "ofsted.csv row 4, URN: '100001.0' is not a URN",
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


# ---- other names, other words, other forms -------------------------------------------------------------------------

GRADED = {"Overall effectiveness": "4", "Category of concern": "SM", "Inspection start date": "03/03/2022"}
GRADED |= {"Previous graded inspection overall effectiveness": "2", "Previous inspection start date": "01/02/2016"}
SPREADS = ["{} at last inspection", "{}: latest", "{} (latest)", "Latest {}", "{} - most recent inspection", "{} grade"]


def renamed(columns: dict[str, str], seed: int) -> Source:
    """A file with some columns under other names, and all in any order."""
    names = list(GRADED) + ["URN", "School name"]
    random.Random(seed).shuffle(names)
    rows = [dict.fromkeys(names, ""), GRADED | {"URN": "100004", "School name": "Damson"}]
    rows[0] |= {"URN": "100001", "Overall effectiveness": "Good", "School name": "Alder"}
    return ofsted(
        *({columns.get(name, name): cell for name, cell in row.items()} for row in rows),
        columns=tuple(columns.get(name, name) for name in names),
    )


@given(st.dictionaries(st.sampled_from(list(GRADED)[:3]), st.sampled_from(SPREADS)), st.integers(0, 99))
@cases(30)
def test_columns_that_differ_in_idle_words_are_read_and_named(spreads, seed):
    other = {name: spread.format(name) for name, spread in spreads.items()}
    found = read_ofsted(renamed(other, seed))
    row = found.frame.loc["100004"]
    assert (row["grade"], row["graded_on"], row["concern"]) == ("Inadequate", "2022-03-03", "Special measures")
    assert found.frame.loc["100001", "grade"] == "Good"
    notices = " ".join(found.notices)
    assert all(f"'{name}' as" in notices for name in other.values())


@given(st.sampled_from(["OE", "Judgement", "Overall effectiveness (new series)", "Outcome"]), st.integers(0, 99))
@cases(15)
def test_an_earlier_grade_is_never_taken_for_the_latest(name, seed):
    source = renamed({"Overall effectiveness": name, "Category of concern": "Quality of education"}, seed)
    found = read_ofsted(source)
    assert found.frame["grade"].tolist() == ["", ""]
    assert "there is no column with the latest overall grade" in " ".join(found.notices)


def test_two_columns_that_could_be_the_latest_grade():
    first, second = "Overall effectiveness: latest", "Overall effectiveness (most recent)"
    columns = ("URN", first, second, "Quality of education")
    found = read_ofsted(ofsted({"URN": "100000", first: "2", second: "3"}, columns=columns))
    assert found.frame["grade"].tolist() == [""]
    assert f"columns like it: '{first}', '{second}'" in " ".join(found.notices)
    own = read_ofsted(ofsted({"URN": "100000", second: "3", "Overall effectiveness": "2"}, columns=(*OLD, second)))
    assert own.frame["grade"].tolist() == ["Good"]
    assert f"that are not read: '{second}'" in " ".join(own.notices)


def test_the_date_of_a_report_card_is_not_that_of_the_grade():
    columns = ("URN", "Inspection start date", "Latest OEIF overall effectiveness", "Inclusion")
    found = only({"Latest OEIF overall effectiveness": "2", "Inspection start date": "20/01/2026"}, columns)
    assert (found["grade"], found["graded_on"], found["inspected_on"]) == ("Good", "", "2026-01-20")


@pytest.mark.parametrize(
    ("cell", "grade"),
    [
        ("Grade 2", "Good"),
        ("2 - Good", "Good"),
        ("Good (2)", "Good"),
        ("Requires Improvement (RI)", "Requires improvement"),
        ("RI", "Requires improvement"),
        ("4: Inadequate", "Inadequate"),
        ("Inadequate - Special Measures", "Special Measures"),
        ("2 - Outstanding", ""),
        ("2 or 3", ""),
    ],
)
def test_a_grade_in_words_and_numbers(cell, grade):
    assert only({"Overall effectiveness": cell})["grade"] == grade


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("3 March 2022", "2022-03-03"),
        ("03-Mar-2022", "2022-03-03"),
        ("03-Mar-22", "2022-03-03"),
        ("Thursday, 3rd March 2022", "2022-03-03"),
        ("March 3, 2022", "2022-03-03"),
        ("03.03.2022", "2022-03-03"),
        ("2022/3/3", "2022-03-03"),
        ("20220303", "2022-03-03"),
        ("31082022", "2022-08-31"),
        ("2022-03-03T00:00:00Z", "2022-03-03"),
        ("03/03/22", "2022-03-03"),
        ("44623", ""),
        ("Spring 2022", ""),
    ],
)
def test_a_date_in_any_form_in_which_it_can_be_no_other(cell, day):
    assert only({"Overall effectiveness": "2", "Inspection start date": cell})["graded_on"] == day


def test_dates_that_can_only_be_month_first():
    rows = [
        {"URN": f"10000{k}", "Overall effectiveness": "2", "Inspection start date": day}
        for k, day in enumerate(["04/03/2022", "03/22/2022"])
    ]
    found = read_ofsted(ofsted(*rows))
    assert found.frame["graded_on"].tolist() == ["2022-04-03", "2022-03-22"]
    assert "dates are read month first" in " ".join(found.notices)
    mixed = read_ofsted(ofsted(*rows, {"URN": "100002", "Inspection start date": "22/03/2022"}))
    assert mixed.frame["graded_on"].tolist() == ["2022-03-04", "", ""]


@pytest.mark.parametrize(
    ("outcome", "grade"),
    [
        ("School remains Good", "Good"),
        ("School remains Outstanding (Concerns)", "Outstanding"),
        ("school  remains good (improving)", "Good"),
        ("Standards maintained", ""),
        ("NULL", ""),
    ],
)
def test_the_grade_that_an_ungraded_inspection_leaves(outcome, grade):
    cells = {"Date of latest ungraded inspection": "14/03/2023", "Ungraded inspection overall outcome": outcome}
    source = ofsted(
        {"URN": "100000", "Overall effectiveness": "NULL"} | cells,
        columns=(*OLD, "Ungraded inspection overall outcome"),
    )
    found = read_ofsted(source)
    (row,) = found.frame.to_dict("records")
    assert (row["grade"], row["graded_on"], row["inspected_on"]) == (grade, "", "2023-03-14")
    assert row["confirmed"] == ("yes" if grade else "")
    assert ("ungraded inspection" in " ".join(found.notices)) == (outcome != "NULL")
    assert read_ofsted(source, of_earlier_format=True).frame["grade"].tolist() == [""]


def test_a_graded_inspection_takes_precedence():
    cells = {"Overall effectiveness": "3", "Ungraded inspection overall outcome": "School remains Good"}
    assert only(cells, (*OLD, "Ungraded inspection overall outcome"))["grade"] == "Requires improvement"


def test_rows_of_no_school_are_left_out_and_counted():
    others = [{"URN": urn, "School name": "Sunny Centre"} for urn in ("EY312345", "20001", "")]
    found = read_ofsted(ofsted({"URN": "100000", "Overall effectiveness": "2"}, *others))
    assert found.frame["urn"].tolist() == ["100000"]
    assert "3 rows without a URN of six digits left out, such as row 3 (URN: 'EY312345')" in " ".join(found.notices)
    assert faults_of(lambda: read_ofsted(ofsted({"URN": "100000.0"})))[0].startswith("ofsted.csv row 2, URN:")
    assert faults_of(lambda: read_ofsted(ofsted(*others)))[0].startswith("ofsted.csv row 2, URN:")


def test_one_row_twice_is_one_row():
    row = {"URN": "100000", "Overall effectiveness": "2"}
    assert read_ofsted(ofsted(row, row)).frame["grade"].tolist() == ["Good"]
    assert "already in row 2" in faults_of(lambda: read_ofsted(ofsted(row, row | {"Overall effectiveness": "3"})))[0]
