"""Schools by name: what is the same name, what is only close, and what is far from the others of the round."""

import pandas as pd
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st

from matching.errors import Problem
from matching.inputs.checks.school_names import NamedSchool, comparable_names, match_names, propose_schools

# Two areas, 200 km apart; the first names are of both.
HERE = [
    "Alder Primary School",
    "Birch Academy",
    "Cedar C of E (VA) Primary School",
    "Dogwood High School",
    "Elm School",
]
ROWS = [
    ("100000", "St Oswin's Church of England Primary School", "Primary", 400_000, 300_000, "AA1 1AA", "Fenshire"),
    ("100001", "Saint Oswin's Catholic Primary School", "Primary", 401_000, 300_000, "AA1 1AB", "Fenshire"),
    ("100002", "Larkfield School", "Secondary", 402_000, 300_000, "AA1 1AC", "Fenshire"),
    ("100003", "Mead Infants' & Nursery School", "Primary", 402_000, 301_000, "AA1 1AD", "Fenshire"),
    ("100004", "St Mary's Primary School", "Primary", 403_000, 301_000, "AA1 1AE", "Fenshire"),
    ("100005", "St. Mary's Primary School", "Primary", 600_000, 301_000, "ZZ1 1AE", "Farshire"),
    ("100006", "Gorse Primary School", "Primary", 403_000, 302_000, "AA1 1AF", "Fenshire"),
    ("100007", "Gorse Primary School", "Primary", 404_000, 302_000, "AA1 1AG", "Fenshire"),
    ("100008", "Faraway Primary School", "Primary", 600_000, 302_000, "ZZ1 1AF", "Farshire"),
    *(
        (f"20000{at}", name, "Primary", 400_000 + 1000 * at, 303_000, "AA2 1AA", "Fenshire")
        for at, name in enumerate(HERE)
    ),
]
SCHOOLS = pd.DataFrame(
    ROWS, columns=["urn", "name", "phase", "easting", "northing", "postcode", "local_authority"], dtype="object"
)


def named(name: str, *others: str) -> NamedSchool:
    return match_names([name, *HERE, *others], SCHOOLS)[name]


@pytest.mark.parametrize(
    ("name", "urn"),
    [
        ("St. Oswins CofE Primary", "100000"),
        ("SAINT OSWIN’S C.E. PRIMARY SCHOOL", "100000"),
        ("st oswin's church of england", "100000"),
        ("St Oswin's RC Primary", "100001"),
        ("st oswin's roman catholic primary sch.", "100001"),
        ("Larkfield", "100002"),
        ("The Larkfield School", "100002"),
        ("Mead Infant and Nursery", "100003"),
        ("Mead Inf. & Nurs. Sch", "100003"),
        ("Cedar Church of England Primary", "200002"),
        ("Cedar CE", "200002"),
        ("Alder", "200000"),
    ],
)
def test_the_same_name_in_another_form_is_proposed(name, urn):
    found = named(name)
    assert found.proposed is not None
    assert (found.proposed.urn, found.proposed.alike, found.question, found.candidates) == (urn, 1, "", ())


@pytest.mark.parametrize(
    ("name", "urn"),
    [
        ("Larkfeild School", "100002"),
        ("St Oswin Catholic Primay School", "100001"),
        ("Dogwod High", "200003"),
    ],
)
def test_a_name_that_is_only_close_is_a_candidate_and_never_proposed(name, urn):
    found = named(name)
    assert found.proposed is None
    assert found.candidates[0].urn == urn
    assert 0.6 <= found.candidates[0].alike < 1


@pytest.mark.parametrize(
    ("name", "urn"),
    [
        ("Dogwod High School", "200003"),
        ("Birch Acdemy", "200001"),
        ("Larkfeild", None),  # not near enough
        ("St Mary's Primry School", None),  # another has that name too
        ("Gorse Primry School", None),  # two in the area
        ("Faraway Primry School", None),  # beyond the area
        ("Alder Primary School", None),  # proposed, because it is the name itself
    ],
)
def test_the_only_school_of_the_area_with_nearly_the_name_is_likely(name, urn):
    likely = named(name).likely
    assert (likely.urn if likely else None) == urn


