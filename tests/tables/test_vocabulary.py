import re

import numpy as np
import pytest

from matching.tables.vocabulary import standard_vocabulary

WORDS = standard_vocabulary()
DESIGN_SPECIALISMS = {
    "Leadership and management": "academies and academy transition; assessment; leadership of CPD; "
    "school business and financial management; leadership of curriculum",
    "Pupil achievement": "art; closing the gap; drama; design and technology; early years; English; geography; "
    "history; ICT; maths; modern foreign languages; music; phonics; PE; PSHE; religious education; science; "
    "special educational needs; support for the most able; citizenship",
    "Quality of teaching": "initial teacher training and early-career teachers",
    "Behaviour and safety": "behaviour and discipline; attendance",
}
SPECIALISMS = {area: tuple(words.split("; ")) for area, words in DESIGN_SPECIALISMS.items()}
LOWER = ("Nursery", "Primary", "Middle deemed primary")
UPPER = ("Middle deemed secondary", "Secondary", "16 plus")
ALONE = ("Special", "Alternative provision")
PHASES = (*LOWER, *UPPER, "All-through", *ALONE)


def test_there_are_the_three_designations():
    assert {one.code: one.title for one in WORDS.designations.values()} == {
        "NLE": "national leader of education",
        "LLE": "local leader of education",
        "SLE": "specialist leader of education",
    }
    assert {code: one.max_distance_km for code, one in WORDS.designations.items()} == {"NLE": 80, "LLE": 40, "SLE": 40}
    assert all(one.what_they_do for one in WORDS.designations.values())


@pytest.mark.parametrize("area", SPECIALISMS)
def test_every_specialism_of_the_contract_is_in_its_area(area):
    assert tuple(one.name for one in WORDS.focuses.values() if one.area == area) == SPECIALISMS[area]


def test_there_are_no_other_specialisms_and_two_other_focuses():
    specialisms = tuple(word for words in SPECIALISMS.values() for word in words)
    assert WORDS.specialisms == specialisms
    assert set(WORDS.focuses) - set(specialisms) == {"headship", "whole-school improvement"}


def test_who_serves_a_focus_that_names_nobody():
    accepted = {name: set(one.accepted_designations) for name, one in WORDS.focuses.items()}
    assert accepted.pop("headship") == {"LLE", "NLE"}
    assert accepted.pop("whole-school improvement") == {"NLE"}
    assert set(map(frozenset, accepted.values())) == {frozenset({"SLE"})}


def test_heads_fit_what_is_about_the_whole_school():
    fits = {name: set(one.fit_designations) for name, one in WORDS.focuses.items() if not one.is_specialism}
    assert fits == {"headship": {"NLE", "LLE"}, "whole-school improvement": {"NLE", "LLE"}}


def test_designations_are_in_order_so_that_they_compare_with_those_of_a_table():
    for focus in WORDS.focuses.values():
        assert list(focus.accepted_designations) == sorted(focus.accepted_designations)


def test_there_are_27_criteria():
    codes = [f"NLE-{n}" for n in range(1, 9)] + [f"LLE-{n}" for n in range(1, 12)] + [f"SLE-{n}" for n in range(1, 9)]
    assert list(WORDS.criteria) == codes
    assert len(codes) == 27


@pytest.mark.parametrize("code", WORDS.criteria)
def test_a_criterion_knows_what_it_is_about(code):
    one = WORDS.criteria[code]
    schools = {f"NLE-{n}" for n in range(5, 9)} | {f"LLE-{n}" for n in range(8, 12)}
    assert one.code == code
    assert one.designation == code[:3]
    assert one.about == ("school" if code in schools else "person")
    assert one.review_after_years == 2
    assert one.wording[0].isupper()
    assert not one.wording.endswith(".")
    assert len(one.wording) > 20


def test_wordings_are_all_different_within_a_designation():
    for designation in WORDS.designations:
        wordings = [one.wording for one in WORDS.criteria.values() if one.designation == designation]
        assert len(set(wordings)) == len(wordings)


def test_criteria_that_a_wording_names_are_there():
    for one in WORDS.criteria.values():
        assert set(re.findall(r"[A-Z]{3}-\d+", one.wording)) <= set(WORDS.criteria)


def test_the_schools_table_answers_for_three_criteria():
    answered = {code: set(one.home_school_grades) for code, one in WORDS.criteria.items() if one.home_school_grades}
    good = {"Good", "Outstanding"}
    assert answered == {"NLE-5": {"Outstanding"}, "LLE-2": good, "LLE-8": good}
    assert good <= set(WORDS.grades)


def test_phases_are_in_the_words_of_gias():
    assert set(WORDS.phases) == set(PHASES)


@pytest.mark.parametrize("one", PHASES)
@pytest.mark.parametrize("other", PHASES)
def test_phases_are_related_as_the_contract_says(one, other):
    banded = {*LOWER, *UPPER}
    expected = one != other and (
        {one, other} <= set(LOWER)
        or {one, other} <= set(UPPER)
        or (one == "All-through" and other in banded)
        or (other == "All-through" and one in banded)
    )
    assert WORDS.related_phases()[WORDS.phases.index(one), WORDS.phases.index(other)] == expected


def test_related_phases_are_a_symmetric_matrix():
    related = WORDS.related_phases()
    assert related.dtype == np.bool_
    assert (related == related.T).all()
    assert not related.diagonal().any()


def test_no_word_would_break_a_list_in_a_cell():
    for word in (*WORDS.focuses, *WORDS.phases, *WORDS.designations, *WORDS.criteria, *WORDS.grades):
        assert word == word.strip()
        assert not set(word) & set(";,\n")


def test_no_two_words_differ_in_capital_letters_only():
    for words in (WORDS.focuses, WORDS.phases, WORDS.designations, WORDS.criteria, WORDS.grades):
        assert len({word.casefold() for word in words}) == len(words)


def test_the_vocabulary_is_read_once():
    assert standard_vocabulary() is WORDS
