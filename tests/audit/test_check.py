"""The check of a saved plan: what `allocate` wrote is accepted, and any change to it is found."""

import json
from functools import cache

import numpy as np
import pytest
from depth import DEEP, mostly_long
from saved import TABLES, as_bytes, faults_in, found_in, rows_of, signed
from worlds import (
    GALLERY,
    WIDE,
    Solved,
    World,
    decision,
    levels_of,
    need,
    person,
    school,
    served,
    solved,
    solved_wide,
    world,
)

from matching.allocation import allocate
from matching.audit.check import check_plan
from matching.inputs.bundled import demo_sources
from matching.inputs.read import read_inputs
from matching.pairs.market import open_market
from matching.plan.as_bytes import plan_files
from matching.plan.outcome import Outcome
from matching.plan.write import Plan, make_plan
from matching.rounds.register import blank_table
from matching.solve.problem import UNMET, Assignment


def written(made: World, plan: Plan | None = None) -> dict[str, bytes]:
    return plan_files(plan or made.plan(), made.inputs())


NEAR = [school(1), school(2, 4), school(3, 8)]


@cache
def small() -> dict[str, bytes]:
    """A saved plan with every kind of row: chosen, pinned, kept, unmet, excluded, days that bind and days that do not."""
    made = world(
        [school(1), school(2, 4), school(3, 8), school(4, 12, 4)],
        [
            person("S1", 1, max_deployments="2", days_available="4"),
            person("S2", 3, max_deployments="2"),
            person("S3", 1, max_deployments="0"),
            person("S4", 4, designation="NLE"),
        ],
        [
            need("N1", 2, days="2", priority="high"),
            need("N2", 3, days="2.5"),
            need("N3", 4, days="3"),
            need("N4", 1, focus="phonics", priority="critical"),
            need("N5", 1, focus="headship", days="1"),
        ],
        decisions=(decision("pin", "S2", "N4", reason="asked for", by="A Head"),),
        baseline=({"need_id": "N1", "supporter_id": "S2"}, {"need_id": "N5", "supporter_id": "S4"}),
    )
    files = written(made)
    assert all(len(rows_of(files[name])) > 1 for name in TABLES)
    return files


def other_values(cell: str) -> list[str]:
    """What somebody might put there instead: nothing, other words, and for a number one just beside it."""
    others = ["", f"{cell}x", " " + cell]
    try:
        number = float(cell)
    except ValueError:
        return [one for one in others if one != cell]
    decimals = len(cell.partition(".")[2])
    step = 10**-decimals
    beside = [
        f"{number + step:.{decimals}f}",
        f"{number - step:.{decimals}f}",
        f"{cell}.0" if not decimals else f"{cell}0",
    ]
    return [one for one in [*others, *beside, "nan", "inf", "-1"] if one != cell]


@pytest.mark.parametrize("number", mostly_long([*GALLERY][::2], every=2))
def test_what_allocate_wrote_is_accepted(number):
    one = solved(number)
    assert faults_in(written(one.made, one.plan)) == []


@pytest.mark.parametrize("number", mostly_long(WIDE, every=3))
def test_what_allocate_wrote_of_larger_tables_is_accepted(number):
    one = solved_wide(number)
    assert faults_in(written(one.made, one.plan)) == []


def test_the_small_plan_is_accepted_and_signing_it_again_changes_nothing():
    assert faults_in(dict(small())) == []
    assert faults_in(signed(small())) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_changed_cell_is_found_by_the_digest(name):
    files = small()
    assert f"{name} was changed after the plan was written" in "".join(
        faults_in(files | {name: files[name].rstrip(b"\n") + b" \n"})
    )


@pytest.mark.deeper
@pytest.mark.parametrize(
    ("name", "column"),
    mostly_long([(name, k) for name in TABLES for k in range(len(rows_of(small()[name])[0]))], every=6),
)
def test_any_changed_cell_is_found_even_where_the_digest_was_changed_too(name, column):
    files = small()
    rows = rows_of(files[name])
    for row in range(len(rows)) if DEEP else (0, 1 + column % (len(rows) - 1)):
        for value in other_values(rows[row][column]):
            changed = [list(cells) for cells in rows]
            changed[row][column] = value
            # Spaces around a cell are no part of it.
            if value.strip() != rows[row][column]:
                # Where a sentence states the same in other words, that is reported apart.
                assert found_in(signed(files | {name: as_bytes(changed)})), (row, rows[0][column], value)


