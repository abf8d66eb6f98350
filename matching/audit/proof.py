"""An independent proof that no plan is better: all pairs are priced, and what days or side constraints bind is solved.

It shares no code with the solver.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import scipy  # loads `scipy.optimize` when it is first asked for: most plans need none of it
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components

from matching.audit.check import level_values, total_value_milli
from matching.audit.facts import Facts, blocks, facts_of, left_of_pins, packages_of, without_pins
from matching.audit.proof_by_loads import check_loads
from matching.inputs.inputs import Inputs
from matching.plan.write import PROOF_BY_LOADS, PROOF_BY_PRICES, PROOF_BY_SEARCH, Plan

_SEARCHED = "Where days or side constraints bind"


@dataclass(frozen=True)
class _Priced:
    """All pairs priced: surpluses by need, the pairs where days or side constraints bind, and those without a gap."""

    count: int
    most_milli: int
    surplus: NDArray[np.float64]
    need: NDArray[np.intp]
    supporter: NDArray[np.intp]
    milli: NDArray[np.int64]
    tight_need: NDArray[np.intp]
    tight_supporter: NDArray[np.intp]


def check_proof(plan: Plan, inputs: Inputs, *, time_limit_s: float = 60.0) -> tuple[list[str], list[str]]:
    """Check from the prices, and by solving again where days or side constraints bind, that no plan could be better.

    Returns
    -------
    faults, findings : list of str
        What is wrong, and what was shown.
    """
    facts = facts_of(inputs)
    bonus = round(1000 * float(plan.manifest["proof"]["bonus"]))
    if plan.manifest["proof"]["method"] == PROOF_BY_LOADS:
        return check_loads(plan, inputs, facts, bonus, time_limit_s=time_limit_s)
    price = np.zeros(len(facts.supporter))
    for supporter_id, text in plan.workload[["supporter_id", "price"]].itertuples(index=False):
        if text and not re.fullmatch(r"[0-9]+\.[0-9]{3}", text):
            return [f"workload.csv {supporter_id}: the price '{text}' is not a number of score points."], []
        if supporter_id in facts.supporter_row:
            price[facts.supporter_row[supporter_id]] = round(float(text) * 1000) if text else math.nan
    by_days = np.isnan(price)
    pairs = _eligible_pairs(inputs, facts, price, bonus)
    days_needs = np.unique(pairs.need[by_days[pairs.supporter]])
    entangled = np.isin(np.arange(len(facts.need)), days_needs)
    faults, findings = list(_wrong_method(plan, by_days)), []
    if pairs.most_milli * len(facts.need) + 1 != bonus:
        faults.append("manifest.json: the bonus is not the smallest one that keeps the levels apart.")
    faults += _needless_blanks(plan, inputs, facts, pairs, by_days)
    faults += _prices_too_high(plan, facts, pairs, price)
    faults += _wrong_surpluses(plan, facts, pairs, entangled)
    primal, dual = _sums(plan, facts, inputs, pairs, price, bonus, entangled)
    if primal != dual:
        sides = f"its value is {primal / 1000:,.3f}, and they bound it by {dual / 1000:,.3f}"
        faults.append(f"The prices do not prove the plan: {sides}.")
    else:
        findings.append(
            f"The prices prove it over all {pairs.count:,} eligible pairs{without_pins(facts)}: "
            f"both sides are {dual / 1000:,.3f}."
        )
    if entangled.any():
        more_faults, more = _check_days(plan, inputs, facts, pairs, entangled, time_limit_s)
        faults += more_faults
        findings += more
    elif plan.manifest["status"] != "optimal":
        faults.append("manifest.json: the status is not 'optimal', and the prices prove that it is.")
    return faults, findings


def _wrong_method(plan: Plan, by_days: NDArray[np.bool_]) -> Iterator[str]:
    """A method that does not go with the prices; a plan that claims no proof may have none of them."""
    method = plan.manifest["proof"]["method"]
    is_open = method == PROOF_BY_PRICES and plan.manifest["status"] == "gap"
    if method != (PROOF_BY_SEARCH if by_days.any() else PROOF_BY_PRICES) and not is_open:
        yield f"manifest.json: the proof's method '{method}' does not go with the prices of workload.csv."


def _eligible_pairs(inputs: Inputs, facts: Facts, price: np.ndarray, bonus: int) -> _Priced:
    """Return the result of pricing every eligible pair, in blocks of needs against all supporters."""
    by_days = np.isnan(price)
    finite_price = np.where(by_days, 0.0, price)
    surplus, best = np.zeros(len(facts.need)), np.zeros(len(facts.need), dtype=np.int64)
    has_pair = np.zeros(len(facts.need), dtype=bool)
    count = 0
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    tight: list[tuple[np.ndarray, np.ndarray]] = []
    for rows, eligible, value in blocks(inputs, facts):
        count += int(eligible.sum())
        has_pair[rows] = eligible.any(axis=1)
        best[rows] = np.where(eligible, value, 0).max(axis=1, initial=0)
        reduced = bonus * (3 - facts.need["level"].to_numpy()[rows, np.newaxis]) + value - finite_price
        surplus[rows] = np.where(eligible, reduced, 0).max(axis=1, initial=0)
        need, supporter = np.nonzero(eligible & (reduced == surplus[rows, np.newaxis]))
        tight.append((rows.start + need, supporter))
        need, supporter = np.nonzero(eligible & by_days)
        found.append((rows.start + need, supporter, value[need, supporter]))
    need, supporter, milli = (np.concatenate(column) for column in zip(*found, strict=True))
    tight_need, tight_supporter = (np.concatenate(column) for column in zip(*tight, strict=True))
    hopeless = _hopeless(facts, has_pair)
    surplus[hopeless] = 0
    most = max(1000, int(best[~hopeless].max(initial=0)))
    some, hoped = ~hopeless[need], ~hopeless[tight_need]
    return _Priced(
        count, most, surplus, need[some], supporter[some], milli[some], tight_need[hoped], tight_supporter[hoped]
    )


def _hopeless(facts: Facts, has_pair: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return, by need, whether its package holds one without an eligible supporter."""
    flags = np.zeros(len(facts.need), dtype=bool)
    for needs in packages_of(facts).values():
        flags[needs] = not has_pair[needs].all()
    return flags


