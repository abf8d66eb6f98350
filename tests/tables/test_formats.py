import datetime
import itertools
import math
import re

import numpy as np
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from tiny import SCHOOLS, faults_of, xlsx

from matching.errors import DataError
from matching.tables.cell_values import DayRange, no_parser
from matching.tables.files import Source, read_sheet
from matching.tables.formats import table_formats
from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M, national_grid
from matching.tables.table_reader import Table, read_table, schools_as_text
from matching.tables.vocabulary import standard_vocabulary

WORDS = standard_vocabulary()
FORMATS = table_formats(WORDS)
ROWS = {
    "schools": {"urn": "100000", "name": "Alder", "phase": "Primary", "easting": "400000", "northing": "300000"},
    "supporters": {
        "supporter_id": "S1",
        "name": "Ann",
        "designation": "SLE",
        "school_urn": "100000",
        "phases": "Primary",
        "specialisms": "maths",
    },
    "needs": {"need_id": "N1", "school_urn": "100000", "focus": "maths"},
    "accreditation": {"supporter_id": "S1", "criterion": "SLE-1", "met": "yes"},
    "decisions": {"kind": "pin", "supporter_id": "S1", "need_id": "N1"},
    "baseline": {"need_id": "N1", "supporter_id": "S1"},
}
REQUIRED = {
    "schools": ("urn", "name", "phase", "easting", "northing"),
    "supporters": ("supporter_id", "name", "designation", "school_urn", "phases", "specialisms"),
    "needs": ("need_id", "school_urn", "focus"),
    "accreditation": ("supporter_id", "criterion", "met"),
    "decisions": ("kind", "supporter_id"),
    "baseline": ("need_id", "supporter_id"),
}


def csv_of(rows: list[dict[str, str]]) -> str:
    names = list(dict.fromkeys(itertools.chain.from_iterable(rows)))

    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    return "\n".join(",".join(map(quoted, row)) for row in [names, *([row.get(n, "") for n in names] for row in rows)])


def table(name: str, content: str | bytes | list[dict[str, str]]) -> Table:
    if isinstance(content, list):
        content = csv_of(content)
    source = Source(f"{name}.csv", content.encode() if isinstance(content, str) else content)
    return read_table(read_sheet(source), FORMATS[name], WORDS)


def with_cell(name: str, column: str, cell: str) -> Table:
    return table(name, [ROWS[name] | {column: cell}])


def value(name: str, column: str, cell: str) -> object:
    read = with_cell(name, column, cell)
    assert read.problems == ()
    return read.frame[column].iloc[0]


def faults(name: str, content: str | bytes | list[dict[str, str]]) -> list[str]:
    return faults_of(lambda: table(name, content))


# What a cell becomes

PARSED_WHOLE = [
    (name, column) for name, form in FORMATS.items() for column in form.columns if column.parse_column is not no_parser
]
PLAIN = {"name": "Ann", "postcode": "N1 1AA"} | ROWS["schools"] | ROWS["supporters"] | ROWS["needs"]
TEXTS = st.one_of(st.text(), st.sampled_from(["", "Ann", "=1", "Ann\u00a0Ash", "a\nb", "x" * 65]))
DIGITS = st.one_of(
    st.integers(-10, 1_300_000).map(str),
    st.sampled_from(["", "٣٣٣٣٣٣", "100000 ", "1e5", "1_0", "100000.0", "0000000400000", "nan", "-0", "²²²²²²"]),
)


@pytest.mark.parametrize(("name", "column"), PARSED_WHOLE, ids=lambda one: getattr(one, "name", one))
def test_a_sound_column_is_parsed_as_a_whole(name, column):
    assert column.parse_column([PLAIN[column.name]] * 3) is not None


@pytest.mark.parametrize(("name", "column"), PARSED_WHOLE, ids=lambda one: getattr(one, "name", one))
@given(data=st.data())
def test_a_column_parsed_as_a_whole_is_the_same_as_cell_by_cell(name, column, data):
    cells = data.draw(st.lists(st.one_of(st.just(PLAIN[column.name]), TEXTS, DIGITS), min_size=1, max_size=4))
    values = column.parse_column(cells)
    if values is not None:
        assert list(values) == [column.convert(cell) if cell else column.blank for cell in cells]


SEPTEMBER = DayRange(datetime.date(2026, 9, 14), datetime.date(2026, 9, 28))
CHRISTMAS = DayRange(datetime.date(2026, 12, 21), datetime.date(2026, 12, 21))


