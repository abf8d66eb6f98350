"""The live plan: the accepted plan with the decisions made since, written and measured like any plan.

Its bounds are those of the best plan under the same decisions.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from matching.allocation import solve
from matching.errors import DataError, Problem, counted
from matching.inputs.inputs import Inputs
from matching.pairs.market import Market
from matching.pairs.rules import positions
from matching.plan.outcome import Outcome
from matching.plan.write import Plan, make_plan
from matching.rounds.history.state import RoundState
from matching.solve.problem import UNMET, Assignment, Positions, Reached, as_reached
from matching.whatif.resolve import changed_market, position_of, reached_by, with_pins

Best = tuple[Outcome, Assignment]
"""What `matching.allocation.solve` returns."""

# How long to search for a closer bound if the accepted plan's bounds hold under the decisions too, in seconds.
_CLOSER_S = 0.3


@dataclass(frozen=True)
class Accepted:
    """The accepted plan, on which decisions are made.

    Attributes
    ----------
    market : Market
        Of that plan.
    bounds : tuple of int
        By level: the upper bounds of all plans of that market.
    """

    market: Market
    bounds: Reached

    @classmethod
    def of(cls, market: Market, plan: Plan) -> "Accepted":
        """Return a plan's market and bounds."""
        *counts, score = (level["bound"] for level in plan.manifest["objective"])
        return cls(market, as_reached([*counts, round(1000 * score)]))


def live_plan(
    market: Market,
    supporter_of: Mapping[str, str],
    *,
    by_hand: Collection[str] = (),
    best: Best | None = None,
    accepted: Accepted | None = None,
    time_limit_s: float = 5.0,
) -> Plan:
    """Return a plan of the deployments as they are now.

    Parameters
    ----------
    market : Market
        Over inputs with the decisions.
    supporter_of : mapping of str to str
        The supporter_id by need_id; all other needs are unmet.
    by_hand : collection of str
        The need_ids whose supporter a person placed: each is kept like a pin, whether or not it is in the decisions.
        Such a need without a supporter was left open by a person.
    best : tuple of Outcome and Assignment, optional
        What `solve` returns for the inputs of `held_inputs`, if already solved.
    accepted : Accepted, optional
        If the decisions since only remove choices or add pins of known value, its bounds still hold and need no search.
    time_limit_s : float
        How long to search for the best plan where days bind, in seconds.

    Returns
    -------
    Plan
        The value of a level is that of its rows; its bound is that of the best plan under the same decisions, or the
        value if that is higher, as it can be if an earlier level is worse. It has prices if it equals a proved optimum.

    Raises
    ------
    DataError
        A need or a supporter is not in the inputs, or a supporter has more than they offer.
    """
    held = held_market(market, supporter_of, by_hand)
    outcome = Outcome.of(held, _positions(held, supporter_of))
    if problems := list(_overfull(held, outcome)):
        raise DataError(problems)
    most = accepted and _most_after(accepted, held)
    _, solved = best or solve(held, time_limit_s=min(_CLOSER_S, time_limit_s) if most else time_limit_s)
    bounds = min(solved.bounds, most) if most else solved.bounds
    return make_plan(held, outcome, _measured(held, outcome.supporter_of, replace(solved, bounds=bounds)))


def with_statuses(plan: Plan, state: RoundState) -> Plan:
    """Return a plan with the status of each deployment as the round knows it."""
    rows = plan.deployments
    pairs = zip(rows["need_id"], rows["supporter_id"], strict=True)
    return replace(plan, deployments=rows.assign(status=[state.status_of(*pair) for pair in pairs]))


def held_inputs(inputs: Inputs, supporter_of: Mapping[str, str], by_hand: Collection[str]) -> Inputs:
    """Return the inputs with a pin for each placement by hand: those that a live plan is checked against."""
    pins = inputs.decisions[inputs.decisions["kind"] == "pin"]
    pinned = set(zip(pins["need_id"], pins["supporter_id"], strict=True))
    new = {one: supporter_of[one] for one in sorted(by_hand) if one in supporter_of}
    new = {need_id: who for need_id, who in new.items() if (need_id, who) not in pinned}
    return with_pins(inputs, new) if new else inputs


def held_market(market: Market, supporter_of: Mapping[str, str], by_hand: Collection[str]) -> Market:
    """Return the market of `held_inputs`."""
    inputs = held_inputs(market.inputs, supporter_of, by_hand)
    return market if inputs is market.inputs else changed_market(market, inputs, same_pairs=True)


