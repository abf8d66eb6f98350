"""An independent proof where days bind around some people: what needs are worth, and everybody's best load."""

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from matching.check import worth_milli
from matching.facts import Facts, blocks, left_of_pins
from matching.inputs import Inputs
from matching.plan import Plan

# Sums of so many decimals are as exact as this, in thousandths; prices are told to one thousandth.
_FLOAT_MILLI, _PRICE_MILLI = 1e-3, 0.6

Floats = NDArray[np.float64]


def check_loads(plan: Plan, inputs: Inputs, facts: Facts, bonus: int) -> tuple[list[str], list[str]]:
    """Check such a proof over every eligible pair.

    Returns
    -------
    faults, findings : list of str

    Notes
    -----
    Whatever each need is said to be worth beyond whoever meets it, no plan is worth more than all of that together and
    what everybody's best load gains then, within places and days (Lagrangean relaxation; Fisher, Management Science 27,
    1981). The bonuses alone, in whole numbers, are bounded by places: where no plan has more of them, none is better in
    any level of needs, because with places only the needs that can be met together form a matroid.
    """
    surplus, faults = _surpluses(plan, facts)
    if faults:
        return faults, []
    level = facts.need["level"].to_numpy()
    # A need's worth in bonuses, and the most bonuses that somebody could bring beyond that with one place.
    bonuses, beyond = np.floor(surplus / bonus + 0.5), np.zeros(len(facts.supporter))
    count, most = 0, 1000
    found: list[tuple[np.ndarray, np.ndarray, Floats]] = []
    for rows, eligible, value in blocks(inputs, facts):
        count += int(eligible.sum())
        most = max(most, int(np.where(eligible, value, 0).max(initial=0)))
        urgency = 3 - level[rows, np.newaxis]
        beyond = np.maximum(beyond, np.where(eligible, urgency - bonuses[rows, np.newaxis], 0).max(axis=0, initial=0))
        gain = bonus * urgency + value - surplus[rows, np.newaxis]
        need, supporter = np.nonzero(eligible & (gain > 0))
        found.append((rows.start + need, supporter, gain[need, supporter]))
    need, supporter, gain = (np.concatenate(column) for column in zip(*found, strict=True))
    if most * len(facts.need) + 1 != bonus:
        faults.append("manifest.json: the bonus is not the one that just keeps the levels apart.")
    faults += _wrong_prices(plan, facts, supporter, gain)
    worth = worth_milli(plan, facts, inputs, bonus, np.zeros(len(level), dtype=bool))
    if bonuses.sum() + (left_of_pins(facts)[0] * beyond).sum() > worth // bonus:
        faults.append("surplus.csv: what needs are worth leaves room for more needs, or for more urgent ones.")
    gains = _best_gains(facts, need, supporter, gain)
    allowed, score = math.floor(surplus.sum() + gains.sum() + _FLOAT_MILLI), plan.manifest["objective"][-1]
    told = f"the plan is worth {worth / 1000:,.3f}, and they allow {allowed / 1000:,.3f}"
    if allowed - worth > round(1000 * (score["bound"] - score["value"])):
        faults.append(f"surplus.csv: what needs are worth and the best loads do not prove the bounds: {told}.")
    pairs = f"over all {count:,} eligible pairs"
    return faults, [f"What needs are worth and everybody's best load prove it {pairs}: {told}."]


def _surpluses(plan: Plan, facts: Facts) -> tuple[Floats, list[str]]:
    """What each need is said to be worth beyond whoever meets it, in thousandths, and what is wrong with that."""
    surplus = np.zeros(len(facts.need))
    if plan.surplus is None or plan.surplus["need_id"].tolist() != list(facts.need_row):
        return surplus, ["surplus.csv does not hold every need once, in order."]
    faults = []
    for row, (need_id, text) in enumerate(plan.surplus.itertuples(index=False)):
        if text == "" and row in facts.pinned:
            continue
        if row in facts.pinned or not re.fullmatch(r"[0-9]+\.[0-9]{3,9}", text):
            faults.append(f"surplus.csv {need_id}: '{text}' is not what a need can be worth, in score points.")
        else:
            surplus[row] = 1000 * float(text)
    return surplus, faults


def _wrong_prices(plan: Plan, facts: Facts, supporter: np.ndarray, gain: Floats) -> Iterator[str]:
    """Prices of people who could gain more by a need, or who have a place to spare that would be worth so much."""
    most, places = np.zeros(len(facts.supporter)), left_of_pins(facts)[0]
    np.maximum.at(most, supporter, gain)
    pinned = set(facts.pinned)
    held = [
        facts.supporter_row[one]
        for need_id, one in plan.deployments[["need_id", "supporter_id"]].itertuples(index=False)
        if facts.need_row[need_id] not in pinned
    ]
    spare = places - np.bincount(held, minlength=len(places))
    for supporter_id, text in plan.workload[["supporter_id", "price"]].itertuples(index=False):
        if not text:
            continue
        row = facts.supporter_row[supporter_id]
        price = 1000 * float(text) if re.fullmatch(r"[0-9]+\.[0-9]{3}", text) else -1.0
        if price < 0 or most[row] > price + _PRICE_MILLI or (price > 0 and spare[row] > 0):
            yield f"workload.csv {supporter_id}: the price '{text}' is not what one more place would be worth."


def _best_gains(facts: Facts, need: np.ndarray, supporter: np.ndarray, gain: Floats) -> Floats:
    """By supporter: what the best load gains, given the pairs that gain anything."""
    places, cents = left_of_pins(facts)
    asked = facts.need["cents"].to_numpy()[need]
    order = np.lexsort((need, -gain, supporter))
    first = np.searchsorted(supporter[order], np.arange(len(places) + 1))
    best = np.zeros(len(places))
    for row in np.flatnonzero(np.diff(first)).tolist():
        theirs = order[first[row] : first[row + 1]]
        best[row] = gain[theirs[: places[row]]].sum()
        if asked[theirs[: places[row]]].sum() > cents[row]:
            best[row] = _best_load(gain[theirs].tolist(), asked[theirs].tolist(), int(places[row]), cents[row])
    return best


def _best_load(gain: list[float], asked: list[int], places: int, cents: float) -> float:
    """What the best needs gain together that fit so many places and days."""
    best = {(0, 0): 0.0}
    for one, days in zip(gain, asked, strict=True):
        for (taken, used), total in list(best.items()):
            after = taken + 1, used + days
            if after[0] <= places and after[1] <= cents and total + one > best.get(after, -1.0):
                best[after] = total + one
    return max(best.values())
