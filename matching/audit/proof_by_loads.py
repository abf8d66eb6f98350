"""An independent proof where days bind for few people: a value for each need, and the best load of each supporter."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # loads `scipy.optimize` when it is first asked for: most proofs need none of it
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import breadth_first_order, dijkstra

from matching.audit.check import total_value_milli
from matching.audit.facts import Facts, blocks, left_of_pins, without_pins
from matching.inputs.inputs import Inputs
from matching.plan.write import Plan

# How exact sums of surpluses are, and single gains compared with prices, in thousandths.
_FLOAT_MILLI, _PRICE_MILLI = 1e-3, 0.05

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


def check_loads(
    plan: Plan, inputs: Inputs, facts: Facts, bonus: int, *, time_limit_s: float
) -> tuple[list[str], list[str]]:
    """Check such a proof over every eligible pair.

    Returns
    -------
    faults, findings : list of str

    Notes
    -----
    For any surpluses, no plan exceeds their sum plus the gain of every supporter's best load within places and days
    (Lagrangean relaxation; Fisher, Management Science 27, 1981). The bonuses alone, in whole numbers, are bounded by
    places: where no plan has more of them, none is better in any level of needs, because with places only the sets of
    needs that can be met together form a matroid.
    """
    surplus, faults = _surpluses(plan, facts)
    if faults:
        return faults, []
    # Each need's surplus in bonuses, and the most bonuses that one place of a supporter could add to it.
    bonuses, beyond = np.floor(surplus / bonus + 0.5), np.zeros(len(facts.supporter))
    urgency = 3 - facts.need["level"].to_numpy()
    count, most = 0, 1000
    for rows, eligible, value in blocks(inputs, facts):
        count += int(eligible.sum())
        most = max(most, int(np.where(eligible, value, 0).max(initial=0)))
        more = np.where(eligible, (urgency - bonuses)[rows, np.newaxis], 0)
        beyond = np.maximum(beyond, more.max(axis=0, initial=0))
    if most * len(facts.need) + 1 != bonus:
        faults.append("manifest.json: the bonus is not the smallest one that keeps the levels apart.")
    reached = total_value_milli(plan, facts, inputs, bonus, np.zeros(len(facts.need), dtype=bool))
    if bonuses.sum() + (left_of_pins(facts)[0] * beyond).sum() > reached // bonus:
        faults.append("surplus.csv: the surpluses leave open whether more needs, or more urgent ones, could be met.")
    gaining = _pairs_that_gain(inputs, facts, surplus, bonus, 0)
    gains = _best_gains(facts, gaining)
    allowed, score = math.floor(surplus.sum() + gains.sum() + _FLOAT_MILLI), plan.manifest["objective"][-1]
    faults += _wrong_prices(plan, facts, surplus, gaining, allowed == reached)
    sides = f"the plan's value is {reached / 1000:,.3f}, and they bound it by {allowed / 1000:,.3f}"
    findings = [f"Surpluses and best loads, over all {count:,} eligible pairs{without_pins(facts)}: {sides}."]
    if allowed - reached <= round(1000 * (score["bound"] - score["value"])):
        return faults, findings
    if faults or allowed - reached >= bonus:
        return [*faults, f"surplus.csv: the surpluses and the best loads do not prove the bounds: {sides}."], []
    # One thousandth more, for what rounding down left out.
    spare = float(allowed - reached + 1)
    is_best = _is_best(
        plan, facts, surplus, _pairs_that_gain(inputs, facts, surplus, bonus, -spare), spare, time_limit_s
    )
    if is_best is None:
        return [], [*findings, f"The pairs that could close the gap could not be searched again in {time_limit_s:g} s."]
    if not is_best:
        return ["A better plan exists: it was found among the pairs that could close the gap."], []
    return [], [*findings, "Searching the pairs that could close the gap finds nothing better."]


@dataclass(frozen=True)
class _Gaining:
    """Pairs, and the value of each beyond the surplus of its need."""

    need: Rows
    supporter: Rows
    gain: Floats


def _pairs_that_gain(inputs: Inputs, facts: Facts, surplus: Floats, bonus: int, more_than: float) -> _Gaining:
    urgency = 3 - facts.need["level"].to_numpy()
    found: list[tuple[Rows, Rows, Floats]] = []
    for rows, eligible, value in blocks(inputs, facts):
        gain = (bonus * urgency - surplus)[rows, np.newaxis] + value
        need, supporter = np.nonzero(eligible & (gain > more_than))
        found.append((rows.start + need, supporter, gain[need, supporter]))
    return _Gaining(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _surpluses(plan: Plan, facts: Facts) -> tuple[Floats, list[str]]:
    """Return the surplus of each need in thousandths, and what is wrong with the cells."""
    surplus = np.zeros(len(facts.need))
    if plan.surplus is None or plan.surplus["need_id"].tolist() != list(facts.need_row):
        return surplus, ["surplus.csv does not hold every need once, in order."]
    faults = []
    for row, (need_id, text) in enumerate(plan.surplus.itertuples(index=False)):
        if text == "" and row in facts.pinned:
            continue
        if row in facts.pinned or not re.fullmatch(r"[0-9]+\.[0-9]{3,9}", text):
            faults.append(f"surplus.csv {need_id}: '{text}' is not a surplus in score points.")
        else:
            surplus[row] = 1000 * float(text)
    return surplus, faults


def _wrong_prices(plan: Plan, facts: Facts, surplus: Floats, gaining: _Gaining, is_tight: bool) -> Iterator[str]:
    """Prices that are not shown to be the value of one more place.

    That value is no more where the bound is tight and no need gains more by the supporter. It is no less where a chain
    of tight pairs leads from there to an unmet need or to a supporter whose places cost nothing.
    """
    root = len(facts.supporter)
    most, (places, cents) = np.zeros(root), left_of_pins(facts)
    np.maximum.at(most, gaining.supporter, gaining.gain)
    served = dict(_served(plan, facts))
    is_full = places <= np.bincount(list(served.values()), minlength=root)
    price = np.full(root, np.nan)
    for supporter_id, text in plan.workload[["supporter_id", "price"]].itertuples(index=False):
        if text:
            is_number = re.fullmatch(r"[0-9]+\.[0-9]{3}", text)
            price[facts.supporter_row[supporter_id]] = 1000 * float(text) if is_number else -1
    holder = np.full(len(facts.need), root)
    holder[list(served)] = list(served.values())
    came_from = holder[gaining.need]
    costs = np.append(price, 0)[came_from]
    is_end = (costs == 0) & ((came_from < root) | (surplus[gaining.need] < _PRICE_MILLI))
    leads = (is_end | (costs > 0)) & np.isinf(cents[gaining.supporter])
    leads &= np.abs(gaining.gain - price[gaining.supporter]) < _PRICE_MILLI
    ends = (np.where(is_end, root, came_from)[leads], gaining.supporter[leads])
    chains = csr_array((np.ones(len(ends[0])), ends), shape=(root + 1, root + 1))
    explained = np.isin(np.arange(root), breadth_first_order(chains, root, return_predecessors=False))
    sound = (most <= price + _PRICE_MILLI) & ((price == 0) | (price > 0) & is_full & explained) & is_tight
    for supporter_id, row in facts.supporter_row.items():
        if not np.isnan(price[row]) and not sound[row]:
            yield f"workload.csv {supporter_id}: the price is not the value of one more place."


def _served(plan: Plan, facts: Facts) -> list[tuple[int, int]]:
    """Return the plan's pairs without its pins."""
    columns = ["need_id", "supporter_id"]
    rows = [
        (facts.need_row[need_id], facts.supporter_row[supporter_id])
        for need_id, supporter_id in plan.deployments[columns].itertuples(index=False)
    ]
    return [row for row in rows if row[0] not in facts.pinned]


