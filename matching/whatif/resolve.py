"""Solve again after one small change, and only what the change can affect.

Components of the graph that the change does not touch keep their deployments. In a large component in which days bind,
only the needs near the change may move at first, so that there is a good answer however little time is left to prove
one.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.allocation import solve
from matching.errors import DataError, Problem, did_you_mean, shown
from matching.inputs.inputs import Inputs
from matching.pairs.eligible import Pairs
from matching.pairs.market import Market
from matching.pairs.rules import Rulebook, positions
from matching.plan.compare import CHANGE_COLUMNS
from matching.plan.write import Plan
from matching.solve.problem import NEVER, UNMET, Positions, Reached, as_reached, best_of_each_need, connected
from matching.tables.grid import rounded_km

_NO_BOUNDS: Reached = (NEVER, NEVER, NEVER, NEVER)


@dataclass(frozen=True)
class Answer:
    """The outcome of solving again.

    Attributes
    ----------
    supporter_of : ndarray of intp
        By need: the supporter, or `UNMET`.
    reached : tuple of int
        By level: needs met, and the last in thousandths.
    bounds : tuple of int
        By level: what no outcome exceeds that is as good in the levels before.
    """

    supporter_of: Positions
    reached: Reached
    bounds: Reached

    @property
    def proved(self) -> bool:
        """Whether no other outcome is better."""
        return self.reached == self.bounds

    @property
    def needs_proved(self) -> bool:
        """Whether no other outcome meets more needs."""
        return self.reached[:-1] == self.bounds[:-1]

    @property
    def score_gap(self) -> float:
        """By how many points another outcome could score higher that meets as many needs at each level."""
        return (self.bounds[-1] - self.reached[-1]) / 1000


def changed_market(market: Market, inputs: Inputs, *, same_pairs: bool = False) -> Market:
    """Return the market after a change of its inputs.

    Parameters
    ----------
    inputs : Inputs
        With the same schools and evidence, so that the verdicts are the same.
    same_pairs : bool
        Whether no eligible pair changes, as with a pin.
    """
    rulebook = Rulebook(inputs, market.rulebook.accredited)
    if same_pairs:
        return replace(market, inputs=inputs, rulebook=rulebook, only=market.pairs)
    before, now = (np.union1d(one.decided["forbid"], one.decided["declined"]) for one in (market.rulebook, rulebook))
    if _differ_in_decisions(market.inputs, inputs) and not len(np.setdiff1d(before, now)):
        code = market.pairs.need * len(inputs.supporters) + market.pairs.supporter
        only = _some(market.pairs, ~np.isin(code, now))
        return replace(market, inputs=inputs, rulebook=rulebook, only=only)
    return replace(market, inputs=inputs, rulebook=rulebook, only=None)


def _differ_in_decisions(one: Inputs, other: Inputs) -> bool:
    """Return whether nothing but the decisions, and the notes on files, could differ."""
    tables = ("schools", "supporters", "needs")
    same_tables = all(getattr(one, name) is getattr(other, name) for name in tables)
    return same_tables and one.policy == other.policy and one.vocabulary is other.vocabulary


def without_need(market: Market, need: int) -> Market:
    """Return the market in which no one is eligible for one need."""
    return replace(market, only=_some(market.pairs, market.pairs.need != need))


def with_pins(inputs: Inputs, supporter_of: Mapping[str, str]) -> Inputs:
    """Return the inputs with more pins, which replace earlier pins of these needs and any decision on these pairs.

    Parameters
    ----------
    supporter_of : mapping of str to str
        By need_id: the supporter_id to pin.
    """
    decisions = inputs.decisions
    pinned = decisions["need_id"].map(supporter_of)
    replaced = pinned.notna() & ((decisions["kind"] == "pin") | (decisions["supporter_id"] == pinned))
    rows = pd.DataFrame({"need_id": [*supporter_of], "supporter_id": [*supporter_of.values()]}, dtype="object")
    rows = rows.assign(row=0, kind="pin").reindex(columns=decisions.columns, fill_value="")
    rows["rules_broken"] = [()] * len(rows)
    together = pd.concat([decisions[~replaced].astype("object"), rows.astype("object")], ignore_index=True)
    return replace(inputs, decisions=together)


def outcome_of(market: Market, plan: Plan) -> Positions:
    """Return, by need, its supporter in a plan, or `UNMET`."""
    supporter_of = np.full(len(market.inputs.needs), UNMET, dtype=np.intp)
    need = positions(market.inputs.needs["need_id"], plan.deployments["need_id"])
    supporter = positions(market.inputs.supporters["supporter_id"], plan.deployments["supporter_id"])
    supporter_of[need[need >= 0]] = supporter[need >= 0]
    return supporter_of


def reached_by(market: Market, supporter_of: Positions, needs: Positions | None = None) -> Reached:
    """Return what an outcome reaches at each level, kept deployments' bonus included; of all needs unless given."""
    met = np.flatnonzero(supporter_of != UNMET) if needs is None else needs[supporter_of[needs] != UNMET]
    counts = np.bincount(market.rulebook.priority_level[met], minlength=3)
    score = int(market.rulebook.fits(met, supporter_of[met]).score_milli.sum())
    kept = np.isin(met * len(market.inputs.supporters) + supporter_of[met], market.rulebook.earlier)
    change_cost_milli = market.inputs.policy.rerun.change_cost_milli
    return as_reached([*counts, score + change_cost_milli * int(kept.sum())])


