"""What would happen if: every answer against solving by trying everything, and from scratch."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from depth import mostly_long
from worlds import (
    GALLERY,
    WIDE,
    brute_force,
    by_milp,
    decision,
    eligible,
    facts,
    faults_of,
    levels_of,
    need,
    person,
    pins_of,
    random_world,
    said,
    school,
    served,
    solved,
    solved_wide,
    with_policy,
    world,
)

from matching.allocation import allocate, solve
from matching.audit.check import check_plan
from matching.errors import DataError
from matching.pairs.market import open_market
from matching.plan.compare import CHANGE_COLUMNS
from matching.rounds.planning.live_plan import held_market, live_plan
from matching.solve.params import SolveParams, WhatIfParams
from matching.whatif.remedies import CHANGES, Kind
from matching.whatif.repairs import Repairs, repairs
from matching.whatif.rerun import PEOPLE_COLUMNS, rerun_preview
from matching.whatif.resolve import outcome_of, reached_by, solve_again, with_pins
from matching.whatif.why_not import COMPONENT_COLUMNS, why_not

NEAR = [school(1), school(2, 4), school(3, 8)]
LIMITED = (Kind.DAYS, Kind.FEWER_DAYS, Kind.DISTANCE, Kind.POLICY_DISTANCE)


def opened(*tables, **others):
    inputs = world(*tables, **others).inputs()
    market = open_market(inputs)
    return market, allocate(inputs, market=market)


def pinned(made, need_id, supporter_id):
    """The world with one more pin, in the place of whatever was decided about the need or the pair."""
    kept = tuple(row for row in made.decisions if not (row["kind"] == "pin" and row["need_id"] == need_id))
    return replace(made, decisions=(*kept, decision("pin", supporter_id, need_id)))


def some_pairs(one, most):
    may = [pair for pair in eligible(one.made) if one.serving.get(pair[0]) != pair[1]]
    return may[:: max(1, len(may) // most)]


def has_room(made, need_id, supporter_id):
    others = [n for n, s in pins_of(made).items() if s == supporter_id and n != need_id]
    who = made.row("supporters", supporter_id)
    days = sum(float(made.row("needs", n).get("days") or 0) for n in (*others, need_id))
    return len(others) < int(who["max_deployments"] or 1) and days <= float(who["days_available"] or "inf")


def then(answer):
    *counts, score = answer.levels["forced"][:4]
    return [*map(int, counts), round(1000 * (score + sum(answer.levels["forced"][4:])))]


# ---- a named person at a need --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", GALLERY)
def test_the_forced_answer_is_the_best_of_all_with_that_pair(number):
    one = solved(number)
    market = open_market(one.inputs)
    for need_id, supporter_id in some_pairs(one, 5):
        answer = why_not(market, one.plan, need_id, supporter_id)
        if not has_room(one.made, need_id, supporter_id):
            assert not answer.solved
            continue
        assert answer.proved
        assert then(answer) == brute_force(pinned(one.made, need_id, supporter_id))
        if need_id not in pins_of(one.made):
            assert then(answer) <= said(one.plan)
        assert [*answer.levels["now"][:3]] == said(one.plan)[:3]


@pytest.mark.parametrize("number", WIDE)
def test_the_forced_answer_is_the_best_of_all_where_needs_compete(number):
    one = solved_wide(number)
    market = open_market(one.inputs)
    for need_id, supporter_id in some_pairs(one, 6):
        answer = why_not(market, one.plan, need_id, supporter_id)
        if answer.solved and answer.proved:
            assert then(answer) == by_milp(pinned(one.made, need_id, supporter_id))


@pytest.mark.parametrize("first", mostly_long(range(0, 60, 10), every=3))
def test_ties_between_needs_and_people_are_kept_around_the_forced_pair(first):
    for number in range(first, first + 10):
        made = random_world(
            number, n_schools=6, n_supporters=5, n_needs=7, days=number % 2 == 0, pins=number % 3, ties=True
        )
        market = open_market(made.inputs())
        plan = allocate(market.inputs, market=market)
        may = [pair for pair in eligible(made) if served(plan).get(pair[0]) != pair[1] and has_room(made, *pair)]
        for pair in may[:: max(1, len(may) // 3)]:
            answer = why_not(market, plan, *pair)
            assert answer.proved
            assert then(answer) == brute_force(pinned(made, *pair)), (number, pair)


@pytest.mark.parametrize("number", mostly_long(range(0, 40, 4), every=3))
def test_repairs_keep_ties(number):
    made = random_world(number, n_schools=6, n_supporters=5, n_needs=7, days=number % 8 == 0, ties=True)
    market = open_market(made.inputs())
    plan = allocate(market.inputs, market=market)
    for need_id in plan.unmet["need_id"].tolist()[:2]:
        for repair in repairs(market, plan, need_id).found:
            again = allocate(repair.inputs)
            assert need_id in served(again)
            assert said(again) == list(repair.reached)


@pytest.mark.parametrize("number", [*GALLERY][::4])
def test_a_pair_that_rules_bar_is_solved_only_when_asked(number):
    one = solved(number)
    market = open_market(one.inputs)
    barred = [pair for pair, fact in facts(one.made).items() if fact.broken and one.serving.get(pair[0]) != pair[1]]
    for need_id, supporter_id in barred[:: max(1, len(barred) // 6)]:
        answer = why_not(market, one.plan, need_id, supporter_id)
        assert not answer.solved
        assert len(answer.bars) == len(facts(one.made)[need_id, supporter_id].broken)
        forced = why_not(market, one.plan, need_id, supporter_id, force=True)
        assert forced.solved == has_room(one.made, need_id, supporter_id)
        bars = {
            (row["need_id"], row["supporter_id"])
            for row in one.inputs.decisions.to_dict("records")
            if row["kind"] != "pin"
        }
        if forced.solved and (need_id, supporter_id) not in bars:
            assert then(forced) == brute_force(pinned(one.made, need_id, supporter_id))


@pytest.mark.parametrize("number", [*[*GALLERY][::5], *(1000 + n for n in WIDE[:4])])
def test_displaced_are_those_who_differ(number):
    """Changes that are told lead from the plan to an outcome of exactly the levels that are told."""
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    market = open_market(one.inputs)
    for need_id, supporter_id in some_pairs(one, 5):
        answer = why_not(market, one.plan, need_id, supporter_id)
        if not answer.solved:
            continue
        assert tuple(answer.displaced) == CHANGE_COLUMNS
        assert answer.displaced["need_id"].iat[0] == need_id
        assert answer.displaced["supporter_id_after"].iat[0] == supporter_id
        serving = dict(one.serving)
        for row in answer.displaced.to_dict("records"):
            assert serving.get(row["need_id"], "") == row["supporter_id_before"] != row["supporter_id_after"]
            serving[row["need_id"]] = row["supporter_id_after"]
        after = np.full(len(one.inputs.needs), -1)
        for row, one_need in enumerate(one.inputs.needs["need_id"]):
            if serving.get(one_need):
                after[row] = one.inputs.supporters["supporter_id"].tolist().index(serving[one_need])
        assert list(reached_by(market, after)) == then(answer)
        kinds = Counter(answer.displaced["change"])
        difference = sum(answer.levels["difference"][:3])
        assert kinds["gained"] - kinds["lost"] == difference


def test_what_fits_add_is_told_beside_the_person_chosen():
    market, plan = opened(NEAR, [person("S1", 1), person("S2", 3)], [need("N1", 2)])
    answer = why_not(market, plan, "N1", "S2")
    assert tuple(answer.components) == COMPONENT_COLUMNS
    assert answer.components.to_numpy().tolist() == [
        ["specialism", "0.500", "1.000", "0.500", "1.000", "0.500"],
        ["phase", "0.200", "1.000", "0.200", "1.000", "0.200"],
        ["distance", "0.300", "0.900", "0.270", "0.900", "0.270"],
        ["score", "", "", "0.970", "", "0.970"],
    ]
    assert answer.distance_km == 4
    assert answer.sentences == (
        "The plan would be just as good with Person S2 (S2) here: the same number of needs met at each priority, and the "
        "same total score.",
        "No other deployment would change.",
    )


def test_a_chain_is_told_in_order():
    market, plan = opened(
        [school(1), school(2, 4), school(3, 8), school(4, 40)],
        [person("S1", 1), person("S2", 3, specialisms="maths;science")],
        [need("N1", 2), need("N2", 4, focus="science", priority="high")],
    )
    assert served(plan) == {"N1": "S1", "N2": "S2"}
    answer = why_not(market, plan, "N1", "S2")
    assert answer.sentences == (
        "With Person S2 (S2) here the plan would be worse: 1 fewer high need met; total score 0.760 lower.",
        "science at School 4 (N2), high priority, would be left unmet, losing Person S2 (S2).",
    )
    assert answer.displaced["change"].tolist() == ["moved", "lost"]


def test_an_unmet_need_has_nobody_beside():
    market, plan = opened(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3, priority="high")])
    answer = why_not(market, plan, "N1", "S1")
    assert answer.components["chosen_adds"].tolist() == ["", "", "", ""]
    assert answer.sentences[0].startswith(
        "With Person S1 (S1) here the plan would be worse: 1 fewer high need met; 1 more normal need met; "
    )


def test_who_is_there_already_changes_nothing():
    market, plan = opened(NEAR, [person("S1", 1)], [need("N1", 2)])
    answer = why_not(market, plan, "N1", "S1", force=True)
    assert (answer.solved, answer.sentences) == (
        False,
        ("Person S1 (S1) already supports this need in the plan.", "Nothing would change."),
    )


def test_a_pin_that_could_not_stand_is_not_solved():
    market, plan = opened(
        NEAR,
        [person("S1", 1, days_available="3")],
        [need("N1", 2, days="2"), need("N2", 3, days="2")],
        decisions=(decision("pin", "S1", "N1"),),
    )
    answer = why_not(market, plan, "N2", "S1", force=True)
    assert not answer.solved
    assert answer.sentences[1] == "They offer 1 place, and already have 1 pinned or agreed need."


def test_a_pin_takes_a_need_out_of_a_package_that_cannot_be_met():
    together = {"package": "a team"}
    market, plan = opened(
        NEAR, [person("S1", 1)], [need("N1", 2, **together), need("N2", 2, focus="drama", **together)]
    )
    assert served(plan) == {}
    answer = why_not(market, plan, "N1", "S1")
    assert answer.sentences[0] == (
        "With Person S1 (S1) here the plan would be better: 1 more normal need met; total score 0.970 higher."
    )


def test_with_no_time_the_answer_says_so():
    market, plan = opened(
        NEAR,
        [
            person("S1", 1, max_deployments="2", days_available="3"),
            person("S2", 3, max_deployments="2", days_available="4"),
        ],
        [need("N1", 2, days="2"), need("N2", 2, days="2"), need("N3", 2, days="3")],
    )
    answer = why_not(market, plan, "N3", "S2", time_limit_s=0)
    assert answer.proved or "a better one may exist" in answer.sentences[0]


def test_where_the_plan_could_be_better_elsewhere_no_search_is_said_to_have_been_short():
    far = [school(4, 200), school(5, 204)]
    market, plan = opened(
        [*NEAR, *far], [person("S1", 1), person("S2", 3), person("S3", 4)], [need("N1", 2), need("N2", 5)]
    )
    # Somebody has declined N2, and nobody has looked for the best plan from here.
    now = live_plan(market, {"N1": served(plan)["N1"]}, time_limit_s=60)
    assert now.manifest["status"] == "gap"
    answer = why_not(market, now, "N1", "S2" if served(plan)["N1"] == "S1" else "S1")
    assert not answer.proved
    assert answer.sentences[0].endswith("(the other deployments stay as they are, and may not be the best from here).")


@pytest.mark.parametrize(("need_id", "supporter_id"), [("N9", "S1"), ("N1", "S9")])
def test_an_unknown_identifier_is_said(need_id, supporter_id):
    market, plan = opened(NEAR, [person("S1", 1)], [need("N1", 2)])
    with pytest.raises(DataError, match="of this plan"):
        why_not(market, plan, need_id, supporter_id)


@pytest.mark.parametrize("number", mostly_long(range(0, 40, 2), every=4))
@pytest.mark.parametrize("ties", [False, True])
def test_around_a_change_everybody_else_is_held_and_no_rule_is_broken(number, ties, monkeypatch):
    """The way that large parts go, on small ones, and with no time for more."""
    made = random_world(number, n_schools=6, n_supporters=5, n_needs=9, pins=number % 3, ties=ties)
    params = SolveParams(what_if=WhatIfParams(few_pairs=0, needs_around=(2,)))
    market = open_market(made.inputs(), params)
    plan = allocate(market.inputs, market=market)
    may = [pair for pair in eligible(made) if served(plan).get(pair[0]) != pair[1] and has_room(made, *pair)]
    for pair in may[:: max(1, len(may) // 3)]:
        best = brute_force(pinned(made, *pair))
        assert then(why_not(market, plan, *pair)) == best
        with monkeypatch.context() as hurried:
            hurried.setattr("matching.whatif.resolve.solve", only_around)
            answer = why_not(market, plan, *pair)
        serving = dict(served(plan))
        for row in answer.displaced.to_dict("records"):
            serving[row["need_id"]] = row["supporter_id_after"]
        held = {need_id: who for need_id, who in serving.items() if who}
        assert not list(faults_of(pinned(made, *pair), held))
        assert then(answer) == list(levels_of(pinned(made, *pair), held)) <= best
        assert not answer.proved or then(answer) == best
        if answer.needs_proved and not answer.proved:
            higher = float(answer.sentences[0].removesuffix(" higher).").rpartition(" ")[2])
            assert then(answer)[:-1] == best[:-1]
            assert then(answer)[-1] <= best[-1] <= then(answer)[-1] + round(1000 * higher)


def only_around(market, **options):
    """Solve what is held around a change; where everything is free, time is up at once."""
    outcome, solved_ = solve(market, **options)
    if "need_id" in market.inputs.decisions and set(market.inputs.decisions.columns) == {
        "kind",
        "supporter_id",
        "need_id",
    }:
        return outcome, solved_
    nobody = np.where(outcome.origin == "pinned", outcome.supporter_of, -1)
    values = reached_by(market, nobody)
    return replace(outcome, supporter_of=nobody), replace(solved_, supporter_of=nobody, values=values)


def test_a_change_elsewhere_leaves_a_part_as_it_is():
    far = [school(4, 200), school(5, 204)]
    market, plan = opened(
        [*NEAR, *far],
        [person("S1", 1), person("S2", 3), person("S3", 4), person("S4", 4)],
        [need("N1", 2), need("N2", 5)],
    )
    before = outcome_of(market, plan)
    forced = open_market(with_pins(market.inputs, {"N1": "S2"}))
    answer = solve_again(market, before, forced, needs=[0], supporters=[1], time_limit_s=5)
    assert answer.supporter_of.tolist() == [1, before[1]]


# ---- what would meet a need ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [*GALLERY][::2])
def test_every_repair_meets_the_need_from_scratch(number):
    one = solved(number)
    market = open_market(one.inputs)
    for need_id in one.plan.unmet["need_id"].tolist()[:2]:
        for repair in repairs(market, one.plan, need_id).found:
            again = allocate(repair.inputs)
            assert not check_plan(again, repair.inputs)
            assert need_id in served(again)
            assert said(again) == list(repair.reached)
            assert repair.sentence.startswith(repair.steps[0].words)


@pytest.mark.parametrize("number", [*GALLERY][1::3])
def test_no_smaller_number_of_days_or_km_would_do(number):
    one = solved(number)
    market = open_market(one.inputs)
    for need_id in one.plan.unmet["need_id"].tolist()[:2]:
        for repair in repairs(market, one.plan, need_id).found:
            step, *more = repair.steps
            if more or step.kind not in LIMITED or not repair.is_least:
                continue
            for smaller in sizes_below(step):
                inputs = replace(made_smaller(market, step, need_id, smaller), baseline=repair.inputs.baseline)
                assert need_id not in served(allocate(inputs))


def sizes_below(step):
    if step.kind == Kind.FEWER_DAYS:
        return np.arange(0.5, step.size, 0.5).tolist()
    if step.kind == Kind.DAYS:
        return [
            size
            for size in (*(round(share * step.size, 2) for share in (0.25, 0.5, 0.75)), step.size - 0.01)
            if size > 0
        ]
    return [step.size - 1] if step.size > 1 else []


def made_smaller(market, step, need_id, size):
    need = market.inputs.needs["need_id"].tolist().index(need_id)
    supporter = market.inputs.supporters["supporter_id"].tolist().index(step.supporter_id)
    return CHANGES[step.kind](market, market.inputs, need, supporter, size)[1]


def sentences(*tables, **others):
    market, plan = opened(*tables, **others)
    need_id = plan.unmet["need_id"].iat[0]
    return [repair.sentence for repair in repairs(market, plan, need_id).found]


def test_one_more_place():
    assert sentences(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3)]) == [
        "One more place with Person S1 (S1) would meet this need and change nothing else.",
    ]


def test_a_later_start():
    away = {"unavailable": "2026-01-01/2026-01-20"}
    assert sentences(NEAR, [person("S1", 1, **away)], [need("N1", 2, start_by="2026-01-09")]) == [
        "Letting this need start by 21 January 2026 instead of 9 January 2026 would meet this need and change nothing else."
    ]
    assert sentences(NEAR, [person("S1", 1, available_from="2026-02-21")], [need("N1", 2, start_by="2026-01-09")]) == []
    assert (
        sentences(NEAR, [person("S1", 1, available_until="2026-01-08")], [need("N1", 2, start_by="2026-01-09")]) == []
    )


def test_places_beyond_what_pins_have_taken():
    pins = (decision("pin", "S1", "N2"), decision("pin", "S1", "N3", rules_broken="places"))
    assert sentences(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3), need("N3", 3)], decisions=pins) == [
        "2 more places with Person S1 (S1) would meet this need and change nothing else."
    ]


def test_why_not_names_the_day():
    market, plan = opened(NEAR, [person("S1", 1, available_from="2026-01-06"), person("S2", 3)], [need("N1", 2)])
    answer = why_not(market, plan, "N1", "S1")
    assert answer.bars == ("is not available on 5 January 2026 (available from 6 January)",)


def test_a_need_that_is_not_open_is_named():
    market, plan = opened(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3, state="withdrawn")])
    for ask in (lambda: why_not(market, plan, "N2", "S1"), lambda: repairs(market, plan, "N2")):
        with pytest.raises(
            DataError, match=r"N2 is withdrawn, so that no one is assigned to it\. Set its state to open"
        ):
            ask()


def test_a_place_that_another_need_may_take_is_not_enough():
    """N2 and N3 are alike: one more place meets one of them, and nobody can say which."""
    told = sentences(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3), need("N3", 3)])
    assert told == ["2 more places with Person S1 (S1) would meet this need and also meet maths at School 3 (N3)."]


def test_more_days_are_the_least_that_suffice():
    """S1 has 1 of 3 days left; of N1 and N2 (2 days each) one is met."""
    told = sentences(
        NEAR,
        [person("S1", 1, max_deployments="2", days_available="3")],
        [need("N1", 2, days="2"), need("N2", 3, days="2")],
    )
    assert told == [
        "1 more day with Person S1 (S1) would meet this need and change nothing else.",
        "Shortening this need by 1 day (from 2 to 1) would meet this need and change nothing else.",
    ]


def test_the_least_by_which_a_need_has_to_be_shorter():
    """S1 has 1.5 of 4 days left for a need of 4: any of five half days fewer, and no smaller number, is enough."""
    told = sentences(
        NEAR,
        [person("S1", 1, max_deployments="2", days_available="4")],
        [need("N1", 2, days="4"), need("N2", 3, days="2.5", priority="high")],
    )
    assert told == [
        "2.5 more days with Person S1 (S1) would meet this need and change nothing else.",
        "Shortening this need by 2.5 days (from 4 to 1.5) would meet this need and change nothing else.",
    ]


def test_without_time_nothing_is_tried_and_that_is_said():
    market, plan = opened(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3)])
    (unmet,) = plan.unmet["need_id"]
    assert repairs(market, plan, unmet, time_limit_s=0) == Repairs((), 0, 1)
    answer = repairs(market, plan, unmet)
    assert (len(answer.found), answer.n_tried, answer.n_possible) == (1, 1, 1)


def test_two_changes_together_that_there_was_no_time_to_try_are_counted():
    market, plan = opened(
        NEAR, [person("S1", 1, days_available="3")], [need("N1", 2, days="2"), need("N2", 3, days="2")]
    )
    (unmet,) = plan.unmet["need_id"]
    answer = repairs(market, plan, unmet)
    assert len(answer.found[0].steps) == 2
    assert answer.n_tried == answer.n_possible
    assert repairs(market, plan, unmet, time_limit_s=0) == Repairs((), 0, answer.n_possible)


def test_days_and_a_place_together_only_where_neither_alone_suffices():
    told = sentences(
        NEAR,
        [person("S1", 1, days_available="3")],
        [need("N1", 2, days="2"), need("N2", 3, days="2")],
    )
    assert told == [
        "One more place with Person S1 (S1) and 1 more day with Person S1 (S1) would meet this need and change nothing else."
    ]


def test_a_need_that_somebody_could_take_as_things_stand_asks_for_no_change():
    market, _ = opened(NEAR, [person("S1", 1)], [need("N1", 2)])
    (found,) = repairs(market, live_plan(market, {}, by_hand={"N1"}), "N1").found
    assert found.steps == ()
    assert found.sentence == "Placing Person S1 (S1) here would meet this need and change nothing else."


def test_a_change_whose_place_another_need_may_take_is_tried_with_one_more_place():
    """N2 is as urgent as N1 and nearer: whom N1 is allowed goes to N2 while they have one place."""
    needs = [need("N1", 3), need("N2", 2)]
    market, _ = opened(NEAR, [person("S1", 1)], needs, decisions=(decision("forbid", "S1", "N1"),))
    left_open = live_plan(market, {}, by_hand={"N2"})
    told = [one.sentence for one in repairs(market, left_open, "N1").found]
    assert told == [
        "Undoing the decision that Person S1 (S1) is forbidden and one more place with Person S1 (S1) would meet this need "
        "and also meet maths at School 2 (N2)."
    ]


def test_whoever_has_agreed_is_moved_by_no_answer():
    people = [person("S1", 1, specialisms="maths;science"), person("S2", 1)]
    needs = [need("N1", 2, priority="high"), need("N2", 2, focus="science"), need("N3", 3, priority="high")]
    market, plan = opened(NEAR, people, needs)
    (theirs,) = [need_id for need_id, who in served(plan).items() if who == "S1"]
    agreed = held_market(market, served(plan), [theirs])
    one_more = "One more place with Person S1 (S1) would meet this need and change nothing else."
    moving = "One more place with Person S2 (S2) would meet this need and move 1 other deployment."
    assert [one.sentence for one in repairs(market, plan, "N2").found] == [one_more, moving]
    assert [one.sentence for one in repairs(agreed, plan, "N2").found] == [one_more]
    assert why_not(market, plan, "N2", "S1").solved
    assert why_not(agreed, plan, "N2", "S1").sentences[1] == (
        "They offer 1 place, and already have 1 pinned or agreed need."
    )


def test_nobody_moves_for_less_than_a_rerun_would_move_them_for():
    """S1 is nearer to N1 than S2, and what that gains is less than a change costs."""
    schools = [school(1), school(2, 4), school(3, 10), school(4, 16), school(5, 20)]
    needs = [need("N1", 2), need("N2", 3, priority="high"), need("N3", 4, priority="high")]
    assert sentences(schools, [person("S1", 1), person("S2", 5)], needs) == [
        "One more place with Person S1 (S1) would meet this need and change nothing else.",
        "One more place with Person S2 (S2) would meet this need and change nothing else.",
    ]


def test_the_next_whole_km():
    told = sentences([school(1), school(2, 21.3)], [person("S1", 1, max_distance_km="20")], [need("N1", 2)])
    assert told == ["Letting Person S1 (S1) travel 2 km further would meet this need and change nothing else."]


def test_km_beyond_the_limit_of_the_policy_are_for_everybody():
    told = sentences([school(1), school(2, 41.3)], [person("S1", 1)], [need("N1", 2)])
    assert told == [
        "Letting Person S1 (S1) travel 2 km further, with a policy limit of 42 km for every SLE, would meet this need and change nothing else."
    ]


def test_rules_that_may_be_relaxed():
    trust = {"trust": "Trust A"}
    assert sentences([school(1, **trust), school(2, 4, **trust)], [person("S1", 1)], [need("N1", 2)]) == [
        "Allowing supporters from the same trust would meet this need and change nothing else."
    ]
    assert sentences(NEAR, [person("S1", 1, designation="LLE")], [need("N1", 2)]) == [
        "Accepting an LLE as well, Person S1 (S1), would meet this need and change nothing else."
    ]
    assert sentences(NEAR, [person("S1", 1, specialisms="science")], [need("N1", 2)]) == [
        "Counting science as related to maths in the policy would meet this need and change nothing else."
    ]
    assert sentences(NEAR, [person("S1", 1)], [need("N1", 2)], decisions=(decision("declined", "S1", "N1"),)) == [
        "Undoing the decision that Person S1 (S1) has declined would meet this need and change nothing else."
    ]


def test_fewer_days_are_asked_where_that_would_do():
    told = sentences(
        NEAR,
        [person("S1", 1, max_deployments="2", days_available="3.2")],
        [need("N1", 2, days="2"), need("N2", 3, days="2")],
    )
    assert told == [
        "0.8 more days with Person S1 (S1) would meet this need and change nothing else.",
        "Shortening this need by 1 day (from 2 to 1) would meet this need and change nothing else.",
    ]


def test_fewer_days_are_whole_halves_and_never_none_at_all():
    one = person("S1", 1, max_deployments="2", days_available="2.8")
    told = sentences(NEAR, [one], [need("N1", 2, days="2"), need("N2", 3, days="1.5")])
    assert told[1:] == ["Shortening this need by 1 day (from 1.5 to 0.5) would meet this need and change nothing else."]
    told = sentences(NEAR, [one | {"days_available": "2"}], [need("N1", 2, days="2"), need("N2", 3, days="2")])
    assert told == ["2 more days with Person S1 (S1) would meet this need and change nothing else."]


def test_a_need_may_leave_its_package():
    told = sentences(NEAR, [person("S1", 1)], [need("N1", 2, package="P"), need("N2", 2, focus="science", package="P")])
    assert told == ["Taking N1 out of package P would meet this need and change nothing else."]


def test_a_limit_on_a_school_or_a_home_school_may_be_one_more():
    for rule, words in (
        ("max_supporters_per_school", "Allowing 2 people at each school instead of 1"),
        ("max_per_home_school", "Allowing 2 deployments from each home school instead of 1"),
    ):
        people = [person("S1", 1), person("S2", 1, specialisms="science")]
        needs = [need("N1", 2), need("N2", 2, focus="science")]
        told = sentences(NEAR, people, needs, policy=with_policy(rules={"same_trust": "forbid", rule: 1}))
        assert told[-1] == f"{words} would meet this need and change nothing else."


def test_a_need_that_another_loses_is_said():
    told = sentences(
        [school(1), school(2, 4), school(3, 21.5)],
        [person("S1", 1, days_available="4", max_deployments="2")],
        [need("N1", 2, days="3"), need("N2", 2, days="5", priority="high")],
    )
    assert told == [
        "1 more day with Person S1 (S1) would meet this need, but would leave maths at School 2 (N1) "
        "unmet, which has a different priority.",
        "Shortening this need by 1 day (from 5 to 4) would meet this need, but would leave maths at School 2 (N1) "
        "unmet, which has a different priority.",
    ]


def test_nothing_is_to_be_repaired_of_a_met_need():
    market, plan = opened(NEAR, [person("S1", 1)], [need("N1", 2)])
    assert repairs(market, plan, "N1") == Repairs()


# ---- a rerun before it is kept -------------------------------------------------------------------------------------


def test_a_rerun_tells_whom_it_disturbs():
    people = [person("S1", 1), person("S2", 3)]
    needs = [need("N1", 2)]
    before = world(NEAR, people[:1], needs)
    rerun = world(NEAR, people, needs, decisions=(decision("declined", "S1", "N1"),))
    preview = rerun_preview(before.plan(), rerun.plan(), before.inputs(), rerun.inputs())
    assert tuple(preview.people) == PEOPLE_COLUMNS
    assert preview.people.to_numpy().tolist() == [
        ["S1", "Person S1", "N1", "", "declined N1"],
        ["S2", "Person S2", "", "N1", ""],
    ]
    assert (preview.gained, preview.lost) == ((), ())
    assert preview.sentences == (
        "1 need met by a different supporter.",
        "2 people are affected; 1 of them loses a deployment or has it changed.",
    )


def test_a_rerun_that_only_adds_disturbs_nobody():
    before = world(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3)])
    rerun = world(NEAR, [person("S1", 1, max_deployments="2")], [need("N1", 2), need("N2", 3)])
    preview = rerun_preview(before.plan(), rerun.plan(), before.inputs(), rerun.inputs())
    assert len(preview.gained) == 1
    (person_of_both,) = preview.people["supporter_id"]
    assert person_of_both == "S1"
    assert "1 person is affected, and no one loses a deployment." in preview.sentences
    assert "1 more normal need met." in preview.sentences


def test_a_rerun_that_brings_in_somebody_new_takes_nothing_from_anybody():
    needs, pins = [need("N1", 2), need("N2", 3)], (decision("pin", "S1", "N2"),)
    before = world(NEAR, [person("S1", 1)], needs, decisions=pins)
    rerun = world(NEAR, [person("S1", 1), person("S2", 3)], needs, decisions=pins)
    preview = rerun_preview(before.plan(), rerun.plan(), before.inputs(), rerun.inputs())
    assert "1 person is affected, and no one loses a deployment." in preview.sentences


@pytest.mark.parametrize("number", [*GALLERY][::6])
def test_a_rerun_tells_everybody_who_changes(number):
    one, other = solved(number), solved((number + 1) % len(GALLERY))
    preview = rerun_preview(one.plan, other.plan, one.inputs, other.inputs)
    was, now = one.serving, other.serving
    held = {
        s: ({n for n in was if was[n] == s}, {n for n in now if now[n] == s}) for s in {*was.values(), *now.values()}
    }
    assert set(preview.people["supporter_id"]) == {s for s, (a, b) in held.items() if a != b}
