import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from tiny import AS_AT, EVIDENCE_HEADER, SCHOOLS, SUPPORTERS, read, sources

from matching.accreditation import Verdicts, changes, failed_criteria, judge, touched
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs, read_people, read_schools
from matching.tables.files import Source
from matching.tables.vocabulary import standard_vocabulary

# S1 is an SLE of an outstanding school, S2 an LLE of a good one, S3 an NLE of an outstanding one.
CRITERIA = standard_vocabulary().criteria
HELD = {"S1": "SLE", "S2": "LLE", "S3": "NLE"}
CODES = {who: [code for code in CRITERIA if code.startswith(title)] for who, title in HELD.items()}
BY_TABLE = {"NLE-5", "LLE-2", "LLE-8"}
FRESH = "2026-06-01"


def evidence(**changes: str) -> str:
    """Evidence that everybody meets everything, but for changes such as S1_SLE_4='no,,'."""
    rows = {(who, code): f"yes,seen,{FRESH}" for who, codes in CODES.items() for code in codes}
    for key, cells in changes.items():
        who, title, number = key.split("_")
        rows[who, f"{title}-{number}"] = cells
    return EVIDENCE_HEADER + "".join(
        f"{who},{code},{cells}\n" for (who, code), cells in rows.items() if cells != "gone"
    )


def judged(as_at: date | None = None, schools: str = SCHOOLS, **changes: str) -> Verdicts:
    given = sources(accreditation=evidence(**changes), schools=schools)
    return judge(read_inputs(given, as_at=as_at or date(2026, 9, 1)))


def row(verdicts: Verdicts, who: str, code: str) -> pd.Series:
    frame = verdicts.criteria
    (found,) = frame[(frame["supporter_id"] == who) & (frame["criterion"] == code)].iloc
    return found


def accredited(verdicts: Verdicts) -> list[str]:
    return [who for who, is_so in zip(HELD, verdicts.accredited, strict=True) if is_so]


# Without and with evidence


def test_without_a_table_of_evidence_everybody_is_what_they_say():
    verdicts = judge(read())
    assert verdicts.accredited.tolist() == [True] * 3
    assert verdicts.criteria.empty
    assert list(verdicts.criteria.columns) == list(judged().criteria.columns)
    assert verdicts.notices == ()
    assert failed_criteria(verdicts).empty


def test_with_all_evidence_everybody_is_accredited():
    verdicts = judged()
    assert accredited(verdicts) == ["S1", "S2", "S3"]
    assert verdicts.notices == ()
    assert failed_criteria(verdicts).empty


def test_there_is_one_row_for_each_person_and_criterion_of_their_designation_in_order():
    frame = judged().criteria
    assert list(frame[["supporter_id", "criterion"]].itertuples(index=False, name=None)) == [
        (who, code) for who, codes in CODES.items() for code in codes
    ]


def test_an_empty_table_of_evidence_accredits_nobody():
    verdicts = judge(read(accreditation=EVIDENCE_HEADER))
    assert accredited(verdicts) == []
    assert set(verdicts.criteria["verdict"]) == {"met", "not evidenced"}
    assert set(verdicts.criteria.loc[verdicts.criteria["verdict"] == "met", "criterion"]) == BY_TABLE
    assert not verdicts.criteria["due_for_review"].any()
    assert verdicts.notices == ()


@pytest.mark.parametrize(
    ("cells", "verdict", "source"),
    [
        ("yes,seen,2026-06-01", "met", "stated"),
        ("yes,,2026-06-01", "met", "stated"),
        ("no,seen,2026-06-01", "not met", "stated"),
        (",seen,2026-06-01", "not evidenced", "none"),
        ("gone", "not evidenced", "none"),
    ],
)
def test_a_criterion_that_only_evidence_answers(cells, verdict, source):
    verdicts = judged(S1_SLE_4=cells)
    found = row(verdicts, "S1", "SLE-4")
    assert (found["verdict"], found["source"], found["disagrees"]) == (verdict, source, False)
    assert accredited(verdicts) == (["S1", "S2", "S3"] if verdict == "met" else ["S2", "S3"])