def solve_again(
    market: Market,
    before: Positions,
    changed: Market,
    *,
    needs: Collection[int] = (),
    supporters: Collection[int] = (),
    time_limit_s: float,
    at_most: Reached | None = None,
) -> Answer:
    """Return the best outcome after a change, with as few changes elsewhere as possible.

    Parameters
    ----------
    before : ndarray of intp
        The outcome before the change.
    changed : Market
        After the change, over the same needs and supporters.
    needs, supporters : collection of int
        What the change touches: every pair, pin, place or day that it changes belongs to one of these.
    at_most : tuple of int, optional
        What no outcome can exceed, where that is known: an outcome that reaches it is proved.

    Notes
    -----
    The proof does not cover components that the change does not touch: there `before` is kept.
    """
    tuning = changed.params.what_if
    deadline = time.monotonic() + time_limit_s
    concerned = _concerned(market, before, changed, needs, supporters)
    part = _part(changed, concerned)
    answers, bounds = [], at_most or _NO_BOUNDS
    if len(part.pairs) > tuning.few_pairs and np.isfinite(changed.rulebook.days_offered).any():
        for size in tuning.needs_around:
            around = _around(part, before, needs, supporters, size)
            if around[part.pairs.need].all():
                break
            outcome, _ = solve(_held(part, before, around), time_limit_s=max(0.0, deadline - time.monotonic()) / 2)
            answers.append(_whole(changed, before, outcome.supporter_of, around))
    if all(reached != bounds for reached, _ in answers):
        outcome, solved = solve(part, time_limit_s=max(0.0, deadline - time.monotonic()))
        found = _whole(changed, before, outcome.supporter_of, concerned)
        # No outcome can exceed the bounds of these components plus what is kept elsewhere.
        bounds = min(bounds, as_reached(np.array(found[0]) + np.array(solved.bounds) - np.array(solved.values)))
        answers.append(found)
    reached, supporter_of = max(answers, key=lambda one: one[0])
    calm = _calmed(changed, before, supporter_of, needs)
    reached = reached_by(changed, calm)
    return Answer(calm, reached, max(bounds, reached))


def _whole(
    changed: Market, before: Positions, of_part: Positions, concerned: NDArray[np.bool_]
) -> tuple[Reached, Positions]:
    supporter_of = np.where(concerned, of_part, before)
    return reached_by(changed, supporter_of), supporter_of


