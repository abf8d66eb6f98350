"""Reasons: the exact sentence for each code from a tiny instance, and every claim true on random worlds."""

import re

import pytest
from worlds import (
    GALLERY,
    WIDE,
    Solved,
    cell_km,
    days_of,
    decision,
    eligible,
    facts,
    level_of,
    need,
    person,
    pins_of,
    said,
    school,
    served,
    solved,
    solved_wide,
    spare,
    with_policy,
    world,
)

from matching.pairs.market import open_market
from matching.rounds.planning.live_plan import live_plan

NEAR = [school(1), school(2, 4), school(3, 8)]
ALL = [*GALLERY, *(1000 + n for n in WIDE)]


def gallery(number: int) -> Solved:
    return solved_wide(number - 1000) if number >= 1000 else solved(number)


def unmet_of(
    people: list, needs: list, schools: list | None = None, need_id: str = "N1", **others
) -> tuple[str, str, str]:
    plan = world(schools or NEAR, people, needs, **others).plan()
    row = plan.unmet[plan.unmet["need_id"] == need_id].iloc[0]
    return row["reason_code"], row["reason"], row["nearest_option"]


def reason_of(people: list, needs: list, schools: list | None = None, need_id: str = "N1", **others) -> str:
    plan = world(schools or NEAR, people, needs, **others).plan()
    return plan.deployments.set_index("need_id")["reason"][need_id]


# ---- each code, exactly --------------------------------------------------------------------------------------------


def test_nobody_of_the_designation():
    assert unmet_of([person("S1", 1)], [need("N1", 2, focus="headship")]) == (
        "none_in_reach",
        "There is no accredited LLE or NLE who offers a place.",
        "No one in the supporters table holds a designation that this need accepts.",
    )


def test_nobody_who_offers_a_place():
    assert unmet_of([person("S1", 1, max_deployments="0")], [need("N1", 2)]) == (
        "none_in_reach",
        "There is no accredited SLE who offers a place.",
        "Person S1 (S1), 4.00 km away, offers no places.",
    )


def test_everybody_of_the_designation_beyond_their_limit():
    far = [school(1), school(2, 50), school(3, 60)]
    assert unmet_of([person("S1", 1), person("S2", 3, max_distance_km="5")], [need("N1", 2)], far) == (
        "none_in_reach",
        "No SLE is near enough: 2 people can be deployed, and the school is beyond the distance limit of each.",
        "Person S2 (S2) is 10.00 km away and travels at most 5 km.",
    )


def test_a_distance_just_beyond_the_limit_is_not_told_as_the_limit():
    """40.04 km and a limit of 40 km must not read as '40.0 km away and travels at most 40 km'."""
    code, _, nearest = unmet_of([person("S1", 1)], [need("N1", 2)], [school(1), school(2, 40.04)])
    assert code == "none_in_reach"
    away, limit = re.fullmatch(
        r"Person S1 \(S1\) is ([\d.]+) km away and travels at most ([\d.]+) km\.", nearest
    ).groups()
    assert float(away) > float(limit)


def test_nobody_with_the_specialism():
    assert unmet_of([person("S1", 1, specialisms="science"), person("S2", 3, specialisms="ICT")], [need("N1", 2)]) == (
        "no_specialism",
        "None of the 2 SLEs who can be deployed has maths as a specialism.",
        "Person S1 (S1), 4.00 km away, does not have maths as a specialism.",
    )


def test_nobody_of_the_phase():
    assert unmet_of([person("S1", 1, phases="Secondary"), person("S2", 3, phases="Special")], [need("N1", 2)]) == (
        "no_phase",
        "None of the 2 maths specialists who can be deployed supports the Primary phase.",
        "Person S1 (S1), 4.00 km away, supports Secondary, not Primary.",
    )


def test_people_with_a_related_specialism_are_not_said_to_have_it():
    code, reason, _ = unmet_of(
        [person("S1", 1, phases="Secondary", specialisms="science")],
        [need("N1", 2)],
        policy=with_policy(related_specialisms={"maths": ["science"]}),
    )
    assert code == "no_phase"
    assert reason == "The only maths (or related) specialist who can be deployed does not support the Primary phase."


