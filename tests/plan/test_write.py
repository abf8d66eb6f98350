"""Plans as they leave: the same bytes from any order of rows, pins and earlier plans kept, every cell as promised."""

from dataclasses import replace

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from worlds import (
    AS_AT,
    GALLERY,
    WIDE,
    World,
    counting,
    days_of,
    decision,
    earlier_of,
    facts,
    faults_of,
    level_of,
    need,
    person,
    pins_of,
    said,
    school,
    served,
    solved,
    solved_wide,
    values_of,
    with_policy,
    world,
    worlds,
)

from matching.allocation import allocate
from matching.errors import DataError
from matching.inputs.read import read_inputs
from matching.plan.as_bytes import plan_files
from matching.tables.csv_out import csv_bytes, spreadsheet_safe
from matching.tables.files import Source

NEAR = [school(1), school(2, 4), school(3, 8)]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def bytes_of(plan) -> dict[str, bytes]:
    return {name: csv_bytes(frame) for name, frame in {**plan.tables(), "surplus.csv": plan.surplus}.items()}


def without(made: World, supporter_id: str) -> World:
    """The world without one supporter, and without what is said of them."""

    def others(rows):
        return rows if rows is None else tuple(row for row in rows if row["supporter_id"] != supporter_id)

    return replace(
        made,
        supporters=others(made.supporters),
        decisions=others(made.decisions),
        accreditation=others(made.accreditation),
        baseline=others(made.baseline),
    )


# ---- the order of rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [*GALLERY][::3])
def test_any_order_of_rows_gives_the_same_bytes(number):
    one = solved(number)
    assert bytes_of(allocate(one.made.inputs(shuffled=number))) == bytes_of(one.plan)


@pytest.mark.parametrize("number", WIDE)
def test_any_order_of_rows_of_larger_tables_gives_the_same_bytes(number):
    one = solved_wide(number)
    plan = allocate(one.made.inputs(shuffled=number))
    assert bytes_of(plan) == bytes_of(one.plan)
    assert plan.manifest["objective"] == one.plan.manifest["objective"]


def test_equal_scores_do_not_depend_on_the_order_either():
    """Four alike people and four alike needs: every choice is as good as any other."""
    made = world(NEAR, [person(f"S{k}", 1) for k in range(4)], [need(f"N{k}", 2) for k in range(5)])
    first = bytes_of(made.plan())
    assert all(bytes_of(allocate(made.inputs(shuffled=k))) == first for k in range(4))


def test_the_same_input_gives_the_same_manifest_apart_from_times():
    made = solved_wide(1).made
    first, second = solved_wide(1).plan.manifest, made.plan().manifest
    assert {**first, "timings": 0} == {**second, "timings": 0}


# ---- one more supporter --------------------------------------------------------------------------------------------


@given(worlds((8, 6, 7), n_supporters=st.integers(2, 6), baseline=st.booleans(), pins=st.just(0)))
@cases(20)
def test_one_more_supporter_never_makes_the_objective_worse(made):
    fewer = without(made, made.supporters[-1]["supporter_id"])
    assert said(made.plan()) >= said(fewer.plan())


# ---- pins ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [*GALLERY, *(1000 + n for n in WIDE)])
def test_pins_are_kept_and_a_notice_names_those_that_break_a_rule(number):
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    pins, fact = pins_of(one.made), facts(one.made)
    origin = dict(zip(one.plan.deployments["need_id"], one.plan.deployments["origin"], strict=True))
    assert pins.items() <= one.serving.items()
    assert {n for n, what in origin.items() if what == "pinned"} == set(pins)
    notices = [n for n in one.plan.manifest["notices"] if n.startswith("The pin of ")]
    breaking = sorted(n for n, who in pins.items() if fact[n, who].broken)
    assert len(notices) == len(breaking)
    for notice, one_need in zip(notices, breaking, strict=True):
        assert f"({pins[one_need]}) to need {one_need} is kept, although the supporter " in notice


@pytest.mark.parametrize(
    ("who", "asked", "others", "words"),
    [
        ({"designation": "LLE"}, {}, {}, "is an LLE, but the need is for an SLE"),
        ({"specialisms": "science"}, {}, {}, "does not have maths as a specialism"),
        ({"phases": "Secondary;16 plus"}, {}, {}, "supports 16 plus and Secondary, not Primary"),
        ({"max_distance_km": "3.5"}, {}, {}, "is 4.00 km away and travels at most 3.5 km"),
        ({}, {"school_urn": "100001"}, {}, "works at this school"),
        ({"conflicts": "100002"}, {}, {}, "has declared a conflict with this school"),
    ],
)
def test_the_notice_of_a_pin_names_the_rule_it_breaks(who, asked, others, words):
    made = world(
        NEAR, [person("S1", 1, **who)], [need("N1", 2, **asked)], decisions=(decision("pin", "S1", "N1"),), **others
    )
    plan = made.plan()
    assert served(plan) == {"N1": "S1"}
    notice = f"The pin of Person S1 (S1) to need N1 is kept, although the supporter {words}."
    assert notice in plan.manifest["notices"]