def _sums(
    plan: Plan, facts: Facts, inputs: Inputs, pairs: _Priced, price: np.ndarray, bonus: int, entangled: np.ndarray
) -> tuple[int, int]:
    """Return the plan's value and its bound by the prices, where neither days nor side constraints bind."""
    primal = total_value_milli(plan, facts, inputs, bonus, entangled)
    places, _ = left_of_pins(facts)
    priced = ~np.isnan(price)
    dual = round(float(pairs.surplus[~entangled].sum())) + round(float((places * price)[priced].sum()))
    return primal, dual


def _prices_too_high(plan: Plan, facts: Facts, pairs: _Priced, price: np.ndarray) -> Iterator[str]:
    """Prices above the value of one more place."""
    # A price is the least possible where a chain of tight pairs leads from the supporter to an unmet need or to another
    # supporter with a spare place.
    root = len(facts.supporter)
    holder = np.full(len(facts.need), root)
    rows = [facts.need_row[one] for one in plan.deployments["need_id"].tolist()]
    holder[rows] = [facts.supporter_row[one] for one in plan.deployments["supporter_id"].tolist()]
    came_from = holder[pairs.tight_need]
    came_from[(came_from < root) & (np.append(price, 0)[came_from] == 0)] = root
    chains = coo_array((np.ones(len(came_from)), (came_from, pairs.tight_supporter)), shape=(root + 1, root + 1))
    explained = set(breadth_first_order(chains.tocsr(), root, return_predecessors=False).tolist())
    for supporter_id, row in facts.supporter_row.items():
        if price[row] > 0 and row not in explained:
            yield f"workload.csv {supporter_id}: the price is higher than the value of one more place."


