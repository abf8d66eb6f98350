import pytest

from matching.inputs.checks.school_names import SchoolNames

NAMES = SchoolNames(
    [
        ("100000", "St Oswin's Church of England Primary School"),
        ("100001", "Saint Oswin's Catholic Primary School"),
        ("100002", "Larkfield Secondary School"),
        *((str(200_000 + n), f"Other{n} Primary School") for n in range(500)),
    ]
)


@pytest.mark.parametrize(
    ("name", "urn"),
    [
        ("St. Oswins CofE Primary", "100000"),
        ("st oswin's rc primary school", "100001"),
        ("Larkfield School", "100002"),
        ("Other7 Primary School", "200007"),
    ],
)
def test_the_closest_school_is_found(name, urn):
    match = NAMES.closest(name)
    assert match is not None
    assert match.urn == urn
    assert 0.6 <= match.score <= 1


def test_a_name_as_it_is_spelt_agrees_wholly():
    match = NAMES.closest("larkfield secondary school")
    assert match is not None
    assert match.score == 1


@pytest.mark.parametrize("name", ["", "???", "Zzz", "Primary"])
def test_nothing_is_offered_where_nothing_is_close(name):
    assert NAMES.closest(name) is None


def test_schools_of_one_name_are_counted():
    several = SchoolNames(
        [
            ("100001", "St Mary's RC Primary School"),
            ("100002", "Saint Marys Catholic Primary School"),
            ("100003", "Elm School"),
        ]
    )
    assert several.closest("st marys catholic primary school").alike == 2
    assert several.closest("elm school").alike == 1