def test_a_pin_of_the_same_trust_and_of_somebody_who_is_not_accredited():
    trusts = [school(1, trust="T"), school(2, 4, trust="T")]
    evidence = tuple(
        {"supporter_id": "S1", "criterion": f"SLE-{k}", "met": "no" if k == 3 else "yes"} for k in range(1, 9)
    )
    made = world(
        trusts, [person("S1", 1)], [need("N1", 2)], decisions=(decision("pin", "S1", "N1"),), accreditation=evidence
    )
    plan = made.plan()
    assert served(plan) == {"N1": "S1"}
    words = "is not accredited (SLE-3 not met) and works in the same trust (T)"
    assert f"The pin of Person S1 (S1) to need N1 is kept, although the supporter {words}." in plan.manifest["notices"]
    assert plan.workload["supporter_id"].tolist() == plan.excluded["supporter_id"].tolist() == ["S1"]


def test_a_pin_takes_a_place_from_a_better_use_and_a_fit_below_nothing_counts_nothing():
    made = world(
        [school(1), school(2, 4), school(3, 0, 350)],
        [person("S1", 1)],
        [need("N1", 2, priority="critical"), need("N2", 3)],
        decisions=(decision("pin", "S1", "N2", reason="agreed with the trust", by="Director"),),
    )
    plan = made.plan()
    row = plan.deployments.iloc[0]
    assert served(plan) == {"N2": "S1"}
    assert (row["score"], row["distance_fit"]) == ("0.700", "0.000")
    assert row["reason"] == "Pinned by Director (agreed with the trust): 350.00 km away, same phase."


@pytest.mark.parametrize("days", ["2.3", "4.35", "0.29", "7"])
def test_a_pin_of_exactly_the_days_available_stands(days):
    made = world(
        NEAR,
        [person("S1", 1, days_available=days)],
        [need("N1", 2, days=days)],
        decisions=(decision("pin", "S1", "N1"),),
    )
    plan = made.plan()
    assert served(plan) == {"N1": "S1"}
    assert plan.workload.iloc[0][["days_used", "days_available"]].tolist() == [days, days]


def test_pins_by_school_pin_every_need_of_it():
    made = world(
        NEAR,
        [person("S1", 1, max_deployments="2"), person("S2", 3)],
        [need("N1", 2), need("N2", 2), need("N3", 3)],
        decisions=({"kind": "pin", "supporter_id": "S1", "school_urn": "100002"},),
    )
    assert {n: s for n, s in served(made.plan()).items() if s == "S1"} == {"N1": "S1", "N2": "S1"}


@pytest.mark.parametrize(
    ("decisions", "words"),
    [
        ((decision("pin", "S1", "N1"), decision("pin", "S2", "N1")), "Need N1 is pinned to S1 and S2"),
        ((decision("pin", "S1", "N1"), decision("pin", "S1", "N2")), "pinned to 2 needs and offers 1 place"),
        ((decision("pin", "S1", "N1"), decision("declined", "S1", "N1")), "also declined for it in row 3"),
        ((decision("pin", "S3", "N1"),), "pinned to needs of 3 days together and offers 2.99 days"),
    ],
)
def test_pins_that_cannot_stand_together_are_problems(decisions, words):
    people = [person("S1", 1), person("S2", 1), person("S3", 1, days_available="2.99")]
    with pytest.raises(DataError, match=words):
        world(NEAR, people, [need("N1", 2, days="3"), need("N2", 3)], decisions=decisions).inputs()


# ---- reruns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [*GALLERY][::4])
def test_a_rerun_with_its_own_plan_keeps_all_of_it(number):
    one = solved(number)
    rows = tuple({"need_id": n, "supporter_id": s} for n, s in one.serving.items())
    # The plan of the gallery may itself be a rerun; what matters is that this one is.
    first = replace(one.made, baseline=None).plan()
    again = replace(
        one.made, baseline=tuple({"need_id": n, "supporter_id": s} for n, s in served(first).items())
    ).plan()
    assert served(again) == served(first)
    assert set(again.deployments["origin"]) <= {"kept", "pinned"}
    assert rows is not None


@pytest.mark.parametrize("number", [*GALLERY][::4])
def test_keeping_costs_nothing_to_the_first_three_levels(number):
    one = solved(number)
    assert said(replace(one.made, baseline=None).plan())[:3] == said(one.plan)[:3]