def test_too_far_for_those_who_have_it():
    places = [school(1), school(2, 50), school(3, 52)]
    people = [person("S1", 1), person("S2", 3, specialisms="science")]
    assert unmet_of(people, [need("N1", 2)], places) == (
        "too_far",
        "The only maths specialist for the Primary phase is more than 40 km from the school.",
        "Person S1 (S1) is 50.00 km away and travels at most 40 km.",
    )
    assert unmet_of([*people, person("S3", 1, max_distance_km="30")], [need("N1", 2)], places)[:2] == (
        "too_far",
        "The school is beyond the distance limit of each of the 2 maths specialists for the Primary phase.",
    )


def test_of_the_school_its_trust_or_in_conflict():
    trusts = [school(1, trust="T"), school(2, 4, trust="T"), school(3, 8)]
    people = [person("S1", 1), person("S2", 2), person("S3", 3, conflicts="100002")]
    code, reason, nearest = unmet_of(people, [need("N1", 2)], trusts)
    assert code == "not_independent"
    assert reason == (
        "Each of the 3 maths specialists near enough works at this school or in its trust or federation, or "
        "has declared a conflict with it."
    )
    assert nearest == "Person S2 (S2), 0.00 km away, works at this school."


@pytest.mark.parametrize(
    ("who", "when"),
    [
        ({"unavailable": "2026-09-01/2026-09-28"}, "unavailable until 28 September"),
        ({"unavailable": "2026-09-14/2026-09-14;2026-09-15/2027-01-05"}, "unavailable until 5 January 2027"),
        ({"available_from": "2026-09-15"}, "available from 15 September"),
        ({"available_from": "2026-09-10", "unavailable": "2026-09-10/2026-09-20"}, "available from 21 September"),
        ({"available_until": "2026-09-13"}, "available until 13 September"),
        ({"available_until": "2026-09-20", "unavailable": "2026-09-14/2026-09-20"}, "available until 13 September"),
        (
            {
                "available_from": "2026-09-10",
                "available_until": "2026-09-20",
                "unavailable": "2026-09-10/2026-09-20",
            },
            "or on any other day",
        ),
    ],
)
def test_not_available_on_the_day(who, when):
    asked = need("N1", 2, start_by="2026-09-14")
    assert unmet_of([person("S1", 1, **who)], [asked]) == (
        "not_available",
        "The only maths specialist near enough and independent of the school is not available on 14 September 2026.",
        f"Person S1 (S1), 4.00 km away, is not available on 14 September 2026 ({when}).",
    )
    reason = unmet_of([person("S1", 1, **who), person("S2", 3, **who)], [asked])[1]
    assert reason == (
        "None of the 2 maths specialists near enough and independent of the school is available on 14 September 2026."
    )


def test_a_need_without_a_day_begins_on_the_day_of_the_run():
    people = [person("S1", 1, unavailable="2026-01-05/2026-01-05")]
    assert unmet_of(people, [need("N1", 2)])[0] == "not_available"
    assert world(NEAR, people, [need("N1", 2, start_by="2026-01-06")]).plan().deployments["supporter_id"].tolist() == [
        "S1"
    ]


def test_pins_beyond_places_and_days_are_kept_and_named():
    who = {"max_deployments": "1", "days_available": "3"}
    made = world(
        NEAR,
        [person("S1", 1, **who)],
        [need("N1", 2, days="2"), need("N2", 3, days="2"), need("N3", 2)],
        decisions=(
            decision("pin", "S1", "N1"),
            decision("pin", "S1", "N2", rules_broken="places;days;declined"),
            decision("declined", "S1", "N2"),
        ),
    )
    plan = made.plan()
    assert plan.deployments["rules_broken"].tolist() == ["places;days", "declined;places;days"]
    assert plan.workload[["deployments", "max_deployments", "days_used", "days_available"]].to_numpy().tolist() == [
        ["2", "1", "4", "3"]
    ]
    assert (
        "By pins Person S1 (S1) has 2 needs and needs of 4 days in all, and offers 1 place and 3 days."
        in (plan.manifest["notices"])
    )
    (unmet,) = plan.unmet.to_dict("records")
    assert unmet["reason_code"] == "all_full"
    assert unmet["nearest_option"].startswith("2 more places with Person S1 (S1) would meet this need")


