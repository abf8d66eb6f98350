"""A teaching school's own lists become sound tables with a few answers, each of which a person can give."""

import pytest
import workbooks

from matching.errors import DataError, Problem
from matching.inputs.checks.school_names import propose_schools
from matching.inputs.inputs import Inputs
from matching.inputs.locations import COLUMNS, with_answers
from matching.inputs.read import read_inputs, read_schools
from matching.inputs.recognise import suggested_columns, table_readings, tables_in, unread_columns
from matching.tables.files import Source

MOST_ANSWERS = 25


def problems_of(sources: dict[str, Source]) -> tuple[Problem, ...]:
    try:
        read_inputs(sources)
    except DataError as error:
        return error.problems
    return ()


def answer(problem: Problem) -> str:
    """What the coordinator answers: the first offer, or what only they can know."""
    return workbooks.TYPED.get(problem.value) or problem.offers[0]


@pytest.fixture(scope="module")
def mended() -> tuple[Inputs, list[str]]:
    """The tables in the end, and every answer on the way, as a person gives it: equal cells are mended together."""
    book = Source("round.xlsx", workbooks.as_kept_by_a_teaching_school())
    assert tables_in(book) == {
        "schools": "Schools 2026",
        "supporters": "SLE list",
        "needs": "Requests 26-27",
    }
    sources = dict.fromkeys(tables_in(book), book)
    assert {one.table for one in table_readings(sources) if one.asks} == {"supporters", "needs"}
    sources[COLUMNS] = suggested_columns(sources)
    assert unread_columns(sources) == ()
    assert not any(one.asks for one in table_readings(sources))
    problems = problems_of(sources)
    proposals = propose_schools(problems, read_schools(book))
    sure = {
        one.problem: one.school.proposed.urn for one in proposals if one.school.proposed and not one.school.question
    }
    answers = [f"accept {len(sure)} schools"]
    sources = with_answers(sources, sure)
    # What is wrong with a cell may hide what is wrong elsewhere: no more than three times over.
    for _ in range(3):
        problems = problems_of(sources)
        given = {one: answer(one) for one in problems}
        answers += dict.fromkeys(f"{one.column} {one.value}: {word}" for one, word in given.items())
        sources = with_answers(sources, given) if given else sources
    return read_inputs(sources), answers


def test_few_answers_are_needed_and_most_schools_are_accepted_at_one_go(mended):
    _, answers = mended
    assert int(answers[0].split()[1]) >= 85
    assert len(answers) <= MOST_ANSWERS, answers


def test_every_school_is_the_one_that_was_meant(mended):
    inputs, _ = mended
    for name, frame, count in (
        ("supporters", inputs.supporters, workbooks.PEOPLE),
        ("needs", inputs.all_needs, workbooks.REQUESTS),
    ):
        key = f"{name.removesuffix('s')}_id"
        meant = {row[key]: row["school_urn"] for row in workbooks.demo(name)[:count]}
        assert dict(zip(frame[key], frame["school_urn"], strict=True)) == meant


def test_every_word_is_what_was_meant(mended):
    inputs, _ = mended
    people = {row["supporter_id"]: row for row in workbooks.demo("supporters")}
    for row in inputs.supporters.to_dict("records"):
        meant = people[row["supporter_id"]]
        assert row["designation"] == meant["designation"]
        assert row["phases"] == tuple(sorted(meant["phases"].split(";")))
        assert row["specialisms"] == tuple(sorted(filter(None, meant["specialisms"].split(";"))))
        assert row["days_available"] == float(meant["days_available"] or "inf")
    assert {*inputs.supporters["max_distance_km"]} == {32.2, 30, 40.2, float("inf")}
    needs = {row["need_id"]: row for row in workbooks.demo("needs")}
    for row in inputs.all_needs.to_dict("records"):
        meant = needs[row["need_id"]]
        assert (row["focus"], row["priority"]) == (meant["focus"], meant["priority"])
    days = {
        row["need_id"]: (row["days"], float(needs[row["need_id"]]["days"])) for row in inputs.needs.to_dict("records")
    }
    differing = {given for given, meant in days.values() if given != meant}
    assert differing <= {6, 0.5}


def test_everything_that_was_read_as_something_else_is_listed(mended):
    inputs, _ = mended
    told = "\n".join(inputs.notices)
    for column in ("designation", "phases", "specialisms", "days_available", "max_distance_km", "focus", "priority"):
        assert f"), {column}: '" in told
    assert "'Line manager'" in told


def test_the_workbook_is_worse_than_the_other_one_and_always_the_same_list():
    book = Source("round.xlsx", workbooks.as_kept_by_a_teaching_school())
    once, again = (problems_of(dict.fromkeys(tables_in(book), book)) for _ in range(2))
    assert once == again
    assert len(once) >= 9
