import gzip
import io
import random
from datetime import date

import pandas as pd
import pytest
import tiny
from depth import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from pandas.testing import assert_frame_equal
from tiny import (
    AS_AT,
    DECISIONS_HEADER,
    EVIDENCE_HEADER,
    NEEDS,
    SCHOOLS,
    SUPPORTERS,
    cells,
    decisions,
    faults,
    faults_of,
    gz,
    read,
    sources,
    xlsx,
)

from matching.allocation import allocate
from matching.errors import DataError
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs, read_schools, with_policy
from matching.pairs.market import open_market
from matching.tables.files import Source
from matching.tables.policy import Policy
from matching.tables.table_reader import read_table

NO_EVIDENCE = "No accreditation table was given: designations are taken as stated."
CHECK_URN = "Check the URN, or give the URN of the school that took its place."
NO_SCHOOL = "School {} is not in the schools table. " + CHECK_URN
BASELINE = "need_id,supporter_id\n"

GIAS_HEADER = (
    "URN,EstablishmentName,TypeOfEstablishment (code),EstablishmentStatus (name),CloseDate,PhaseOfEducation (name),"
    "Easting,Northing,OfstedRating (name)\n"
)
GIAS = (
    GIAS_HEADER
    + "100000,Alder School,01,Open,,Primary,400000,300000,Good\n"
    + "100001,Birch School,01,Open,,Primary,401000,300000,Outstanding\n"
    + "100002,Cedar School,01,Open,,Secondary,402000,300000,\n"
    + "100003,Dogwood School,01,Closed,31-08-2021,Primary,402000,300000,\n"
)


def same(one: Inputs, other: Inputs) -> None:
    """Check that two readings are equal but for where in the files the rows stood."""
    for name in ("schools", "supporters", "needs", "accreditation", "decisions", "baseline"):
        left, right = getattr(one, name), getattr(other, name)
        assert (left is None) == (right is None)
        if left is not None:
            assert_frame_equal(left.drop(columns="row", errors="ignore"), right.drop(columns="row", errors="ignore"))
    assert (one.policy, one.as_at) == (other.policy, other.as_at)


# Sound inputs


def test_the_tiny_round_is_sound():
    inputs = read()
    assert inputs.schools["urn"].tolist() == ["100000", "100001", "100002"]
    assert inputs.supporters["supporter_id"].tolist() == ["S1", "S2", "S3"]
    assert inputs.needs["need_id"].tolist() == ["N1", "N2", "N3"]
    assert (inputs.accreditation, inputs.baseline) == (None, None)
    assert inputs.decisions.empty
    assert inputs.policy == Policy()
    assert inputs.notices == (NO_EVIDENCE,)
    assert inputs.as_at == AS_AT


def test_numbers_are_numbers_and_the_rest_is_text():
    inputs = read()
    kinds = {
        "schools": {"easting": "float64", "northing": "float64", "pupils": "float64", "fsm_percent": "float64"},
        "supporters": {"max_deployments": "int64", "days_available": "float64", "max_distance_km": "float64"},
        "needs": {"days": "float64"},
    }
    for name, columns in kinds.items():
        found = getattr(inputs, name).dtypes.drop("row").astype(str).to_dict()
        assert {column: kind for column, kind in found.items() if kind != "object"} == columns


def test_accepted_designations_are_filled_from_the_focus_where_blank():
    needs = NEEDS + "N4,100000,whole-school improvement,,,\nN5,100000,maths,LLE;SLE,,\n"
    assert read(needs=needs).needs["designations"].tolist() == [
        ("SLE",),
        ("LLE", "NLE"),
        ("SLE",),
        ("NLE",),
        ("LLE", "SLE"),
    ]


def test_today_is_the_day_of_a_run_that_names_none():
    assert read_inputs(sources()).as_at == date.today()


def test_a_file_that_is_none_of_the_tables_does_no_harm():
    inputs = read(**{".DS_Store": b"\0", "plan": "need_id\n"})
    assert list(inputs.files) == ["needs", "schools", "supporters"]
    same(inputs, read())


def test_files_are_told_by_name_digest_and_rows():
    inputs = read(policy="")
    assert list(inputs.files) == ["needs", "policy", "schools", "supporters"]
    assert (inputs.files["needs"].name, inputs.files["needs"].rows) == ("needs.csv", 3)
    assert inputs.files["policy"].rows is None
    assert inputs.files["schools"].sha256 == sources()["schools"].sha256


@pytest.mark.parametrize("pack", [xlsx, gz, lambda text: gz(xlsx(text)), lambda text: b"\xef\xbb\xbf" + text.encode()])
def test_every_kind_of_file_gives_the_same_inputs(pack):
    tables = {
        "schools": SCHOOLS,
        "supporters": SUPPORTERS,
        "needs": NEEDS,
        "decisions": decisions("pin,S1,N1,,asked for,Pat,2026-08-01", "forbid,S2,,100001,,,"),
        "accreditation": EVIDENCE_HEADER + "S1,SLE-1,yes,seen,2026-01-31\n",
        "baseline": BASELINE + "N1,S1\n",
    }
    same(read(**{name: pack(text) for name, text in tables.items()}), read(**tables))


def shuffled(text: str, seed: int) -> str:
    header, *rows = text.strip().split("\n")
    random.Random(seed).shuffle(rows)
    return "\n".join([header, *rows]) + "\n"


