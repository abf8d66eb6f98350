"""The plan as people have changed it since it was made, written and measured as any plan is.

It says what its rows hold, and beside that what the best plan under the same decisions would reach. Who decided what is
the business of `state`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from matching.allocation import solve
from matching.errors import DataError, Problem, counted
from matching.inputs.read import Inputs
from matching.pairs.market import Market
from matching.pairs.rules import positions
from matching.plan.outcome import Outcome
from matching.plan.write import Plan, make_plan
from matching.solve.arrays import Positions
from matching.solve.problem import UNMET, Assignment, Reached, as_reached
from matching.whatif.resolve import changed_market, position_of, reached_by, with_pins

Best = tuple[Outcome, Assignment]
"""What `matching.allocation.solve` gives."""

# Where the accepted plan bounds every plan under the decisions, so long is searched for a closer bound, in seconds.
_CLOSER_S = 0.3


@dataclass(frozen=True)
class Accepted:
    """What decisions are made on.

    Attributes
    ----------
    market : Market
        Of the accepted plan.
    bounds : tuple of int
        By level: what no plan of that market exceeds.
    """

    market: Market
    bounds: Reached

    @classmethod
    def of(cls, market: Market, plan: Plan) -> "Accepted":
        """A plan and its market."""
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
    accepted : Accepted, optional
        What was decided on. Where decisions only take from what could be chosen then, or add pins whose worth is known,
        the bounds of that time hold still, and need no search.
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
    held = held_market(market, supporter_of, by_hand)
    outcome = Outcome.of(held, _positions(held, supporter_of))
    if problems := list(_overfull(held, outcome)):
        raise DataError(problems)
    most = accepted and _most_after(accepted, held)
    _, solved = best or solve(held, time_limit_s=min(_CLOSER_S, time_limit_s) if most else time_limit_s)
    bounds = min(solved.bounds, most) if most else solved.bounds
    return make_plan(held, outcome, _measured(held, outcome.supporter_of, replace(solved, bounds=bounds)))


def held_inputs(inputs: Inputs, supporter_of: Mapping[str, str], by_hand: Collection[str]) -> Inputs:
    """The inputs with a pin for everybody put somewhere by hand: those that a live plan is checked against."""
    pins = inputs.decisions[inputs.decisions["kind"] == "pin"]
    pinned = set(zip(pins["need_id"], pins["supporter_id"], strict=True))
    new = {one: supporter_of[one] for one in sorted(by_hand) if one in supporter_of}
    new = {need_id: who for need_id, who in new.items() if (need_id, who) not in pinned}
    return with_pins(inputs, new) if new else inputs


def held_market(market: Market, supporter_of: Mapping[str, str], by_hand: Collection[str]) -> Market:
    """The market of `held_inputs`."""
    inputs = held_inputs(market.inputs, supporter_of, by_hand)
    return market if inputs is market.inputs else changed_market(market, inputs, same_pairs=True)


def _positions(market: Market, supporter_of: Mapping[str, str]) -> Positions:
    inputs = market.inputs
    need_ids, supporter_ids = (pd.Series(list(ids), dtype="object") for ids in (supporter_of, supporter_of.values()))
    need = positions(inputs.needs["need_id"], need_ids)
    supporter = positions(inputs.supporters["supporter_id"], supporter_ids)
    for one in np.flatnonzero((need < 0) | (supporter < 0)).tolist():
        # Says which of the two is unknown, and what it may have been meant for.
        position_of(inputs.needs["need_id"], need_ids[one], "need")
        position_of(inputs.supporters["supporter_id"], supporter_ids[one], "supporter")
    found = np.full(len(inputs.needs), UNMET, dtype=np.intp)
    found[need] = supporter
    return found


def _most_after(accepted: Accepted, held: Market) -> Reached | None:
    """What no plan under the decisions exceeds, as the bounds of the accepted plan say it; None where they do not.

    Notes
    -----
    A plan under the decisions, less its pins that the accepted plan could not have had, is a plan that could have been
    chosen then. So it is worth no more than the bounds of that time and these pins. This fails where something that was
    fixed or barred then is free now, and where rules tie needs together: without the pins a package is not whole.
    """
    before, now = accepted.market.rulebook, held.rulebook
    one, other = before.inputs, now.inputs
    is_same = one.needs is other.needs and one.schools is other.schools and one.baseline is other.baseline
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
    offers_more = (now.places > before.places) | (now.days_offered > before.days_offered)
    beyond = offers_more[supporter] | ~before.eligible(need, supporter)
    need, supporter = need[beyond], supporter[beyond]
    added = np.full(len(now.need_school), UNMET, dtype=np.intp)
    added[need] = supporter
    places, days = Outcome(added, np.empty(0, dtype=object)).used(held)
    # Beside these pins, whoever offers more now must have no more left than they offered then.
    more_left = (now.places - places > before.places) | (now.days_offered - days > before.days_offered)
    if (more_left & offers_more).any():
        return None
    return as_reached(np.array(accepted.bounds) + np.array(reached_by(held, added)))


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
    proves = values == bounds
    # Whatever proves it: it is then best in each connected part, and the prices of a part are those of its best plans.
    price_milli = best.price_milli if proves else np.full(len(best.price_milli), np.nan)
    # What people changed was not searched: how the search for its bound ended says nothing of the plan.
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