def _wrong_surpluses(plan: Plan, facts: Facts, pairs: _Priced, entangled: np.ndarray) -> Iterator[str]:
    """Surpluses that are not the value of the need's best pair less its price."""
    if plan.surplus is None:
        return
    if plan.surplus["need_id"].tolist() != list(facts.need_row):
        yield "surplus.csv does not hold every need once, in order."
        return
    is_blank = entangled.copy()
    is_blank[list(facts.pinned)] = True
    right = [
        "" if blank else f"{one:.3f}"
        for one, blank in zip((pairs.surplus / 1000).tolist(), is_blank.tolist(), strict=True)
    ]
    for need_id, found, expected in zip(facts.need_row, plan.surplus["surplus"].tolist(), right, strict=True):
        if found != expected:
            yield f"surplus.csv {need_id}: the surplus is '{found}', and the prices give '{expected}'."


def _needless_blanks(plan: Plan, inputs: Inputs, facts: Facts, pairs: _Priced, by_days: np.ndarray) -> Iterator[str]:
    """Blank prices in a component without days or side constraints that bind, where prices could have been given."""
    rules = inputs.policy.rules
    if rules.max_supporters_per_school is not None or rules.max_per_home_school is not None:
        return
    # A plan that was changed by hand or stopped early claims no proof, and has no prices at all.
    if plan.manifest["status"] == "gap" and (plan.workload["price"] == "").all():
        return
    n_needs, n_nodes = len(facts.need), len(facts.need) + len(facts.supporter)
    edges = coo_array((np.ones(len(pairs.need)), (pairs.need, n_needs + pairs.supporter)), shape=(n_nodes, n_nodes))
    part_of_need, part = np.split(connected_components(edges, directed=False)[1], [n_needs])
    packed = part_of_need[(facts.need["package"] != "").to_numpy()]
    limited = np.isin(part, [*part[np.isfinite(facts.supporter["cents"].to_numpy())], *packed])
    for supporter_id, row in facts.supporter_row.items():
        if by_days[row] and not limited[row]:
            yield f"workload.csv {supporter_id}: the price is blank, and no days or side constraints could bind there."


def _check_days(
    plan: Plan, inputs: Inputs, facts: Facts, pairs: _Priced, entangled: np.ndarray, time_limit_s: float
) -> tuple[list[str], list[str]]:
    """Solve again where days or side constraints bind, level by level, with a model of this module's own."""
    places, cents = left_of_pins(facts)
    columns = np.arange(len(pairs.need))
    asked = facts.need["cents"].to_numpy()[pairs.need]

    def rows(of: np.ndarray, height: int, cells: np.ndarray) -> csr_array:
        return csr_array((cells.astype(float), (of, columns)), shape=(height, len(columns)))

    limited = np.isfinite(cents)
    matrix = vstack(
        [
            rows(pairs.need, len(facts.need), np.ones(len(columns))),
            rows(pairs.supporter, len(places), np.ones(len(columns))),
            rows(pairs.supporter, len(places), np.where(limited[pairs.supporter], asked, 0)),
        ]
    )
    limits = np.concatenate([np.ones(len(facts.need)), places, np.where(limited, cents, 0)])
    level = facts.need["level"].to_numpy()[pairs.need]
    side, least, most = _side_constraint_rows(inputs, facts, pairs)
    extra = side.shape[1] - len(columns)

    def widened(cells: csr_array) -> csr_array:
        return hstack([cells, csr_array((cells.shape[0], extra))])

    constraints = [
        scipy.optimize.LinearConstraint(widened(matrix), -np.inf, limits),
        scipy.optimize.LinearConstraint(side, least, most),
    ]
    critical, high, normal, score = _part_values(plan, facts, inputs, entangled)
    bonus = pairs.most_milli * len(facts.need) + 1
    # The last two levels together: no score outweighs one more need.
    searches = (
        ("critical", (level == 0).astype(float), critical),
        ("high", (level == 1).astype(float), high),
        ("normal and score", bonus * (level == 2) + pairs.milli.astype(float), bonus * normal + score),
    )
    for name, value, held in searches:
        result = scipy.optimize.milp(
            -np.append(value, np.zeros(extra)),
            constraints=constraints,
            integrality=np.ones(len(value) + extra, dtype=np.int64),
            bounds=scipy.optimize.Bounds(0, 1),
            options={"mip_rel_gap": 0, "time_limit": time_limit_s / len(searches)},
        )
        if result.x is not None and round(float(-result.fun)) > held:
            if plan.manifest["status"] == "optimal":
                return [f"{_SEARCHED}, a better plan exists: its level {name} is better than the plan's."], []
            return [], [f"{_SEARCHED}, a plan with a better level {name} was found, as the plan's bounds allow."]
        if not result.success:
            return [], [
                f"{_SEARCHED}, level {name} could not be solved again in {time_limit_s / len(searches):g} s: its bound "
                "is not proved here."
            ]
        # The plan itself is there to be found: SciPy 1.17 has once called a worse one the best.
        if round(float(-result.fun)) < held:
            return [], [
                f"{_SEARCHED}, the second solver missed the plan itself at level {name}: its bound is not proved here."
            ]
        constraints.append(scipy.optimize.LinearConstraint(widened(csr_array(value[np.newaxis, :])), held, np.inf))
    return [], [f"{_SEARCHED} ({int(entangled.sum()):,} needs), solving again finds nothing better."]