MANY = {
    "schools": SCHOOLS,
    "supporters": SUPPORTERS,
    "needs": NEEDS,
    "decisions": decisions(
        "pin,S1,N1,,b,Pat,", "pin,S1,N1,,a,Sam,", "forbid,S2,,100001,,,", "declined,S3,N3,,,,", "forbid,S2,N2,,,,"
    ),
    "accreditation": EVIDENCE_HEADER + "S1,SLE-2,yes,,\nS1,SLE-1,no,,\nS2,LLE-1,yes,,\n",
    "baseline": BASELINE + "N3,S3\nN1,S1\n",
}


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_rows_does_not_matter(seed):
    same(read(**{name: shuffled(text, seed) for name, text in MANY.items()}), read(**MANY))


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_tables_does_not_matter(seed):
    # Unknown columns everywhere, so that there is a notice for each table.
    odd = {
        name: pd.read_csv(io.StringIO(text), dtype=str).assign(zz="x").to_csv(index=False)
        for name, text in MANY.items()
    }
    given = list(sources(**odd).items())
    random.Random(seed).shuffle(given)
    inputs = read_inputs(dict(given), as_at=AS_AT)
    assert inputs.notices == read(**odd).notices
    assert [notice.split(".")[0] for notice in inputs.notices] == [
        "schools", "supporters", "needs", "accreditation", "decisions"
    ]  # fmt: skip


# A GIAS extract as the schools


@pytest.mark.parametrize("pack", [str.encode, gz, xlsx, lambda text: gz(xlsx(text))])
def test_a_gias_extract_stands_in_for_the_schools_table_however_it_is_packed(pack):
    inputs = read(schools=pack(GIAS))
    assert inputs.schools["urn"].tolist() == ["100000", "100001", "100002"]
    assert inputs.schools["ofsted"].tolist() == ["Good", "Outstanding", ""]
    assert inputs.notices[0].startswith("schools.csv: 3 of 4 establishments are open schools")


def test_a_school_that_an_extract_leaves_out_is_told_with_the_reason():
    assert faults(schools=GIAS, needs=NEEDS + "N4,100003,art,,,\nN5,100009,art,,,\n") == [
        f"needs.csv row 5, school_urn: School 100003 is in the schools file, but closed on 31/08/2021. {CHECK_URN}",
        f"needs.csv row 6, school_urn: {NO_SCHOOL.format(100009)}",
    ]


def test_an_extract_that_cannot_be_used_is_a_problem_among_the_others():
    told = faults(schools=GIAS.replace("100001,", "1,"), needs=NEEDS.replace("maths", "mathz"))
    assert [fault.split(":")[0] for fault in told] == ["needs.csv row 2, focus", "schools.csv row 3, URN"]


def test_a_schools_table_alone_can_be_read():
    frame = read_schools(Source("s.csv", SCHOOLS.encode()))
    assert_frame_equal(frame, read().schools)
    assert read_schools(Source("g.csv", GIAS.encode()))["urn"].tolist() == frame["urn"].tolist()


def test_a_schools_table_alone_is_checked():
    (fault,) = faults_of(lambda: read_schools(Source("s.csv", SCHOOLS.replace("400000", "4").encode())))
    assert fault == "s.csv row 2, easting: '4' is out of range. Give metres east between 80,000 and 660,000."


# Faults


@pytest.mark.parametrize("name", ["schools", "supporters", "needs"])
def test_a_table_that_is_missing_is_a_problem(name):
    assert f"{name}: This table is missing. Give the {name} table; the template shows its columns." in faults(
        **{name: None}
    )


def test_faults_of_all_tables_are_told_at_once():
    told = faults(
        schools=SCHOOLS.replace("Outstanding", "Splendid"),
        supporters=SUPPORTERS.replace("S3,Cy Cole,NLE,100001", "S3,Cy Cole,NLE,999999"),
        needs=NEEDS.replace("headship", "head ship"),
        accreditation=EVIDENCE_HEADER + "S9,SLE-1,yes,,\nS1,SLE-1,perhaps,,\n",
        decisions=decisions("pin,S1,N9,,,,", "forbid,S8,N1,,,,", "ban,S1,N1,,,,", "pin,S1,,,,,"),
        policy="[weights]\nphase = -1\n",
        baseline="need_id\nN1\n",
    )
    assert [fault.split(":")[0] for fault in told] == [
        "accreditation.csv row 2, supporter_id",
        "accreditation.csv row 3, met",
        "baseline.csv row 1, supporter_id",
        "decisions.csv row 2, need_id",
        "decisions.csv row 3, supporter_id",
        "decisions.csv row 4, kind",
        "decisions.csv row 5, need_id",
        "needs.csv row 3, focus",
        "policy.toml, column weights.phase",
        "schools.csv row 3, ofsted",
        "supporters.csv row 4, school_urn",
    ]


@pytest.mark.parametrize(
    ("tables", "fault"),
    [
        (
            {"supporters": SUPPORTERS.replace("S1,Ann Ash,SLE,100001", "S1,Ann Ash,SLE,100009")},
            "supporters.csv row 2, school_urn",
        ),
        ({"needs": NEEDS.replace("N1,100000", "N1,100009")}, "needs.csv row 2, school_urn"),
        ({"decisions": decisions("pin,S1,N1,100009,,,")}, "decisions.csv row 2, school_urn"),
    ],
)
def test_a_school_that_is_not_in_the_table_is_a_problem(tables, fault):
    assert f"{fault}: {NO_SCHOOL.format(100009)}" in faults(**tables)


@pytest.mark.parametrize(
    ("tables", "fault"),
    [
        (
            {"accreditation": EVIDENCE_HEADER + "S11,SLE-1,yes,,\n"},
            "accreditation.csv row 2, supporter_id: 'S11' is not in the supporters table. Did you mean 'S1'?",
        ),
        (
            {"accreditation": EVIDENCE_HEADER + "Zoe,SLE-1,yes,,\n"},
            "accreditation.csv row 2, supporter_id: 'Zoe' is not in the supporters table. "
            "Check it against the supporters table.",
        ),
        (
            {"decisions": decisions("pin,s1,N1,,,,")},
            "decisions.csv row 2, supporter_id: 's1' is not in the supporters table. Did you mean 'S1'?",
        ),
        (
            {"decisions": decisions("pin,S1,N11,,,,")},
            "decisions.csv row 2, need_id: 'N11' is not in the needs table. Did you mean 'N1'?",
        ),
    ],
)
def test_an_identifier_that_is_not_in_its_table_is_a_problem(tables, fault):
    assert faults(**tables) == [fault]


