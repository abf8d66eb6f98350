"""Two plans side by side: against a count by hand, and what the command prints and writes."""

from collections import Counter
from dataclasses import replace

import pytest
from worlds import GALLERY, World, decision, facts, need, person, school, served, solved, with_policy, world

from matching.audit.check import check_plan
from matching.plan.compare import CHANGE_COLUMNS, CHANGES, Comparison, compare
from matching.plan.equity import mean_distance_km
from matching.plan.write import Plan

PLACES = [school(1), school(2, 4), school(3, 8), school(4, 30)]
PEOPLE = [person("S1", 1), person("S2", 4), person("S3", 4, specialisms="phonics")]
NEEDS = [need("N1", 2), need("N2", 3, priority="high"), need("N3", 3, focus="phonics")]


def compared(first: World, second: World) -> Comparison:
    return compare(first.plan(), second.plan(), lambda: (first.inputs(), second.inputs()))


def test_a_plan_compared_with_itself_differs_in_nothing():
    made = world(PLACES, PEOPLE, NEEDS)
    same = compared(made, made)
    assert (len(same.changes), len(same.workload)) == (0, 0)
    assert (same.levels["difference"] == 0).all()
    assert same.sentences() == ["Both plans serve every need in the same way."]


def test_each_kind_of_change_is_told():
    first = world(PLACES, PEOPLE, NEEDS)
    second = world(
        PLACES,
        [*PEOPLE, person("S4", 3)],
        [NEEDS[0], NEEDS[1], need("N4", 2, focus="drama")],
        decisions=(decision("forbid", "S1", "N1"), decision("forbid", "S2", "N1"), decision("pin", "S2", "N2")),
    )
    before = first.plan()
    assert served(before) == {"N1": "S1", "N2": "S2", "N3": "S3"} or served(before) == {
        "N1": "S2",
        "N2": "S1",
        "N3": "S3",
    }
    found = compared(first, second)
    assert tuple(found.changes) == CHANGE_COLUMNS
    kinds = dict(zip(found.changes["need_id"], found.changes["change"], strict=True))
    assert (kinds["N3"], kinds["N4"]) == ("removed", "added")
    gone = found.changes.set_index("need_id").loc["N3"]
    assert (gone["supporter_id_before"], gone["supporter_id_after"]) == ("S3", "")
    assert {"S3", "S4"} <= set(found.workload["supporter_id"])
    assert "1 need only in the first plan" in found.sentences()[0]


@pytest.mark.parametrize("number", [*GALLERY][::3])
def test_the_changes_are_those_of_a_count_by_hand(number):
    first, second = solved(number), solved((number + 3) % len(GALLERY))
    one, other = first.plan, second.plan
    states = [{row["need_id"]: row["state"].lower() for row in each.made.needs} for each in (first, second)]
    found = compare(one, other, lambda: (first.inputs, second.inputs))
    was, now = served(one), served(other)
    needs_before = {*was, *one.unmet["need_id"]}
    needs_after = {*now, *other.unmet["need_id"]}
    expected = Counter()
    for need_id in needs_before | needs_after:
        if need_id not in needs_before:
            expected["resumed" if need_id in states[0] else "added"] += 1
        elif need_id not in needs_after:
            expected[states[1].get(need_id, "removed")] += 1
        elif was.get(need_id) != now.get(need_id):
            expected["gained" if need_id not in was else "lost" if need_id not in now else "moved"] += 1
    assert Counter(found.changes["change"]) == expected
    assert set(expected) <= set(CHANGES)
    load = {s: [list(was.values()).count(s), list(now.values()).count(s)] for s in {*was.values(), *now.values()}}
    assert {row.supporter_id: [row.before, row.after] for row in found.workload.itertuples()} == {
        s: both for s, both in load.items() if both[0] != both[1]
    }
    assert found.levels.set_index("level")["difference"]["deployments"] == len(now) - len(was)


# ---- figures that cannot mislead -----------------------------------------------------------------------------------


def total(found: World, plan: Plan) -> float:
    """The sum of the scores of a plan's pairs under a world's own policy, pair by pair."""
    said = facts(found)
    return sum(said[pair].milli for pair in served(plan).items()) / 1000


@pytest.mark.parametrize("number", [*GALLERY][::4])
def test_plans_under_different_weights_have_their_scores_under_both(number):
    first = replace(solved(number).made, baseline=None)
    weights = with_policy(weights={"specialism": 0.1, "phase": 0.1, "distance": 0.8})
    second = replace(first, policy={**weights, "rules": first.policy["rules"]})
    found = compared(first, second)
    assert not found.scores_alike
    assert "The plans score by different rules, so each total is given under both." in found.sentences()
    levels = found.levels.set_index("level")
    assert not {"score", "mean_score"} & {*levels.index}
    for side, plan in (("before", first.plan()), ("after", second.plan())):
        assert levels.loc["score_by_first", side] == pytest.approx(total(first, plan))
        assert levels.loc["score_by_second", side] == pytest.approx(total(second, plan))


def test_what_a_rerun_adds_for_kept_deployments_is_a_figure_of_its_own():
    first = world(PLACES, PEOPLE, NEEDS)
    baseline = tuple({"need_id": one, "supporter_id": who} for one, who in served(first.plan()).items())
    declined = (decision("declined", "S3", "N3"),)
    again = replace(first, baseline=baseline, decisions=declined)
    plan = again.plan()
    last = plan.manifest["objective"][-1]
    assert last["kept_bonus"] == 0.2
    scores = sum(float(one) for one in plan.deployments["score"])
    assert last["value"] == pytest.approx(scores + 0.2)
    levels = compared(first, again).levels.set_index("level")
    assert levels.loc["score", "after"] == pytest.approx(scores)
    assert levels.loc["score", "difference"] < 0
    assert levels.loc["kept_bonus", "after"] == 0.2
    assert "kept_bonus" not in first.plan().manifest["objective"][-1]


@pytest.mark.parametrize(
    ("metres", "cell"),
    [(3125, "3.13"), (1005, "1.01"), (34046, "34.05"), (2250, "2.25")],
)
def test_kilometres_are_rounded_once_and_half_up(metres, cell):
    made = world(
        [school(1), {**school(2), "easting": str(int(school(1)["easting"]) + metres)}],
        [person("S1", 1)],
        [need("N1", 2)],
    )
    (row,) = made.plan().deployments.to_dict("records")
    assert row["distance_km"] == cell
    assert f" {cell} km away" in row["reason"]
    assert check_plan(made.plan(), made.inputs()) == []


def test_a_mean_distance_is_of_distances_before_they_are_rounded():
    places = [school(1), *({**school(one), "easting": str(int(school(1)["easting"]) + 1004)} for one in (2, 3, 4))]
    made = world(places, [person("S1", 1, max_deployments="3")], [need("N1", 2), need("N2", 3), need("N3", 4)])
    assert mean_distance_km(made.plan(), made.inputs()) == 1.0
    ends = [
        {**place, "easting": str(int(place["easting"]) + more)}
        for place, more in zip(places, (0, 0, 1, 1), strict=True)
    ]
    uneven = replace(made, schools=tuple(ends))
    # 1.004, 1.005 and 1.005 km: of 1.00, 1.01 and 1.01 the mean would be 1.01.
    assert mean_distance_km(uneven.plan(), uneven.inputs()) == 1.0