def test_forbidden_or_declined():
    barred = (decision("forbid", "S1", "N1", reason="complaint"), decision("declined", "S2", school_urn="100002"))
    assert unmet_of([person("S1", 1), person("S2", 3)], [need("N1", 2)], decisions=barred) == (
        "decided_against",
        "Each of the 2 people otherwise eligible has declined or been forbidden.",
        "Person S1 (S1), 4.00 km away, is forbidden here (complaint).",
    )


def test_people_who_lack_the_days_as_well_are_not_said_to_be_otherwise_eligible():
    """S1 was forbidden and offers too few days: without the decision they would still not be eligible."""
    code, reason, _ = unmet_of(
        [person("S1", 1, days_available="1")], [need("N1", 2, days="3")], decisions=(decision("forbid", "S1", "N1"),)
    )
    assert code != "decided_against" or "otherwise eligible" not in reason


def test_more_days_than_anybody_offers():
    people = [person("S1", 1, days_available="2.5"), person("S2", 3, days_available="4")]
    assert unmet_of(people, [need("N1", 2, days="4.5")]) == (
        "too_many_days",
        "The need is for 4.5 days, and none of the 2 people otherwise eligible offers more than 4.",
        "Person S1 (S1), 4.00 km away, offers 2.5 days, but the need is for 4.5.",
    )


def test_everybody_full():
    assert unmet_of([person("S1", 1)], [need("N1", 3), need("N2", 2)]) == (
        "all_full",
        "The only eligible person has no place left: their places go to needs of the same or higher priority.",
        "One more place with Person S1 (S1) would meet this need (8.00 km away, score 0.940).",
    )
    several = [need("N1", 3), need("N2", 2, priority="high"), need("N3", 2, priority="critical")]
    assert unmet_of([person("S1", 1), person("S2", 1)], several)[1] == (
        "None of the 2 eligible people has a place left: their places go to needs of the same or higher priority."
    )


def test_full_with_a_pin_of_a_lower_priority_is_not_said_to_be_a_higher_one():
    code, reason, _ = unmet_of(
        [person("S1", 1)], [need("N1", 2, priority="critical"), need("N2", 3)], decisions=(decision("pin", "S1", "N2"),)
    )
    assert code == "all_full"
    assert "same or higher priority" not in reason


def test_days_used_up():
    people = [person("S1", 1, max_deployments="2", days_available="5")]
    assert unmet_of(people, [need("N1", 3, days="3"), need("N2", 2, days="3")]) == (
        "days_used_up",
        "The only eligible person has a place left, but not the 3 days needed.",
        "1 more day with Person S1 (S1) would meet this need (8.00 km away, score 0.940).",
    )


def test_days_and_a_place_lacking():
    people = [person("S1", 1, max_deployments="1", days_available="5")]
    assert unmet_of(people, [need("N1", 3, days="3"), need("N2", 2, days="3.5")])[2] == (
        "One more place and 1.5 more days with Person S1 (S1) would meet this need (8.00 km away, score 0.940)."
    )


# ---- deployments, exactly ------------------------------------------------------------------------------------------


def test_the_only_one():
    assert (
        reason_of([person("S1", 1)], [need("N1", 2)]) == "The only eligible maths specialist: 4.00 km away, same phase."
    )
    head = [person("S1", 1, designation="NLE", phases="Nursery")]
    assert (
        reason_of(head, [need("N1", 2, focus="headship")])
        == "The only eligible LLE or NLE: 4.00 km away, related phase."
    )


def test_by_a_related_specialism():
    related = with_policy(related_specialisms={"maths": ["science"]})
    assert reason_of([person("S1", 1, specialisms="science")], [need("N1", 2)], policy=related) == (
        "The only eligible maths specialist (through a related specialism): 4.00 km away, same phase."
    )