def test_a_long_list_of_unknown_identifiers_is_not_guessed_at():
    rows = "".join(f"S1{n},SLE-1,yes,,\n" for n in range(51))
    told = faults(accreditation=EVIDENCE_HEADER + rows)
    assert len(told) == 51
    assert all(fault.endswith("Check it against the supporters table.") for fault in told)


def test_a_specialist_without_a_specialism_is_a_problem():
    assert faults(supporters=SUPPORTERS.replace("maths;phonics", "")) == [
        "supporters.csv row 2, specialisms: An SLE needs at least one specialism. "
        "Give their specialisms, separated by ';'."
    ]


def test_a_row_that_does_not_fit_its_header_does_not_make_its_school_unknown():
    told = faults(
        schools=SCHOOLS.replace("100002,Cedar School,Secondary,402000,300000,Marshire,,", "100002,Cedar School")
    )
    assert len(told) == 1, told


LONG_PERSON = SUPPORTERS.replace("S2,Bob Bay,LLE,100000,Primary,,1,", "S2,Bob Bay,LLE,100000,Primary,,1,,more")
LONG_NEED = NEEDS.replace("N1,100000,maths,,2,high", "N1,100000,maths,,2,high,soon")


@pytest.mark.parametrize(
    "tables",
    [
        {"supporters": LONG_PERSON, "accreditation": EVIDENCE_HEADER + "S2,LLE-1,yes,,\n"},
        {"needs": LONG_NEED, "decisions": decisions("pin,S1,N1,,,,")},
        {"needs": LONG_NEED, "decisions": decisions("pin,S1,,100000,,,")},
    ],
)
def test_nor_anything_else_that_stands_in_such_a_row(tables):
    (fault,) = faults(**tables)
    assert "cells and the header" in fault


def test_another_school_is_unknown_all_the_same():
    schools = SCHOOLS.replace("100002,Cedar School,Secondary,402000,300000,Marshire,,", "100002,Cedar School")
    told = faults(schools=schools, needs=NEEDS.replace("N1,100000", "N1,100009"))
    assert [fault.split(":")[0] for fault in told] == ["needs.csv row 2, school_urn", "schools.csv row 4"]


def test_a_school_whose_place_is_wrong_is_known_all_the_same():
    assert len(faults(schools=SCHOOLS.replace("402000", "4"))) == 1


def test_tables_that_cannot_be_read_do_not_make_others_look_wrong():
    assert faults(schools="colour\nred\n") == [
        f"schools.csv row 1, {name}: The column '{name}' is missing. Add it; the schools template shows every column."
        for name in ("easting", "name", "northing", "phase", "urn")
    ]


# Decisions


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("pin,S1,,,,,", "need_id: The decision names neither a need nor a school. Give need_id or school_urn."),
        (
            "forbid,S1,,100000,,,",
            "school_urn: School 100000 has no need in this round. Check the URN, or remove the row.",
        ),
        ("pin,S1,N3,100001,,,", "school_urn: Need N3 is for school 100002, not 100001. Correct one of them."),
    ],
)
def test_a_decision_about_nothing_is_a_problem(row, fault):
    needs = NEEDS.replace("N1,100000", "N1,100002")
    assert faults(needs=needs, decisions=decisions(row)) == [f"decisions.csv row 2, {fault}"]


def test_a_decision_about_an_unknown_school_is_one_problem():
    assert faults(decisions=decisions("forbid,S1,,100009,,,")) == [
        f"decisions.csv row 2, school_urn: {NO_SCHOOL.format(100009)}"
    ]


def spread(*rows: str, **tables: str) -> list[tuple[str, ...]]:
    frame = read(decisions=decisions(*rows), **tables).decisions
    return list(frame[["kind", "need_id", "supporter_id", "reason", "by"]].itertuples(index=False, name=None))


def test_a_decision_about_a_school_is_one_about_each_of_its_needs():
    needs = NEEDS + "N4,100000,art,,,\n"
    assert spread("forbid,S2,,100000,too close,Pat,", "declined,S1,N2,,,,", needs=needs) == [
        ("forbid", "N1", "S2", "too close", "Pat"),
        ("declined", "N2", "S1", "", ""),
        ("forbid", "N4", "S2", "too close", "Pat"),
    ]


def test_a_decision_may_name_the_need_and_its_school():
    assert spread("forbid,S2,N1,100000,,,") == [("forbid", "N1", "S2", "", "")]


def test_a_pin_of_a_school_takes_a_place_for_each_need():
    needs = NEEDS + "N4,100000,art,,1,\n"
    assert len(spread("pin,S1,,100000,,,", needs=needs)) == 2
    assert faults(needs=needs + "N5,100000,art,,1,\n", decisions=decisions("pin,S1,,100000,,,")) == [
        "decisions.csv row 2, supporter_id: S1 is pinned to 3 needs and offers 2 places. "
        "Remove a pin, change what the supporter offers, or keep a pin by 'places' under rules_broken."
    ]


@pytest.mark.parametrize("table", [DECISIONS_HEADER, "kind,supporter_id\n", "kind,supporter_id,need_id\n"])
def test_a_table_of_no_decisions_is_as_none(table):
    assert read(decisions=table).decisions.empty
    assert list(read(decisions=DECISIONS_HEADER).decisions.columns) == [
        column for column in read().decisions.columns if column != "school_urn"
    ]


# Pins that cannot stand together


def pins(*rows: str, **tables: str) -> list[str]:
    return faults(decisions=decisions(*rows), **tables)


def test_a_need_that_is_pinned_to_two_people_is_a_problem():
    assert pins("pin,S1,N1,,,,", "pin,S2,N1,,,,") == [
        "decisions.csv row 2, need_id: Need N1 is pinned to S1 and S2, and a need takes one supporter. Keep one of the pins."
    ]