@pytest.mark.parametrize("code", [code for codes in CODES.values() for code in codes if code not in BY_TABLE])
def test_each_criterion_counts(code):
    (who,) = (one for one, codes in CODES.items() if code in codes)
    verdicts = judged(**{f"{who}_{code.replace('-', '_')}": "no,,"})
    assert accredited(verdicts) == [one for one in HELD if one != who]
    assert failed_criteria(verdicts).to_dict() == {who: f"{code} not met"}


def test_what_was_stated_is_kept():
    found = row(judged(S1_SLE_4='no,"seen, by Pat",31/01/2026'), "S1", "SLE-4")
    assert (found["evidence"], found["checked_on"]) == ("seen, by Pat", date(2026, 1, 31))


def test_failed_criteria_are_listed_in_order():
    verdicts = judged(S1_SLE_8="gone", S1_SLE_2="no,,", S3_NLE_1=",,")
    assert failed_criteria(verdicts).to_dict() == {
        "S1": "SLE-2 not met, SLE-8 not evidenced",
        "S3": "NLE-1 not evidenced",
    }


def test_evidence_for_another_designation_does_not_count():
    lles = "".join(f"S1,{code},yes,,{FRESH}\n" for code in CODES["S2"])
    verdicts = judge(read(accreditation=EVIDENCE_HEADER + lles))
    assert accredited(verdicts) == []
    assert set(verdicts.criteria.loc[verdicts.criteria["supporter_id"] == "S1", "criterion"]) == set(CODES["S1"])


# What the schools table answers

GRADES = ["Outstanding", "Good", "Requires improvement", "Serious Weaknesses", "Special Measures", "Inadequate"]


def graded(birch: str, alder: str = "Good") -> str:
    return SCHOOLS.replace("Fenshire,,Outstanding", f"Fenshire,,{birch}").replace(
        "Fenshire,,Good", f"Fenshire,,{alder}"
    )


@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize("stated", ["yes", "no", ""])
def test_the_grade_of_the_home_school_goes_before_what_is_stated(grade, stated):
    cells = f"{stated},,{FRESH}"
    schools = graded(birch=grade, alder=grade)
    verdicts = judged(schools=schools, S3_NLE_5=cells, S2_LLE_2=cells, S2_LLE_8=cells)
    for who, code, good_enough in (
        ("S3", "NLE-5", {"Outstanding"}),
        ("S2", "LLE-2", {"Outstanding", "Good"}),
        ("S2", "LLE-8", {"Outstanding", "Good"}),
    ):
        found = row(verdicts, who, code)
        verdict = "met" if grade in good_enough else "not met"
        said = {"yes": "met", "no": "not met", "": verdict}[stated]
        assert (found["verdict"], found["source"]) == (verdict, "schools")
        assert found["disagrees"] == (said != verdict)
        notice = (
            f"Accreditation: the schools table disagrees with the stated evidence on {code} for 1 supporter, and is used: "
            f"{who} {verdict} ('{grade}')."
        )
        assert (notice in verdicts.notices) == (said != verdict)
    assert "S1" in accredited(verdicts)


@pytest.mark.parametrize(("stated", "verdict"), [("yes", "met"), ("no", "not met"), ("", "not evidenced")])
def test_where_the_home_school_has_no_grade_the_evidence_answers(stated, verdict):
    verdicts = judged(schools=graded(birch=""), S3_NLE_5=f"{stated},,{FRESH}")
    found = row(verdicts, "S3", "NLE-5")
    assert (found["verdict"], found["source"]) == (verdict, "stated" if stated else "none")
    assert ("S3" in accredited(verdicts)) == (stated == "yes")
    assert verdicts.notices == ()


def test_disagreements_are_told_by_criterion_in_order():
    verdicts = judged(S3_NLE_5=f"no,,{FRESH}", S2_LLE_8=f"no,,{FRESH}", S2_LLE_2=f"no,,{FRESH}")
    assert [re.findall(r"[A-Z]LE-\d+", notice) for notice in verdicts.notices] == [["NLE-5"], ["LLE-2"], ["LLE-8"]]
    assert accredited(verdicts) == ["S1", "S2", "S3"]


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (2, "2 supporters, and is used: L001 met ('Good'), L002 met ('Good')."),
        (5, "L004 met ('Good'), L005 met ('Good')."),
        (6, "L004 met ('Good'), L005 met ('Good') and 1 more."),
        (1234, "1,234 supporters, and is used: L001 met ('Good'), "),
        (1234, "L005 met ('Good') and 1,229 more."),
    ],
)
def test_however_many_disagree_there_is_one_notice_a_criterion_and_it_names_five(count, told):
    people = [f"L{number:03}" for number in range(1, count + 1)]
    supporters = SUPPORTERS.split("\n", 1)[0] + "".join(f"\n{who},Ann,LLE,100000,Primary,,," for who in people)
    stated = EVIDENCE_HEADER + "".join(f"{who},LLE-2,no,,{FRESH}\n" for who in people)
    (notice,) = judge(read(supporters=supporters, accreditation=stated)).notices
    assert told in notice
    assert len(re.findall(r"\bL\d+\b", notice)) == min(count, 5)


