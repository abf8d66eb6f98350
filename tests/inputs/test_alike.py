"""Rows that fit and may be meant otherwise: each is asked about, and none is changed."""

import random

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from worlds import need, person, school, world

from matching.inputs.groups import group_key

AT = [school(0), school(1, 4), school(2, 8), school(3, 12)]


def asked(people=(), needs=(), schools=AT, about=""):
    """The notices of a round that hold some words."""
    people = people or [person("S9", 3, name="Someone Else")]
    needs = needs or [need("N9", 0, focus="science")]
    return [notice for notice in world(schools, list(people), list(needs)).inputs().notices if about in notice]


@pytest.mark.parametrize("name", ["ANN  ash", "Ann Ash.", "Mrs Ann Ash", "ann-ash"])
def test_one_name_at_one_school_may_be_one_person(name):
    people = [person("S1", 1, name="Ann Ash"), person("S2", 2, name="Bob Bay"), person("S3", 1, name=name)]
    (notice,) = asked(people, about="same name")
    assert "S1 and S3" in notice
    assert "keep one of the rows" in notice
    assert asked([*people[:2], {**people[2], "school_urn": AT[2]["urn"]}], about="same name") == []


def test_one_name_under_two_designations_has_one_diary():
    people = [person("S1", 1, name="Ann Ash"), person("S2", 1, name="Ann Ash", designation="LLE")]
    (notice,) = asked(people, about="same name")
    assert "two designations, divide their places and days" in notice


def test_one_school_and_focus_may_be_one_request():
    needs = [need("N1", 0), need("N2", 1), need("N3", 0)]
    (notice,) = asked(needs=needs, about="same school and focus")
    assert "N1 and N3" in notice
    assert asked(needs=[*needs[:2], {**needs[2], "state": "withdrawn"}], about="same school and focus") == []


def test_no_days_and_needs_that_state_none():
    people = [person("S1", 1, days_available="0"), person("S2", 2, days_available="0", max_deployments="0")]
    (notice,) = asked(people, [need("N1", 0), need("N2", 3, days="2")], about="0 days")
    assert "S1 offers 0 days, and can still be given 1 need that states no days" in notice
    assert "S2" not in notice
    assert asked(people, [need("N2", 3, days="2")], about="0 days") == []


@given(st.integers(0, 10_000), st.sampled_from(["local_authority", "postcode", ""]))
@cases(20)
def test_easting_and_northing_changed_over_in_any_row(seed, known_by):
    r = random.Random(seed)
    about = {"local_authority": {"local_authority": "North"}, "postcode": {"postcode": "QX1 1AA"}, "": {}}[known_by]
    schools = [school(k, r.randrange(20), r.randrange(20), **({"local_authority": ""} | about)) for k in range(8)]
    assert asked(schools=schools, about="check these locations") == []
    turned = r.randrange(len(schools))
    row = schools[turned]
    schools[turned] = {**row, "easting": row["northing"], "northing": row["easting"]}
    (notice,) = asked(schools=schools, about="check these locations")
    assert notice.count(" km from") == 1
    assert f"{row['urn']} {row['name']}" in notice
    assert "changed over" in notice


def test_a_school_far_from_its_authority_and_a_far_authority():
    here = [school(k, k) for k in range(5)]
    far = [school(k, 90, 120 + k, local_authority="South") for k in range(5, 9)]
    assert asked(schools=[*here, *far], about="check these") == []
    lost = {**here[4], "northing": "420000"}
    (notice,) = asked(schools=[*here[:4], lost, *far], about="check these")
    assert f"{lost['urn']} School 4 is 120 km" in notice
    assert "local authority North" in notice
    assert "changed over" not in notice


SPELLINGS = ["Oak Learning Trust", "OAK  LEARNING TRUST", "The Oak Learning Trust", "Oak Learning Trust Ltd"]
SPELLINGS += ["oak-learning trust, limited", "Oak Learning Trust."]


def test_the_spellings_of_a_trust():
    assert {group_key(name) for name in SPELLINGS} == {"oak learning trust"}
    assert group_key("St Mary's & All Saints") == group_key("ST MARYS AND ALL SAINTS")
    # Two trusts of the official list differ in no more than this.
    assert group_key("Oak MAT") != group_key("Oak Multi Academy Trust")
    assert group_key("Oak Trust") != group_key("Oak Learning Trust")
    assert [group_key(name) for name in ("", "The", "Ltd", "...")] == ["", "the", "ltd", "..."]


@given(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS), st.sampled_from(["trust", "federation"]))
@cases(20)
def test_no_one_is_sent_within_a_trust_or_federation_however_it_is_spelt(one, other, group):
    schools = [school(0, **{group: one}), school(1, 4, **{group: other}), school(2, 8)]
    made = world(schools, [person("S1", 1), person("S2", 2)], [need("N1", 0)])
    plan = made.plan()
    assert plan.deployments["supporter_id"].tolist() == ["S2"]
    notices = [notice for notice in plan.manifest["notices"] if "spelt in more than one way" in notice]
    assert len(notices) == (one != other)


def test_codes_decide_between_trusts_where_both_schools_have_one():
    def served(**codes):
        names = {"here": "Oak Trust", "there": "OAK TRUST"} | {key: one for key, one in codes.items() if "_" not in key}
        schools = [
            school(0, trust=names["here"], trust_code=codes.get("code_here", "")),
            school(1, 4, trust=names["there"], trust_code=codes.get("code_there", "")),
        ]
        return len(world(schools, [person("S1", 1)], [need("N1", 0)]).plan().deployments)

    assert served() == 0
    assert served(code_here="17") == 0
    assert served(code_here="17", code_there="17") == 0
    assert served(code_here="17", code_there="18") == 1
    assert served(code_here="17", code_there="17", here="Ash Trust") == 0
    assert served(here="Ash Trust") == 1


NAMES, CODES = st.sampled_from(["Oak Trust", "OAK TRUST", "Ash", "ASH", ""]), st.sampled_from(["", "7", "8"])


@given(st.lists(st.tuples(NAMES, CODES), min_size=4, max_size=7))
@cases(30)
def test_a_spelling_is_told_only_where_it_makes_two_schools_one_trust(trusts):
    schools = [school(k, trust=name, trust_code=code if name else "") for k, (name, code) in enumerate(trusts)]
    by_name = {
        one["trust"].casefold()
        for one in schools
        for other in schools
        if one["trust"] != other["trust"]
        and one["trust"].casefold() == other["trust"].casefold()
        and not (one["trust_code"] and other["trust_code"])
    }
    told = "".join(asked(schools=schools, about="spelt in more than one way")).casefold()
    assert {name for name in ("oak trust", "ash") if f"'{name}'" in told} == by_name