def test_a_need_that_is_pinned_to_three_people_is_one_problem():
    (fault,) = pins("pin,S3,N1,,,,", "pin,S1,,100000,,,", "pin,S2,N1,,,,")
    assert "row 2, need_id: Need N1 is pinned to S1, S2 and S3, and" in fault


@pytest.mark.parametrize(("kind", "word"), [("forbid", "forbidden"), ("declined", "declined")])
@pytest.mark.parametrize("about", ["N1,", ",100000"])
def test_a_pin_that_is_also_barred_is_a_problem(kind, word, about):
    assert pins(f"{kind},S1,{about},,,", "pin,S1,N1,,,,") == [
        f"decisions.csv row 3, kind: S1 is pinned to need N1 and also {word} for it in row 2. Remove one of the two "
        f"decisions, or keep the pin by '{word}' under rules_broken."
    ]


def test_more_pins_than_places_are_a_problem():
    assert pins("pin,S2,N3,,,,", "pin,S2,N2,,,,") == [
        "decisions.csv row 2, supporter_id: S2 is pinned to 2 needs and offers 1 place. "
        "Remove a pin, change what the supporter offers, or keep a pin by 'places' under rules_broken."
    ]


def test_a_pin_to_somebody_without_a_place_is_a_problem_in_good_english():
    (fault,) = pins("pin,S2,N2,,,,", supporters=SUPPORTERS.replace("Primary,,1,", "Primary,,0,"))
    assert "S2 is pinned to 1 need and offers 0 places." in fault


def test_days_are_counted_in_good_english():
    supporters, needs = SUPPORTERS.replace("2,5\n", "2,1\n"), NEEDS.replace("maths,,2,", "maths,,1234.5,")
    (fault,) = pins("pin,S1,N1,,,,", supporters=supporters, needs=needs)
    assert "S1 is pinned to needs of 1,234.5 days together and offers 1 day." in fault


def test_more_days_than_there_are_is_a_problem():
    needs = NEEDS.replace("phonics,,2.5", "phonics,,3.25")
    assert pins("pin,S1,N3,,,,", "pin,S1,N1,,,,", needs=needs) == [
        "decisions.csv row 2, supporter_id: S1 is pinned to needs of 5.25 days together and offers 5 days. "
        "Remove a pin, change what the supporter offers, or keep a pin by 'days' under rules_broken."
    ]


BROKEN = DECISIONS_HEADER.replace("on\n", "on,rules_broken\n")


@pytest.mark.parametrize(
    ("rows", "supporters"),
    [
        (["pin,S2,N3,,,,,", "pin,S2,N2,,,,,places"], SUPPORTERS),
        (["pin,S2,N3,,,,,places;days", "pin,S2,N2,,,,,Places"], SUPPORTERS),
        (["pin,S1,N1,,,,,days", "pin,S1,N3,,,,,"], SUPPORTERS.replace("2,5\n", "2,3\n")),
        (["pin,S1,N1,,,,,declined", "declined,S1,N1,,,,,"], SUPPORTERS),
        (["pin,S1,N1,,,,,declined;forbidden", "declined,S1,,100000,,,,", "forbid,S1,N1,,,,,"], SUPPORTERS),
        (["pin,S1,N1,,,,,", "pin,S1,,100000,,,,declined", "declined,S1,N1,,,,,"], SUPPORTERS),
    ],
)
def test_a_pin_is_kept_against_the_rules_that_it_names_and_the_tables_stay_as_they_are(rows, supporters):
    found = read(supporters=supporters, decisions=BROKEN + "".join(f"{row}\n" for row in rows))
    pd.testing.assert_frame_equal(found.supporters, read(supporters=supporters).supporters)
    assert set(found.decisions["kind"]) == {row.split(",")[0] for row in rows}


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["pin,S2,N1,,,,,places", "pin,S2,N2,,,,,", "pin,S2,N3,,,,,"], "S2 is pinned to 2 needs and offers 1 place."),
        (
            ["pin,S1,N1,,,,,forbidden", "declined,S1,N1,,,,,"],
            "S1 is pinned to need N1 and also declined for it in row 3.",
        ),
        (["pin,S1,N1,,,,,places", "pin,S2,N1,,,,,places"], "Need N1 is pinned to S1 and S2, and a need takes one"),
        (
            ["declined,S1,N1,,,,,days"],
            "Only a pin can break a rule, and this decision is of the kind 'declined'. Leave",
        ),
    ],
)
def test_a_rule_that_a_pin_does_not_name_is_a_problem_all_the_same(rows, fault):
    (found,) = faults(decisions=BROKEN + "".join(f"{row}\n" for row in rows))
    assert fault in found


# Needs that are not open, and days


def dated(*states: str) -> str:
    """The needs N1 to N3 with a state each."""
    header, *rows = NEEDS.splitlines()
    return "\n".join([f"{header},state", *(f"{row},{state}" for row, state in zip(rows, states, strict=True))]) + "\n"


def test_a_need_that_is_not_open_is_left_out_unless_a_pin_holds_it():
    needs = dated("paused", "", "withdrawn")
    found = read(needs=needs, decisions=decisions("declined,S1,N1,,,,"))
    assert (found.needs["need_id"].tolist(), found.not_open["need_id"].tolist()) == (["N2"], ["N1", "N3"])
    assert (found.state_of("N1"), found.state_of("N2"), found.state_of("N3")) == ("paused", "", "withdrawn")
    assert found.all_needs["need_id"].tolist() == ["N1", "N2", "N3"]
    pinned = read(needs=needs, decisions=decisions("pin,S1,N3,,,,"))
    assert (pinned.needs["need_id"].tolist(), pinned.not_open["need_id"].tolist()) == (["N2", "N3"], ["N1"])