@pytest.mark.parametrize("name", TABLES)
def test_a_row_left_out_doubled_or_moved_is_found(name):
    files = small()
    head, *rows = rows_of(files[name])
    others = [rows[1:], rows[:-1], [*rows, rows[-1]]]
    if len(rows) > 1:
        others.append(rows[::-1])
    for changed in others:
        assert faults_in(signed(files | {name: as_bytes([head, *changed])})), changed


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("key", ["value", "bound"])
@pytest.mark.parametrize("more", [-1, -0.001, 0.001, 1] if DEEP else [-0.001, 1])
def test_another_objective_is_found(level, key, more):
    objective = json.loads(small()["manifest.json"])["objective"]
    objective[level][key] = round(objective[level][key] + more, 3)
    assert faults_in(signed(small(), objective=objective))
    if (key, more) == ("bound", 1) or (key, more, level) == ("bound", 0.001, 3):
        return  # with the status 'gap' it claims less than is true, as a run that was stopped would
    assert faults_in(signed(small(), objective=objective, status="gap"))


def test_levels_left_out_or_in_another_order_are_found():
    objective = json.loads(small()["manifest.json"])["objective"]
    for changed in ([], objective[:3], objective[::-1], [*objective, objective[-1]]):
        assert faults_in(signed(small(), objective=changed)), changed


@pytest.mark.parametrize("status", ["gap", "", "Optimal", None])
def test_another_status_is_found(status):
    assert faults_in(signed(small(), status=status))


def test_any_other_count_is_found():
    counts = json.loads(small()["manifest.json"])["counts"]
    for name in counts:
        assert faults_in(signed(small(), counts=counts | {name: counts[name] + 1})), name
        assert faults_in(signed(small(), counts={key: value for key, value in counts.items() if key != name})), name


def test_any_other_policy_is_found():
    policy = json.loads(small()["manifest.json"])["policy"]
    for section in policy:
        assert faults_in(signed(small(), policy={key: one for key, one in policy.items() if key != section})), section
    for key in policy["weights"]:
        weights = policy["weights"] | {key: policy["weights"][key] + 0.001}
        assert faults_in(signed(small(), policy=policy | {"weights": weights})), key


@pytest.mark.parametrize("bonus", [0, 1, -1000, 1e9])
def test_another_bonus_is_found(bonus):
    proof = json.loads(small()["manifest.json"])["proof"]
    assert faults_in(signed(small(), proof=proof | {"bonus": bonus}))


def test_notices_left_out_are_found():
    assert json.loads(small()["manifest.json"])["notices"]
    assert faults_in(signed(small(), notices=[]))


def test_a_plan_of_no_open_need_is_accepted():
    made = world(NEAR, [person("S1", 1)], [need("N1", 2, state="paused"), need("N2", 3, state="withdrawn")])
    assert faults_in(written(made)) == []


def test_another_state_of_a_need_is_found():
    made = world(NEAR, [person("S1", 1)], [need("N1", 2), need("N2", 3, state="paused")])
    files = written(made)
    assert faults_in(files) == []
    assert "not_open is {}, and {'N2': 'paused'} was expected" in "".join(faults_in(signed(files, not_open={})))
    for state in ("open", "withdrawn"):
        changed = files["inputs/needs.csv"].replace(b",paused", f",{state}".encode())
        assert faults_in(signed(files | {"inputs/needs.csv": changed}))


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("supporters", ",,,2026-02-01/2026-02-28", ",,,2026-01-01/2026-02-28"),
        ("supporters", ",,,2026-02-01/2026-02-28", ",2026-01-06,,"),
        ("supporters", ",,,2026-02-01/2026-02-28", ",,2026-01-04,"),
        ("needs", ",2026-01-09,", ",2026-02-01,"),
        ("needs", ",2026-01-09,", ",2026-02-28,"),
    ],
)
def test_a_deployment_of_a_person_who_is_away_is_found(column, old, new):
    away = {"unavailable": "2026-02-01/2026-02-28"}
    files = written(world(NEAR, [person("S1", 1, **away)], [need("N1", 2, start_by="2026-01-09")]))
    assert faults_in(files) == []
    name = f"inputs/{column}.csv"
    assert old in files[name].decode()
    changed = files[name].decode().replace(old, new).encode()
    expected = "plan.csv N1: S1 breaks a rule with this need."
    if ",,2026-01-04," in new or ",2026-01-06" in new:
        later = files["inputs/needs.csv"].replace(b"2026-01-09", b"2026-01-05")
        changed = {name: changed, "inputs/needs.csv": later}
    else:
        changed = {name: changed}
    assert expected in faults_in(signed(files | changed))