@pytest.mark.parametrize(
    ("name", "column", "cell", "expected"),
    [
        ("schools", "urn", "000001", "000001"),
        ("schools", "urn", " 100000 ", "100000"),
        ("schools", "name", "St Zoë’s “C of E”, Fen–End", "St Zoë’s “C of E”, Fen–End"),
        ("schools", "name", "NA", "NA"),
        ("schools", "phase", "primary", "Primary"),
        ("schools", "phase", "ALL-THROUGH", "All-through"),
        ("schools", "phase", "Middle  deemed   primary", "Middle deemed primary"),
        ("schools", "easting", "400000.125", 400_000.125),
        ("schools", "easting", "400000.5000000", 400_000.5),
        ("schools", "easting", "80000", 80_000.0),
        ("schools", "northing", "660000", 660_000.0),
        ("schools", "ofsted", "requires improvement", "Requires improvement"),
        ("schools", "ofsted", "", ""),
        ("schools", "trust", "", ""),
        ("schools", "region", "nan", ""),
        ("schools", "pupils", "0", 0),
        ("schools", "pupils", "271.0", 271),
        ("schools", "fsm_percent", "21.5", 21.5),
        ("schools", "fsm_percent", "100", 100.0),
        ("supporters", "supporter_id", "007", "007"),
        ("supporters", "supporter_id", "Null", "Null"),
        ("supporters", "supporter_id", "x" * 64, "x" * 64),
        ("supporters", "designation", "sle", "SLE"),
        ("supporters", "phases", "Secondary; primary ;Primary;", ("Primary", "Secondary")),
        ("supporters", "specialisms", "phonics;english;Maths", ("English", "maths", "phonics")),
        ("supporters", "specialisms", "", ()),
        ("supporters", "max_deployments", "", 1),
        ("supporters", "max_deployments", "0", 0),
        ("supporters", "max_deployments", "3.0", 3),
        ("supporters", "days_available", "", math.inf),
        ("supporters", "days_available", "0", 0.0),
        ("supporters", "days_available", "7.25", 7.25),
        ("supporters", "max_distance_km", "", math.inf),
        ("supporters", "max_distance_km", "0.1", 0.1),
        ("supporters", "conflicts", "100001;100000;100001", ("100000", "100001")),
        ("supporters", "conflicts", "", ()),
        ("supporters", "alliance", "Fen alliance", "Fen alliance"),
        ("needs", "focus", "HEADSHIP", "headship"),
        ("needs", "designations", "nle;LLE", ("LLE", "NLE")),
        ("needs", "designations", "", ()),
        ("needs", "days", "", 0.0),
        ("needs", "days", "2.50", 2.5),
        ("needs", "priority", "", "normal"),
        ("needs", "priority", "Critical", "critical"),
        ("needs", "notes", "line one\nline two\twith a tab", "line one\nline two\twith a tab"),
        ("accreditation", "criterion", "sle-8", "SLE-8"),
        ("accreditation", "met", "Yes", "yes"),
        ("accreditation", "met", "", ""),
        ("accreditation", "checked_on", "2026-01-31", datetime.date(2026, 1, 31)),
        ("accreditation", "checked_on", "31/01/2026", datetime.date(2026, 1, 31)),
        ("accreditation", "checked_on", "1/2/2026", datetime.date(2026, 2, 1)),
        ("accreditation", "checked_on", "", None),
        ("decisions", "kind", "DECLINED", "declined"),
        ("decisions", "need_id", "", ""),
        ("decisions", "reason", "asked\nfor", "asked\nfor"),
        ("decisions", "on", "2026-09-01", datetime.date(2026, 9, 1)),
        ("decisions", "rules_broken", "Days; places;days", ("days", "places")),
        ("decisions", "rules_broken", "home school limit", ("home school limit",)),
        ("decisions", "rules_broken", "", ()),
        ("supporters", "available_from", "2026-09-14", datetime.date(2026, 9, 14)),
        ("supporters", "available_until", "", None),
        ("supporters", "unavailable", "", ()),
        ("supporters", "unavailable", "2026-09-14/2026-09-28", (SEPTEMBER,)),
        ("supporters", "unavailable", "14/09/2026 to 28 Sep 2026", (SEPTEMBER,)),
        ("supporters", "unavailable", "14/09/2026/28/09/2026", (SEPTEMBER,)),
        ("supporters", "unavailable", "2026-12-21/2026-12-21; 2026-09-14 – 2026-09-28", (SEPTEMBER, CHRISTMAS)),
        ("needs", "requested_on", "1/9/2026", datetime.date(2026, 9, 1)),
        ("needs", "start_by", "", None),
        ("needs", "state", "", "open"),
        ("needs", "state", "PAUSED", "paused"),
        ("needs", "state", "On hold", "paused"),
        ("needs", "state", "cancelled", "withdrawn"),
    ],
)
def test_a_cell_becomes_a_value(name, column, cell, expected):
    found = value(name, column, cell)
    assert found == expected
    assert type(found) is type(expected) or isinstance(expected, int)