def test_days_the_wrong_way_round_are_a_problem():
    header, *rows = SUPPORTERS.splitlines()
    supporters = [f"{header},available_from,available_until", f"{rows[0]},2026-10-01,2026-09-30", f"{rows[1]},,", ""]
    assert faults(supporters="\n".join(supporters)) == [
        "supporters.csv row 2, available_until: available_until is 2026-09-30, which is before available_from (2026-10-01). "
        "Correct one of the two days, or leave one blank."
    ]
    header, *rows = NEEDS.splitlines()
    needs = [
        f"{header},requested_on,start_by",
        f"{rows[0]},02/09/2026,01/09/2026",
        f"{rows[1]},2026-09-01,2026-09-01",
        "",
    ]
    (fault,) = faults(needs="\n".join(needs))
    assert "row 2, start_by: start_by is 2026-09-01, which is before requested_on (2026-09-02). Correct" in fault


@cases(40)
@given(st.lists(st.integers(1, 999), min_size=1, max_size=2))
def test_pins_that_use_the_days_to_the_last_hundredth_can_stand(hundredths):
    offered = f"{sum(hundredths) // 100}.{sum(hundredths) % 100:02}"
    needs = "need_id,school_urn,focus,days\n" + "".join(
        f"N{n},100000,maths,{one // 100}.{one % 100:02}\n" for n, one in enumerate(hundredths)
    )
    rows = [f"pin,S1,N{n},,,," for n in range(len(hundredths))]
    inputs = read(needs=needs, decisions=decisions(*rows), supporters=SUPPORTERS.replace("2,5", f"2,{offered}"))
    assert len(inputs.decisions) == len(hundredths)


@pytest.mark.parametrize("days", ["2.3", "0.29", "1.15", "4.35", "0.07"])
def test_a_pin_of_all_the_days_can_stand(days):
    needs = NEEDS.replace("maths,,2,", f"maths,,{days},")
    inputs = read(needs=needs, supporters=SUPPORTERS.replace("2,5", f"2,{days}"), decisions=decisions("pin,S1,N1,,,,"))
    assert inputs.decisions["kind"].tolist() == ["pin"]


def test_a_pin_of_a_hundredth_too_much_cannot_stand():
    needs = NEEDS.replace("maths,,2,", "maths,,5.01,")
    (fault,) = pins("pin,S1,N1,,,,", needs=needs)
    assert "pinned to needs of 5.01 days together and offers 5 days" in fault


def test_a_pin_that_stands_twice_takes_one_place():
    assert len(read(decisions=decisions("pin,S2,N2,,,,", "pin,S2,,100001,,,")).decisions) == 2


def test_pins_are_not_bound_by_other_rules():
    assert read(decisions=decisions("pin,S3,N1,,,,")).decisions["supporter_id"].tolist() == ["S3"]


def test_pins_are_looked_at_once_all_else_is_sound():
    told = pins("pin,S1,N1,,,,", "pin,S2,N1,,,,", needs=NEEDS.replace("headship", "headshop"))
    assert [fault.split(":")[0] for fault in told] == ["needs.csv row 3, focus"]


# Notices


def test_columns_that_are_not_used_are_named_table_by_table():
    inputs = read(schools=SCHOOLS.replace("ofsted", "Ofsted grade"), needs=NEEDS.replace("priority", "Priorities"))
    assert inputs.notices == (
        "schools.csv: columns that are not used: 'Ofsted grade'.",
        "needs.csv: columns that are not used: 'Priorities'.",
        NO_EVIDENCE,
    )


def test_with_a_table_of_evidence_there_is_no_such_notice():
    assert read(accreditation=EVIDENCE_HEADER).notices == ()


@pytest.mark.parametrize(
    ("count", "rows"), [(1, "1 row: 2"), (2, "2 rows: 2, 3"), (11, "11 rows: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …")]
)
def test_evidence_for_another_designation_is_named(count, rows):
    evidence = "".join(f"S1,LLE-{n},yes,,\n" for n in range(1, count + 1)) + "S1,SLE-1,yes,,\n"
    assert read(accreditation=EVIDENCE_HEADER + evidence).notices == (
        f"accreditation.csv: evidence for a designation that the supporter does not hold is not used ({rows}).",
    )


@pytest.mark.parametrize(("rows", "count"), [("N1,S9\n", "1 deployment"), ("N1,S9\nN9,S1\nN2,S2\n", "2 deployments")])
def test_what_is_gone_since_an_earlier_plan_is_counted(rows, count):
    inputs = read(baseline=BASELINE + rows)
    assert inputs.notices[0] == f"The earlier plan has {count} whose need or supporter is not in the tables."
    assert len(inputs.baseline) == rows.count("\n")


def test_a_conflict_with_a_school_that_nobody_knows_is_not_dropped_in_silence():
    header, first, *rest = SUPPORTERS.strip().split("\n")
    supporters = "\n".join([f"{header},conflicts", f"{first},100000;999999", *(f"{row}," for row in rest)])
    assert read(supporters=supporters).notices[0] == (
        "supporters.csv: conflicts with schools that are not in the schools table have no effect (1 URN: 999999)."
    )


# Another policy


def test_another_policy_is_put_in_without_reading_again():
    inputs = read(policy="[rerun]\nchange_cost = 0.5\n")
    other = Source("other.toml", b"[rerun]\nchange_cost = 0.2\n")
    changed = with_policy(inputs, other)
    assert changed.policy.rerun.change_cost == 0.2
    assert changed.files["policy"].sha256 == other.sha256
    assert list(changed.files) == ["needs", "policy", "schools", "supporters"]
    assert changed.needs is inputs.needs
    assert inputs.policy.rerun.change_cost == 0.5


def test_the_default_policy_can_be_put_back():
    changed = with_policy(read(policy="[rerun]\nchange_cost = 0.5\n"), None)
    assert changed.policy == Policy()
    assert "policy" not in changed.files