def test_more_than_the_pins_name_is_found():
    """One person's pins take two places of one: neither a third need nor another name of the rule is accepted."""
    pins = (decision("pin", "S1", "N1", rules_broken="places"), decision("pin", "S1", "N2"))
    made = world(
        NEAR, [person("S1", 1), person("S2", 1)], [need("N1", 2), need("N2", 3), need("N3", 3)], decisions=pins
    )
    files = written(made)
    assert faults_in(files) == []
    header, *rows = rows_of(files["plan.csv"])
    assert [row[header.index("rules_broken")] for row in rows] == ["places", "places", ""]
    rows[2] = [cell.replace("S2", "S1") for cell in rows[2]]
    changed = signed(files | {"plan.csv": as_bytes([header, *rows])})
    assert "plan.csv: S1 has 3 deployments, which is more than max_deployments." in faults_in(changed)


def test_another_input_is_found():
    files = small()
    changed = files["inputs/needs.csv"].replace(b",high,", b",normal,")
    assert changed != files["inputs/needs.csv"]
    assert faults_in(files | {"inputs/needs.csv": changed})


# ---- plans that keep every rule and are not the best ---------------------------------------------------------------


def honest(one: Solved, serving: dict[str, str], *, claims_best: bool) -> dict[str, bytes]:
    """The files of another outcome, with every number and reason as it should be for it."""
    inputs = one.inputs
    who = {name: row for row, name in enumerate(inputs.supporters["supporter_id"])}
    origin_of = dict(zip(one.plan.deployments["need_id"], one.plan.deployments["origin"], strict=True))
    supporter_of = np.array(
        [who[serving[n]] if n in serving else UNMET for n in inputs.needs["need_id"]], dtype=np.intp
    )
    origin = np.array([origin_of[n] if n in serving else "" for n in inputs.needs["need_id"]], dtype=object)
    price = np.zeros(len(who))
    for name, text in zip(one.plan.workload["supporter_id"], one.plan.workload["price"], strict=True):
        price[who[name]] = 1000 * float(text) if text else np.nan
    values = levels_of(one.made, serving)
    bounds = [level["bound"] for level in one.plan.manifest["objective"]]
    bounds[3] = round(1000 * bounds[3])
    assignment = Assignment(
        supporter_of,
        price,
        tuple(values),
        tuple(values if claims_best else bounds),
        round(1000 * one.plan.manifest["proof"]["bonus"]),
        bool(np.isnan(price).any()),
    )
    plan = make_plan(open_market(inputs), Outcome(supporter_of, origin), assignment)
    return plan_files(plan, inputs)


@pytest.mark.parametrize("claims_best", [True, False])
@pytest.mark.parametrize("number", mostly_long([*GALLERY][::3] + [1000 + n for n in WIDE[::2]], every=3))
def test_a_plan_with_one_deployment_less_is_not_accepted(number, claims_best):
    one = solved_wide(number - 1000) if number >= 1000 else solved(number)
    assert faults_in(honest(one, served(one.plan), claims_best=True)) == []
    if not claims_best and (one.plan.workload["price"] == "").any():
        return  # where days bind, a run that was stopped may well have left something better, and says so
    free = one.plan.deployments[one.plan.deployments["origin"] != "pinned"]["need_id"].tolist()
    for left_out in free[:3]:
        worse = {n: s for n, s in one.serving.items() if n != left_out}
        faults = faults_in(honest(one, worse, claims_best=claims_best))
        assert any("prices do not prove" in fault or "better plan exists" in fault for fault in faults), faults


@pytest.mark.parametrize("days", ["", "5"])
def test_a_plan_that_sends_each_to_the_farther_school_is_not_accepted(days):
    """All needs are met, and only the score is worse; with days, the people have just enough of them."""
    made = world(
        [school(1), school(2, 2), school(3, 20), school(4, 22)],
        [person("S1", 1, days_available=days), person("S2", 4, days_available=days)],
        [need("N1", 2, days=days), need("N2", 3, days=days)],
    )
    inputs = made.inputs()
    one = Solved(made, inputs, allocate(inputs))
    assert one.serving == {"N1": "S1", "N2": "S2"}
    assert faults_in(honest(one, {"N1": "S2", "N2": "S1"}, claims_best=True))


@pytest.mark.parametrize("empty", ["supporters", "needs"])
def test_a_round_without_a_person_or_a_need_is_checked_too(empty):
    sources = {
        name: one for name, one in demo_sources().items() if name in ("schools", "supporters", "needs", "policy")
    }
    inputs = read_inputs(sources | {empty: blank_table(empty)}, may_be_empty=frozenset({empty}))
    plan = allocate(inputs)
    assert (len(plan.deployments), len(plan.unmet)) == (0, len(inputs.needs))
    assert check_plan(plan, inputs) == []
