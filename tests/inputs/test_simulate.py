from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st

from matching.errors import DataError
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.inputs.simulation.simulate import simulate
from matching.inputs.simulation.supporters import made_up_names
from matching.tables.contacts import UNREAD_COLUMNS
from matching.tables.files import Source, read_sheet
from matching.tables.formats import INSPECTION_COLUMNS, table_formats
from matching.tables.table_reader import read_table
from matching.tables.vocabulary import standard_vocabulary

VOCABULARY = standard_vocabulary()
FORMATS = table_formats(VOCABULARY)
GRADES = ("Outstanding", "Good", "Good", "Requires improvement", "")


def schools_frame(count: int, grades: tuple[str, ...] = GRADES) -> pd.DataFrame:
    """Schools of two regions, by a fixed rule, read as a user's table is."""
    place = np.random.default_rng(0).random((count, 2))
    frame = pd.DataFrame(
        {
            "urn": [str(100_000 + row) for row in range(count)],
            "name": [f"School {row}" for row in range(count)],
            "phase": [VOCABULARY.phases[row % 9] if row % 3 == 0 else "Primary" for row in range(count)],
            "easting": (400_000 + 80_000 * place[:, 0]).round().astype(int),
            "northing": (250_000 + 80_000 * place[:, 1]).round().astype(int),
            "local_authority": [("North", "South", "")[row % 3] for row in range(count)],
            "region": [("East Midlands", "West Midlands")[row % 2] for row in range(count)],
            "trust": [("", "", "Trust A", "Trust B")[row % 4] for row in range(count)],
            "ofsted": [grades[row % len(grades)] for row in range(count)],
            "pupils": ["" if row % 7 == 0 else str(200 + row) for row in range(count)],
        }
    )
    table = read_table(
        read_sheet(Source("schools.csv", frame.to_csv(index=False).encode())), FORMATS["schools"], VOCABULARY
    )
    assert not table.problems
    return table.frame


def sources(frames: Mapping[str, pd.DataFrame]) -> dict[str, Source]:
    return {name: Source(f"{name}.csv", frame.to_csv(index=False).encode()) for name, frame in frames.items()}


def inputs_of(frames: Mapping[str, pd.DataFrame]) -> Inputs:
    return read_inputs(sources(frames), as_at=date(2026, 9, 1))


SCHOOLS = schools_frame(240)
MANY_SCHOOLS = schools_frame(3000)


@pytest.fixture(scope="module")
def round_of_2000() -> dict[str, pd.DataFrame]:
    return simulate(MANY_SCHOOLS, 2000, 1500, seed=1)


@cases(40)
@given(
    supporters=st.integers(1, 60),
    needs=st.integers(1, 60),
    seed=st.integers(0, 2**40),
    with_days=st.booleans(),
    how_many=st.integers(1, 40),
)
def test_every_round_can_be_read_back_without_a_problem(supporters, needs, seed, with_days, how_many):
    frames = simulate(SCHOOLS.head(how_many), supporters, needs, seed, with_days=with_days)
    inputs = inputs_of(frames)
    assert (len(inputs.schools), len(inputs.supporters), len(inputs.needs)) == (how_many, supporters, needs)
    assert inputs.notices == ()


@cases(15)
@given(seed=st.integers(0, 2**32), order=st.randoms(use_true_random=False))
def test_the_order_of_the_schools_does_not_matter(seed, order):
    rows = list(range(len(SCHOOLS)))
    order.shuffle(rows)
    assert sources(simulate(SCHOOLS.iloc[rows], 20, 20, seed)) == sources(simulate(SCHOOLS, 20, 20, seed))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_round():
    first = sources(simulate(SCHOOLS, 30, 40, seed=5))
    assert sources(simulate(SCHOOLS, 30, 40, seed=5)) == first
    other = sources(simulate(SCHOOLS, 30, 40, seed=6))
    assert {name for name in first if first[name] != other[name]} == set(first) - {"schools"}


def test_more_needs_do_not_change_the_supporters():
    few, many = simulate(SCHOOLS, 30, 40, seed=5), simulate(SCHOOLS, 30, 400, seed=5)
    assert few["supporters"].equals(many["supporters"])
    assert few["accreditation"].equals(many["accreditation"])