def _best_gains(facts: Facts, gaining: _Gaining) -> Floats:
    """Return the gain of each supporter's best load."""
    places, cents = left_of_pins(facts)
    best = np.zeros(len(places))
    for row, theirs in _by_supporter(gaining):
        gain, asked = gaining.gain[theirs], facts.need["cents"].to_numpy()[gaining.need[theirs]]
        best[row] = _best_load(gain, asked, int(places[row]), cents[row])
    return best


def _by_supporter(gaining: _Gaining) -> Iterator[tuple[int, Rows]]:
    """Yield each supporter with a pair, and the positions of their pairs by falling gain."""
    order = np.lexsort((gaining.need, -gaining.gain, gaining.supporter))
    supporter, first = np.unique(gaining.supporter[order], return_index=True)
    # Splitting gives one array even without a supporter.
    return zip(supporter.tolist(), np.split(order, first[1:])[: len(supporter)], strict=True)


def _best_load(gain: Floats, asked: Rows, places: int, cents: float) -> float:
    """Return the most that needs gain together within places and days; they are given by falling gain."""
    if places < 1 or cents < 0:
        return 0.0 if cents >= 0 else -math.inf
    positive = gain > 0
    gain, asked = gain[positive], asked[positive]
    if asked[:places].sum() <= cents:
        return float(gain[:places].sum())
    best = {(0, 0): 0.0}
    for one, days in zip(gain.tolist(), asked.tolist(), strict=True):
        for (taken, used), total in list(best.items()):
            after = taken + 1, used + days
            if after[0] <= places and after[1] <= cents and total + one > best.get(after, -1.0):
                best[after] = total + one
    return max(best.values())