def test_the_closest_and_the_best_placed():
    assert reason_of([person("S1", 1), person("S2", 3, phases="Nursery")], [need("N1", 2)]) == (
        "Closest of 2 eligible maths specialists: 4.00 km away, same phase."
    )
    nearer_but_of_another_phase = [person("S1", 1), person("S2", 2, phases="Nursery")]
    assert reason_of(nearer_but_of_another_phase, [need("N1", 3)]) == (
        "Best placed of 2 eligible maths specialists: 8.00 km away, same phase."
    )


def test_those_with_a_higher_score_who_are_full():
    needs = [need("N1", 3), need("N2", 3, priority="high", designations="SLE")]
    people = [person("S1", 1), person("S2", 2)]
    both = (decision("forbid", "S1", "N2"),)
    assert reason_of(people, needs, decisions=both) == (
        "Closest maths specialist with a place left: 8.00 km away, same phase. 1 person with a higher score has no place left."
    )


def test_closest_with_a_place_is_of_all_who_have_a_place():
    """S3 is closer than S1 and has a place left, though not the days; S2 scores higher and is full."""
    places = [school(1), school(2, 20), school(3, 5, 0), school(4, 1)]
    people = [
        person("S1", 1),
        person("S2", 2),
        person("S3", 4, phases="Nursery", max_deployments="2", days_available="2"),
    ]
    needs = [
        need("N1", 3, days="2"),
        need("N2", 3, days="1", priority="high"),
        need("N3", 3, days="1", focus="phonics", priority="critical"),
    ]
    made = world(
        places,
        [one | {"specialisms": "maths;phonics"} if one["supporter_id"] == "S3" else one for one in people],
        needs,
        decisions=(decision("forbid", "S1", "N2"), decision("forbid", "S3", "N2")),
    ).changed("schools", "100002", easting="404500")
    plan = made.plan()
    assert served(plan) == {"N1": "S1", "N2": "S2", "N3": "S3"}
    assert "Closest maths specialist with a place left:" not in plan.deployments.set_index("need_id")["reason"]["N1"]


def test_kept_although_somebody_scores_higher():
    kept = ({"need_id": "N1", "supporter_id": "S1"},)
    assert reason_of([person("S1", 1), person("S2", 2)], [need("N1", 3)], baseline=kept) == (
        "Kept from the earlier plan. One of 2 eligible maths specialists: 8.00 km away, same phase. "
        "1 person with a higher score could take this need."
    )


# ---- every claim is true -------------------------------------------------------------------------------------------

CLAIM = re.compile(
    r"(?:Kept from the earlier plan\. )?"
    r"(?:The (?P<only>only) eligible .+"
    r"|(?P<first>Closest|Best placed) of (?P<of>[\d,]+) eligible .+"
    r"|(?P<left>Closest|Best placed) .+ with (?P<with>a place left|a place and the days left)"
    r"|(?P<one>One) of (?P<one_of>[\d,]+) eligible .+)"
    r": (?P<km>[\d.]+) km away, (?P<phase>same|related) phase\."
    r"(?: (?P<tail>.*)\.)?"
)
TAIL = re.compile(
    r"(\d+) (?:person|people) with a higher score (?:has |have |could )(no place left|too few days left|take this need)"
)