# Due for review


@pytest.mark.parametrize(
    ("checked_on", "as_at", "due"),
    [
        ("2024-09-01", date(2026, 9, 1), False),
        ("2024-08-31", date(2026, 9, 1), True),
        ("2024-09-01", date(2026, 9, 2), True),
        ("2026-09-01", date(2026, 9, 1), False),
        ("2024-02-29", date(2026, 2, 28), False),
        ("2024-02-29", date(2026, 3, 1), True),
        ("2022-02-28", date(2024, 2, 29), False),
        ("2022-02-27", date(2024, 2, 29), True),
        ("0001-01-01", date(2026, 9, 1), True),
        ("9999-12-31", date(2026, 9, 1), False),
        ("", date(2026, 9, 1), True),
    ],
)
def test_a_check_is_due_for_review_after_two_years_to_the_day(checked_on, as_at, due):
    fresh = dict.fromkeys((f"{w}_{c.replace('-', '_')}" for w, cs in CODES.items() for c in cs), f"yes,,{as_at}")
    verdicts = judged(as_at=as_at, **(fresh | {"S1_SLE_4": f"yes,,{checked_on}"}))
    assert row(verdicts, "S1", "SLE-4")["due_for_review"] == due
    assert int(verdicts.criteria["due_for_review"].sum()) == due
    assert accredited(verdicts) == ["S1", "S2", "S3"]
    assert len(verdicts.notices) == due


def test_what_the_schools_table_answers_is_never_due():
    old = "yes,,2001-01-01"
    assert not judged(S2_LLE_2=old, S2_LLE_8=old, S3_NLE_5=old).criteria["due_for_review"].any()


def test_what_is_due_is_counted():
    old = "yes,,2001-01-01"
    verdicts = judged(S1_SLE_1=old, S1_SLE_2=old, S3_NLE_1="yes,,")
    assert verdicts.notices == (
        "Accreditation: 3 checks of 2 supporters are older than two years or undated, and due for review.",
    )


def test_what_is_due_is_counted_in_good_english():
    (notice,) = judged(S1_SLE_1="yes,,2001-01-01").notices
    assert "1 check of 1 supporter is older than two years or undated, and due for review." in notice


def test_the_first_days_of_the_calendar_are_no_trouble():
    assert judged(as_at=date(1, 1, 1)).accredited.all()


@cases(25)
@given(st.dates(date(1990, 1, 1), date(2050, 1, 1)), st.dates(date(1990, 1, 1), date(2050, 1, 1)))
def test_due_for_review_is_two_birthdays_ago(checked_on, as_at):
    try:
        limit = as_at.replace(year=as_at.year - 2)
    except ValueError:
        limit = as_at.replace(year=as_at.year - 2, day=28)
    found = row(judged(as_at=as_at, S1_SLE_4=f"yes,,{checked_on}"), "S1", "SLE-4")
    assert found["due_for_review"] == (checked_on < limit)


# Whatever the evidence