def _is_best(
    plan: Plan, facts: Facts, surplus: Floats, pairs: _Gaining, spare: float, time_limit_s: float
) -> bool | None:
    """Whether no plan comes closer to the bound; None where time ran out.

    A better plan differs from this one along chains that begin where this one loses something against the bound, and
    whose pairs fall short of the best loads by less than the whole loss.
    """
    n_needs, n_people = len(facts.need), len(facts.supporter)
    served = set(_served(plan, facts))
    chosen = np.array([one in served for one in zip(pairs.need.tolist(), pairs.supporter.tolist(), strict=True)])
    best, short = _best_gains(facts, pairs), np.where(chosen, 0, _short(facts, pairs))
    gained = np.bincount(pairs.supporter[chosen], weights=pairs.gain[chosen], minlength=n_people)
    met = np.isin(np.arange(n_needs), [*(need for need, _ in served), *facts.pinned])
    missed = np.append(np.where(met, 0, surplus), best - gained)
    order = np.argsort(missed, kind="stable")
    begin = order[np.cumsum(missed[order]) > 1 / 2]
    some = np.flatnonzero(short <= spare)
    start = n_needs + n_people
    lengths = np.concatenate([short[some], short[some], np.zeros(len(begin))]) + 0.25 / (start + 1)
    need, person = pairs.need[some], n_needs + pairs.supporter[some]
    tail, head = (np.concatenate(ends) for ends in ((need, person, np.full(len(begin), start)), (person, need, begin)))
    graph = csr_array((lengths, (tail, head)), shape=(start + 1, start + 1))
    is_near = np.isfinite(dijkstra(graph, indices=[start], limit=spare + 0.5, min_only=True))
    near = some[is_near[need] & is_near[person]]
    if not len(near):
        return True
    return _searched(facts, surplus, pairs, near, chosen, time_limit_s)


def _short(facts: Facts, pairs: _Gaining) -> Floats:
    """Return, by pair, how much less the best load with it gains than the best load."""
    places, cents = left_of_pins(facts)
    short = np.zeros(len(pairs.need))
    for row, theirs in _by_supporter(pairs):
        gain, asked = pairs.gain[theirs], facts.need["cents"].to_numpy()[pairs.need[theirs]]
        best = _best_load(gain, asked, int(places[row]), cents[row])
        for number, pair in enumerate(theirs.tolist()):
            others = np.arange(len(theirs)) != number
            rest = _best_load(gain[others], asked[others], int(places[row]) - 1, cents[row] - asked[number])
            short[pair] = max(best - gain[number] - rest, 0.0) if places[row] > 0 else math.inf
    return short


def _searched(
    facts: Facts, surplus: Floats, pairs: _Gaining, near: Rows, chosen: NDArray[np.bool_], time_limit_s: float
) -> bool | None:
    """Whether no choice of near pairs gains more than the plan's own; None where time ran out."""
    places, cents = left_of_pins(facts)
    needs, of_need = np.unique(pairs.need[near], return_inverse=True)
    people, of_person = np.unique(pairs.supporter[near], return_inverse=True)
    column = np.arange(len(near))
    limited = np.isfinite(cents[people])
    asked = np.where(limited[of_person], facts.need["cents"].to_numpy()[pairs.need[near]], 0).astype(float)
    rows = vstack(
        [
            csr_array((np.ones(len(near)), (of_need, column)), shape=(len(needs), len(near))),
            csr_array((np.ones(len(near)), (of_person, column)), shape=(len(people), len(near))),
            csr_array((asked, (of_person, column)), shape=(len(people), len(near))),
        ]
    )
    limits = np.concatenate([np.ones(len(needs)), places[people], np.where(limited, cents[people], 0)])
    # A need that is left out loses its surplus.
    gain = pairs.gain[near] + surplus[pairs.need[near]]
    result = scipy.optimize.milp(
        -gain,
        constraints=scipy.optimize.LinearConstraint(rows, -np.inf, limits),
        integrality=np.ones(len(near), dtype=np.int64),
        bounds=scipy.optimize.Bounds(0, 1),
        options={"mip_rel_gap": 0, "time_limit": time_limit_s},
    )
    # The plan's own choice is there to be found: an answer that gains less proves nothing.
    found, own = gain[result.x > 1 / 2].sum() if result.success else -np.inf, gain[chosen[near]].sum()
    return bool(found < own + 1 / 2) if found > own - 1 / 2 else None