@pytest.mark.parametrize("number", ALL)
def test_what_is_said_of_a_deployment_is_true(number):
    one = gallery(number)
    may = eligible(one.made)
    left = {who["supporter_id"]: spare(one.made, one.serving, who["supporter_id"]) for who in one.made.supporters}
    for row in one.plan.deployments.to_dict("records"):
        if row["origin"] == "pinned":
            assert row["reason"].startswith("Pinned")
            continue
        said_of = CLAIM.fullmatch(row["reason"])
        assert said_of, row["reason"]
        assert row["reason"].startswith("Kept from the earlier plan. ") == (row["origin"] == "kept")
        mine = may[row["need_id"], row["supporter_id"]]
        asked = days_of(one.made.row("needs", row["need_id"]))
        others = {s: f for (n, s), f in may.items() if n == row["need_id"] and s != row["supporter_id"]}
        better = {s for s, f in others.items() if f.milli > mine.milli}
        closer = {s for s, f in others.items() if f.km < mine.km}
        with_place = {s for s in others if left[s][0] > 0}
        with_both = {s for s in with_place if left[s][1] >= asked}
        assert said_of["km"] == cell_km(mine.km)
        assert said_of["phase"] == ("same" if mine.phase == 1 else "related")
        if said_of["only"]:
            assert not others
        if said_of["first"]:
            assert int(said_of["of"]) == 1 + len(others)
            assert not better
            assert not (closer and said_of["first"] == "Closest")
        if said_of["left"]:
            pool = with_both if said_of["with"] == "a place and the days left" else with_place
            assert not better & pool, row["reason"]
            assert not (closer & pool and said_of["left"] == "Closest"), row["reason"]
        if said_of["one"]:
            assert int(said_of["one_of"]) == 1 + len(others)
        counts = {words: int(k) for k, words in TAIL.findall(said_of["tail"] or "")}
        expected = {
            "no place left": len(better - with_place),
            "too few days left": len(better & with_place - with_both),
            "take this need": len(better & with_both),
        }
        assert counts == {words: count for words, count in expected.items() if count}, row["reason"]
        if not one.made.baseline:
            # In a first run nobody better is passed over who could simply have taken it.
            assert not better & with_both


@pytest.mark.parametrize("number", ALL)
def test_what_is_said_of_a_need_nobody_is_eligible_for_is_true(number):
    one = gallery(number)
    fact = facts(one.made)
    everyone = [row["supporter_id"] for row in one.made.supporters]
    steps = [
        ("no_specialism", {"specialism"}),
        ("no_phase", {"phase"}),
        ("too_far", {"distance"}),
        ("not_independent", {"own school", "same trust", "same federation", "conflict"}),
        ("not_available", {"dates"}),
        ("decided_against", {"forbidden", "declined"}),
        ("too_many_days", {"days"}),
    ]
    for row in one.plan.unmet.to_dict("records"):
        mine = {s: fact[row["need_id"], s] for s in everyone}
        if any(not f.broken for f in mine.values()):
            assert row["reason_code"] in ("all_full", "days_used_up")
            continue
        pool = {s for s, f in mine.items() if not f.broken & {"designation", "accreditation", "places"}}
        if all("distance" in mine[s].broken for s in pool):
            expected, people = "none_in_reach", pool
        else:
            for expected, rules in steps:
                people, pool = pool, {s for s in pool if not mine[s].broken & rules}
                if not pool:
                    break
        assert row["reason_code"] == expected
        counts = [
            int(text)
            for text in re.findall(r"\b(\d+) (?:people|person|SLEs|LLEs|NLEs|[\w ()]+ specialists)", row["reason"])
        ]
        assert counts in ([len(people)], []), row["reason"]
        named = re.search(r"\((S\d\d)\)", row["nearest_option"])
        # Of the people whom the reason is about, whoever breaks the fewest rules, and of those the closest.
        about = people or {s for s, f in mine.items() if "designation" not in f.broken}
        if expected == "no_specialism":
            about = {s for s in about if "distance" not in mine[s].broken}
        assert (named[1] if named else None) == min(
            about, key=lambda s: (len(mine[s].broken), mine[s].km, s), default=None
        )
        if named:
            named_fact = mine[named[1]]
            if "distance" not in named_fact.broken:
                assert f"{cell_km(named_fact.km)} km away" in row["nearest_option"]
        else:
            assert all("designation" in f.broken for f in mine.values())


