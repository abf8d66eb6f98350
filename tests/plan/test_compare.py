"""Two plans side by side: against a count by hand, and what the command prints and writes."""

from collections import Counter

import pytest
from worlds import GALLERY, decision, need, person, school, served, solved, world

from matching.plan.compare import CHANGE_COLUMNS, CHANGES, compare

PLACES = [school(1), school(2, 4), school(3, 8), school(4, 30)]
PEOPLE = [person("S1", 1), person("S2", 4), person("S3", 4, specialisms="phonics")]
NEEDS = [need("N1", 2), need("N2", 3, priority="high"), need("N3", 3, focus="phonics")]


def test_a_plan_compared_with_itself_differs_in_nothing():
    plan = world(PLACES, PEOPLE, NEEDS).plan()
    same = compare(plan, plan)
    assert (len(same.changes), len(same.workload)) == (0, 0)
    assert (same.levels["difference"] == 0).all()
    assert same.sentences() == ["Both plans serve every need in the same way."]


def test_each_kind_of_change_is_told():
    before = world(PLACES, PEOPLE, NEEDS).plan()
    after = world(
        PLACES,
        [*PEOPLE, person("S4", 3)],
        [NEEDS[0], NEEDS[1], need("N4", 2, focus="drama")],
        decisions=(decision("forbid", "S1", "N1"), decision("forbid", "S2", "N1"), decision("pin", "S2", "N2")),
    ).plan()
    assert served(before) == {"N1": "S1", "N2": "S2", "N3": "S3"} or served(before) == {
        "N1": "S2",
        "N2": "S1",
        "N3": "S3",
    }
    found = compare(before, after)
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
    found = compare(one, other)
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