@pytest.mark.parametrize("number", [*GALLERY, *(1000 + n for n in WIDE)])
def test_origin_says_where_each_deployment_is_from(number):
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    pins, earlier = pins_of(one.made), earlier_of(one.made)
    for n, s, origin in one.plan.deployments[["need_id", "supporter_id", "origin"]].itertuples(index=False):
        expected = "pinned" if pins.get(n) == s else "kept" if (n, s) in earlier else "optimised"
        assert origin == expected


@pytest.mark.parametrize(("cost", "expected"), [(0.02, "S2"), (0.04, "S1")])
def test_a_change_is_made_where_it_gains_more_than_it_costs(cost, expected):
    """S2 is 0.030 better than S1, who has it."""
    made = world(
        NEAR,
        [person("S1", 1), person("S2", 2)],
        [need("N1", 3)],
        baseline=({"need_id": "N1", "supporter_id": "S1"},),
        policy=with_policy(rerun={"change_cost": cost}),
    )
    plan = made.plan()
    assert served(plan) == {"N1": expected}
    assert said(plan) == [0, 0, 1, 940 + 40 if expected == "S1" else 970]


def test_an_earlier_deployment_that_would_break_a_rule_is_not_kept_and_told():
    made = world(
        NEAR,
        [person("S1", 1), person("S2", 2)],
        [need("N1", 3)],
        baseline=({"need_id": "N1", "supporter_id": "S1"}, {"need_id": "N9", "supporter_id": "S1"}),
        decisions=(decision("declined", "S1", "N1"),),
    )
    plan = made.plan()
    assert served(plan) == {"N1": "S2"}
    assert "1 deployment of the earlier plan would now break a rule." in plan.manifest["notices"]
    assert "The earlier plan has 1 deployment whose need or supporter is not in the tables." in plan.manifest["notices"]


def test_the_baseline_may_be_a_plan_as_it_was_written():
    first = world(NEAR, [person("S1", 1), person("S2", 2)], [need("N1", 3), need("N2", 3)])
    plan = first.plan()
    sources = {**first.sources(), "baseline": Source("plan.csv", csv_bytes(plan.deployments))}
    again = allocate(read_inputs(sources, as_at=AS_AT))
    assert served(again) == served(plan)
    assert again.manifest["counts"]["kept"] == 2
    assert again.manifest["notices"] == plan.manifest["notices"]


# ---- cells ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [*GALLERY, *(1000 + n for n in WIDE)])
def test_no_cell_would_run_as_a_formula_and_every_cell_is_text(number):
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    for frame in one.plan.tables().values():
        for cell in frame.to_numpy().ravel():
            assert isinstance(cell, str)
            assert not cell.startswith(FORMULA)


@pytest.mark.parametrize("start", FORMULA)
def test_text_that_a_spreadsheet_would_run_is_defused(start):
    assert spreadsheet_safe(f"{start}1+1") == f"'{start}1+1"
    assert spreadsheet_safe(f"1{start}1") == f"1{start}1"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_an_identifier_that_a_spreadsheet_would_run_is_a_problem_of_the_input(start):
    """It could not leave as it came, and a plan could not be told from its own needs."""
    with pytest.raises(DataError, match="cannot be used as an identifier"):
        world(NEAR, [person("S1", 1)], [need(f"{start}N1", 2)]).inputs()


@pytest.mark.parametrize("number", [*GALLERY, *(1000 + n for n in WIDE)])
def test_tables_hold_everything_once_in_order(number):
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    plan, made, fact = one.plan, one.made, facts(one.made)
    met, unmet = plan.deployments["need_id"].tolist(), plan.unmet["need_id"].tolist()
    assert (met, unmet) == (sorted(met), sorted(unmet))
    assert sorted(met + unmet) == sorted(row["need_id"] for row in counting(made))
    for row in plan.deployments.to_dict("records"):
        one_fact = fact[row["need_id"], row["supporter_id"]]
        assert row["distance_km"] == f"{one_fact.km:.2f}"
        assert row["score"] == f"{one_fact.milli / 1000:.3f}"
        assert row["specialism_fit"] == f"{one_fact.specialism:.3f}"
        assert row["phase_fit"] == f"{one_fact.phase:.3f}"
        assert row["distance_fit"] == f"{one_fact.distance:.3f}"
        asked = made.row("needs", row["need_id"])
        at = made.row("schools", asked["school_urn"])
        who = made.row("supporters", row["supporter_id"])
        assert (row["school_urn"], row["school_name"], row["phase"]) == (at["urn"], at["name"], at["phase"])
        assert (row["focus"], row["priority"]) == (asked["focus"], asked["priority"] or "normal")
        assert (row["days"] or "0") == f"{float(asked['days'] or 0):g}"
        assert (row["supporter_name"], row["home_school_urn"]) == (spreadsheet_safe(who["name"]), who["school_urn"])
    excluded = plan.excluded["supporter_id"].tolist()
    assert excluded == sorted({s for (_, s), one_fact in fact.items() if one_fact.broken & {"accreditation", "places"}})
    shown = plan.workload["supporter_id"].tolist()
    everyone = {row["supporter_id"] for row in made.supporters}
    assert shown == sorted((everyone - set(excluded)) | set(plan.deployments["supporter_id"]))
    for row in plan.workload.to_dict("records"):
        theirs = [n for n, s in one.serving.items() if s == row["supporter_id"]]
        who = made.row("supporters", row["supporter_id"])
        assert row["deployments"] == str(len(theirs))
        assert row["max_deployments"] == (who["max_deployments"] or "1")
        assert row["days_used"] == f"{float(sum(days_of(made.row('needs', n)) for n in theirs)):g}"
        assert row["days_available"] == who["days_available"]
    counts = plan.manifest["counts"]
    assert counts["deployments"] == len(met)
    assert counts["unmet"] == len(unmet)
    assert counts["supporters_excluded"] == len(excluded)
    assert counts["eligible_pairs"] == sum(not one_fact.broken for one_fact in fact.values())
    assert not list(faults_of(made, one.serving))