@cases(25)
@given(
    st.dictionaries(
        st.sampled_from([(who, code) for who in HELD for code in CRITERIA]),
        st.tuples(st.sampled_from(["yes", "no", ""]), st.sampled_from(["", "2001-01-01", "2026-08-01"])),
    ),
    st.sampled_from(["", *GRADES]),
    st.randoms(use_true_random=False),
)
def test_whoever_is_accredited_fails_nothing_and_the_order_of_rows_does_not_matter(stated, grade, chance):
    rows = [f"{who},{code},{met},,{day}\n" for (who, code), (met, day) in stated.items()]
    schools = graded(birch=grade)

    def judge_rows(lines: list[str]) -> tuple[Inputs, Verdicts]:
        inputs = read(accreditation=EVIDENCE_HEADER + "".join(lines), schools=schools)
        return inputs, judge(inputs)

    inputs, verdicts = judge_rows(rows)
    frame = verdicts.criteria
    failing = set(frame.loc[frame["verdict"] != "met", "supporter_id"])
    assert {who for who in HELD if who not in accredited(verdicts)} == failing == set(failed_criteria(verdicts).index)
    assert len(frame) == sum(map(len, CODES.values()))
    _, other = judge_rows(chance.sample(rows, len(rows)))
    assert other.notices == verdicts.notices
    assert other.criteria.astype(str).equals(frame.astype(str))
    assert inputs.supporters["supporter_id"].tolist() == list(HELD)


# When a school's grade changes


def people(evidence: str = "") -> Inputs:
    rows = [f"S2,LLE-{n},yes,,2026-05-01\n" for n in range(1, 12)] + [
        f"S3,NLE-{n},yes,,2026-05-01\n" for n in range(1, 9)
    ]
    table = EVIDENCE_HEADER + "".join(rows) + evidence
    return read_people(sources(accreditation=table), as_at=AS_AT)


def of_now(schools: str) -> pd.DataFrame:
    return read_schools(Source("schools.csv", schools.encode()))


def test_who_is_no_longer_accredited_and_who_newly_is():
    now = of_now(SCHOOLS.replace(",Outstanding", ",Requires improvement"))
    (row,) = changes(people(), now).query("change != ''").to_dict("records")
    assert row == {
        "supporter_id": "S3",
        "designation": "NLE",
        "school_urn": "100001",
        "school_name": "Birch School",
        "grade_before": "Outstanding",
        "grade_after": "Requires improvement",
        "change": "lost",
        "reason": "NLE-5 not met",
    }
    before = replace(people(), schools=now)
    (row,) = changes(before, of_now(SCHOOLS)).query("change != ''").to_dict("records")
    assert (row["supporter_id"], row["change"], row["reason"]) == ("S3", "gained", "")


def test_where_nothing_changed_nothing_is_told():
    assert changes(people(), of_now(SCHOOLS)).empty


def test_a_home_school_that_is_gone_is_told_and_what_is_stated_counts():
    lines = SCHOOLS.splitlines(keepends=True)
    told = changes(people(), of_now("".join(line for line in lines if not line.startswith("100001"))))
    assert told["grade_after"].tolist() == ["not in the new table"] * 2
    assert told["change"].tolist() == ["", ""]


def test_the_deployments_that_it_touches_are_named():
    before, now = people(), of_now(SCHOOLS.replace(",Outstanding", ",Good"))
    told = changes(before, now)
    columns = ["need_id", "supporter_id", "school_urn", "school_name", "focus", "priority"]
    plan = pd.DataFrame(
        [["N2", "S3", "100000", "Alder School", "headship", "high"], ["N1", "S2", "100001", "Birch", "x", "low"]],
        columns=columns,
    )
    found = touched(told, plan, before.schools, now)
    assert found[["need_id", "change", "reason"]].to_numpy().tolist() == [
        ["N2", "lost", "S3: no longer accredited (NLE-5 not met)"],
        ["N1", "", "Birch: 'Outstanding' before, 'Good' now"],
    ]
    assert touched(changes(before, before.schools), plan, before.schools, before.schools).empty


def test_a_deployment_is_named_where_only_its_home_school_is_graded_anew():
    before, now = people(), of_now(SCHOOLS.replace(",Outstanding", ",Requires improvement"))
    told = changes(before, now)
    kept = told.loc[told["change"] == "", "supporter_id"].tolist()
    assert kept
    about = {"school_urn": "100000", "school_name": "Alder School", "focus": "headship", "priority": "high"}
    plan = pd.DataFrame([{"need_id": f"N{place}", "supporter_id": one, **about} for place, one in enumerate(kept)])
    found = touched(told, plan, before.schools, now)
    assert found["supporter_id"].tolist() == kept
    assert {*found["change"]} == {""}
    assert all(": home school 'Outstanding' before, 'Requires improvement' now" in reason for reason in found["reason"])
