"""Offered values put into many cells of a file, which is written once."""

import pytest
from tiny import NEEDS, SUPPORTERS, sources

from matching.errors import DataError, Problem
from matching.inputs.locations import with_answers
from matching.inputs.read import read_inputs


def problems_of(given) -> tuple[Problem, ...]:
    with pytest.raises(DataError) as caught:
        read_inputs(given)
    return caught.value.problems


def test_every_offer_is_put_into_its_cell_and_equal_answers_give_equal_bytes():
    given = sources(
        needs=NEEDS.replace("maths", "Phonix").replace("N1,100000", "N1,Alder").replace("critical", "urgent"),
        supporters=SUPPORTERS.replace("maths;phonics", "Mathz; Phonix"),
    )
    answers = {one: one.offers[0] for one in problems_of(given)}
    assert len(answers) == 5
    changed = with_answers(given, answers)
    assert changed == with_answers(given, dict(reversed(answers.items())))
    inputs = read_inputs(changed)
    assert inputs.needs[["school_urn", "focus", "priority"]].to_numpy().tolist()[0] == ["100000", "phonics", "high"]
    assert inputs.supporters["specialisms"].tolist()[0] == ("maths", "phonics")
    assert given == sources(
        needs=NEEDS.replace("maths", "Phonix").replace("N1,100000", "N1,Alder").replace("critical", "urgent"),
        supporters=SUPPORTERS.replace("maths;phonics", "Mathz; Phonix"),
    )


def test_without_an_answer_nothing_changes():
    assert with_answers(sources(), {}) == sources()
    assert with_answers(sources(), {Problem("needs.csv", None, "focus", "", "", ""): "maths"}) == sources()