@pytest.mark.parametrize("cell", ["", "-0", "0"])
def test_no_days_are_zero_days_without_a_sign(cell):
    read = with_cell("needs", "days", cell)
    assert read.problems or math.copysign(1, read.frame["days"].iloc[0]) == 1


@pytest.mark.parametrize("column", ["pupils", "fsm_percent"])
def test_a_blank_number_of_a_school_is_not_known(column):
    assert np.isnan(value("schools", column, ""))


@pytest.mark.parametrize("name", ROWS)
def test_optional_columns_may_be_left_out(name):
    read = table(name, [ROWS[name]])
    assert read.problems == read.notices == ()
    dropped = {"latitude", "longitude"}
    assert tuple(read.frame.columns) == ("row", *(c for c in FORMATS[name].column_names if c not in dropped))


def test_columns_may_be_in_any_order():
    reverse = dict(reversed(ROWS["needs"].items()))
    assert table("needs", [reverse]).frame.equals(table("needs", [ROWS["needs"]]).frame)


def test_rows_are_in_file_order_with_their_numbers():
    frame = table("needs", "need_id,school_urn,focus\nN2,100000,maths\n,,\nN1,100000,art\n").frame
    assert frame[["row", "need_id"]].to_numpy().tolist() == [[2, "N2"], [4, "N1"]]


def test_excel_cells_are_read_alike():
    rows = [["need_id", "school_urn", "focus", "days"], ["N1", 100000, "maths", 2.5], [7, "100000", "art", None]]
    frame = table("needs", xlsx(rows)).frame
    assert frame["need_id"].tolist() == ["N1", "7"]
    assert frame["school_urn"].tolist() == ["100000", "100000"]
    assert frame["days"].tolist() == [2.5, 0.0]


# What a cell cannot be

ID_FIX = "Use up to 64 letters, digits, spaces and marks, and begin with a letter or a digit."
DATE_FIX = "Write dates as 2026-01-31 or 31/01/2026."
RANGE_FIX = "Write the first and the last day, such as 2026-09-14/2026-09-28."


