"""The plan as people have changed it since it was made, written and measured as any plan is.

It says what its rows hold, and beside that what the best plan under the same decisions would reach. Who decided what is
the business of `desk`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from matching.allocation import solve
from matching.errors import DataError, Problem, counted
from matching.inputs import Inputs
from matching.market import Market
from matching.plan import Plan, make_plan
from matching.reasons import UNMET, Outcome
from matching.resolve import changed_market, position_of, reached_by, with_pin, written
from matching.rules import Positions
from matching.task import Assignment, as_reached

Best = tuple[Outcome, Assignment]
"""What `matching.allocation.solve` gives."""


def live_plan(
    market: Market,
    supporter_of: Mapping[str, str],
    *,
    by_hand: Collection[str] = (),
    best: Best | None = None,
    time_limit_s: float = 5.0,
) -> Plan:
    """Write down who serves which need now.

    Parameters
    ----------
    market : Market
        Over inputs that hold the decisions.
    supporter_of : mapping of str to str
        By need_id: the supporter_id; needs that are not in it are unmet.
    by_hand : collection of str
        The need_ids whose supporter a person put there: each is held as a pin is, whether or not the decisions table
        has it. Such a need without a supporter was left open by a person.
    best : tuple of Outcome and Assignment, optional
        What `solve` gives for the inputs of `held_inputs`, where the caller has it.
    time_limit_s : float
        How long to search for the best plan where days bind, in seconds.

    Returns
    -------
    Plan
        Its levels' values are what its rows hold; a bound is what the best plan under the same decisions may reach, or
        the value where that is more, as it can be once a level before it is worse. Prices are given where the plan is
        as good as a proved best one.

    Raises
    ------
    DataError
        A need or a supporter is not in the inputs, or somebody has more than they offer.
    """
    inputs = held_inputs(market.inputs, supporter_of, by_hand)
    held = market if inputs is market.inputs else changed_market(market, inputs, same_pairs=True)
    outcome = written(held, _positions(held, supporter_of))
    if problems := list(_overfull(held, outcome)):
        raise DataError(problems)
    _, solved = best or solve(held, time_limit_s=time_limit_s)
    return make_plan(held, outcome, _measured(held, outcome.supporter_of, solved))


def held_inputs(inputs: Inputs, supporter_of: Mapping[str, str], by_hand: Collection[str]) -> Inputs:
    """The inputs with a pin for everybody put somewhere by hand: those that a live plan is checked against."""
    decisions = inputs.decisions
    pins = decisions[decisions["kind"] == "pin"]
    pinned = set(zip(pins["need_id"], pins["supporter_id"], strict=True))
    for need_id in sorted(by_hand):
        if need_id in supporter_of and (need_id, supporter_of[need_id]) not in pinned:
            inputs = with_pin(inputs, need_id, supporter_of[need_id])
    return inputs


def _positions(market: Market, supporter_of: Mapping[str, str]) -> Positions:
    found = np.full(len(market.inputs.needs), UNMET, dtype=np.intp)
    for need_id, supporter_id in supporter_of.items():
        need = position_of(market.inputs.needs["need_id"], need_id, "need")
        found[need] = position_of(market.inputs.supporters["supporter_id"], supporter_id, "supporter")
    return found


def _overfull(market: Market, outcome: Outcome) -> Iterator[Problem]:
    deployments, days = outcome.used(market)
    rulebook = market.rulebook
    over = (deployments > rulebook.places) | (days > rulebook.days_offered)
    fix = "Take somebody else for one of them, or change what the supporter offers."
    for supporter in np.flatnonzero(over).tolist():
        who, places = market.supporters[supporter]["supporter_id"], int(rulebook.places[supporter])
        if deployments[supporter] > places:
            message = f"{who} has {counted(int(deployments[supporter]), 'need')} and places for {places:,}."
        else:
            offered = rulebook.days_offered[supporter] / 100
            message = f"{who} has needs of {days[supporter] / 100:g} days together and offers {offered:g}."
        yield Problem("plan", None, "supporter_id", who, message, fix)


def _measured(market: Market, supporter_of: Positions, best: Assignment) -> Assignment:
    """The rows' own values against what the best plan may reach."""
    values = reached_by(market, supporter_of)
    bounds = as_reached(np.maximum(values, best.bounds))
    proves = values == best.values == best.bounds
    price_milli = best.price_milli if proves else np.full(len(best.price_milli), np.nan)
    return replace(best, supporter_of=supporter_of, values=values, bounds=bounds, price_milli=price_milli)