def test_another_policy_is_checked():
    (fault,) = faults_of(lambda: with_policy(read(), Source("p.toml", b"colour = 1\n")))
    assert fault.startswith("p.toml, column colour: This key is not known.")


# Whatever the files


def inputs_or_refusal(given: dict[str, Source]) -> Inputs | None:
    try:
        return read_inputs(given, as_at=AS_AT)
    except DataError as error:
        assert error.problems
        return None


TABLES = st.sampled_from(["schools", "supporters", "needs", "accreditation", "decisions", "baseline", "policy"])


@given(TABLES, st.binary(max_size=100))
def test_any_bytes_as_any_file_are_inputs_or_problems(name, content):
    inputs_or_refusal(sources(**{name: content}))


@cases(50)
@given(TABLES, st.binary(max_size=100))
def test_any_packed_bytes_as_any_file_are_inputs_or_problems(name, content):
    inputs_or_refusal(sources(**{name: gzip.compress(content)}))


@cases(50)
@given(TABLES, st.binary(max_size=100))
def test_any_bytes_that_begin_as_an_excel_file_are_inputs_or_problems(name, content):
    inputs_or_refusal(sources(**{name: b"PK\x03\x04" + content}))


@given(st.integers(0, 5), st.data())
def test_any_cell_may_be_changed_to_anything(which, data):
    name = sorted(MANY)[which]
    rows = cells(MANY[name])
    row = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, len(rows[0]) - 1))
    rows[row][column] = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | WORDS)
    text = pd.DataFrame(rows).to_csv(index=False, header=False)
    inputs_or_refusal(sources(**(MANY | {name: text})))


WORDS = st.sampled_from(
    [
        "-0",
        "0",
        "1e9",
        "nan",
        "NA",
        "=1",
        "'=1",
        "＝1",
        ";",
        "a;b",
        "Primary",
        "maths",
        "SLE",
        "NLE;LLE",
        "SLE-1",
        "yes",
    ]
    + [
        "pin",
        "critical",
        "2026-01-31",
        "0001-01-01",
        "9999-12-31",
        "a\nb",
        "a\r\nb",
        "100000",
        "100001",
        "S2",
        "N2",
        "é🙂",
    ]
)
EXCEL = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.datetimes() | st.times() | WORDS


@cases(50)
@given(st.lists(st.lists(EXCEL, min_size=1, max_size=4), max_size=3))
def test_any_excel_cells_are_inputs_or_problems(rows):
    book, packed = Workbook(), io.BytesIO()
    book.active.append(["need_id", "school_urn", "focus", "days"])
    for row in rows:
        book.active.append([None if isinstance(cell, float) and cell - cell != 0 else cell for cell in row])
    book.save(packed)
    inputs_or_refusal(sources(needs=packed.getvalue()))


@st.composite
def rounds(draw):
    """A round that is sound but for a cell now and then, with strange texts in it."""
    odd = st.sampled_from(
        ["x", "NA", "nan", "None", "001", "=1+1", "@a", "'", '"', "a,b", "é🙂", "-", "＋1", "a  b", "1E5"]
    )
    identifiers = odd | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3)
    number = st.sampled_from(["", "0", "-0", "1", "2.5", "0.01", "10"])
    urns = st.sampled_from(["100000", "100001", "100002"])
    people = draw(st.lists(identifiers, min_size=1, max_size=3, unique_by=str.strip))
    asked = draw(st.lists(identifiers, min_size=1, max_size=3, unique_by=str.strip))
    supporters = [["supporter_id", "name", "designation", "school_urn", "phases", "specialisms", "max_deployments"]]
    supporters[0] += ["days_available", "conflicts"]
    for who in people:
        title = draw(st.sampled_from(["SLE", "LLE", "NLE"]))
        places = draw(st.sampled_from(["", "0", "1", "2"]))
        own = [draw(odd), title, draw(urns), "Primary;Secondary", draw(st.sampled_from(["maths", "maths;art"])), places]
        supporters.append([who, *own, draw(number), draw(st.sampled_from(["", ";", "100000", "100002;100001"]))])
    needs = [["need_id", "school_urn", "focus", "days", "priority", "notes"]]
    for one in asked:
        focus = draw(st.sampled_from(["maths", "art", "headship"]))
        needs.append([one, draw(urns), focus, draw(number), draw(st.sampled_from(["", "high"])), draw(odd)])
    made = [["kind", "supporter_id", "need_id", "school_urn", "reason", "by"]]
    for _ in range(draw(st.integers(0, 2))):
        kind, reason = draw(st.sampled_from(["pin", "forbid", "declined"])), draw(st.sampled_from(["", "a\r\nb", "=1"]))
        made.append([kind, draw(st.sampled_from(people)), draw(st.sampled_from(asked)), "", reason, draw(odd)])
    tables = {"supporters": supporters, "needs": needs, "decisions": made}
    return {name: pd.DataFrame(rows).to_csv(index=False, header=False) for name, rows in tables.items()}


@settings(cases(60), suppress_health_check=list(HealthCheck))
@given(rounds())
def test_what_is_sound_can_be_allocated(tables):
    inputs = inputs_or_refusal(sources(**tables))
    if inputs is not None:
        plan = allocate(inputs, market=open_market(inputs))
        assert sorted([*plan.deployments["need_id"], *plan.unmet["need_id"]]) == inputs.needs["need_id"].tolist()
        assert plan.deployments["days"].astype(float).ge(0).all()


# Old URNs


LINKS_HEADER = "URN,LinkURN,LinkType\n"


def of_links(*rows: str) -> Source:
    return Source("links.csv", (LINKS_HEADER + "".join(f"{row}\n" for row in rows)).encode())