@pytest.mark.parametrize(
    ("name", "column", "cell", "fault"),
    [
        ("schools", "urn", "12345", "'12345' is not a URN. A URN has six digits, such as 100000."),
        ("schools", "urn", "100000.0", "'100000.0' is not a URN. Did you mean '100000'?"),
        ("schools", "urn", "１０００００", "'１０００００' is not a URN. A URN has six digits, such as 100000."),
        ("schools", "urn", "ABCDEF", "'ABCDEF' is not a URN. A URN has six digits, such as 100000."),
        (
            "schools",
            "name",
            "two\nlines",
            r"'two\x0alines' holds a line break or a control character. Type it again on one line.",
        ),
        ("schools", "phase", "Primry", "'Primry' is not a known phase. Did you mean 'Primary'?"),
        ("schools", "phase", "Primary;Secondary", "'Primary;Secondary' is not a known phase. "),
        (
            "schools",
            "phase",
            "zzz",
            "'zzz' is not a known phase. Known are: Nursery, Primary, Middle deemed primary, Middle deemed secondary, "
            "Secondary, 16 plus, All-through, Special, Alternative provision.",
        ),
        ("schools", "ofsted", "Goood", "'Goood' is not a known Ofsted grade. Did you mean 'Good'?"),
        (
            "schools",
            "easting",
            "51.5074",
            "'51.5074' is not a number with at most 3 decimals. Give metres east in digits, such as 80001.",
        ),
        (
            "schools",
            "easting",
            "79999",
            "'79999' is out of range. Give metres east between 80,000 and 660,000.",
        ),
        ("schools", "northing", "4999", "'4999' is out of range. Give metres north between 5,000 and 660,000."),
        ("schools", "northing", "660000.001", "'660000.001' is out of range. "),
        ("schools", "pupils", "2.5", "'2.5' is not a whole number. Give the number of pupils in digits, such as 1."),
        ("schools", "pupils", "1,200", "'1,200' is not a whole number. "),
        ("schools", "pupils", "50001", "'50001' is out of range. Give the number of pupils between 0 and 50,000."),
        ("schools", "fsm_percent", "101", "'101' is out of range. Give a percentage between 0 and 100."),
        ("schools", "fsm_percent", "21 per cent", "'21 per cent' is not a number with at most 3 decimals. "),
        ("supporters", "supporter_id", "=1+1", f"'=1+1' cannot be used as an identifier. {ID_FIX}"),
        ("supporters", "supporter_id", "@x", f"'@x' cannot be used as an identifier. {ID_FIX}"),
        ("supporters", "supporter_id", "-1", f"'-1' cannot be used as an identifier. {ID_FIX}"),
        ("supporters", "supporter_id", "+1", f"'+1' cannot be used as an identifier. {ID_FIX}"),
        ("supporters", "supporter_id", "x" * 65, f"'{'x' * 59}…' cannot be used as an identifier. {ID_FIX}"),
        ("supporters", "supporter_id", "a\nb", r"'a\x0ab' holds a line break or a control character. "),
        ("supporters", "designation", "NEL", "'NEL' is not a known designation. "),
        ("supporters", "phases", "Primary;Secondry", "'Secondry' is not a known phase. Did you mean 'Secondary'?"),
        ("supporters", "phases", "Primary, Secondry", "'Secondry' is not a known phase. Did you mean 'Secondary'?"),
        ("supporters", "specialisms", "Phonix", "'Phonix' is not a known specialism. Did you mean 'phonics'?"),
        ("supporters", "specialisms", "headship", "'headship' is not a known specialism. "),
        ("supporters", "specialisms", "maths phonics", "'maths phonics' is not a known specialism. "),
        ("supporters", "max_deployments", "1.5", "'1.5' is not a whole number. "),
        (
            "supporters",
            "max_deployments",
            "-1",
            "'-1' is out of range. Give a number of schools between 0 and 1,000.",
        ),
        ("supporters", "days_available", "2.125", "'2.125' is not a number with at most 2 decimals. "),
        ("supporters", "days_available", "-1", "'-1' is out of range. Give days between 0 and 10,000."),
        ("supporters", "days_available", "inf", "'inf' is not a number with at most 2 decimals. "),
        ("supporters", "days_available", "1e3", "'1e3' is not a number with at most 2 decimals. "),
        ("supporters", "days_available", "9" * 40, f"'{'9' * 40}' is not a number"),
        ("supporters", "max_distance_km", "0", "'0' is out of range. Give km between 0.1 and 1,500."),
        ("supporters", "max_distance_km", "20m", "'20m' is not a number with at most 3 decimals. "),
        ("supporters", "conflicts", "100000;12", "'12' is not a URN. "),
        ("supporters", "conflicts", "100000,10001", "'10001' is not a URN. "),
        ("needs", "focus", "Phonix", "'Phonix' is not a known focus. Did you mean 'phonics'?"),
        ("needs", "designations", "SLE;Head", "'Head' is not a known designation. Did you mean 'NLE' or 'LLE'?"),
        ("needs", "priority", "urgent", "'urgent' is not a known priority. Did you mean 'critical' or 'high'?"),
        ("needs", "notes", "bell\x07", r"'bell\x07' holds a control character. Type it again."),
        ("accreditation", "criterion", "SLE-9", "'SLE-9' is not a known criterion. Did you mean 'SLE-"),
        ("accreditation", "met", "maybe", "'maybe' is not a known answer. Known are: yes, no."),
        ("accreditation", "checked_on", "31/02/2026", f"'31/02/2026' is not a date. {DATE_FIX}"),
        ("accreditation", "checked_on", "last week", f"'last week' is not a date. {DATE_FIX}"),
        ("accreditation", "checked_on", "2026-13-01", f"'2026-13-01' is not a date. {DATE_FIX}"),
        ("accreditation", "checked_on", "26-01-31", "'26-01-31' is not a date: its year has two digits."),
        ("accreditation", "checked_on", "46000", f"'46000' is not a date. {DATE_FIX}"),
        ("decisions", "kind", "forbidden", "'forbidden' is not a known kind of decision. Did you mean 'forbid'?"),
        ("decisions", "kind", "maybe", "'maybe' is not a known kind of decision. Known are: pin, forbid, declined."),
        ("decisions", "on", "soon", f"'soon' is not a date. {DATE_FIX}"),
        ("decisions", "rules_broken", "place", "'place' is not a known rule. Did you mean 'places'?"),
        ("decisions", "rules_broken", "places;distence", "'distence' is not a known rule. Did you mean 'distance'?"),
        ("needs", "state", "pasued", "'pasued' is not a known state. Did you mean 'paused'?"),
        ("needs", "state", "shut", "'shut' is not a known state. Known are: open, paused, withdrawn."),
        ("needs", "start_by", "next term", f"'next term' is not a date. {DATE_FIX}"),
        ("supporters", "available_from", "2026-02-30", f"'2026-02-30' is not a date. {DATE_FIX}"),
        (
            "supporters",
            "unavailable",
            "2026-09-28/2026-09-14",
            "'2026-09-28/2026-09-14' ends before it begins. Did you mean '2026-09-14/2026-09-28'?",
        ),
        (
            "supporters",
            "unavailable",
            "2026-09-14",
            f"'2026-09-14' lacks its last day. {RANGE_FIX} For one day, write it twice: 2026-09-14/2026-09-14.",
        ),
        ("supporters", "unavailable", "2026-09-14/", f"'2026-09-14/' lacks its last day. {RANGE_FIX}"),
        ("supporters", "unavailable", "/2026-09-28", f"'/2026-09-28' lacks its first day. {RANGE_FIX}"),
        ("supporters", "unavailable", "in May", f"'in May' is not a range of days. {RANGE_FIX}"),
        ("supporters", "unavailable", "2026-09-14/2026-09-31", f"'2026-09-31' is not a date. {DATE_FIX}"),
    ],
)
def test_a_cell_that_cannot_be_used_is_a_problem(name, column, cell, fault):
    read = with_cell(name, column, cell)
    (problem,) = read.problems
    assert str(problem).startswith(f"{name}.csv row 2, {column}: {fault}")
    assert problem.value == cell
    assert read.frame[column].iloc[0] is None or np.isnan(read.frame[column].iloc[0])