def _side_constraint_rows(inputs: Inputs, facts: Facts, pairs: _Priced) -> tuple[csr_array, list[float], list[float]]:
    """Return the side constraints on pairs; a column for each meeting of a supporter and a school, and each package."""
    rules = inputs.policy.rules
    urn, home = facts.need["urn"].to_numpy(), facts.supporter["urn"].to_numpy()
    meets = list(zip(urn[pairs.need].tolist(), pairs.supporter.tolist(), strict=True))
    pinned = {(int(urn[need]), supporter) for need, supporter in facts.pinned.items()}
    meetings = {meeting: number for number, meeting in enumerate(sorted(set(meets)))}
    packages = packages_of(facts)
    n_pairs, n_meetings = len(pairs.need), len(meetings)
    cells: list[tuple[int, int, float]] = []
    least: list[float] = []
    most: list[float] = []

    def row(entries: Iterable[tuple[int, float]], low: float, high: float) -> None:
        cells.extend((len(least), column, cell) for column, cell in entries)
        least.append(low)
        most.append(high)

    if rules.max_supporters_per_school is not None:
        for column, meeting in enumerate(meets):
            row([(column, 1), (n_pairs + meetings[meeting], -1)], -np.inf, 0)
        for school, group in groupby(meetings, key=lambda meeting: meeting[0]):
            new = [n_pairs + meetings[meeting] for meeting in group if meeting not in pinned]
            there = sum(one == school for one, _ in pinned)
            row(((column, 1) for column in new), -np.inf, max(0, rules.max_supporters_per_school - there))
    if rules.max_per_home_school is not None:
        for school in np.unique(home[pairs.supporter]).tolist():
            gone = sum(int(home[supporter]) == school for supporter in facts.pinned.values())
            leaving = np.flatnonzero(home[pairs.supporter] == school).tolist()
            row(((column, 1) for column in leaving), -np.inf, max(0, rules.max_per_home_school - gone))
    for number, needs in enumerate(packages.values()):
        for need in needs:
            serving = np.flatnonzero(pairs.need == need).tolist()
            row([*((column, 1) for column in serving), (n_pairs + n_meetings + number, -1)], 0, 0)
    rows, columns, values = zip(*cells, strict=True) if cells else ((), (), ())
    shape = (len(least), n_pairs + n_meetings + len(packages))
    return csr_array(coo_array((values, (rows, columns)), shape=shape)), least, most


def _part_values(plan: Plan, facts: Facts, inputs: Inputs, entangled: np.ndarray) -> list[int]:
    rows = [facts.need_row[one] for one in plan.deployments["need_id"].tolist()]
    inside = np.array([bool(entangled[row]) and row not in facts.pinned for row in rows], dtype=bool)
    part = Plan(plan.deployments[inside], plan.unmet, plan.workload, plan.excluded, plan.manifest)
    return level_values(part, facts, inputs)