@cases(40)
@given(st.sampled_from(HERE), st.integers(0, 40), st.sampled_from("aelrst"))
def test_a_slip_never_makes_another_school_likely(name, at, letter):
    for typed in (name[:at] + name[at + 1 :], name[:at] + letter + name[at:]):
        found = match_names([typed, *HERE], SCHOOLS)[typed]
        meant = found.likely or found.proposed
        assert meant is None or meant.name == name


def test_a_primary_school_is_not_proposed_for_a_secondary_of_its_name():
    assert named("Larkfield Primary").proposed is None


def test_where_several_have_the_name_the_only_one_of_the_area_is_proposed():
    found = named("St Mary's Primary")
    assert found.proposed is not None
    assert found.proposed.urn == "100004"
    assert str(found.proposed) == "'100004' (St Mary's Primary School, AA1 1AE, Fenshire)"


def test_without_an_area_nothing_tells_them_apart():
    found = match_names(["St Mary's Primary"], SCHOOLS)["St Mary's Primary"]
    assert found.proposed is None
    assert {one.urn for one in found.candidates[:2]} == {"100004", "100005"}


def test_the_schools_that_the_round_has_already_show_its_area():
    known = ["100005", "100008", "999999"]
    assert match_names(["St Mary's Primary"], SCHOOLS, known)["St Mary's Primary"].proposed is None
    far = pd.concat([SCHOOLS, SCHOOLS.assign(urn=[str(300_000 + at) for at in range(len(SCHOOLS))], easting=600_000)])
    known = [str(300_000 + at) for at in range(8)]
    found = match_names(["Larkfield"], far, known)["Larkfield"]
    assert found.proposed is not None
    assert found.proposed.urn == "300002"


def test_of_several_in_the_area_the_user_chooses():
    found = named("Gorse Primary School")
    assert found.proposed is None
    assert [one.urn for one in found.candidates[:2]] == ["100006", "100007"]


def test_a_school_far_from_all_others_is_questioned():
    found = named("Faraway Primary")
    assert found.proposed is not None
    assert found.proposed.urn == "100008"
    assert found.question == "It is 198 km from the middle of the other schools."
    assert found.candidates


@pytest.mark.parametrize("name", ["Zzz Qqq", "Bcdfgh"])
def test_nothing_is_offered_where_nothing_is_close(name):
    found = named(name)
    assert (found.proposed, found.candidates) == (None, ())


@cases(30)
@given(
    st.permutations(range(len(ROWS))), st.permutations([*HERE, "Larkfeild", "Faraway", "St Mary's Primary", "Gorse"])
)
def test_the_order_of_schools_and_of_names_does_not_matter(order, names):
    shuffled = SCHOOLS.iloc[list(order)].reset_index(drop=True)
    assert match_names(names, shuffled) == match_names(sorted(names), SCHOOLS)


def test_every_cell_with_a_name_is_answered_and_no_other():
    cells = [("needs.csv", 2, "Larkfield"), ("needs.csv", 3, "12345"), ("people.csv", 2, "Larkfield")]
    problems = [Problem(table, row, "school_urn", value, "", "") for table, row, value in cells]
    other = Problem("needs.csv", 4, "focus", "Larkfield", "", "")
    found = propose_schools([*problems, other], SCHOOLS)
    assert [one.problem for one in found] == [problems[0], problems[2]]
    assert {one.school.proposed.urn for one in found if one.school.proposed} == {"100002"}


@given(st.lists(st.text(max_size=20), max_size=5))
def test_names_are_folded_one_by_one(names):
    assert comparable_names(names) == [comparable_names([name])[0] for name in names]


def test_sixty_names_are_looked_for_among_22_000_schools():
    table = pd.DataFrame(
        {
            "urn": [str(100_000 + at) for at in range(22_000)],
            "name": [f"Wold{at % 4000} {('Green', 'Hill', 'Park')[at % 3]} Primary School" for at in range(22_000)],
            "phase": "Primary",
            "easting": 400_000.0,
            "northing": 300_000.0,
        }
    )
    names = [f"Wolld{at} Green Primary" for at in range(60)]
    assert all(one.candidates for one in match_names(names, table).values())