@pytest.mark.parametrize("cell", ["20260131", "2026-W05-6", "2026W056"])
def test_a_date_is_written_in_one_of_the_two_ways_that_the_message_names(cell):
    (problem,) = with_cell("accreditation", "checked_on", cell).problems
    assert str(problem).endswith(DATE_FIX)


@pytest.mark.parametrize("first", "＝＋－＠")
def test_an_identifier_that_the_plan_would_have_to_change_is_a_problem(first):
    (problem,) = with_cell("needs", "need_id", f"{first}1").problems
    assert str(problem).endswith(f"cannot be used as an identifier. {ID_FIX}")


@pytest.mark.parametrize(("column", "cell"), [("phases", ";"), ("phases", " ; ;")])
def test_a_cell_of_separators_is_as_blank_as_a_blank_cell(column, cell):
    (problem,) = with_cell("supporters", column, cell).problems
    assert problem.message == "The cell is blank."


def test_every_unknown_word_of_a_list_is_told():
    told = "\n".join(map(str, with_cell("supporters", "specialisms", "Phonix;Sceince").problems))
    assert "Phonix" in told
    assert "Sceince" in told


def test_each_unknown_word_of_a_list_is_a_problem_of_its_own():
    problems = with_cell("supporters", "specialisms", "Phonix;maths;zzz;Phonix").problems
    assert [(problem.column, problem.message) for problem in problems] == [
        ("specialisms", "'Phonix' is not a known specialism."),
        ("specialisms", "'zzz' is not a known specialism."),
    ]
    assert problems[0].fix == "Did you mean 'phonics'?"


@pytest.mark.parametrize(
    ("name", "column"),
    [(name, column) for name in ROWS for column in REQUIRED[name] if column not in ("specialisms", "met")],
)
def test_a_blank_cell_in_a_required_column_is_a_problem(name, column):
    (problem,) = table(name, [ROWS[name] | {column: " ", "other": "x"}]).problems
    assert (problem.row, problem.value) == (2, "")
    if column in ("easting", "northing"):
        assert problem.message == "'Alder' has no location: easting and northing are blank."
    else:
        assert problem.column == column
        assert problem.message == "The cell is blank."