def test_the_tables_have_the_columns_of_their_templates_and_hold_text(round_of_2000):
    for name, frame in round_of_2000.items():
        expected = [
            column
            for column in FORMATS[name].column_names
            if column not in {"latitude", "longitude", *INSPECTION_COLUMNS, *UNREAD_COLUMNS}
        ]
        assert list(frame.columns) == expected
        assert frame.map(lambda cell: isinstance(cell, str)).all(axis=None)


def test_numbers_of_the_schools_are_written_as_they_were_given():
    schools = SCHOOLS.head(2).assign(easting=[400_000.0, 400_000.125], fsm_percent=[12.5, np.nan])
    written = simulate(schools, 1, 1, seed=0)["schools"]
    assert written["easting"].tolist() == ["400000", "400000.125"]
    assert written["fsm_percent"].tolist() == ["12.5", ""]
    assert written["pupils"].tolist() == ["", "201"]


def test_only_the_region_takes_part():
    frames = simulate(SCHOOLS, 50, 60, seed=2, region="west  MIDLANDS")
    assert set(frames["schools"]["region"]) == {"West Midlands"}
    urns = set(frames["schools"]["urn"])
    assert set(frames["supporters"]["school_urn"]) | set(frames["needs"]["school_urn"]) <= urns
    assert set(frames["supporters"]["conflicts"]) <= urns | {""}


def test_without_days_nobody_has_any_and_the_people_stay_who_they_are():
    frames, with_days = (simulate(SCHOOLS, 50, 60, seed=2, with_days=flag) for flag in (False, True))
    assert set(frames["supporters"]["days_available"]) == {""} == set(frames["needs"]["days"])
    without = with_days["supporters"].assign(days_available="")
    assert frames["supporters"].equals(without)


def test_designations_and_focuses_come_in_their_usual_shares(round_of_2000):
    designations = round_of_2000["supporters"]["designation"].value_counts(normalize=True)
    assert designations.round(1).to_dict() == {"SLE": 0.7, "LLE": 0.2, "NLE": 0.1}
    focuses = round_of_2000["needs"]["focus"].value_counts(normalize=True)
    assert focuses["headship"] == pytest.approx(0.12, abs=0.03)
    assert focuses["whole-school improvement"] == pytest.approx(0.08, abs=0.02)
    assert {"maths", "English"} <= set(focuses.index[:5])
    priorities = round_of_2000["needs"]["priority"].value_counts(normalize=True)
    assert priorities["critical"] == pytest.approx(0.1, abs=0.02)
    assert priorities["high"] == pytest.approx(0.25, abs=0.04)


def test_days_and_places_are_those_of_the_designation(round_of_2000):
    people = round_of_2000["supporters"].astype({"days_available": int, "max_deployments": int})
    assert people.groupby("designation")["days_available"].agg(["min", "max"]).to_dict("index") == {
        "LLE": {"min": 10, "max": 30},
        "NLE": {"min": 15, "max": 30},
        "SLE": {"min": 10, "max": 20},
    }
    assert people["max_deployments"].between(1, 4).all()
    needs = round_of_2000["needs"].astype({"days": int})
    whole_school = needs["focus"].isin(["headship", "whole-school improvement"])
    assert needs.loc[whole_school, "days"].between(5, 10).all()
    assert needs.loc[~whole_school, "days"].between(1, 8).all()


def test_heads_lead_schools_of_the_right_grade_and_no_two_the_same_one():
    people = simulate(SCHOOLS, 60, 1, seed=3)["supporters"].merge(SCHOOLS, left_on="school_urn", right_on="urn")
    heads = people[people["designation"] != "SLE"]
    assert heads["school_urn"].is_unique
    assert set(people.loc[people["designation"] == "NLE", "ofsted"]) == {"Outstanding"}
    assert set(people["ofsted"]) == {"Outstanding", "Good"}
    assert (heads["specialisms"] == "").all()
    assert people.loc[people["designation"] == "SLE", "specialisms"].str.split(";").str.len().between(1, 3).all()


@pytest.mark.parametrize("grades", [("",), ("Inadequate",), ("Good", "")])
def test_other_schools_serve_where_too_few_have_the_right_grade(grades):
    frames = simulate(schools_frame(12, grades), 100, 10, seed=3)
    assert len(inputs_of(frames).supporters) == 100


