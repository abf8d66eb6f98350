import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import errors
from matching.errors import DataError, Problem, counted, did_you_mean, shown

HERE = Problem("needs.csv", 14, "focus", "Phonix", "'Phonix' is not a known focus.", "Did you mean 'phonics'?")


@pytest.mark.parametrize(
    ("row", "column", "where"),
    [
        (14, "focus", "needs.csv row 14, focus: "),
        (14, "", "needs.csv row 14: "),
        (None, "focus", "needs.csv, column focus: "),
        (None, "", "needs.csv: "),
    ],
)
def test_a_problem_says_where_what_and_what_to_do(row, column, where):
    problem = Problem("needs.csv", row, column, "Phonix", HERE.message, HERE.fix)
    assert str(problem) == f"{where}'Phonix' is not a known focus. Did you mean 'phonics'?"


def test_a_problem_without_a_fix_ends_with_its_message():
    assert str(Problem("needs.csv", 2, "", "", "It is wrong.", "")) == "needs.csv row 2: It is wrong."


def test_a_problem_cannot_be_changed():
    with pytest.raises(AttributeError):
        HERE.row = 15


def test_problems_are_told_by_table_row_and_column():
    places = [("needs.csv", None, ""), ("needs.csv", 2, "days"), ("needs.csv", 2, "focus"), ("needs.csv", 10, "")]
    places += [("schools.csv", None, ""), ("schools.csv", 3, "urn")]
    problems = [Problem(*place, "", "Wrong.", "Mend it.") for place in places]
    assert DataError(reversed(problems)).problems == tuple(problems)


def test_a_problem_that_was_met_twice_is_told_once():
    assert DataError([HERE, HERE]).problems == (HERE,)


def test_the_error_itself_reads_as_all_problems():
    other = Problem("supporters.csv", 2, "name", "", "The cell is blank.", "Give the name.")
    assert str(DataError([other, HERE])) == f"{HERE}\n{other}"


def test_any_order_of_problems_gives_the_same_error_even_where_two_files_have_the_same_name():
    problems = [Problem("round.xlsx", 2, "name", "", "The cell is blank.", f"Give name {one}.") for one in range(30)]
    told = {DataError(random.Random(seed).sample(problems, 30)).problems for seed in range(20)}
    assert len(told) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("maths", "'maths'"),
        ("", "''"),
        ("O’Brien", "'O’Brien'"),
        ("a\nb", r"'a\x0ab'"),
        ("a\u00a0b", r"'a\xa0b'"),
        ("x" * 60, f"'{'x' * 60}'"),
        ("x" * 61, f"'{'x' * 59}…'"),
    ],
)
def test_a_value_is_shown_in_quotation_marks(value, text):
    assert shown(value) == text


@given(st.text())
def test_whatever_is_shown_stays_on_one_line(value):
    assert shown(value).isprintable()


@pytest.mark.parametrize(("count", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1234, "1,234 rows")])
def test_things_are_counted_in_good_english(count, text):
    assert counted(count, "row") == text


def test_a_plural_may_be_another_word():
    assert (counted(1, "person", "people"), counted(2, "person", "people")) == ("1 person", "2 people")


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("Phonix", "Did you mean 'phonics'?"),
        ("MATHS", "Did you mean 'maths'?"),
        ("english", "Did you mean 'English'?"),
        ("zzz", "Known are two."),
        ("", "Known are two."),
    ],
)
def test_the_closest_known_word_is_suggested(value, fix):
    assert did_you_mean(value, {"phonics", "maths", "English"}, "Known are two.") == fix


def test_where_nothing_is_known_nothing_is_suggested():
    assert did_you_mean("maths", (), "Start again.") == "Start again."


@given(st.permutations(["N1", "N2", "N3", "N4", "N5"]))
def test_the_suggestion_does_not_depend_on_the_order_of_the_known_words(known):
    assert did_you_mean("N", known, "") == did_you_mean("N", sorted(known), "")


def test_very_many_problems_are_counted_and_not_listed():
    many = [Problem("t.csv", row, "a", "x", "Bad.", "Mend it.") for row in range(2, 7)]
    assert errors.at_most(many[:2], 2) == many[:2]
    first, second, last = errors.at_most(iter(many), 2)
    assert [first, second] == many[:2]
    assert str(last) == (
        "t.csv, column a: There are 3 more problems of this kind. This may be the wrong file; first correct "
        "what they have in common."
    )


def test_the_severity_of_a_problem_is_to_stop_the_run_unless_it_says_otherwise():
    assert Problem("t", 1, "a", "x", "Bad.", "Mend it.").severity == errors.STOP
    assert str(Problem("t", 1, "a", "x", "Bad.", "Mend it.", errors.LEAVE_OUT)) == "t row 1, a: Bad. Mend it."


def test_a_very_long_column_name_is_cut_where_it_is_shown():
    assert str(Problem("t", 1, "c" * 5000, "x", "Bad.", "Mend it.")) == f"t row 1, {'c' * 199}…: Bad. Mend it."