def test_who_is_excluded_and_why():
    evidence = tuple(
        {"supporter_id": s, "criterion": f"SLE-{k}", "met": {("S1", 2): "no", ("S1", 5): ""}.get((s, k), "yes")}
        for s in ("S1", "S2", "S3")
        for k in range(1, 9)
    )
    made = world(
        NEAR,
        [person("S1", 1), person("S2", 1, max_deployments="0"), person("S3", 1)],
        [need("N1", 2)],
        accreditation=evidence,
    )
    assert made.plan().excluded.to_dict("records") == [
        {
            "supporter_id": "S1",
            "supporter_name": "Person S1",
            "designation": "SLE",
            "reason_code": "not_accredited",
            "reason": "Not accredited: SLE-2 not met, SLE-5 not evidenced.",
        },
        {
            "supporter_id": "S2",
            "supporter_name": "Person S2",
            "designation": "SLE",
            "reason_code": "no_places",
            "reason": "Offers no places: max_deployments is 0.",
        },
    ]


def test_a_price_is_what_one_more_place_is_worth_in_score_points():
    """Two normal needs want one place: one more meets the other, at a bonus and its score."""
    made = world(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3)])
    plan = made.plan()
    bonus = plan.manifest["proof"]["bonus"]
    assert plan.workload["price"].tolist() == [f"{bonus + 0.940:.3f}"]
    assert made.changed("supporters", "S1", max_deployments="2").plan().workload["price"].tolist() == ["0.000"]


@pytest.mark.parametrize("number", [*GALLERY, *(1000 + n for n in WIDE)])
def test_prices_and_surpluses_prove_the_plan_by_themselves(number):
    """No pair is worth more than its price and surplus, and together they are worth what the plan is."""
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    price = {row["supporter_id"]: row["price"] for row in one.plan.workload.to_dict("records")}
    surplus = dict(one.plan.surplus.itertuples(index=False))
    needs = {row["need_id"]: row for row in counting(one.made)}
    pins, values = pins_of(one.made), values_of(one.made)
    assert list(surplus) == sorted(needs)
    assert all(surplus[n] == "" for n in pins)
    bonus = round(1000 * one.plan.manifest["proof"]["bonus"])
    worth = {(n, s): (3 - level_of(needs[n])) * bonus + value for (n, s), value in values.items() if n not in pins}
    for (n, s), most in worth.items():
        if price[s] == "":
            assert surplus[n] == ""
        elif surplus[n] != "":
            assert most <= round(1000 * float(surplus[n])) + round(1000 * float(price[s])), (n, s)
    if "" not in price.values():
        free = {
            who: int(row["max_deployments"] or 1)
            for row in one.made.supporters
            if (who := row["supporter_id"]) in price
        }
        for who in pins.values():
            free[who] = max(free[who] - 1, 0)
        allowed = sum(round(1000 * float(text)) for n, text in surplus.items() if n not in pins)
        allowed += sum(places * round(1000 * float(price[who])) for who, places in free.items())
        assert allowed == sum(worth[n, s] for n, s in one.serving.items() if n not in pins)


def test_files_of_a_plan_hold_its_digests():
    one = solved(1)
    files = plan_files(one.plan, one.inputs)
    assert [*files] == [
        "plan.csv",
        "unmet.csv",
        "workload.csv",
        "excluded.csv",
        "equity.csv",
        "surplus.csv",
        "manifest.json",
        *(
            f"inputs/{name}"
            for name in sorted(["decisions.csv", "needs.csv", "policy.toml", "schools.csv", "supporters.csv"])
        ),
    ]