def test_young_childrens_specialisms_stay_out_of_secondary_schools(round_of_2000):
    phase = MANY_SCHOOLS.set_index("urn")["phase"]
    for name, column in (("supporters", "specialisms"), ("needs", "focus")):
        frame = round_of_2000[name]
        secondary = frame[frame["school_urn"].map(phase).map(VOCABULARY.phase_bands) == "secondary"]
        assert not secondary[column].str.contains("phonics|early years").any()


def test_a_school_in_difficulty_asks_more_often_and_never_twice_for_one_thing(round_of_2000):
    needs = round_of_2000["needs"]
    assert not needs.duplicated(["school_urn", "focus"]).any()
    grade = needs["school_urn"].map(MANY_SCHOOLS.set_index("urn")["ofsted"])
    assert (grade == "Requires improvement").mean() > 0.5


def test_people_support_the_phase_of_their_school_and_sometimes_a_related_one(round_of_2000):
    people = round_of_2000["supporters"]
    phases = people["phases"].str.split(";")
    own = people["school_urn"].map(MANY_SCHOOLS.set_index("urn")["phase"])
    assert (phases.str[0] == own).all()
    related = VOCABULARY.related_phases()
    seconds = phases[phases.str.len() > 1]
    assert 0.1 < len(seconds) / len(people) < 0.4
    assert all(related[VOCABULARY.phases.index(a), VOCABULARY.phases.index(b)] for a, b in seconds)


def test_most_evidence_is_good_and_some_is_not(round_of_2000):
    evidence = round_of_2000["accreditation"]
    people = round_of_2000["supporters"]
    criteria = people["designation"].map(
        pd.Series([one.designation for one in VOCABULARY.criteria.values()]).value_counts()
    )
    assert len(evidence) == criteria.sum()
    failed = evidence.loc[evidence["met"] != "yes", "supporter_id"].nunique() / len(people)
    assert 0.02 < failed < 0.35
    blank = evidence["met"] == ""
    assert set(evidence["met"]) == {"yes", "no", ""}
    assert (evidence.loc[blank, ["evidence", "checked_on"]] == "").all(axis=None)
    assert evidence.loc[~blank, "checked_on"].between("2024-06-01", "2026-08-31").all()


def test_decisions_are_of_every_kind_and_break_no_rule_of_pins(round_of_2000):
    decisions = round_of_2000["decisions"]
    assert set(decisions["kind"]) == {"pin", "forbid", "declined"}
    assert decisions["supporter_id"].is_unique
    assert not inputs_of(round_of_2000).notices


def test_names_are_all_different_until_there_are_no_more():
    names = made_up_names(20_000, np.random.default_rng(0))
    assert len(set(names)) == 20_000
    assert len(made_up_names(60_000, np.random.default_rng(0))) == 60_000
    assert any("'" in name for name in names)
    assert any(not name.isascii() for name in names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"supporters": 0}, r"simulate: 0 supporters cannot be made up\. Choose 1 to 100,000\."),
        ({"needs": -3}, r"simulate: -3 needs cannot be made up\. Choose 1 to 100,000\."),
        ({"needs": 100_001}, r"simulate: 100001 needs cannot be made up\. Choose 1 to 100,000\."),
        ({"seed": -1}, r"simulate: The seed is -1\. Give 0 or a larger number\."),
        (
            {"region": "east midland"},
            r"schools, column region: No school is in 'east midland'\. Did you mean 'East Midlands'\?",
        ),
        ({"region": "Wessex"}, r"No school is in 'Wessex'\. Known are: East Midlands, West Midlands\."),
        ({"schools": SCHOOLS.head(0)}, r"schools: There is no school\. Give a table with at least one\."),
        (
            {"schools": SCHOOLS.assign(region=""), "region": "Wessex"},
            r"No school is in 'Wessex'\. No school has a region: leave it out\.",
        ),
    ],
)
def test_what_cannot_be_made_up_is_said(arguments, message):
    with pytest.raises(DataError, match=message):
        simulate(**{"schools": SCHOOLS, "supporters": 1, "needs": 1, "seed": 0, **arguments})


def test_every_problem_is_told_at_once():
    with pytest.raises(DataError) as caught:
        simulate(SCHOOLS, 0, 0, seed=-1, region="Wessex")
    assert len(caught.value.problems) == 4
