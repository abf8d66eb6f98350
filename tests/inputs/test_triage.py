import math
from datetime import date

import pandas as pd
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from tiny import SCHOOLS, faults_of, read

from matching.inputs.read import read_schools
from matching.inputs.triage import (
    NEEDS_COLUMNS,
    TRIAGE_COLUMNS,
    Attainment,
    new_needs,
    read_attainment,
    suggested_needs,
    triage,
    triage_as_text,
    triage_rules,
)
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source
from matching.tables.formats import PRIORITIES
from matching.tables.vocabulary import standard_vocabulary

DAY = date(2026, 9, 1)
CELLS = (("Inadequate", "Requires improvement"), ("", "5", "30"), ("", "100", "200"))
HEADER = "urn,name,phase,easting,northing,local_authority,ofsted,fsm_percent,ofsted_date,ofsted_concern,ofsted_areas,"
HEADER += "inspected_on,ofsted_found\n"


def schools(*rows: str) -> pd.DataFrame:
    """Schools whose cells from the local authority on are given."""
    lines = [f"10000{n},School {n},Primary,400000,300000,{row}\n" for n, row in enumerate(rows)]
    return read_schools(Source("schools.csv", (HEADER + "".join(lines)).encode()))


def listed(*rows: str, **options) -> list[dict[str, object]]:
    return triage(schools(*rows), as_at=DAY, **options).to_dict("records")


def test_the_gravest_comes_first_and_equals_by_free_school_meals():
    found = listed(
        "Fen,Requires improvement,10,,,,,Ofsted",
        "Fen,Good,99,,,,2025-01-01,Ofsted",
        "Fen,Inadequate,5,,Special measures,,,Ofsted",
        "Fen,Requires improvement,40,,,,,Ofsted",
        "Fen,Inadequate,5,,,,,GIAS",
    )
    assert [(row["rank"], row["urn"], row["rule"]) for row in found] == [
        (1, "100002", "special-measures"),
        (2, "100004", "inadequate"),
        (3, "100003", "requires-improvement"),
        (4, "100000", "requires-improvement"),
    ]
    assert found[0]["other_reasons"] == "The last overall grade is inadequate."
    assert found[0]["suggested_focuses"] == "whole-school improvement"


def test_a_low_area_suggests_its_focuses():
    areas = "Attendance and behaviour: Needs attention; Leadership and governance: Urgent improvement; Inclusion: "
    (row,) = listed(f"Fen,Good,,,,{areas}Strong standard,,")
    assert row["reason"] == "An area of the report card needs urgent improvement (Leadership and governance)."
    assert row["other_reasons"] == "An area of the report card needs attention (Attendance and behaviour)."
    assert row["suggested_focuses"] == "headship;attendance;behaviour and discipline"
    assert row["suggested_priority"] == "high"


def test_a_grade_that_was_inherited_says_so():
    (row,) = listed('Fen,Inadequate,,,,,,"Ofsted, inherited from 100009"')
    assert row["reason"] == "The last overall grade is inadequate (Ofsted, inherited from 100009)."


def test_a_school_that_was_inspected_long_ago_is_listed_last():
    (row,) = listed("Fen,Good,,,,,2021-08-31,Ofsted", "Fen,Good,,,,,2021-09-01,Ofsted")
    assert (row["urn"], row["reason"]) == (
        "100000",
        "The last inspection was more than five years ago (on 31/08/2021).",
    )
    assert row["suggested_focuses"] == ""


def test_only_some_places_may_be_asked_for_however_they_are_spelt():
    rows = ("Fen,Inadequate,,,,,,", "Marsh Side,Inadequate,,,,,,", "Moor,Inadequate,,,,,,")
    assert [row["urn"] for row in listed(*rows, local_authority=[" marsh  SIDE", "Moor"])] == ["100001", "100002"]
    assert [row["urn"] for row in listed(*rows, local_authority="fen")] == ["100000"]
    assert faults_of(lambda: listed(*rows, local_authority=["Mor", "Fenn"], region=["North"])) == [
        "schools, column local_authority: No school is in 'Fenn'. Did you mean 'Fen'?",
        "schools, column local_authority: No school is in 'Mor'. Did you mean 'Moor'?",
        "schools, column region: No school is in 'North'. No school has a region: leave it out.",
    ]


@cases(25)
@given(st.lists(st.tuples(*(st.sampled_from(cells) for cells in CELLS)), min_size=1, max_size=8))
def test_the_order_is_by_rule_disadvantage_size_and_urn_and_ranks_differ_only_where_it_does(rows):
    frame = schools(*(f"Fen,{grade},{fsm},,,,,Ofsted" for grade, fsm, _ in rows))
    frame["pupils"] = [float(size or "nan") for _, _, size in rows]
    found = triage(frame, as_at=DAY)
    seriousness = {rule.name: rule.rank for rule in triage_rules()}

    def known_first(value: float) -> float:
        return math.inf if math.isnan(value) else -value

    keys = [
        (seriousness[row["rule"]], known_first(row["fsm_percent"]), known_first(row["pupils"]))
        for row in found.to_dict("records")
    ]
    assert [*zip(keys, found["urn"], strict=True)] == sorted(zip(keys, found["urn"], strict=True))
    assert found["rank"].tolist() == [keys.index(key) + 1 for key in keys]