def test_an_old_urn_is_that_of_its_one_successor_and_a_notice_says_so():
    inputs = read(
        needs=NEEDS.replace("N1,100000", "N1,100090"),
        supporters=SUPPORTERS.replace("S2,Bob Bay,LLE,100000", "S2,Bob Bay,LLE,100091"),
        links=of_links("100090,100091,Successor", "100000,100091,Predecessor"),
    )
    assert inputs.needs["school_urn"].tolist() == ["100000", "100001", "100002"]
    assert inputs.supporters["school_urn"].tolist() == ["100001", "100000", "100001"]
    assert inputs.notices[:2] == (
        "supporters.csv: old URNs are read as those of the schools that took their place (1 URN): "
        "100091 as 100000 (Alder School).",
        "needs.csv: old URNs are read as those of the schools that took their place (1 URN): "
        "100090 as 100000 (Alder School).",
    )
    assert "links" in inputs.files


def test_an_old_urn_with_several_successors_is_a_problem_that_names_them():
    links = of_links("100090,100001,Successor - Split School", "100090,100000,Successor - Split School")
    assert faults(needs=NEEDS.replace("N1,100000", "N1,100090"), links=links) == [
        "needs.csv row 2, school_urn: School 100090 is not in the schools table. Several schools took its place; give "
        "the URN of one: 100000 (Alder School), 100001 (Birch School)."
    ]


def test_a_conflict_with_an_old_urn_holds_for_every_successor():
    people = SUPPORTERS.replace("days_available\n", "days_available,conflicts\n").replace(",2,5\n", ",2,5,100090\n")
    people = people.replace("Primary,,1,\n", "Primary,,1,,\n").replace("Secondary,,1,\n", "Secondary,,1,,\n")
    links = of_links("100090,100002,Successor - Split School", "100090,100000,Successor - Split School")
    inputs = read(supporters=people, links=links)
    assert inputs.supporters["conflicts"].tolist() == [("100000", "100002"), (), ()]
    assert "supporters.csv: conflicts with old URNs also apply to their successors: 100090 as 100000 and 100002." in (
        inputs.notices
    )


def test_the_grades_of_ofsted_are_those_of_the_schools_of_gias():
    ofsted = Source("ofsted.csv", b"URN,Overall effectiveness,Inspection start date\n100000,1,03/10/2023\n")
    inputs = read(schools=GIAS, ofsted=ofsted)
    assert inputs.schools["ofsted"].tolist() == ["Outstanding", "Outstanding", ""]
    assert inputs.schools["ofsted_found"].tolist() == ["Ofsted", "GIAS", ""]
    assert "ofsted.csv: not used, because the schools are not a GIAS extract." in read(ofsted=ofsted).notices


def test_what_is_wrong_with_ofsted_and_links_is_told_with_the_rest():
    found = faults(schools=GIAS, ofsted="a,b\n1,2\n", links="URN\n1\n", needs=NEEDS.replace("maths", "maffs"))
    assert {fault.split(":")[0].split(" row")[0].split(",")[0] for fault in found} == {
        "links.csv",
        "needs.csv",
        "ofsted.csv",
    }


# The people workbook


def workbook(**sheets: list[list[object]]) -> Source:
    book, packed = Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(packed)
    return Source("people.xlsx", packed.getvalue())


def test_a_workbook_of_several_sheets_is_read_by_the_headers_of_its_tables():
    people: list[list[object]] = [
        ["Our supporters, autumn term"],
        [],
        ["Person", None, None, "Offer"],
        ["supporter_id", "name", "designation", "school_urn", "phases", "specialisms"],
        ["S1", "Ann Ash", "Specialist Leader of Education", 100001, "Primary, Secondary", "Mathematics\nSEND"],
        ["S2", "Bob Bay", "Local Leader", 100000, "primary", None],
        [None, "  "],
        [],
    ]
    asks: list[list[object]] = [["need_id", "school_urn", "focus"], ["N1", 100000.0, "Literacy"]]
    book = workbook(Notes=[["Read me first"]], People=people, Asks=asks)
    inputs = read(supporters=book, needs=book)
    assert inputs.supporters["designation"].tolist() == ["SLE", "LLE"]
    assert inputs.supporters["specialisms"].tolist() == [("maths", "special educational needs"), ()]
    assert inputs.supporters["phases"].tolist() == [("Primary", "Secondary"), ("Primary",)]
    assert inputs.needs[["school_urn", "focus"]].to_numpy().tolist() == [["100000", "English"]]
    assert inputs.notices[:4] == (
        "people.xlsx (People): the header was found in row 4.",
        "people.xlsx (People), designation: 'Local Leader' read as 'LLE' in 1 row; 'Specialist Leader of Education' read as "
        "'SLE' in 1 row.",
        "people.xlsx (People), specialisms: 'Mathematics' read as 'maths' in 1 row; 'SEND' read as 'special educational "
        "needs' in 1 row.",
        "people.xlsx (Asks), focus: 'Literacy' read as 'English' in 1 row.",
    )


def test_a_header_that_is_merged_over_two_rows_is_found():
    book = workbook(
        Asks=[["need_id", "School", None], [None, "school_urn", "focus"], ["N1", "100000", "maths"]], Notes=[["x"]]
    )
    assert read(needs=book).needs["need_id"].tolist() == ["N1"]


def test_the_row_of_a_problem_is_that_of_the_sheet():
    book = workbook(Asks=[["Title"], ["need_id", "school_urn", "focus"], ["N1", "100000", "maffs"]])
    (fault,) = faults(needs=book)
    assert fault.startswith("people.xlsx row 3, focus: 'maffs'")


def test_the_name_of_a_school_is_never_taken_for_its_urn_but_the_match_is_offered():
    assert faults(needs=NEEDS.replace("N1,100000", "N1,Alder Schol"))[0] == (
        "needs.csv row 2, school_urn: 'Alder Schol' is not a URN. Did you mean '100000' (Alder School, Fenshire)?"
    )