@pytest.mark.parametrize("number", ALL)
def test_what_is_said_of_full_people_is_true(number):
    one = gallery(number)
    may = eligible(one.made)
    for row in one.plan.unmet.to_dict("records"):
        those = [s for n, s in may if n == row["need_id"]]
        if not those:
            continue
        asked = one.made.row("needs", row["need_id"])
        left = {s: spare(one.made, one.serving, s) for s in those}
        full = {s for s in those if left[s][0] <= 0}
        assert all(left[s][1] < days_of(asked) for s in set(those) - full)
        held = {level_of(one.made.row("needs", n)) for n, s in one.serving.items() if s in full}
        if "go to needs of the same or higher priority" in row["reason"]:
            assert all(level <= level_of(asked) for level in held), row["reason"]
        if row["reason_code"] == "all_full":
            assert full == set(those)
            assert row["reason"].startswith(
                "The only" if len(those) == 1 else f"None of the {len(those)} eligible people"
            )
        else:
            start = f"Of the {len(those)} eligible people, {len(those) - len(full)} ha"
            if not full:
                start = (
                    "The only eligible person has"
                    if len(those) == 1
                    else f"None of the {len(those)} eligible people has"
                )
            assert row["reason"].startswith(start)
            number = float(days_of(asked))
            assert f"the {number:g} {'day' if number == 1 else 'days'} needed" in row["reason"]


@pytest.mark.parametrize("number", ALL)
def test_the_nearest_option_would_meet_it(number):
    """The plan with one more deployment keeps every rule, once the person offers what the sentence says."""
    one = gallery(number)
    may = eligible(one.made)
    seen = 0
    for row in one.plan.unmet.to_dict("records"):
        told = re.fullmatch(
            r"(?i)(?P<place>one more place|[\d,]+ more places)?(?: and )?(?:(?P<days>[\d.]+) more days?)? with .*\((?P<who>S\d\d)\) would meet this need "
            r"\((?P<km>[\d.]+) km away, score (?P<score>[\d.]+)\)\.",
            row["nearest_option"],
        )
        if not told:
            assert row["reason_code"] not in ("all_full", "days_used_up")
            continue
        fact = may[row["need_id"], told["who"]]
        assert (told["km"], told["score"]) == (cell_km(fact.km), f"{fact.milli / 1000:.3f}")
        places, days = spare(one.made, one.serving, told["who"])
        more_places = (
            0 if not told["place"] else 1 if told["place"].lower().startswith("one") else int(told["place"].split()[0])
        )
        assert places + more_places == 1 if more_places else places >= 1
        # A need without days takes none, also from a supporter whose pins exceed their days.
        needed = float(days_of(one.made.row("needs", row["need_id"])))
        assert not needed or float(days) + float(told["days"] or 0) >= needed - 1e-9
        if told["days"]:
            assert abs(float(days) + float(told["days"]) - needed) < 1e-9
        seen += 1
        if seen == 1 and number < 1000:
            who = one.made.row("supporters", told["who"])
            more = {"max_deployments": str(int(who["max_deployments"] or 1) + more_places)}
            if told["days"]:
                more["days_available"] = f"{float(who['days_available']) + float(told['days']):g}"
            better = said(one.made.changed("supporters", told["who"], **more).plan())
            assert sum(better[:3]) > sum(said(one.plan)[:3]) or better > said(one.plan)


@pytest.mark.long
def test_random_worlds_say_everything_that_can_be_said():
    """The claims above are not checked on too little."""
    numbers = sorted({*ALL, *range(80)})
    reasons = [r for n in numbers for r in gallery(n).plan.deployments["reason"]]
    for words in (
        "The only",
        "Closest of",
        "Best placed of",
        "with a place left:",
        "a place and the days left",
        "Kept",
        "Pinned",
        "has no place left",
        "too few days",
    ):
        assert any(words in reason for reason in reasons), words
    codes = {code for n in numbers for code in gallery(n).plan.unmet["reason_code"]}
    assert codes >= {
        "none_in_reach",
        "no_specialism",
        "no_phase",
        "too_far",
        "not_available",
        "all_full",
        "days_used_up",
        "too_many_days",
    }
    assert any(pins_of(gallery(n).made) for n in numbers)


def test_of_a_plan_that_is_not_the_best_nobody_says_that_no_change_would_help():
    made = world(
        [school(1), school(2, 4), school(3, 8)],
        [person("S1", 1)],
        [need("N1", 2, priority="critical"), need("N2", 3)],
    )
    live = live_plan(open_market(made.inputs()), {"N2": "S1"}, by_hand={"N1"})
    (row,) = live.unmet.to_dict("records")
    assert live.manifest["status"] == "gap"
    assert row["reason"] == "The only eligible person has no place left: some of their places go to less urgent needs."