@pytest.mark.parametrize(
    ("name", "column"),
    [
        (name, column)
        for name in ROWS
        for column in REQUIRED[name]
        if column not in ("specialisms", "met", "easting", "northing")
    ],
)
def test_what_to_do_about_a_blank_cell_is_a_sentence(name, column):
    (problem,) = table(name, [ROWS[name] | {column: "", "other": "x"}]).problems
    assert not re.search(r"Give the (your|what|as|such|pin|who|they|metres|NLE|how|when|why)\b", problem.fix), (
        problem.fix
    )
    assert re.fullmatch(r"[A-Z].*\.", problem.fix)


def test_every_fault_of_every_row_is_told_at_once():
    read = table(
        "supporters",
        "supporter_id,name,designation,school_urn,phases,specialisms,max_deployments\n"
        "S1,Ann,SLE,1,Primary,maths,x\n"
        "S2,Bob,SLE\n"
        "=3,,XLE,100000,Primry,musik,-1\n",
    )
    assert [(problem.row, problem.column) for problem in read.problems if problem.row == 2] == [
        (2, "school_urn"),
        (2, "max_deployments"),
    ]
    assert {problem.column for problem in read.problems if problem.row == 3} == {""}
    assert {problem.column for problem in read.problems if problem.row == 4} == {
        "supporter_id",
        "name",
        "designation",
        "phases",
        "specialisms",
        "max_deployments",
    }


# Rows that say the same


@pytest.mark.parametrize(
    ("name", "column", "shown"),
    [
        ("schools", "urn", "'100000'"),
        ("supporters", "supporter_id", "'S1'"),
        ("needs", "need_id", "'N1'"),
        ("accreditation", "criterion", "'S1, SLE-1'"),
        ("baseline", "need_id", "'N1'"),
    ],
)
def test_a_row_that_stands_twice_is_a_problem(name, column, shown):
    problems = table(name, [ROWS[name]] * 3).problems
    assert [str(problem) for problem in problems] == [
        f"{name}.csv row {row}, {column}: {shown} is already in row 2. Keep one of the two rows." for row in (3, 4)
    ]


def test_words_that_differ_in_capital_letters_only_make_the_same_row():
    row = ROWS["accreditation"]
    assert len(table("accreditation", [row, row | {"criterion": "sle-1"}]).problems) == 1


def test_decisions_may_stand_twice():
    assert table("decisions", [ROWS["decisions"]] * 2).problems == ()


def test_rows_whose_key_cannot_be_read_are_not_compared():
    assert len(table("schools", [ROWS["schools"] | {"urn": "1"}] * 2).problems) == 2


# Places


def degrees(**cells: str) -> dict[str, str]:
    row = {name: cell for name, cell in ROWS["schools"].items() if name not in ("easting", "northing")}
    return row | {"latitude": "52.5", "longitude": "-1.5"} | cells


def test_latitude_and_longitude_may_stand_in_for_easting_and_northing():
    read = table("schools", [degrees()])
    assert read.problems == read.notices == ()
    assert "latitude" not in read.frame
    easting, northing = national_grid(52.5, -1.5)
    assert read.frame["easting"].tolist() == [round(float(easting))]
    assert read.frame["northing"].tolist() == [round(float(northing))]


def test_easting_and_northing_go_before_latitude_and_longitude():
    frame = table("schools", [ROWS["schools"] | {"latitude": "52.5", "longitude": "-1.5"}]).frame
    assert frame[["easting", "northing"]].to_numpy().tolist() == [[400_000.0, 300_000.0]]


def test_each_row_may_have_one_or_the_other():
    rows = [ROWS["schools"], degrees(urn="100001"), degrees(urn="100002", easting="400000")]
    frame = table("schools", rows).frame
    assert frame["easting"].notna().all()
    assert frame["easting"].iloc[1] == frame["easting"].iloc[2]


@pytest.mark.parametrize("blank", [("latitude",), ("longitude",), ("latitude", "longitude")])
def test_a_school_without_a_place_is_a_problem(blank):
    (problem,) = table("schools", [degrees(**dict.fromkeys(blank, ""))]).problems
    assert str(problem) == (
        "schools.csv row 2, easting: 'Alder' has no location: easting and northing are blank. Give easting and northing in "
        "metres (or latitude and longitude), as in the school's GIAS record."
    )


