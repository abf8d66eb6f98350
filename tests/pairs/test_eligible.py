"""Eligible pairs and their scores, against the contract's rules applied one pair at a time."""

import numpy as np
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from worlds import WIDE, World, eligible, facts, need, person, school, solved_wide, with_policy, world, worlds

from matching.pairs.market import Market, open_market
from matching.pairs.rules import RULES

HERE = [school(1), school(2, 20)]


def pairs_of(market: Market) -> dict[tuple[str, str], tuple[int, float]]:
    pairs = market.pairs
    need_ids = market.inputs.needs["need_id"].to_numpy()[pairs.need]
    supporter_ids = market.inputs.supporters["supporter_id"].to_numpy()[pairs.supporter]
    numbers = zip(pairs.score_milli.tolist(), pairs.distance_km.tolist(), strict=True)
    return dict(zip(zip(need_ids, supporter_ids, strict=True), numbers, strict=True))


def found(made: World) -> dict[tuple[str, str], tuple[int, float]]:
    return pairs_of(open_market(made.inputs()))


def one_pair(who: dict[str, str] | None = None, asked: dict[str, str] | None = None, at: list | None = None, **others):
    """The score in thousandths of supporter S1 of school 1 for need N1 of school 2; None where the pair may not be."""
    made = world(at or HERE, [person("S1", 1, **(who or {}))], [need("N1", 2, **(asked or {}))], **others)
    return found(made).get(("N1", "S1"), (None, None))[0]


def same(made: World, market: Market) -> None:
    expected = {pair: (fact.milli, fact.km) for pair, fact in eligible(made).items()}
    assert pairs_of(market) == expected
    pairs = market.pairs
    assert list(zip(pairs.need, pairs.supporter, strict=True)) == sorted(zip(pairs.need, pairs.supporter, strict=True))
    assert pairs.count_by_need().sum() == len(pairs)


@given(worlds((14, 9, 14), decisions=st.integers(0, 8)))
@cases(25)
def test_pairs_are_those_of_the_rules_one_at_a_time(made):
    same(made, open_market(made.inputs()))


@pytest.mark.parametrize("number", WIDE)
def test_pairs_of_larger_worlds(number):
    one = solved_wide(number)
    same(one.made, open_market(one.inputs))


@pytest.mark.parametrize("number", WIDE)
def test_every_broken_rule_of_every_pair(number):
    one = solved_wide(number)
    rulebook = open_market(one.inputs).rulebook
    n_needs, n_people = len(one.inputs.needs), len(one.inputs.supporters)
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(n_needs), np.arange(n_people), indexing="ij"))
    flags, fits = rulebook.broken(i, j), rulebook.fits(i, j)
    oracle = facts(one.made)
    assert tuple(flags) == RULES
    for k, (a, b) in enumerate(zip(i, j, strict=True)):
        fact = oracle[one.inputs.needs["need_id"][a], one.inputs.supporters["supporter_id"][b]]
        assert {rule for rule in RULES if flags[rule][k]} == fact.broken
        numbers = (fits.distance_km[k], fits.specialism[k], fits.phase[k], fits.distance[k], fits.score_milli[k])
        assert numbers == (fact.km, fact.specialism, fact.phase, fact.distance, fact.milli)


def test_the_gallery_breaks_every_rule_somewhere_alone():
    alone = {
        next(iter(fact.broken)) for n in WIDE for fact in facts(solved_wide(n).made).values() if len(fact.broken) == 1
    }
    assert alone == set(RULES)


# ---- distance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("east", "north"), [(40, 0), (0, 40), (24, 32), (32, -24)])
def test_exactly_at_the_limit_is_near_enough(east, north):
    places = [school(1, 50, 50), school(2, 50 + east, 50 + north)]
    assert one_pair(at=places) == 700
    assert one_pair(at=places, who={"max_distance_km": "39.999"}) is None
    assert one_pair(at=[places[0], school(2, 50 + east * 1.001, 50 + north * 1.001)]) is None


def test_own_limit_and_the_policys_the_smaller_holds():
    assert one_pair(who={"max_distance_km": "20"}) == 700
    assert one_pair(who={"max_distance_km": "19.9"}) is None
    assert one_pair(who={"max_distance_km": "500"}, at=[school(1), school(2, 41)]) is None
    nearby = with_policy(max_distance_km={"NLE": 80, "LLE": 40, "SLE": 19})
    assert one_pair(who={"max_distance_km": "25"}, policy=nearby) is None


def test_two_schools_at_one_place_are_a_pair():
    assert one_pair(at=[school(1, 3, 3), school(2, 3, 3)]) == 1000


def test_grid_places_in_fractions_of_a_metre():
    places = [school(1), school(2) | {"easting": "439999.999"}, school(3) | {"easting": "440000.001"}]
    made = world(places, [person("S1", 1)], [need("N2", 2), need("N3", 3)])
    assert list(found(made)) == [("N2", "S1")]