def _positions(market: Market, supporter_of: Mapping[str, str]) -> Positions:
    inputs = market.inputs
    need_ids, supporter_ids = (pd.Series(list(ids), dtype="object") for ids in (supporter_of, supporter_of.values()))
    need = positions(inputs.needs["need_id"], need_ids)
    supporter = positions(inputs.supporters["supporter_id"], supporter_ids)
    for one in np.flatnonzero((need < 0) | (supporter < 0)).tolist():
        # Raises a problem that names the unknown one and similar identifiers.
        position_of(inputs.needs["need_id"], need_ids[one], "need")
        position_of(inputs.supporters["supporter_id"], supporter_ids[one], "supporter")
    found = np.full(len(inputs.needs), UNMET, dtype=np.intp)
    found[need] = supporter
    return found


def _most_after(accepted: Accepted, held: Market) -> Reached | None:
    """Return the accepted plan's bounds carried over to all plans under the decisions; None if they do not hold.

    Notes
    -----
    A plan under the decisions, without the pins that were impossible when the plan was accepted, is a plan of the
    accepted plan's market. So its value is at most those bounds plus the value of these pins. This does not hold if a
    pin or bar of that time is gone, or with side constraints: without the pins a package is not complete.
    """
    before, now = accepted.market.rulebook, held.rulebook
    one, other = before.inputs, now.inputs
    is_same = all(getattr(one, name) is getattr(other, name) for name in ("schools", "supporters", "needs", "baseline"))
    if not (is_same and one.policy == other.policy and np.array_equal(before.accredited, now.accredited)):
        return None
    pinned, held_there = before.decided["pin"], now.decided["pin"]
    barred, barred_now = (np.union1d(book.decided["forbid"], book.decided["declined"]) for book in (before, now))
    is_free_again = len(np.setdiff1d(pinned, held_there)) or len(
        np.setdiff1d(barred, np.union1d(barred_now, held_there))
    )
    new = np.setdiff1d(held_there, pinned)
    if is_free_again or (before.has_side_constraints and len(new)):
        return None
    need, supporter = np.divmod(new, max(len(one.supporters), 1))
    places, days = now.used_by_pins
    # Who is beyond their places or days has nothing left, and so without the new pins has no more than they offer.
    overfull = (places > now.places) | (days > now.days_offered)
    impossible = overfull[supporter] | ~before.eligible(need, supporter)
    added = np.full(len(now.need_school), UNMET, dtype=np.intp)
    added[need[impossible]] = supporter[impossible]
    return as_reached(np.array(accepted.bounds) + np.array(reached_by(held, added)))


def _overfull(market: Market, outcome: Outcome) -> Iterator[Problem]:
    deployments, days = outcome.used(market)
    rulebook = market.rulebook
    # Pins may take more than the supporter has.
    places_of_pins, days_of_pins = rulebook.used_by_pins
    over = (deployments > np.maximum(rulebook.places, places_of_pins)) | (
        days > np.maximum(rulebook.days_offered, days_of_pins)
    )
    fix = "Place another supporter at one of them, or change what this one offers."
    for supporter in np.flatnonzero(over).tolist():
        who, places = market.supporters[supporter]["supporter_id"], int(rulebook.places[supporter])
        if deployments[supporter] > places:
            message = f"{who} has {counted(int(deployments[supporter]), 'need')} and offers {counted(places, 'place')}."
        else:
            offered = rulebook.days_offered[supporter] / 100
            message = f"{who} has needs of {days[supporter] / 100:g} days in all and offers {offered:g}."
        yield Problem("plan", None, "supporter_id", who, message, fix)


def _measured(market: Market, supporter_of: Positions, best: Assignment) -> Assignment:
    """Return the assignment with its own values and the bounds of the best plan."""
    values = reached_by(market, supporter_of)
    bounds = as_reached(np.maximum(values, best.bounds))
    proves = values == bounds
    # Equal to a proved optimum, it is optimal in each component, and any optimum of a component has its prices.
    price_milli = best.price_milli if proves else np.full(len(best.price_milli), np.nan)
    # A plan changed by hand was not searched for, so how the search for its bound ended does not describe it.
    ended = best.ended if not proves and np.array_equal(supporter_of, best.supporter_of) else ""
    return replace(
        best,
        supporter_of=supporter_of,
        values=values,
        bounds=bounds,
        price_milli=price_milli,
        surplus_milli=best.surplus_milli if proves else None,
        ended=ended,
    )