def test_a_school_without_a_name_has_no_quotation_marks_around_it():
    told = "\n".join(str(problem) for problem in table("schools", [degrees(name="", latitude="")]).problems)
    assert "'The school'" not in told


@pytest.mark.parametrize(
    ("column", "cell", "fault"),
    [
        ("latitude", "48.9", "'48.9' is out of range. Give degrees north between 49 and 61."),
        ("longitude", "52.5", "'52.5' is out of range. Give degrees east between -9 and 3."),
        ("latitude", "52°30′N", "'52°30′N' is not a number with at most 15 decimals. "),
    ],
)
def test_a_place_that_cannot_be_read_is_one_problem(column, cell, fault):
    (problem,) = table("schools", [degrees(**{column: cell})]).problems
    assert str(problem).startswith(f"schools.csv row 2, {column}: {fault}")


def test_a_small_longitude_in_excel_is_a_longitude():
    rows = [list(degrees()), list((degrees() | {"longitude": 0.0000512}).values())]
    read = table("schools", xlsx(rows))
    assert read.problems == ()


@pytest.mark.parametrize(("latitude", "longitude"), [("50", "-9"), ("60.5", "-1"), ("56.5", "-3"), ("53.35", "-6.26")])
def test_a_latitude_and_longitude_outside_england_are_a_slip_as_easting_and_northing_are(latitude, longitude):
    easting, northing = national_grid(float(latitude), float(longitude))
    outside = not (
        ENGLAND_EASTING_M[0] <= easting <= ENGLAND_EASTING_M[1]
        and ENGLAND_NORTHING_M[0] <= northing <= ENGLAND_NORTHING_M[1]
    )
    problems = table("schools", [degrees(latitude=latitude, longitude=longitude)]).problems
    assert bool(problems) == outside


def test_a_place_outside_england_is_told_with_what_is_often_wrong():
    (problem,) = table("schools", [degrees(latitude="56.5", longitude="-3.25")]).problems
    assert str(problem) == (
        "schools.csv row 2, latitude: Latitude 56.5 and longitude -3.25 are not in England. "
        "Check both, and that the longitude has its minus sign where it is west of Greenwich."
    )


def test_a_table_of_schools_is_written_as_it_is_read():
    frame = table("schools", SCHOOLS).frame.drop(columns="row")
    text = schools_as_text(table("schools", SCHOOLS).frame)
    again = table("schools", text.to_csv(index=False)).frame.drop(columns="row")
    assert again.equals(frame)
    assert text["easting"].tolist() == ["400000", "401000", "402000"]
    assert text["pupils"].tolist() == [""] * 3


@cases(30)
@given(st.floats(80_000, 660_000), st.integers(0, 50_000))
def test_numbers_of_schools_are_written_without_needless_decimals(easting, pupils):
    row = ROWS["schools"] | {"easting": f"{easting:.3f}", "pupils": str(pupils)}
    frame = table("schools", [row]).frame
    again = table("schools", schools_as_text(frame).to_csv(index=False)).frame
    assert again.equals(frame)


# Columns


@pytest.mark.parametrize(("name", "column"), [(name, column) for name in ROWS for column in REQUIRED[name]])
def test_a_missing_column_is_a_problem(name, column):
    row = {key: cell for key, cell in ROWS[name].items() if key != column}
    told = faults(name, [row | {"zzzzzz": "x"}])
    assert told == [
        f"{name}.csv row 1, {column}: The column '{column}' is missing. Add it; the {name} template shows every column."
    ]


@pytest.mark.parametrize(
    ("name", "column", "given"),
    [
        ("schools", "urn", "urns"),
        ("needs", "need_id", "needs_id"),
        ("needs", "focus", "Focuss"),
        ("supporters", "designation", "Designations"),
        ("accreditation", "criterion", "criteria"),
    ],
)
def test_a_missing_column_with_a_close_name_is_suggested(name, column, given):
    row = {given if key == column else key: cell for key, cell in ROWS[name].items()}
    assert faults(name, [row]) == [
        f"{name}.csv row 1, {column}: The column '{column}' is missing. "
        f"Is it the column '{given}'? Then rename that to '{column}'."
    ]


def test_all_missing_columns_are_told():
    assert [fault.split(":")[0] for fault in faults("schools", "colour\nred\n")] == [
        f"schools.csv row 1, {column}" for column in sorted(REQUIRED["schools"])
    ]