def test_where_no_rule_finds_a_school_the_list_is_empty():
    empty = triage(schools("Fen,Good,,,,,,"), as_at=DAY)
    assert (len(empty), tuple(empty.columns)) == (0, TRIAGE_COLUMNS)
    assert len(suggested_needs(empty)) == 0
    assert csv_bytes(triage_as_text(empty)).startswith(b"\xef\xbb\xbfrank,urn,")


def test_results_below_the_minimum_standards_are_found_where_there_are_any():
    table = "Title\nURN,SCHNAME,PTRWM_EXP,READPROG,P8MEA\n100000,A,64%,-5.1,\n100001,B,66%,-9,\n100002,C,SUPP,,-0.6\n"
    attainment = read_attainment(Source("ks.csv", table.encode()))
    assert attainment.standards == {
        "100000": (("Key stage 2 reading", "English"),),
        "100002": (("Key stage 4 progress", "leadership of curriculum"),),
    }
    assert attainment.notices[-1] == "ks.csv: 3 of 3 rows lack a result, which counts as not below."
    rows = listed("Fen,Good,,,,,,", "Fen,Good,,,,,,", "Fen,Good,,,,,,", attainment=attainment)
    assert [(row["urn"], row["reason"]) for row in rows] == [
        ("100000", "Results are below the minimum standards (Key stage 2 reading)."),
        ("100002", "Results are below the minimum standards (Key stage 4 progress)."),
    ]


def test_a_performance_table_without_a_measure_is_a_problem():
    (fault,) = faults_of(lambda: read_attainment(Source("ks.csv", b"URN,Name\n100000,A\n")))
    assert fault.startswith(
        "ks.csv row 1, URN: The file needs a column URN and at least one measure of a minimum standard."
    )


def test_the_proposed_needs_are_a_table_of_needs():
    areas = "Attendance and behaviour: Needs attention"
    rows = triage(schools("Fen,Inadequate,,,,,,", f"Fen,Good,,,,{areas},,"), as_at=DAY)
    needs = suggested_needs(rows)
    assert tuple(needs.columns) == NEEDS_COLUMNS
    assert needs[["need_id", "school_urn", "focus", "priority"]].to_numpy().tolist() == [
        ["100000-1", "100000", "whole-school improvement", "critical"],
        ["100001-1", "100001", "attendance", "normal"],
        ["100001-2", "100001", "behaviour and discipline", "normal"],
    ]
    read(schools=SCHOOLS, needs=Source("needs.csv", csv_bytes(needs)))


def test_edited_rows_are_taken_and_checked():
    rows = triage(schools("Fen,Inadequate,,,,,,"), as_at=DAY)
    edited = suggested_needs(rows.assign(suggested_focuses="maths, phonics", suggested_priority="High"))
    assert edited[["focus", "priority"]].to_numpy().tolist() == [["maths", "high"], ["phonics", "high"]]
    assert faults_of(lambda: suggested_needs(rows.assign(suggested_focuses="phonix", suggested_priority="soon"))) == [
        "triage row 2, suggested_focus: 'phonix' is not a known focus. Did you mean 'phonics'?",
        "triage row 2, suggested_priority: 'soon' is not a known priority. Known are: critical, high, normal.",
    ]


def test_every_rule_uses_known_words():
    for rule in triage_rules():
        assert rule.priority in PRIORITIES
        assert rule.focus == "" or rule.focus in standard_vocabulary().focuses
    assert [rule.rank for rule in triage_rules()] == sorted(rule.rank for rule in triage_rules())


def test_without_attainment_nothing_is_below():
    assert listed("Fen,Good,,,,,,", attainment=Attainment({})) == []


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2026, 12, 31)])
def test_any_day_will_do(day):
    assert triage(schools("Fen,Good,,,,,1999-01-01,"), as_at=day)["urn"].tolist() == ["100000"]


def test_proposed_needs_that_are_asked_for_already_are_told_apart_and_the_others_get_free_identifiers():
    columns = ("need_id", "school_urn", "focus", "state")
    known = [
        dict(zip(columns, row, strict=True))
        for row in (
            ("N1", "100000", "SEND", ""),
            ("100000-1", "100000", "maths", "withdrawn"),
            ("100000-2", "100001", "maths", "open"),
        )
    ]
    proposed = [
        {"need_id": f"100000-{number}", "school_urn": "100000", "focus": focus}
        for number, focus in enumerate(("maths", "special educational needs", "science"), start=1)
    ]
    new, there = new_needs(proposed, known)
    assert [(row["need_id"], row["focus"]) for row in new] == [("100000-3", "maths"), ("100000-4", "science")]
    assert there == ["N1"]


def test_an_area_that_no_school_is_in_is_a_problem_and_capitals_do_not_matter():
    frame = schools("Fenshire,Inadequate,,,,,,", "Marshire,Inadequate,,,,,,")
    assert triage(frame, as_at=DAY, local_authority=" fenshire")["urn"].tolist() == ["100000"]
    assert faults_of(lambda: triage(frame, as_at=DAY, local_authority="Fenshir")) == [
        "schools, column local_authority: No school is in 'Fenshir'. Did you mean 'Fenshire'?"
    ]
    assert faults_of(lambda: triage(schools(",Good,,,,,,"), as_at=DAY, local_authority="x")) == [
        "schools, column local_authority: No school is in 'x'. No school has a local authority: leave it out."
    ]