def _some(pairs: Pairs, which: NDArray[np.bool_]) -> Pairs:
    start = np.searchsorted(pairs.need[which], np.arange(len(pairs.start)))
    return Pairs(pairs.need[which], pairs.supporter[which], pairs.score_milli[which], pairs.distance_km[which], start)


def _part(market: Market, concerned: NDArray[np.bool_]) -> Market:
    if concerned.all():
        return market
    return replace(market, only=_some(market.pairs, concerned[market.pairs.need]))


def _concerned(
    market: Market, before: Positions, changed: Market, needs: Collection[int], supporters: Collection[int]
) -> NDArray[np.bool_]:
    """Return, by need, whether a pair, a school or a home school connects it to what the change touches."""
    met = np.flatnonzero(before != UNMET)
    pinned_need, pinned_supporter = changed.rulebook.pins
    need = np.concatenate([market.pairs.need, changed.pairs.need, met, pinned_need])
    supporter = np.concatenate([market.pairs.supporter, changed.pairs.supporter, before[met], pinned_supporter])
    component = _components(changed.rulebook, need, supporter)
    touched = [*needs, *(len(before) + np.asarray(list(supporters), dtype=np.intp))]
    return np.isin(component[: len(before)], component[touched])


def _components(rulebook: Rulebook, need: Positions, supporter: Positions) -> Positions:
    """Return the connected component of each need and then of each supporter; side constraints connect schools."""
    n_needs, n_supporters = len(rulebook.need_school), len(rulebook.home_school)
    tail, head = [need], [n_needs + supporter]
    if rulebook.has_side_constraints:
        at = n_needs + n_supporters
        home = at + len(rulebook.inputs.schools)
        tail += [np.arange(n_needs), n_needs + np.arange(n_supporters)]
        head += [at + rulebook.need_school, home + rulebook.home_school]
    size = n_needs + n_supporters + 2 * len(rulebook.inputs.schools)
    return connected(size, np.concatenate(tail), np.concatenate(head))


def _calmed(changed: Market, before: Positions, after: Positions, needs: Collection[int]) -> Positions:
    """Return the outcome without the changes that are not connected to these needs and gain nothing.

    Changes are connected where they share a person, a school or a home school. Each component of them can be undone by
    itself, because it uses no places but its own.
    """
    moved = np.flatnonzero(before != after)
    was, is_now = before[moved], after[moved]
    need = np.concatenate([moved[was != UNMET], moved[is_now != UNMET]])
    supporter = np.concatenate([was[was != UNMET], is_now[is_now != UNMET]])
    component = _components(changed.rulebook, need, supporter)
    calm = after.copy()
    for one in np.setdiff1d(component[moved], component[list(needs)]):
        group = moved[component[moved] == one]
        if reached_by(changed, before, group) >= reached_by(changed, after, group):
            calm[group] = before[group]
    return calm


def _around(
    part: Market, before: Positions, needs: Collection[int], supporters: Collection[int], size: int
) -> NDArray[np.bool_]:
    """Return, by need, whether it is near a change: at least `size` needs, or all that there are.

    Each step adds the best supporters of the needs so far, what these supporters hold, and the unmet needs that have
    them among their best.
    """
    pairs, school = part.pairs, part.rulebook.need_school
    best = best_of_each_need(pairs.need, pairs.score_milli, part.params.what_if.best_pairs)
    need, supporter = pairs.need[best], pairs.supporter[best]
    around, people = np.zeros(len(before), dtype=bool), np.zeros(len(part.rulebook.places), dtype=bool)
    around[list(needs)], people[list(supporters)] = True, True
    has_pairs = np.zeros(len(before), dtype=bool)
    has_pairs[pairs.need] = True
    reached = -1
    while reached < around.sum() < size:
        reached = int(around.sum())
        people[before[around & (before != UNMET)]] = True
        people[supporter[around[need]]] = True
        around |= (before != UNMET) & people[before]
        around[need[people[supporter] & (before[need] == UNMET)]] = True
        # Side constraints connect the needs of one school.
        around |= np.isin(school, school[around]) & (has_pairs | (before != UNMET))
    return around