def test_latitude_alone_does_not_stand_in():
    row = {name: cell for name, cell in degrees().items() if name != "longitude"}
    assert [fault.split(":")[0] for fault in faults("schools", [row])] == [
        "schools.csv row 1, easting",
        "schools.csv row 1, northing",
    ]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (name, other)
        for name, other in itertools.permutations(ROWS, 2)
        if other != "baseline" and not set(REQUIRED[name]) <= set(FORMATS[other].column_names)
    ],
)
def test_a_table_in_the_place_of_another_is_named(name, other):
    assert faults(name, [ROWS[other]]) == [
        f"{name}.csv: This looks like the {other} table, and the {name} table was expected here. "
        f"Give this file as {other} instead."
    ]


def test_an_earlier_plan_in_the_place_of_supporters_is_named():
    (fault,) = faults("supporters", [ROWS["baseline"]])
    assert "This looks like the baseline table" in fault


def test_columns_that_are_not_known_are_named_in_a_notice():
    read = table("needs", [ROWS["needs"] | {"colour": "red", "o'clock": "", "days": "2"}])
    assert read.problems == ()
    assert read.notices == (r"needs.csv: columns that are not used: 'colour', 'o'clock'.",)
    assert "colour" not in read.frame


def test_columns_of_an_earlier_plan_are_not_a_matter_for_a_notice():
    assert table("baseline", [ROWS["baseline"] | {"score": "0.5"}]).notices == ()


def test_cells_in_a_column_without_a_name_are_not_dropped_in_silence():
    read = table("needs", "need_id,school_urn,,focus\nN1,100000,secret,maths\n")
    assert read.problems == ()
    assert read.notices == ("needs.csv: cells in a column without a name are not used (1 row, the first is row 2).",)


def test_a_column_without_a_name_and_without_a_cell_does_not_matter():
    assert table("needs", "need_id,school_urn,,focus\nN1,100000,,maths\n").notices == ()


@pytest.mark.parametrize("name", ["schools", "supporters", "needs"])
def test_a_table_without_a_row_is_a_problem(name):
    header = ",".join(REQUIRED[name])
    assert faults(name, f"{header}\n") == [
        f"{name}.csv: There is no row under the header. Add one row for each of the {name}."
    ]


@pytest.mark.parametrize("name", ["accreditation", "decisions", "baseline"])
def test_the_other_tables_may_have_no_row(name):
    read = table(name, ",".join(REQUIRED[name]) + "\n")
    assert (len(read.frame), read.problems) == (0, ())


@pytest.mark.parametrize("name", ROWS)
def test_a_table_of_nothing_but_broken_rows_tells_of_them(name):
    read = table(name, ",".join(REQUIRED[name]) + "\nx\n" + "x," * 9 + "x\n")
    assert read.frame.empty
    assert [problem.row for problem in read.problems] == [2, 3]


# Whatever the cells

PIECES = st.sampled_from(
    ["", " ", "x", "0", "-0", "1", "-1", "100000", "100000.0", "1.5", "nan", "NA", "inf", "1e5", ";", "a;b", "Primary"]
    + ["maths", "SLE", "NLE;LLE", "SLE-1", "yes", "pin", "critical", "2026-01-31", "31/01/2026", "=1+1", "＝1", "a\nb"]
    + ["a\rb", "\u00a0", "é", "🙂", "x" * 70, '"', "'", "52.5", "-1.5", "400000"]
)
CELLS = PIECES | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


@st.composite
def tables_of_anything(draw):
    name = draw(st.sampled_from(list(ROWS)))
    columns = [c for c in FORMATS[name].column_names if c in REQUIRED[name] or draw(st.booleans())]
    sound = ROWS[name]
    rows = draw(
        st.lists(
            st.fixed_dictionaries({c: (st.just(sound[c]) if c in sound else st.just("")) | CELLS for c in columns}),
            min_size=1,
            max_size=4,
        )
    )
    return name, rows


@cases(200)
@given(tables_of_anything())
def test_any_cells_are_values_or_problems(case):
    name, rows = case
    try:
        read = table(name, rows)
    except DataError as error:
        assert error.problems
        return
    assert len(read.frame) <= len(rows)
    for problem in read.problems:
        assert str(problem).isprintable()
        assert problem.fix
    required = [c for c in REQUIRED[name] if c in read.frame]
    if not read.problems:
        assert not read.frame[required].isna().any(axis=None)