@pytest.mark.parametrize(
    ("cell", "right"),
    [
        ("31/01/2026", True),
        ("2026-01-31", True),
        ("2026-01-31 00:00:00", True),
        ("31-01-2026", True),
        ("31 January 2026", True),
        ("31st Jan 2026", True),
        ("01/31/2026", False),
        ("31/01/26", True),
        ("Sat 31 Jan 2026", True),
        ("2026/1/31", True),
        ("26-01-31", False),
        ("31 Jantember 2026", False),
    ],
)
def test_a_date_that_could_be_another_is_not_guessed(cell, right):
    table = EVIDENCE_HEADER + f"S1,SLE-1,y,,{cell}\n"
    if right:
        assert read(accreditation=table).accreditation["checked_on"].tolist() == [date(2026, 1, 31)]
    else:
        assert faults(accreditation=table)[0].startswith("accreditation.csv row 2, checked_on: ")


THEIRS = "Ref,School,Support\nN1,100000,maths\n"
MAPPING = '[needs]\n"Ref" = "need_id"\n"School" = "school_urn"\n"Support" = "focus"\n'


def test_a_table_with_other_headers_is_read_as_the_user_says():
    told = (
        "needs.csv: columns read under the names that you gave: 'Ref' as need_id, 'School' as school_urn, "
        "'Support' as focus."
    )
    by_file = read(needs=THEIRS, columns=Source("columns.toml", MAPPING.encode()))
    pairs = {"Ref": "need_id", "School": "school_urn", "Support": "focus"}
    by_argument = read_inputs(sources(needs=THEIRS), as_at=AS_AT, mapping={"needs": pairs})
    same(by_file, by_argument)
    assert told in by_file.notices
    assert told in by_argument.notices


def test_a_header_that_is_not_there_is_told_and_one_that_is_taken_is_a_problem():
    columns = Source("columns.toml", b'[needs]\n"Nowhere" = "notes"\n')
    assert (
        "needs.csv: these columns of the columns file are not in the table: 'Nowhere'." in read(columns=columns).notices
    )
    columns = Source("columns.toml", b'[needs]\n"days" = "notes"\n"focus" = "days"\n"priority" = "need_id"\n')
    assert "The columns file gives this name to another column" in "".join(faults(columns=columns))


# Rows left out on request


FAULTY = NEEDS + "N4,100000,maffs,,,\nN5,100099,maths,,,\nN5,100000,phonics,,,\ntorn,row\n"


def left_out(**tables: str | bytes | Source | None) -> Inputs:
    return read_inputs(sources(**tables), as_at=AS_AT, leave_out=True)


def test_rows_with_faults_are_left_out_on_request_and_told():
    inputs = left_out(needs=FAULTY)
    assert inputs.needs["need_id"].tolist() == ["N1", "N2", "N3"]
    assert (
        "needs.csv: 4 rows of 7 left out on request, 3 used: row 5 (focus), row 6 (school_urn), row 7 (need_id), "
        "row 8 (cells)."
    ) in inputs.notices
    by_file = read(needs=FAULTY, columns=Source("columns.toml", b"leave_out = true\n"))
    same(inputs, by_file)
    assert len(faults(needs=FAULTY)) == 4


def test_what_hangs_on_a_row_goes_with_it():
    inputs = left_out(
        schools=SCHOOLS.replace("Secondary", "Secondry"),
        supporters=SUPPORTERS.replace("LLE", "LEL"),
        decisions=decisions("pin,S1,N1,,,,", "forbid,S2,N1,,,,", "declined,S1,N3,,,,"),
        accreditation=EVIDENCE_HEADER + "S2,LLE-1,yes,,\nS1,SLE-1,yes,,soon\nS1,SLE-2,yes,,\n",
    )
    assert inputs.schools["urn"].tolist() == ["100000", "100001"]
    assert inputs.needs["need_id"].tolist() == ["N1", "N2"]
    assert inputs.supporters["supporter_id"].tolist() == ["S1", "S3"]
    assert inputs.decisions["kind"].tolist() == ["pin"]
    assert inputs.accreditation is not None
    assert inputs.accreditation["criterion"].tolist() == ["SLE-2"]
    assert sum("left out on request" in notice for notice in inputs.notices) == 5


def test_a_faulty_decision_stops_the_run_because_it_may_protect_somebody():
    with pytest.raises(DataError) as caught:
        left_out(needs=FAULTY, decisions=decisions("forbid,S9,N1,,,,"))
    assert [(problem.table, problem.severity) for problem in caught.value.problems] == [("decisions.csv", "stop")]


def test_a_table_of_nothing_but_faults_is_not_left_out():
    with pytest.raises(DataError, match=r"Every row of the needs table would be left out\. Correct at least one\."):
        left_out(needs=NEEDS.replace("maths", "x").replace("headship", "y").replace("phonics", "z"))


def test_the_severity_of_a_problem_says_whether_its_row_may_go():
    with pytest.raises(DataError) as caught:
        read(needs=FAULTY, policy="[weights]\nspecialism = -1\n", decisions=decisions("pine,S1,N1,,,,"))
    severities = {(problem.table, problem.severity) for problem in caught.value.problems}
    assert severities == {("needs.csv", "leave out"), ("policy.toml", "stop"), ("decisions.csv", "stop")}


@pytest.mark.parametrize("changed", ["schools", "supporters", "needs"])
def test_only_a_table_whose_file_has_changed_is_read_again(changed, monkeypatch):
    sources, kept, read = tiny.sources(), {}, []

    def counting(sheet, form, *args, **options):
        read.append(form.name)
        return read_table(sheet, form, *args, **options)

    monkeypatch.setattr("matching.inputs.read.read_table", counting)
    read_inputs(sources, as_at=AS_AT, kept=kept)
    read.clear()
    other = Source(sources[changed].name, sources[changed].content.replace(b"Primary", b"primary") + b"\n")
    again = read_inputs({**sources, changed: other}, as_at=AS_AT, kept=kept)
    assert read == [changed]
    assert again.needs.equals(read_inputs({**sources, changed: other}, as_at=AS_AT).needs)