def _held(part: Market, before: Positions, free: NDArray[np.bool_]) -> Market:
    """Return the market in which only some needs may move, and every other deployment is pinned."""
    pinned = np.isin(np.arange(len(before)), part.rulebook.pins[0])
    held = np.flatnonzero(~free & ~pinned & (before != UNMET))
    need_ids = part.inputs.needs["need_id"].to_numpy()[held].tolist()
    supporter_ids = part.inputs.supporters["supporter_id"].to_numpy()[before[held]].tolist()
    inputs = with_pins(part.inputs, dict(zip(need_ids, supporter_ids, strict=True)))
    rulebook = Rulebook(inputs, part.rulebook.accredited)
    return replace(part, inputs=inputs, rulebook=rulebook, only=_some(part.pairs, free[part.pairs.need]))


# ---- what differs ---------------------------------------------------------------------------------------------------


def position_of(identifiers: pd.Series, wanted: str, what: str) -> int:
    """Return the position of an identifier among those of the needs or the supporters (`what`: need or supporter).

    Raises
    ------
    DataError
        It is not one of them.
    """
    found = np.flatnonzero((identifiers == wanted).to_numpy())
    if not len(found):
        fix = did_you_mean(wanted, identifiers, f"Look it up in the {what}s table.")
        raise DataError([Problem(what, None, "", wanted, f"{shown(wanted)} is not a {what} of this plan.", fix)])
    return int(found[0])


def position_of_need(inputs: Inputs, need_id: str) -> int:
    """Return the position of a need.

    Raises
    ------
    DataError
        It is not in the inputs, or it is not open.
    """
    if state := inputs.state_of(need_id):
        message = f"{need_id} is {state}, so that no one is assigned to it."
        raise DataError([Problem("need", None, "", need_id, message, "Set its state to open first.")])
    return position_of(inputs.needs["need_id"], need_id, "need")


def changes_between(market: Market, before: Positions, after: Positions, first: Sequence[int] = ()) -> pd.DataFrame:
    """Return `CHANGE_COLUMNS`, all text, one row for each need that two outcomes serve differently.

    In chains: after a need comes the one that its new supporter leaves, and so on; the needs `first` begin the chains.
    """
    moved = np.flatnonzero(before != after).tolist()
    rows = [
        _change(market, need, int(before[need]), int(after[need])) for need in _in_chains(moved, before, after, first)
    ]
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS), dtype="object")


def _in_chains(moved: Sequence[int], before: Positions, after: Positions, first: Sequence[int]) -> list[int]:
    """Return the needs that change, in chains: after a need come those that its new supporter leaves."""
    left_by: dict[int, list[int]] = {}
    for need in moved:
        left_by.setdefault(int(before[need]), []).append(need)
    ordered: dict[int, None] = {}
    waiting = [*(need for need in first if need in set(moved)), *moved][::-1]
    while waiting:
        need = waiting.pop()
        if need not in ordered:
            ordered[need] = None
            who = int(after[need])
            waiting += left_by.get(who, [])[::-1] if who != UNMET else []
    return list(ordered)


def _change(market: Market, need: int, before: int, after: int) -> tuple[str, ...]:
    row = market.needs[need]
    kind = "gained" if before == UNMET else "lost" if after == UNMET else "moved"
    about = (row["need_id"], row["school_urn"], market.school_of(need)["name"], row["focus"], row["priority"])
    return (*about, kind, *_side(market, need, before), *_side(market, need, after))


def _side(market: Market, need: int, supporter: int) -> tuple[str, str, str, str]:
    if supporter == UNMET:
        return "", "", "", ""
    fits = market.rulebook.fits(np.array([need]), np.array([supporter]))
    who = market.supporters[supporter]
    return (
        who["supporter_id"],
        who["name"],
        f"{fits.score_milli[0] / 1000:.3f}",
        f"{rounded_km(fits.distance_km)[0]:.2f}",
    )