# ---- every rule, one at a time -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "asked", "at"),
    [
        pytest.param({"designation": "LLE"}, {}, None, id="designation"),
        pytest.param({"max_deployments": "0"}, {}, None, id="places"),
        pytest.param({"specialisms": "science"}, {}, None, id="specialism"),
        pytest.param({"phases": "Secondary"}, {}, None, id="phase"),
        pytest.param({"phases": "Special;Alternative provision"}, {}, None, id="special is related to nothing"),
        pytest.param({}, {}, [school(1), school(2, 20, phase="Special")], id="nothing is related to special"),
        pytest.param({}, {"school_urn": "100001"}, None, id="own school"),
        pytest.param({}, {}, [school(1, trust="T"), school(2, 20, trust="T")], id="same trust"),
        pytest.param({"conflicts": "100002"}, {}, None, id="conflict"),
        pytest.param({"days_available": "2.29"}, {"days": "2.3"}, None, id="days"),
        pytest.param(
            {"designation": "SLE"}, {"focus": "headship", "designations": "SLE"}, None, id="headship of an SLE"
        ),
    ],
)
def test_a_pair_that_breaks_one_rule_is_not_eligible(who, asked, at):
    assert one_pair() == 850
    assert one_pair(who, asked, at) is None


@pytest.mark.parametrize("days", ["0.5", "2.3", "0.29", "4.35", "10", "1.1"])
def test_exactly_the_days_asked_are_enough(days):
    assert one_pair({"days_available": days}, {"days": days}) == 850


def test_trusts_are_judged_only_where_both_schools_have_one_and_the_policy_forbids():
    both = [school(1, trust="T"), school(2, 20, trust="T")]
    assert one_pair(at=both, policy=with_policy(rules={"same_trust": "allow"})) == 850
    assert one_pair(at=[school(1, trust="T"), school(2, 20, trust="U")]) == 850
    assert one_pair(at=[school(1), school(2, 20)]) == 850


def test_heads_fit_headship_whatever_their_specialisms_and_specialisms_only_where_they_hold_them():
    head = {"designation": "LLE", "specialisms": ""}
    assert one_pair(head, {"focus": "headship"}) == 850
    assert one_pair(head, {"designations": "LLE"}) is None
    assert one_pair(head | {"specialisms": "maths"}, {"designations": "LLE"}) == 850


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        ("Primary", "Primary", 850),
        ("Nursery", "Middle deemed primary", 750),
        ("Secondary", "16 plus", 750),
        ("All-through", "Nursery", 750),
        ("Secondary", "All-through", 750),
        ("All-through", "All-through", 850),
        ("Middle deemed primary", "Middle deemed secondary", None),
        ("All-through", "Special", None),
        ("Alternative provision", "All-through", None),
        ("Special;Nursery", "Special", 850),
    ],
)
def test_phases(held, wanted, expected):
    assert one_pair({"phases": held}, at=[school(1), school(2, 20, phase=wanted)]) == expected


def test_related_specialisms_point_one_way():
    related = with_policy(related_specialisms={"maths": ["science"]})
    assert one_pair({"specialisms": "science"}, policy=related) == 600
    assert one_pair({"specialisms": "maths"}, {"focus": "science"}, policy=related) is None
    assert one_pair({"specialisms": "science;maths"}, policy=related) == 850


def test_a_related_fit_of_nothing_is_not_eligible():
    nothing = with_policy(related_specialisms={"maths": ["science"]}, specialism_fit={"related": 0})
    assert one_pair({"specialisms": "science"}, policy=nothing) is None
    assert one_pair({"phases": "Nursery"}, policy=with_policy(phase_fit={"related": 0})) is None


# ---- scores --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("related", "milli"), [(0.0625, 62), (0.1875, 188), (0.3125, 312), (0.4375, 438)])
def test_scores_round_half_to_even(related, milli):
    """1000 × related ends in exactly a half, which floating point holds exactly."""
    made = with_policy(
        weights={"specialism": 1, "phase": 0, "distance": 0},
        related_specialisms={"maths": ["science"]},
        specialism_fit={"related": related},
    )
    assert one_pair({"specialisms": "science"}, policy=made) == milli


@pytest.mark.parametrize(
    ("weights", "specialisms", "phases", "km", "milli"),
    [
        ((0.2, 0.4, 1), "science", "Primary", 32, 438),
        ((0.5, 0.4, 0.3), "maths", "Primary", 38, 762),
        ((0.5, 0.4, 0.3), "science", "Nursery", 10, 562),
        ((1, 0.4, 1), "maths", "Nursery", 34, 562),
    ],
)
def test_a_half_is_rounded_as_the_contract_computes_it(weights, specialisms, phases, km, milli):
    """1000 times the sum, then divided: divided first, these would come out on the other side of the half."""
    made = world(
        [school(1), school(2, km)],
        [person("S1", 1, specialisms=specialisms, phases=phases)],
        [need("N1", 2)],
        policy=with_policy(
            weights=dict(zip(("specialism", "phase", "distance"), weights, strict=True)),
            related_specialisms={"maths": ["science"]},
        ),
    )
    assert found(made) == {("N1", "S1"): (milli, km)}
    # The check of a plan computes scores by itself.
    assert made.plan().deployments["score"].tolist() == [f"{milli / 1000:.3f}"]


def test_a_weight_of_nothing_leaves_the_rule_in_force():
    only_place = with_policy(weights={"specialism": 0, "phase": 0, "distance": 2})
    assert one_pair(policy=only_place) == 500
    assert one_pair({"specialisms": "science"}, policy=only_place) is None
